"""What a package of version 3 installs (apk-v3(5), "SCHEMAS": paths, files, acl).

    paths  = array of: name (null is the root), acl, files
    files  = array of: name, acl, size, modification time, hash, target
    acl    = mode, user, group, array of extended attributes as `name NUL value`
    target = u16 file type, then a path (hard link), a text (symbolic link), or a device number

Folders that are not listed above listed ones are added, as apk adds them. The root folder is nobody's, so it
is left out. A file without a target has a hash, and where it is not empty a data block.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from witchery.apk.adb.values import Record
from witchery.errors import FormatError, IntegrityError
from witchery.rootfs.entry import Entry, Kind, directory
from witchery.rootfs.tar import MAX_PATH

MAX_ENTRIES = 1_000_000
"""How many entries a package may have."""
NOBODY = 65534
"""The number of an owner whose name the system does not know, as apk has it."""
HASHES = {20: "sha1", 32: "sha256", 64: "sha512"}
"""The hash that a file is known by, by its length."""

_HARD_LINK, _SYMLINK = 0x8000, 0xA000
_DEVICES = (0x1000, 0x2000, 0x6000)
_PATH = re.compile(r"[^\x00-\x1f\x7f]+")
_ODD = ("", ".", "..")


class Stored(NamedTuple):
    """A file that has a data block.

    Attributes:
        folder: The number of its folder among `paths`, from 1.
        number: Its own number in that folder, from 1.
        entry: The file.
    """

    folder: int
    number: int
    entry: Entry


class Listing(NamedTuple):
    """What a package installs.

    Attributes:
        entries: Folders before what is in them; hard links last.
        stored: The files with data blocks, in the order of these.
        implied: Folders that the package does not list, though it lists what is in them.
    """

    entries: tuple[Entry, ...]
    stored: tuple[Stored, ...]
    implied: tuple[str, ...]


def listing(package: Record, built: int) -> Listing:
    """Reads the paths of a package.

    Args:
        package: The root of its ADB.
        built: When it was built, for folders, which have no time of their own.

    Raises:
        FormatError: if a path is not plain, stands twice or is of two kinds, or a file is malformed.
    """
    paths = _Paths(built)
    for position, folder in enumerate(package.records(2), 1):
        paths.add_folder(position, folder)
    return paths.finish()


class _Paths:
    """The paths of a package while they are read."""

    def __init__(self, built: int) -> None:
        self._built = built
        self._entries: dict[str, Entry] = {}
        self._links: list[Entry] = []
        self._stored: list[Stored] = []
        self._listed: set[str] = set()
        self._implied: dict[str, None] = {}

    def add_folder(self, position: int, record: Record) -> None:
        """Adds a folder and what is in it."""
        path = record.text(1)
        if path in self._listed:
            raise FormatError("the folder stands twice in the package", where=[path])
        self._listed.add(path)
        if path:
            _check_path(path)
            self._make_parents(path)
            entry = _Acl(record.record(2), 0o755).owned(Entry(path, Kind.DIRECTORY, mtime=self._built))
            if path in self._implied:
                del self._implied[path]
                self._entries[path] = entry  # in its old place, before what is in it
            else:
                self._put(entry)
        for number, file in enumerate(record.records(3), 1):
            entry = _file(path, file)
            self._put(entry)
            if entry.kind is Kind.FILE and entry.size:
                self._stored.append(Stored(position, number, entry))

    def _make_parents(self, path: str) -> None:
        missing = []
        parent = path.rpartition("/")[0]
        while parent and parent not in self._entries:
            missing.append(parent)
            parent = parent.rpartition("/")[0]
        if parent and self._entries[parent].kind is not Kind.DIRECTORY:
            raise FormatError(f"its folder `{parent}` is a file of the package", where=[path])
        for each in reversed(missing):
            self._put(directory(each, mtime=self._built))
            self._implied[each] = None

    def _put(self, entry: Entry) -> None:
        if entry.path in self._entries:
            raise FormatError("the path stands twice in the package", where=[entry.path])
        if len(self._entries) >= MAX_ENTRIES:
            raise FormatError(f"more than {MAX_ENTRIES} entries")
        self._entries[entry.path] = entry

    def finish(self) -> Listing:
        """All of them, hard links last."""
        links = [entry for entry in self._entries.values() if entry.kind is Kind.HARDLINK]
        for link in links:
            target = self._entries.get(link.target)
            if target is None or target.kind is not Kind.FILE:
                raise FormatError(
                    f"hard link to `{link.target}`, which is no file of the package", where=[link.path]
                )
        others = (entry for entry in self._entries.values() if entry.kind is not Kind.HARDLINK)
        return Listing((*others, *links), tuple(self._stored), tuple(self._implied))


class _Acl:
    """Owner, mode and extended attributes."""

    def __init__(self, record: Record, mode: int) -> None:
        stated = record.integer(1)
        self._mode = mode if stated is None else stated
        if self._mode > 0o7777:
            raise FormatError(f"not a file mode: {self._mode:o}")
        self._user = _name(record, 2)
        self._group = _name(record, 3)
        self._xattrs = tuple(_xattrs(record))

    def owned(self, entry: Entry) -> Entry:
        """The entry with this owner, mode and attributes."""
        return entry._replace(
            mode=self._mode,
            uid=0 if self._user == "root" else NOBODY,
            gid=0 if self._group == "root" else NOBODY,
            uname=self._user,
            gname=self._group,
            xattrs=self._xattrs,
        )


def _file(folder: str, record: Record) -> Entry:
    name = record.text(1)
    if "/" in name or name in _ODD:
        raise FormatError(f"not the name of a file: `{name[:80]}`", where=[folder])
    path = f"{folder}/{name}" if folder else name
    _check_path(path)
    mtime, size = record.integer(4) or 0, record.integer(3) or 0
    entry = _Acl(record.record(2), 0o644).owned(Entry(path, Kind.FILE, mtime=mtime))
    target = record.blob(6)
    if not target:
        checksum = record.blob(5)
        if len(checksum) not in HASHES:
            raise FormatError("no hash is stated for the file", where=[path])
        if not size and checksum != hashlib.new(HASHES[len(checksum)]).digest():
            raise IntegrityError("the file is empty, and its hash is another", where=[path])
        return entry._replace(size=size, checksum=checksum)
    kind, rest = int.from_bytes(target[:2], "little"), target[2:]
    text = rest.decode("utf-8", "surrogateescape")
    if kind in _DEVICES:
        raise FormatError("a device node or FIFO has no place in an image", where=[path])
    if kind not in (_HARD_LINK, _SYMLINK):
        raise FormatError(f"unknown type of file: {kind:#x}", where=[path])
    if not rest or b"\0" in rest or len(rest) > MAX_PATH:
        raise FormatError("a malformed target", where=[path])
    if kind == _HARD_LINK:
        return entry._replace(kind=Kind.HARDLINK, target=text)
    return entry._replace(kind=Kind.SYMLINK, mode=0o777, target=text, checksum=hashlib.sha256(rest).digest())


def _check_path(path: str) -> None:
    plain = _PATH.fullmatch(path) and not any(part in _ODD for part in path.split("/"))
    if not plain or len(path) > MAX_PATH:
        raise FormatError(f"not a plain relative path: {path[:80]!r}")


def _name(record: Record, slot: int) -> str:
    name = record.text(slot) or "root"
    if not _PATH.fullmatch(name) or ":" in name or len(name) > 255:
        raise FormatError(f"not the name of an owner: {name[:80]!r}")
    return name


def _xattrs(record: Record) -> Iterator[tuple[str, bytes]]:
    for each in record.blobs(4):
        name, separator, value = each.partition(b"\0")
        if each and not (separator and name):
            raise FormatError("a malformed extended attribute")
        if each:
            yield name.decode("utf-8", "surrogateescape"), value
