"""Writing packages and indexes of apk v2 (apk-v2(5), apk-index(5)).

Everything written here depends on the arguments alone. A package is made inside out: the data segment first,
since the control segment names its digest, then control, then the signature over control.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from witchery.apk.archive import Archive, Script
from witchery.apk.pkginfo import PackageInfo
from witchery.apk.signature import HASHES
from witchery.codec import Effort, GzipWriter
from witchery.errors import FormatError
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


@frozen
class DataSegment:
    """What is known of a data segment when it is written.

    Attributes:
        datahash: SHA-256 of its compressed bytes, in hexadecimal.
        installed_size: Bytes of its files together; at least 1 where it holds anything, since apk takes a
            package of size 0 for one without files.
    """

    datahash: str
    installed_size: int


class _Segment:
    """One gzip member holding a tar, hashed while it is written."""

    def __init__(self, write: Callable[[bytes], object], *, checksums: bool = False) -> None:
        self._sink = write
        self.sha256 = hashlib.sha256()
        self._gzip = GzipWriter(self._write, Effort.PACKAGE)
        self.tar = TarWriter(self._gzip.write, checksums=checksums)

    def _write(self, data: bytes) -> None:
        self.sha256.update(data)
        self._sink(data)

    def close(self, *, end: bool) -> None:
        self.tar.close(end=end)
        self._gzip.close()


def data_segment(files: Iterable[tuple[Entry, Content]], write: Callable[[bytes], object]) -> DataSegment:
    """Writes the data segment: entries in byte order of their paths, folders that are missing added.

    Args:
        files: Entries with their contents; the checksums are computed here.
        write: Takes the segment.

    Raises:
        FormatError: if a path stands twice or apk would skip it.
    """
    segment = _Segment(write, checksums=True)
    size = 0
    empty = True
    for entry, content in _ordered(files):
        empty = False
        size += entry.size
        segment.tar.add(_with_checksum(entry, content), content.chunks())
    segment.close(end=True)
    return DataSegment(segment.sha256.hexdigest(), size or int(not empty))


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


def package(
    info: PackageInfo,
    files: Iterable[tuple[Entry, Content]],
    *,
    scripts: Sequence[Script] = (),
    key: PrivateKey | None = None,
    algorithms: Sequence[str] = DEFAULT_ALGORITHMS,
) -> bytes:
    """A whole package in memory; `info.datahash` and `info.installed_size` are filled in.

    Raises:
        FormatError: if a path stands twice or apk would skip it.
    """
    data = bytearray()
    segment = data_segment(files, data.extend)
    control = control_segment(
        replace(info, datahash=segment.datahash, installed_size=segment.installed_size), scripts
    )
    signature = signature_segment(control, key, info.build_time, algorithms) if key else b""
    return signature + control + bytes(data)


def stanza(archive: Archive, arch: str = "") -> str:
    """The lines of an index that describe a package (apk-index(5)).

    Args:
        archive: The package.
        arch: Alpine's name of the repository's architecture; stands in place of `noarch`.
    """
    from base64 import b64encode

    info = archive.info
    always = {
        "C": "Q1" + b64encode(archive.identity).decode(),
        "P": info.name,
        "V": info.version,
        "A": arch or info.arch,
        "S": str(archive.size),
        "I": str(info.installed_size),
        "T": info.description,
        "U": info.url,
        "L": info.license,
    }
    where_set = {
        "o": info.origin,
        "m": info.maintainer,
        "t": str(info.build_time or ""),
        "c": info.commit,
        "k": str(info.provider_priority or ""),
        "D": " ".join(info.depends),
        "p": " ".join(info.provides),
        "i": " ".join(info.install_if),
    }
    lines = [*always.items(), *((letter, value) for letter, value in where_set.items() if value)]
    return "".join(f"{letter}:{value}\n" for letter, value in lines)


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


def _with_checksum(entry: Entry, content: Content) -> Entry:
    """An entry that states the SHA-1 of its content, or of its target for a symbolic link."""
    if entry.kind is Kind.SYMLINK:
        target = entry.target.encode("utf-8", "surrogateescape")
        return entry._replace(checksum=hashlib.sha1(target).digest())
    if entry.kind is not Kind.FILE:
        return entry
    hasher = hashlib.sha1()
    for chunk in content.chunks():
        hasher.update(chunk)
    return entry._replace(checksum=hasher.digest())
