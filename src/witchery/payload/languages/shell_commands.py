"""The commands of a script that no shell has itself: candidates for packages, never more.

This is no shell. Only words at the place of a command count that stand there as they are, without quotes or
expansion; quoted substitutions and here-documents are passed over, and what cannot be told apart ends the
reading. The grammar is that of POSIX.1-2017, XCU 2, with the words that Bash adds.
"""

import re

MAX_SCRIPT = 1 << 16
"""How much of a script is read, in characters."""

_MAX_LIST = 2_000
_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t\r]|\\\n)++)
      | (?P<comment>\#[^\n]*+)
      | (?P<skipped>\(\((?:[^)]|\)(?!\))){0,200}+\)\) | \[\[\ [^\n]{0,200}?\]\])
      | (?P<here><<-?[ \t]*+['"\\]?(?P<end>[A-Za-z_][A-Za-z0-9_]*+)['"]?)
      | (?P<redirect>[0-9]?(?:<<<|>>|>&|<&|&>>?|<>|>\||[<>]))
      | (?P<function>\([ \t]*+\))
      | (?P<operator>;;&?|;&|&&|\|\||\|&|[;&|()\n])
      | (?P<word>(?:[^\s\\'"$`|&;()<>]|\\.|'[^']*+'|"(?:[^"\\]|\\.)*+"|`[^`]*+`
                   |\$\{[^}]*+\}|\$\(\((?:[^)]|\)(?!\))){0,200}+\)\)|\$[A-Za-z0-9_@*\#?$!-])++)
      | (?P<substitution>\$(?=\())""",
    re.VERBOSE | re.DOTALL,
)
_CASE_ENDS = frozenset({";;", ";&", ";;&"})
_BEFORE = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time"})
"""Words after which another command stands."""
_RUNS = frozenset({"exec", "command", "nohup", "sudo", "doas"})
"""Commands whose first argument is one."""
_KEYWORDS = frozenset({"case", "esac", "for", "select", "in", "fi", "done", "}", "function", "coproc"})
_NAME = re.compile(r"(?![0-9.]+$)[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^]]*\])?\+?=")
_BUILTINS = frozenset(
    """alias autoload bg bind break builtin caller cd chdir command compgen complete compopt continue
    declare dirs disown echo emulate enable eval exec exit export false fc fg getopts hash help history
    jobs kill let local logout mapfile popd print printf pushd pwd read readarray readonly return set
    setopt shift shopt source suspend test times trap true type typeset ulimit umask unalias unset
    unsetopt wait whence zmodload""".split()  # noqa: SIM905 - words are read more easily than quoted
)
_APPLETS = frozenset(
    """acpid add-shell addgroup adduser adjtimex arch arp arping ash awk base64 basename bbconfig bc
    beep blkdiscard blkid blockdev brctl bunzip2 bzcat bzip2 cal cat chattr chgrp chmod chown chpasswd
    chroot chvt cksum clear cmp comm cp cpio crond crontab cryptpw cut date dc dd deallocvt delgroup
    deluser depmod df diff dirname dmesg dnsdomainname dos2unix du dumpkmap echo egrep eject env
    ether-wake expand expr factor fallocate false fatattr fbset fbsplash fdflush fdisk fgrep find findfs
    flock fold free fsck fstrim fsync fuser getopt getty grep groups gunzip gzip halt hd head hexdump
    hostid hostname hwclock id ifconfig ifdown ifenslave ifup init inotifyd insmod install ionice iostat
    ip ipaddr ipcalc ipcrm ipcs iplink ipneigh iproute iprule iptunnel kbd_mode kill killall killall5
    klogd last less link linux32 linux64 ln loadfont loadkmap logger login logread losetup ls lsattr
    lsmod lsof lsusb lzcat lzma lzop lzopcat makemime md5sum mdev mesg microcom mkdir mkdosfs mkfifo
    mkfs.vfat mknod mkpasswd mkswap mktemp modinfo modprobe more mount mountpoint mpstat mv nameif
    nanddump nandwrite nbd-client nc netstat nice nl nmeter nohup nologin nproc nsenter nslookup ntpd od
    openvt partprobe passwd paste pgrep pidof ping ping6 pipe_progress pivot_root pkill pmap poweroff
    printenv printf ps pscan pstree pwd pwdx raidautorun rdate rdev readahead readlink realpath reboot
    reformime remove-shell renice reset resize rev rfkill rm rmdir rmmod route run-parts sed sendmail
    seq setconsole setfont setkeycodes setlogcons setpriv setserial setsid sh sha1sum sha256sum sha3sum
    sha512sum showkey shred shuf slattach sleep sort split stat strings stty su sum swapoff swapon
    switch_root sync sysctl syslogd tac tail tar tee test time timeout top touch tr traceroute
    traceroute6 tree true truncate tty ttysize tunctl udhcpc udhcpc6 umount uname unexpand uniq unix2dos
    unlink unlzma unlzop unshare unxz unzip uptime usleep uudecode uuencode vconfig vi vlock volname
    watch watchdog wc wget which who whoami whois xargs xxd xzcat yes zcat zcip""".split()  # noqa: SIM905 - words are read more easily than quoted
)
"""What Alpine's BusyBox has (1.36.1, `etc/busybox-paths.d/busybox`); it comes with every shell there."""
_OWN = _BUILTINS | _APPLETS | _KEYWORDS | _BEFORE


def commands(script: str) -> tuple[str, ...]:
    """The commands that a script may run, without those of its shell, of BusyBox, and its own functions."""
    reader = _Reader(_without_documents(script[:MAX_SCRIPT]))
    reader.read()
    known = _OWN | reader.functions
    return tuple(each for each in reader.found if each not in known and _NAME.fullmatch(each))


def _without_documents(script: str) -> str:
    """The script without the lines of its here-documents."""
    lines, ends = list[str](), list[str]()
    for line in script.split("\n"):
        if not ends:
            lines.append(line)
            if "<<" in line:
                ends = [found["end"] for found in _TOKEN.finditer(line) if found["here"]]
        elif line.strip("\t\r") == ends[0]:
            del ends[0]
    return "\n".join(lines)


class _Reader:
    """Goes through a script once, and knows where a command may stand.

    Attributes:
        found: The words at the place of a command, in order.
        functions: The names of its own functions.
    """

    def __init__(self, script: str) -> None:
        self._script = script
        self.found: dict[str, None] = {}
        self.functions: set[str] = set()
        self._first = True
        self._target = False  # the next word is where something is redirected to
        self._pattern = False  # among the patterns of a `case`
        self._awaits_in = False
        self._cases = 0

    def read(self) -> None:
        """Reads to the end, or to what it does not understand."""
        at = 0
        while match := _TOKEN.match(self._script, at):
            kind, text, at = match.lastgroup, match[0], match.end()
            if match["here"]:
                continue
            if kind == "redirect":
                self._target = True
            elif kind == "operator":
                self._operator(text)
            elif kind == "function":
                self._first = True
            elif kind == "word":
                at = self._word(text, at)
            elif kind == "skipped":
                self._first = False

    def _operator(self, text: str) -> None:
        self._target = False
        if self._pattern:
            if text == ")":
                self._pattern, self._first = False, True
        elif text in _CASE_ENDS and self._cases:
            self._pattern = True
        else:
            self._first = text != ")"

    def _word(self, word: str, at: int) -> int:
        """Takes a word, and returns where to go on."""
        if self._target:
            self._target = False
        elif self._pattern:
            if word == "esac":
                self._esac()
        elif self._awaits_in:
            self._pattern, self._awaits_in = word == "in", word != "in"
        elif _ASSIGNMENT.match(word):
            if self._script.startswith("(", at):  # a list, not a subshell
                return max(at, self._script.find(")", at, at + _MAX_LIST) + 1)
        elif self._first:
            self._command(word, self._script[at : at + 1])
            if _TOKEN_FUNCTION.match(self._script, at):
                self.functions.add(word)
        return at

    def _command(self, word: str, after: str) -> None:
        self._first = word in _BEFORE or word in _RUNS
        if word == "case":
            self._cases += 1
            self._awaits_in = True
        elif word == "esac":
            self._esac()
        elif after not in ("$", "`", '"', "'"):
            self.found[word] = None

    def _esac(self) -> None:
        self._cases = max(0, self._cases - 1)
        self._pattern = self._first = False


_TOKEN_FUNCTION = re.compile(r"[ \t]*\([ \t]*\)")
