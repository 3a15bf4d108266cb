"""Programs that serve an attacker, told by what they are called: by their file, or a link that leads to it.

A name is all there is to go by: a program that was given another one is not seen, nor are the many faces of a
`busybox` without its links. So these are counts of what is offered, not a proof that there is nothing else.
"""

import re
from collections.abc import Mapping

from witchery.compose.shell import SHELLS

_NAMES = {
    "shell": " ".join((*SHELLS, "csh", "elvish", "nu", "pwsh", "rbash", "tcsh", "toybox", "xonsh")),
    "package-manager": (
        "apk apt apt-get aptitude dpkg yum dnf microdnf rpm zypper pacman opkg xbps-install"
        " emerge nix nix-env brew snap flatpak npm npx yarn pnpm corepack pip pip2 pip3 pipx uv"
        " poetry conda mamba gem bundle bundler composer luarocks cpan cpanm"
    ),
    "compiler": (
        "cc gcc g++ c++ cpp clang clang++ tcc ld ld.bfd ld.gold ld.lld as make gmake cmake ninja"
        " go rustc cargo javac ghc ocamlopt gfortran zig gdb lldb strace ltrace"
    ),
    "privilege-tool": ("su sudo sudoedit doas pkexec newgrp runuser sg su-exec gosu nsenter bbsuid"),
    "interpreter": (
        "node nodejs deno bun php luajit tclsh wish guile java dotnet julia erl elixir iex awk"
        " gawk mawk nawk expect Rscript qjs mujs"
    ),
    "network-client": (
        "wget curl nc ncat netcat socat telnet ftp tftp ftpget ftpput lftp ssh scp sftp rsync"
        " ssl_client openssl nslookup dig host drill ping ping6 traceroute traceroute6 nmap"
        " tcpdump aria2c http lynx w3m links elinks git svn hg dbclient whois sendmail"
    ),
    "network-server": (
        "sshd dropbear telnetd ftpd tftpd vsftpd proftpd httpd nginx apache2 lighttpd caddy"
        " haproxy envoy traefik varnishd squid inetd xinetd smbd nmbd named dnsmasq unbound"
        " postfix exim dovecot ntpd chronyd openntpd redis-server valkey-server postgres mysqld"
        " mariadbd mongod memcached slapd snmpd dhcpd udhcpd php-fpm"
    ),
}
_PATTERNS = {
    "interpreter": r"python[23]?(?:\.\d+)?|pypy[23]?(?:\.\d+)?|perl(?:5[\d.]*)?|ruby(?:\d[\d.]*)?|php\d{1,2}"
    r"|lua(?:5\.\d)?|tclsh\d[\d.]*|guile-?\d[\d.]*",
    "package-manager": r"pip\d(?:\.\d+)?",
    "compiler": r"(?:[a-z0-9_]+-)+(?:gcc|g\+\+|c\+\+|cc|clang|ld)(?:-\d[\d.]*)?|clang-\d+|gcc-\d+",
    "network-server": r"php-fpm\d{1,2}",
}
KINDS: Mapping[str, frozenset[str]] = {kind: frozenset(names.split()) for kind, names in _NAMES.items()}
"""The names by the rule that speaks of them."""
_EXPRESSIONS = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}


def kind_of(name: str) -> str:
    """The rule that speaks of programs of this name, or an empty string."""
    for kind, names in KINDS.items():
        expression = _EXPRESSIONS.get(kind)
        if name in names or (expression is not None and expression.fullmatch(name)):
            return kind
    return ""
