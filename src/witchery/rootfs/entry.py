"""One entry of a filesystem tree, as a tar header describes it (POSIX.1-2017, pax, "ustar")."""

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What an entry is; the value is the tar type flag."""

    FILE = "0"
    HARDLINK = "1"
    SYMLINK = "2"
    CHARACTER = "3"
    BLOCK = "4"
    DIRECTORY = "5"
    FIFO = "6"


class Entry(NamedTuple):
    """A path and everything about it but its bytes.

    A named tuple: an image has tens of thousands, and a frozen dataclass costs six times as much to make.

    Attributes:
        path: Relative, without a leading `./` or a trailing `/`; bytes that are not UTF-8 as surrogates
            (PEP 383).
        kind: What it is.
        mode: Permission bits with setuid, setgid and sticky: 0 to 0o7777.
        uid: Numeric owner.
        gid: Numeric group.
        uname: Owner's name, or an empty string.
        gname: Group's name, or an empty string.
        mtime: Modification time, in seconds since 1970.
        size: Bytes of content; 0 for all but files.
        target: Where a symbolic link points, as written; for a hard link the path of its file.
        xattrs: Extended attributes by name.
        checksum: SHA-1 of the content or of a symbolic link's target as an apk package states it, or empty.
        device: Major and minor number of a device.
    """

    path: str
    kind: Kind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    uname: str = "root"
    gname: str = "root"
    mtime: int = 0
    size: int = 0
    target: str = ""
    xattrs: tuple[tuple[str, bytes], ...] = ()
    checksum: bytes = b""
    device: tuple[int, int] = (0, 0)

    @property
    def parent(self) -> str:
        """The path of the folder that holds it; empty at the top."""
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def directory(path: str, mode: int = 0o755, *, uid: int = 0, gid: int = 0, mtime: int = 0) -> Entry:
    """A directory of the given numeric owner."""
    return Entry(path, Kind.DIRECTORY, mode, uid, gid, _name(uid), _name(gid), mtime)


def symlink(path: str, target: str, *, mtime: int = 0) -> Entry:
    """A symbolic link."""
    return Entry(path, Kind.SYMLINK, 0o777, mtime=mtime, target=target)


def file(path: str, size: int, mode: int = 0o644, *, uid: int = 0, gid: int = 0, mtime: int = 0) -> Entry:
    """A regular file of the given numeric owner."""
    return Entry(path, Kind.FILE, mode, uid, gid, _name(uid), _name(gid), mtime, size)


def _name(number: int) -> str:
    """The only owner whose name is known everywhere is root; any other is a number alone."""
    return "root" if number == 0 else ""
