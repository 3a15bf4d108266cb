"""Go, Rust, Java, .NET, Ruby, PHP, Perl, shells and static files, a module each."""
