"""The installed database, `lib/apk/db/installed` (apk-tools 2 and 3 write the same text).

One stanza per package, packages in order of their names, a blank line after each: the lines that an index has
(apk-index(5)), lines about the installation, then the folders and files of the package:

    r: packages whose files it may take over     F: folder, relative to the root; empty for the root itself
    q: its priority in that                      M: owner, group, mode of the folder, if not 0:0:755
    s: the repository tag it came by             R: file in that folder
    g: tags    f: what went wrong                a: owner, group, mode of the file, if not 0:0:644
                                                 Z: SHA-1 of the content, or of a symbolic link's target
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from witchery.apk import identity as identities
from witchery.apk.package import Package
from witchery.apk.pkginfo import PackageInfo
from witchery.errors import FormatError, located
from witchery.rootfs.entry import Entry, Kind
from witchery.value import frozen

MAX_SIZE = 256 << 20
"""The largest database that is read, in bytes."""

_HEADER = "CPVASITUL"  # always written, even if empty
_IF_SET = "omtck"
_DIRECTORY_MODE = 0o755
_FILE_MODE = 0o644
_ACL = re.compile(r"([0-9]{1,10}):([0-9]{1,10}):([0-7]{1,4})(?::(Q1\S+))?")


class Acl(NamedTuple):
    """Who owns a file and what they may do with it.

    Attributes:
        uid: Numeric owner.
        gid: Numeric group.
        mode: Permission bits with setuid, setgid and sticky.
        xattrs: SHA-1 over the extended attributes, see `xattr_hash`; empty where there are none.
    """

    uid: int = 0
    gid: int = 0
    mode: int = _FILE_MODE
    xattrs: bytes = b""

    def __str__(self) -> str:
        tail = f":{_checksum(self.xattrs)}" if self.xattrs else ""
        return f"{self.uid}:{self.gid}:{self.mode:o}{tail}"


class InstalledFile(NamedTuple):
    """A file, or a symbolic or hard link.

    Attributes:
        name: Its name in its folder.
        acl: Its owner and mode.
        checksum: SHA-1 of the content or the target; for packages of version 3 the first 20 bytes of the
            SHA-256. Empty where it is not known.
    """

    name: str
    acl: Acl = Acl()
    checksum: bytes = b""


class InstalledDirectory(NamedTuple):
    """A folder that a package lists.

    Attributes:
        path: Relative to the root; empty for the root itself.
        acl: What the package says of it.
        files: What the package has in it.
    """

    path: str
    acl: Acl
    files: tuple[InstalledFile, ...]


@frozen(kw_only=True)
class InstalledPackage:
    """A package in the database.

    Attributes:
        package: The lines that an index has too.
        directories: Its folders, in the order of the package.
        replaces: Packages whose files it may take over.
        replaces_priority: Which of two that replace each other wins.
        repository_tag: The tag of the repository that it is pinned to, or an empty string.
        tags: Free text.
        flags: `f` files, `s` a script, `x` extended attributes went wrong; `S` the checksums are SHA-256.
    """

    package: Package
    directories: tuple[InstalledDirectory, ...] = ()
    replaces: tuple[str, ...] = ()
    replaces_priority: int | None = None
    repository_tag: str = ""
    tags: str = ""
    flags: str = ""

    @staticmethod
    def of(
        package: Package,
        info: PackageInfo,
        entries: Iterable[Entry],
        *,
        owner: Callable[[Entry], tuple[int, int]],
        lost: Collection[str] = (),
        repository_tag: str = "",
        is_v3: bool = False,
    ) -> "InstalledPackage":
        """The record of a package.

        Args:
            package: What the index says of it.
            info: What it says of itself.
            entries: Its files, in the order of the archive.
            owner: The numbers that the names of an entry's owner and group stand for.
            lost: Paths that it lists and that are another package's in this system.
            repository_tag: The tag it came by.
            is_v3: Whether it is a package of version 3, which states other hashes.
        """
        return InstalledPackage(
            package=package,
            directories=_directories(entries, owner, lost),
            replaces=info.replaces,
            replaces_priority=info.replaces_priority,
            repository_tag=repository_tag,
            tags=" ".join(info.tags),
            flags="S" if is_v3 else "",
        )

    @property
    def paths(self) -> Iterator[str]:
        """Its files and links, relative to the root."""
        for directory in self.directories:
            prefix = f"{directory.path}/" if directory.path else ""
            for file in directory.files:
                yield prefix + file.name


def encode(packages: Iterable[InstalledPackage]) -> bytes:
    """The database, in the order in which apk keeps it."""
    ordered = sorted(packages, key=lambda each: (each.package.name.lower(), each.package.name))
    return "".join(_stanza(each) for each in ordered).encode("utf-8", "surrogateescape")


def parse(data: bytes) -> tuple[InstalledPackage, ...]:
    """Reads a database.

    Raises:
        FormatError: with the number of the line, if it is malformed or larger than `MAX_SIZE`.
    """
    if len(data) > MAX_SIZE:
        raise FormatError(f"larger than the limit of {MAX_SIZE} bytes")
    packages: list[InstalledPackage] = []
    reader = _Reader()
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        with located(f"line {number}"):
            if line:
                reader.line(line)
            elif not reader.empty:
                packages.append(reader.package())
                reader = _Reader()
    if not reader.empty:
        packages.append(reader.package())
    return tuple(packages)


def xattr_hash(xattrs: Iterable[tuple[str, bytes]]) -> bytes:
    """SHA-1 over the extended attributes in order of their names, each length before what it measures."""
    hasher = hashlib.sha1()
    for name, value in sorted(xattrs):
        for text in (name.encode(), value):
            hasher.update(len(text).to_bytes(4, "big") + text)
    return hasher.digest()


def _directories(
    entries: Iterable[Entry], owner: Callable[[Entry], tuple[int, int]], lost: Collection[str]
) -> tuple[InstalledDirectory, ...]:
    acls: dict[str, Acl] = {}
    files: dict[str, list[InstalledFile]] = {}
    checksums: dict[str, bytes] = {}
    for entry in entries:
        plain = entry.uname == entry.gname == "root" and not entry.xattrs
        xattrs = xattr_hash(entry.xattrs) if entry.xattrs else b""
        mode = 0o777 if entry.kind is Kind.SYMLINK else entry.mode
        acl = Acl(0, 0, mode) if plain else Acl(*owner(entry), mode, xattrs)
        if entry.kind is Kind.DIRECTORY:
            acls[entry.path] = acl
            files.setdefault(entry.path, [])
            continue
        checksum = checksums.get(entry.target, b"") if entry.kind is Kind.HARDLINK else entry.checksum
        checksums[entry.path] = checksum
        if entry.path not in lost:
            files.setdefault(entry.parent, []).append(InstalledFile(entry.name, acl, checksum))
    root = Acl(mode=_DIRECTORY_MODE)
    return tuple(
        InstalledDirectory(path, acls.get(path, root), tuple(sorted(inside, key=_by_bytes)))
        for path, inside in files.items()
    )


def _by_bytes(file: InstalledFile) -> bytes:
    return file.name.encode("utf-8", "surrogateescape")


def _stanza(installed: InstalledPackage) -> str:
    package = installed.package
    fields = {line[:1]: line[2:] for line in package.stanza.split("\n")}
    fields |= {"C": identities.encode(package.identity[: identities.SIZE]), "k": ""}
    if package.provider_priority:
        fields["k"] = str(package.provider_priority)
    lines = [f"{letter}:{fields.get(letter, '')}" for letter in _HEADER]
    lines += [f"{letter}:{fields[letter]}" for letter in _IF_SET if fields.get(letter)]
    lists = (
        ("D", package.depends),
        ("p", package.provides),
        ("i", package.install_if),
        ("g", (installed.tags,) if installed.tags else ()),
        ("r", installed.replaces),
    )
    lines += [f"{letter}:{' '.join(map(str, values))}" for letter, values in lists if values]
    if installed.replaces_priority:
        lines.append(f"q:{installed.replaces_priority}")
    if installed.repository_tag:
        lines.append(f"s:{installed.repository_tag}")
    if installed.flags:
        lines.append(f"f:{installed.flags}")
    for directory in installed.directories:
        lines += _directory_lines(directory)
    return "".join(f"{line}\n" for line in (*lines, ""))


def _directory_lines(directory: InstalledDirectory) -> Iterator[str]:
    yield f"F:{directory.path}"
    if directory.acl != (0, 0, _DIRECTORY_MODE, b""):
        yield f"M:{directory.acl}"
    for name, acl, checksum in directory.files:
        yield f"R:{name}"
        if acl != (0, 0, _FILE_MODE, b""):
            yield f"a:{acl}"
        if checksum:
            yield f"Z:{_checksum(checksum)}"


def _checksum(value: bytes) -> str:
    """What there is room for of a hash: all of a SHA-1, the start of another."""
    return "Q1" + b64encode(value[: identities.SIZE]).decode("ascii")


class _Reader:
    """One stanza while its lines pass."""

    def __init__(self) -> None:
        self._header: list[str] = []
        self._own: dict[str, str] = {}
        self._directories: list[tuple[str, Acl, list[InstalledFile]]] = []

    @property
    def empty(self) -> bool:
        return not self._header

    def line(self, line: str) -> None:
        """Takes the next line.

        Raises:
            FormatError: if it cannot stand there.
        """
        letter, colon, value = line[:1], line[1:2], line[2:]
        if colon != ":":
            raise FormatError(f"not a line of a package database: `{line[:80]}`")
        if letter in "rqsfg":
            self._own[letter] = value
        elif letter == "F":
            self._directories.append((value, Acl(mode=_DIRECTORY_MODE), []))
        elif letter in "MRaZ":
            self._about_files(letter, value)
        else:
            self._header.append(line)

    def _about_files(self, letter: str, value: str) -> None:
        if not self._directories:
            raise FormatError(f"`{letter}:` before the first `F:`")
        path, _, files = self._directories[-1]
        if letter == "M":
            self._directories[-1] = (path, _acl(value), files)
        elif letter == "R":
            files.append(InstalledFile(value))
        elif not files:
            raise FormatError(f"`{letter}:` before the first `R:` of its folder")
        elif letter == "a":
            files[-1] = files[-1]._replace(acl=_acl(value))
        else:
            files[-1] = files[-1]._replace(checksum=identities.decode(value))

    def package(self) -> InstalledPackage:
        """The stanza as a value."""
        priority = self._own.get("q", "")
        return InstalledPackage(
            package=Package.parse("\n".join(self._header)),
            directories=tuple(
                InstalledDirectory(path, acl, tuple(files)) for path, acl, files in self._directories
            ),
            replaces=tuple(self._own.get("r", "").split()),
            replaces_priority=int(priority[:9]) if priority.isdecimal() else None,
            repository_tag=self._own.get("s", ""),
            tags=self._own.get("g", ""),
            flags=self._own.get("f", ""),
        )


def _acl(text: str) -> Acl:
    match = _ACL.fullmatch(text)
    if match is None:
        raise FormatError(f"expected `uid:gid:mode`: `{text[:80]}`")
    uid, gid, mode, xattrs = match.groups()
    try:
        return Acl(int(uid), int(gid), int(mode, 8), b64decode(xattrs[2:], validate=True) if xattrs else b"")
    except ValueError:
        raise FormatError(f"malformed hash of extended attributes: `{text[:80]}`") from None
