"""A v2 package as three segments (apk-v2(5)): signature, control, data.

    .apk = [gzip(tar of .SIGN.*)] gzip(tar of .PKGINFO and scripts) gzip(tar of the files)

`read` takes a package as it arrives, once: it splits the segments, hands the data segment on byte for byte,
hashes, inflates and checks it, and returns an `Archive`: the two small segments as bytes, the large one by
digest, and a list of what is in it. Checked are, from the outside in:

* exactly these segments, nothing after them;
* the data segment against `datahash` in the control segment;
* every file and symbolic link against the SHA-1 that the package states for it;
* every path: relative, plain, below a folder that is listed before it, no path twice; a hard link names an
  earlier file of the same package; no device, no FIFO.

Whom to trust is not decided here: see `signature` and `Archive.identity`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from witchery.apk import signature
from witchery.apk.pkginfo import PackageInfo
from witchery.apk.signature import Signature
from witchery.codec import GzipReader
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError, Refused, located
from witchery.rootfs import tar
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.tar import oddities
from witchery.value import frozen

MAX_CONTROL = 16 << 20
"""How much a control segment may inflate to, in bytes."""
MAX_DATA = 16 << 30
"""How much a data segment may inflate to, in bytes."""
MAX_ENTRIES = 1_000_000
"""How many entries a package may have."""

SCRIPTS = (
    ".pre-install",
    ".post-install",
    ".pre-upgrade",
    ".post-upgrade",
    ".pre-deinstall",
    ".post-deinstall",
    ".trigger",
)
"""The scripts that a control segment may hold."""

_REFUSED = (
    oddities.NAME_FORM,
    oddities.GNU_LONG_LINK,
    oddities.BINARY_NUMBER,
    oddities.OLD_MAGIC,
)
"""What apk skips, misreads or rejects."""
_DEVICES = (Kind.CHARACTER, Kind.BLOCK, Kind.FIFO)


class Script(NamedTuple):
    """A script of a package: its name with the leading dot, and its text."""

    name: str
    text: bytes


@frozen(kw_only=True)
class Archive:
    """A package whose bytes were checked.

    Attributes:
        signature_segment: The first segment as it is, or nothing where the package is unsigned.
        control_segment: The segment that is signed, as it is.
        data: Digest of the data segment as it is compressed; equal to `info.datahash`.
        data_size: Its size, in bytes.
        diff_id: Digest of the data segment inflated: a tar archive.
        data_unpacked: Its size, in bytes.
        info: The package's own description.
        scripts: Its scripts.
        entries: Its files, in the order of the archive, without those that apk does not install.
        hidden: Names at the top that begin with a dot: apk skips them, a runtime would not.
        oddities: What readers of the data segment do not agree on.
    """

    signature_segment: bytes
    control_segment: bytes
    data: Digest
    data_size: int
    diff_id: Digest
    data_unpacked: int
    info: PackageInfo
    scripts: tuple[Script, ...]
    entries: tuple[Entry, ...]
    hidden: tuple[str, ...]
    oddities: tuple[str, ...]

    @property
    def identity(self) -> bytes:
        """SHA-1 of the control segment: what an index names a package by."""
        return hashlib.sha1(self.control_segment).digest()

    @property
    def size(self) -> int:
        """Size of the package file, in bytes."""
        return len(self.signature_segment) + len(self.control_segment) + self.data_size

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The signatures of the control segment."""
        return read_signatures(self.signature_segment)

    @property
    def file_name(self) -> str:
        """The name under which repositories keep it."""
        return f"{self.info.name}-{self.info.version}.apk"


class Control(NamedTuple):
    """What a control segment holds."""

    info: PackageInfo
    scripts: tuple[Script, ...]


