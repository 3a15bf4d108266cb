"""Writing packages and indexes of apk v2 (apk-v2(5), apk-index(5)).

Everything written here depends on the arguments alone. A package is made inside out: the data segment first,
since the control segment names its digest, then control, then the signature over control.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from witchery.apk.archive import Archive
from witchery.apk.head import Script
from witchery.apk.pkginfo import PackageInfo
from witchery.apk.signature import HASHES
from witchery.codec import Effort, GzipWriter
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError
from witchery.keys import PrivateKey
from witchery.rootfs.content import BytesContent, Content
from witchery.rootfs.entry import Entry, Kind, directory, file
from witchery.rootfs.tar_writer import TarWriter
from witchery.value import frozen, replace

DEFAULT_ALGORITHMS = ("RSA256",)
"""What packages and indexes are signed with."""
COMPATIBLE_ALGORITHMS = ("RSA", "RSA256")
"""For apk before 2.14.2, which reads only SHA-1 signatures of local files; the order matters to it."""

_MAX_DESCRIPTION = 160  # apk ignores a longer one
_AT_ONCE = 1 << 20  # a file of at most this many bytes is kept in memory between hashing and writing


@frozen(kw_only=True)
class DataSegment:
    """What is known of a data segment when it is written.

    Attributes:
        digest: Digest of its compressed bytes: the `datahash` of its package.
        size: Their number.
        diff_id: Digest of the tar archive in it.
        unpacked: Size of that, in bytes.
        installed_size: Bytes of its files together; at least 1 where it holds anything, since apk takes a
            package of size 0 for one without files.
        entries: What is in it, with checksums, in the order of the archive.
    """

    digest: Digest
    size: int
    diff_id: Digest
    unpacked: int
    installed_size: int
    entries: tuple[Entry, ...]


class _Segment:
    """One gzip member holding a tar, hashed on both sides while it is written."""

    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        checksums: bool = False,
        effort: Effort = Effort.PACKAGE,
    ) -> None:
        self._sink = write
        self.compressed = hashlib.sha256()
        self.size = 0
        self.plain = hashlib.sha256()
        self.unpacked = 0
        self._gzip = GzipWriter(self._write, effort)
        self.tar = TarWriter(self._write_plain, checksums=checksums)

    def _write_plain(self, data: bytes) -> None:
        self.plain.update(data)
        self.unpacked += len(data)
        self._gzip.write(data)

    def _write(self, data: bytes) -> None:
        self.compressed.update(data)
        self.size += len(data)
        self._sink(data)

    def close(self, *, end: bool) -> None:
        self.tar.close(end=end)
        self._gzip.close()


def data_segment(
    files: Iterable[tuple[Entry, Content]],
    write: Callable[[bytes], object],
    *,
    effort: Effort = Effort.PACKAGE,
) -> DataSegment:
    """Writes the data segment: entries in byte order of their paths, folders that are missing added.

    Args:
        files: Entries with their contents; the checksums are computed here. A small content is read once, a
            larger one twice.
        write: Takes the segment.
        effort: How hard to compress.

    Raises:
        FormatError: if a path stands twice or apk would skip it.
        IntegrityError: if a content changes while it is read.
    """
    segment = _Segment(write, checksums=True, effort=effort)
    entries = []
    for entry, content in _ordered(files):
        stated, chunks = _with_checksum(entry, content)
        segment.tar.add(stated, chunks)
        entries.append(stated)
    segment.close(end=True)
    return DataSegment(
        digest=Digest("sha256", segment.compressed.hexdigest()),
        size=segment.size,
        diff_id=Digest("sha256", segment.plain.hexdigest()),
        unpacked=segment.unpacked,
        installed_size=sum(entry.size for entry in entries) or int(bool(entries)),
        entries=tuple(entries),
    )


def control_segment(info: PackageInfo, scripts: Sequence[Script] = ()) -> bytes:
    """The control segment: `.PKGINFO`, then the scripts."""
    members = [(".PKGINFO", 0o644, info.to_bytes()), *((s.name, 0o755, s.text) for s in scripts)]
    return _small_segment(members, info.build_time)


def signature_segment(
    signed: bytes, key: PrivateKey, mtime: int, algorithms: Sequence[str] = DEFAULT_ALGORITHMS
) -> bytes:
    """The signatures over a control segment or an index.

    Args:
        signed: The bytes to vouch for, as they are compressed.
        key: Signs; its name goes into the signature's.
        mtime: Time of the members, in seconds since 1970.
        algorithms: Names in `signature.HASHES`, in the order to be written.
    """
    return _small_segment(
        [
            (
                f".SIGN.{name}.{key.name}",
                0o644,
                key.sign(HASHES[name], hashlib.new(HASHES[name], signed).digest()),
            )
            for name in algorithms
        ],
        mtime,
    )


def assemble(
    info: PackageInfo,
    data: DataSegment,
    *,
    scripts: Sequence[Script] = (),
    key: PrivateKey | None = None,
    algorithms: Sequence[str] = DEFAULT_ALGORITHMS,
) -> Archive:
    """The package that a data segment makes; `info.datahash` and `info.installed_size` are filled in.

    Args:
        info: Describes it.
        data: What was written.
        scripts: What it runs, in the order of `head.SCRIPTS`.
        key: Signs it; without one it is unsigned.
        algorithms: See `signature_segment`.
    """
    info = replace(info, datahash=data.digest.hex, installed_size=data.installed_size)
    control = control_segment(info, scripts)
    return Archive(
        signature_segment=signature_segment(control, key, info.build_time, algorithms) if key else b"",
        control_segment=control,
        data=data.digest,
        data_size=data.size,
        diff_id=data.diff_id,
        data_unpacked=data.unpacked,
        info=info,
        scripts=tuple(scripts),
        entries=data.entries,
        hidden=(),
        oddities=(),
    )


def package(
    info: PackageInfo,
    files: Iterable[tuple[Entry, Content]],
    *,
    scripts: Sequence[Script] = (),
    key: PrivateKey | None = None,
    algorithms: Sequence[str] = DEFAULT_ALGORITHMS,
) -> bytes:
    """A whole package in memory; arguments as in `assemble` and `data_segment`.

    Raises:
        FormatError: if a path stands twice or apk would skip it.
        IntegrityError: if a content changes while it is read.
    """
    data = bytearray()
    segment = data_segment(files, data.extend)
    made = assemble(info, segment, scripts=scripts, key=key, algorithms=algorithms)
    return made.signature_segment + made.control_segment + bytes(data)


def stanza(archive: Archive, arch: str = "") -> str:
    """The lines of an index that describe a package (apk-index(5)).

    Args:
        archive: The package.
        arch: Alpine's name of the repository's architecture; stands in place of `noarch`.
    """
    return archive.stanza(arch)


def index(
    stanzas: Iterable[str],
    *,
    description: str = "",
    mtime: int = 0,
    key: PrivateKey | None = None,
    algorithms: Sequence[str] = DEFAULT_ALGORITHMS,
) -> bytes:
    """An `APKINDEX.tar.gz`, in the order of the stanzas given.

    Args:
        stanzas: See `stanza`.
        description: One line that names the repository.
        mtime: Time of the members, in seconds since 1970.
        key: Signs the index.
        algorithms: See `signature_segment`.

    Raises:
        FormatError: if the description is too long.
    """
    if len(description.encode()) > _MAX_DESCRIPTION or "\n" in description:
        raise FormatError(f"a description is one line of at most {_MAX_DESCRIPTION} bytes")
    text = "".join(f"{lines}\n" for lines in stanzas).encode()
    members = [("DESCRIPTION", 0o644, description.encode())] if description else []
    unsigned = _small_segment([*members, ("APKINDEX", 0o644, text)], mtime, end=True)
    return (signature_segment(unsigned, key, mtime, algorithms) if key else b"") + unsigned


def _small_segment(members: Iterable[tuple[str, int, bytes]], mtime: int, *, end: bool = False) -> bytes:
    out = bytearray()
    segment = _Segment(out.extend)
    for name, mode, data in members:
        segment.tar.add(file(name, len(data), mode, mtime=mtime), (data,))
    segment.close(end=end)
    return bytes(out)


def _ordered(files: Iterable[tuple[Entry, Content]]) -> Iterator[tuple[Entry, Content]]:
    """Parents before children, every path once; a hard link comes after its file."""
    named: dict[str, tuple[Entry, Content]] = {}
    for entry, content in files:
        if entry.path in named:
            raise FormatError("the path stands twice", where=[entry.path])
        if entry.path.startswith(".") or not entry.path:
            raise FormatError(
                "apk does not install names at the top that begin with a dot", where=[entry.path]
            )
        named[entry.path] = entry, content
    for entry, _ in list(named.values()):
        parent = entry.parent
        while parent and parent not in named:
            named[parent] = directory(parent, mtime=entry.mtime), BytesContent(b"")
            parent = parent.rpartition("/")[0]
    ordered = sorted(named.items(), key=lambda item: item[0].encode("utf-8", "surrogateescape"))
    yield from (pair for _, pair in ordered if pair[0].kind is not Kind.HARDLINK)
    yield from (pair for _, pair in ordered if pair[0].kind is Kind.HARDLINK)


def _with_checksum(entry: Entry, content: Content) -> tuple[Entry, Iterable[bytes]]:
    """An entry that states the SHA-1 of its content, or of its target for a symbolic link; and the content.

    The checksum stands before the content, so a large content is read a second time, and held against it.
    """
    if entry.kind is Kind.SYMLINK:
        target = entry.target.encode("utf-8", "surrogateescape")
        return entry._replace(checksum=hashlib.sha1(target).digest()), ()
    if entry.kind is not Kind.FILE:
        return entry, ()
    if content.size <= _AT_ONCE:
        data = b"".join(content.chunks())
        return entry._replace(checksum=hashlib.sha1(data).digest()), (data,)
    hasher = hashlib.sha1()
    for chunk in content.chunks():
        hasher.update(chunk)
    stated = entry._replace(checksum=hasher.digest())
    return stated, _unchanged(stated, content.chunks())


def _unchanged(entry: Entry, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of a file; an error at its end if it is not what was hashed before."""
    hasher = hashlib.sha1()
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk
    if hasher.digest() != entry.checksum:
        raise IntegrityError("the content changed while it was packed", where=[entry.path])
