"""The data segment of a version 2 package (apk-v2(5)), checked while it passes; see `apk.archive`."""

import hashlib
from collections.abc import Callable, Iterable, Iterator

from witchery.apk.pkginfo import PackageInfo
from witchery.codec import GzipReader
from witchery.errors import FormatError, IntegrityError
from witchery.rootfs import tar
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.tar import oddities

MAX_DATA = 16 << 30
"""How much a data segment may inflate to, in bytes."""
MAX_ENTRIES = 1_000_000
"""How many entries a package may have."""

_REFUSED = (
    oddities.NAME_FORM,
    oddities.GNU_LONG_LINK,
    oddities.BINARY_NUMBER,
    oddities.OLD_MAGIC,
)
"""What apk skips, misreads or rejects."""
_DEVICES = (Kind.CHARACTER, Kind.BLOCK, Kind.FIFO)


class DataSegment:
    """A data segment while it passes.

    Attributes:
        compressed: Hash of it as it is.
        plain: Hash of it inflated.
        size: Its size, in bytes.
        unpacked: Its size inflated, in bytes.
        entries: What is installed of it, by path.
        hidden: Names at the top that begin with a dot.
        oddities: What readers do not agree on.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.compressed = hashlib.sha256()
        self.plain = hashlib.sha256()
        self.size = 0
        self.unpacked = 0
        self.entries: dict[str, Entry] = {}
        self.hidden: list[str] = []
        self.oddities: dict[str, None] = {}

    def inflated(self, reader: GzipReader) -> Iterator[bytes]:
        """The segment inflated, counted and hashed on both sides."""
        for piece in reader.member(self._tap, MAX_DATA):
            self.plain.update(piece)
            self.unpacked += len(piece)
            yield piece

    def _tap(self, raw: bytes) -> None:
        self.compressed.update(raw)
        self.size += len(raw)
        self._write(raw)

    def add(self, member: tar.Member) -> None:
        """Checks one member and keeps its entry.

        Raises:
            FormatError: if apk would not take it, or it has no place in a package.
            IntegrityError: if it is not what the package states.
        """
        entry = member.entry
        for oddity in member.oddities:
            if oddity in _REFUSED:
                raise FormatError(oddity, where=[entry.path])
            self.oddities[oddity] = None
        if entry.path.startswith(".") or not entry.path:
            self.hidden.append(entry.path)
            return
        problem = self._problem(entry)
        if problem:
            raise FormatError(problem, where=[entry.path])
        if entry.kind is Kind.FILE:
            for _ in checked(entry, member.content):
                pass
        elif entry.kind is Kind.SYMLINK:
            _check_link(entry)
        self.entries[entry.path] = entry

    def _problem(self, entry: Entry) -> str:  # noqa: PLR0911 - one per rule
        """What is wrong with an entry's place in the package, or nothing."""
        if len(self.entries) >= MAX_ENTRIES:
            return f"more than {MAX_ENTRIES} entries"
        if entry.path in self.entries:
            return "the path stands twice in the package"
        if entry.kind in _DEVICES:
            return "a device node or FIFO has no place in an image"
        if entry.parent:
            parent = self.entries.get(entry.parent)
            if parent is None or parent.kind is not Kind.DIRECTORY:
                return f"its folder `{entry.parent}` is not listed before it"
        if entry.kind is Kind.HARDLINK:
            target = self.entries.get(entry.target)
            if target is None or target.kind is not Kind.FILE:
                return f"hard link to `{entry.target}`, which is no earlier file of the package"
        if entry.kind is Kind.FILE and not entry.checksum:
            return "no checksum is stated for the file: the package format is obsolete"
        return ""

    def check(self, info: PackageInfo) -> None:
        """Holds the whole against the control segment.

        Raises:
            IntegrityError: if it is another data segment than the one that this names.
        """
        if self.compressed.hexdigest() != info.datahash:
            raise IntegrityError(
                f"expected sha256:{info.datahash}, got sha256:{self.compressed.hexdigest()}",
                hint="the package was altered or damaged after it was built",
            )


def checked(entry: Entry, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a file.

    Raises:
        IntegrityError: at its end, if it is not what the package states.
    """
    hasher = hashlib.sha1()
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk
    if entry.kind is Kind.FILE and hasher.digest() != entry.checksum:
        raise IntegrityError(
            f"expected SHA-1 {entry.checksum.hex()}, got {hasher.hexdigest()}", where=[entry.path]
        )


def _check_link(entry: Entry) -> None:
    """A link's checksum covers its target; abuild hashes no more than the header's 100 bytes of it."""
    target = entry.target.encode("utf-8", "surrogateescape")
    if entry.checksum and entry.checksum not in (
        hashlib.sha1(target).digest(),
        hashlib.sha1(target[:100]).digest(),
    ):
        raise IntegrityError("the target does not match its checksum", where=[entry.path])