def read(chunks: Iterable[bytes], write_data: Callable[[bytes], object]) -> Archive:
    """Reads a package once, from its first byte to its last.

    Args:
        chunks: The package file, in pieces of any size.
        write_data: Is given the data segment as it is. What it was given is worth nothing if this raises.

    Raises:
        FormatError: if the package is malformed or exceeds a limit.
        IntegrityError: if data or a file in it is not what the package says.
    """
    reader = GzipReader(chunks)
    with located("first segment", Refused):
        first, files = _small_segment(reader)
    signed = bool(files) and signature.is_signature(files[0][0])
    if signed:
        with located("control segment", Refused):
            control_segment, files = _small_segment(reader)
    else:
        first, control_segment = b"", first
    with located("control segment", Refused):
        control = _control(files)
    data = _Data(write_data)
    with located("data segment", Refused):
        if reader.at_end():
            raise FormatError("missing: the package is truncated")
        for member in tar.read(data.inflated(reader)):
            data.add(member)
        if not reader.at_end():
            raise FormatError("is followed by more bytes", where=[f"byte {reader.offset}"])
        data.check(control.info)
    return Archive(
        signature_segment=first,
        control_segment=control_segment,
        data=Digest("sha256", data.compressed.hexdigest()),
        data_size=data.size,
        diff_id=Digest("sha256", data.plain.hexdigest()),
        data_unpacked=data.unpacked,
        info=control.info,
        scripts=control.scripts,
        entries=tuple(data.entries.values()),
        hidden=tuple(data.hidden),
        oddities=tuple(data.oddities),
    )


def read_signatures(segment: bytes) -> tuple[Signature, ...]:
    """The signatures in a signature segment; none in an empty one.

    Raises:
        FormatError: if it is malformed.
    """
    if not segment:
        return ()
    _, files = _small_segment(GzipReader([segment]))
    return signature.parse(files)


def read_control(segment: bytes) -> Control:
    """What a control segment holds.

    Raises:
        FormatError: if it is malformed.
    """
    _, files = _small_segment(GzipReader([segment]))
    return _control(files)


def members(chunks: Iterable[bytes]) -> Iterator[tar.Member]:
    """The installed members of a data segment, for copying their contents; see `Archive.entries`.

    Raises:
        FormatError: if the segment is malformed.
        IntegrityError: if a file does not have the SHA-1 that the package states.
    """
    for member in tar.read(GzipReader(chunks).member(lambda _: None, MAX_DATA)):
        if not member.entry.path.startswith("."):
            yield member._replace(content=_checked(member.entry, member.content))


def _small_segment(reader: GzipReader) -> tuple[bytes, list[tuple[str, bytes]]]:
    """A signature or control segment: as it is, and the files in it."""
    raw = bytearray()
    files = [(m.entry.path, b"".join(m.content)) for m in tar.read(reader.member(raw.extend, MAX_CONTROL))]
    return bytes(raw), files


def _control(files: list[tuple[str, bytes]]) -> Control:
    named = dict(files)
    if len(named) < len(files):
        raise FormatError("holds a file twice")
    if ".PKGINFO" not in named:
        raise FormatError("holds no `.PKGINFO`: not an apk v2 package")
    for name in named:
        if not name.startswith(".") or name == ".INSTALL":
            raise FormatError(f"holds a file that does not belong there: `{name}`")
    with located(".PKGINFO"):
        info = PackageInfo.parse(named[".PKGINFO"])
        if not info.datahash:
            raise FormatError("`datahash` is missing")
    return Control(info, tuple(Script(name, named[name]) for name in SCRIPTS if name in named))


class _Data:
    """The data segment while it passes."""

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
        """Checks one member and keeps its entry."""
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
            for _ in _checked(entry, member.content):
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
        """Holds the whole against the control segment."""
        if self.compressed.hexdigest() != info.datahash:
            raise IntegrityError(
                f"expected sha256:{info.datahash}, got sha256:{self.compressed.hexdigest()}",
                hint="the package was altered or damaged after it was built",
            )


def _checked(entry: Entry, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a file; an error at its end if it is not what the package states."""
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
