"""Known vulnerabilities: what Alpine and others have published about them, and which packages it is about."""
