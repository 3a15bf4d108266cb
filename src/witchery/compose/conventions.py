"""What is the same on every Alpine system: groups with fixed numbers, and homes that are nobody's.

The groups are lines of `/etc/group` in the package `alpine-baselayout-data` of 3.19. An image without that
package has a generated file, and a group of these is in it as soon as a file belongs to it or a script speaks
of it. So a number means the same in both.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from witchery.rootfs.accounts import Accounts, Group

HOMELESS = ("", "/", "/dev/null", "/nonexistent", "/var/empty")
"""Homes that are nobody's: they are never made, and never given to a user."""

ORIGIN = "the fixed groups of Alpine"

GROUPS: Mapping[str, int] = MappingProxyType(
    {
        "bin": 1,
        "daemon": 2,
        "sys": 3,
        "adm": 4,
        "tty": 5,
        "disk": 6,
        "lp": 7,
        "mem": 8,
        "kmem": 9,
        "wheel": 10,
        "floppy": 11,
        "mail": 12,
        "news": 13,
        "uucp": 14,
        "man": 15,
        "cron": 16,
        "console": 17,
        "audio": 18,
        "cdrom": 19,
        "dialout": 20,
        "ftp": 21,
        "sshd": 22,
        "input": 23,
        "at": 25,
        "tape": 26,
        "video": 27,
        "netdev": 28,
        "readproc": 30,
        "squid": 31,
        "xfs": 33,
        "kvm": 34,
        "games": 35,
        "shadow": 42,
        "cdrw": 80,
        "www-data": 82,
        "usb": 85,
        "vpopmail": 89,
        "users": 100,
        "ntp": 123,
        "nofiles": 200,
        "smmsp": 209,
        "locate": 245,
        "abuild": 300,
        "utmp": 406,
        "ping": 999,
        "nogroup": 65533,
    }
)


def with_groups(accounts: Accounts, names: Iterable[str], known: Mapping[str, int]) -> Accounts:
    """With those of some groups that are known and not there, unless their number is another's."""
    for name in names:
        if name not in known or name in accounts.groups or accounts.group_with(known[name]) is not None:
            continue
        accounts = accounts.adding_group(Group(name, known[name]), ORIGIN)
    return accounts
