"""The only tar writer: ustar headers, pax records where a value does not fit, no global header.

The same entries give the same bytes, always: nothing is taken from the machine. Records say only what the
ustar header cannot (POSIX.1-2017, pax). A package's data segment additionally states the SHA-1 of every file
and symbolic link (`apk-v2(5)`, "DATA SEGMENT"), which layers do not.
"""

from collections.abc import Callable, Iterable

from witchery.errors import FormatError, IntegrityError
from witchery.rootfs.entry import Entry, Kind

BLOCK = 512
_OCTAL_ID = 0o7777777
_OCTAL_SIZE = 0o77777777777


class TarWriter:
    """A tar stream written entry by entry; the caller keeps the order that readers need."""

    def __init__(self, write: Callable[[bytes], object], *, checksums: bool = False) -> None:
        """Begins a stream.

        Args:
            write: Takes the bytes.
            checksums: Whether to state each entry's `checksum`, as a package's data segment must.
        """
        self._write = write
        self._checksums = checksums

    def add(self, entry: Entry, chunks: Iterable[bytes] = ()) -> None:
        """Writes one entry, and for a file exactly `entry.size` bytes of content.

        Raises:
            IntegrityError: if the content is longer or shorter.
        """
        self._write(self._head(entry))
        if entry.kind is not Kind.FILE:
            return
        written = 0
        for chunk in chunks:
            written += len(chunk)
            self._write(chunk)
        if written != entry.size:
            raise IntegrityError(f"expected {entry.size} bytes of content, got {written}", where=[entry.path])
        self._write(bytes(-written % BLOCK))

    def close(self, *, end: bool = True) -> None:
        """Ends the stream; `end=False` leaves out the two zero blocks, as inside a package they must be."""
        if end:
            self._write(bytes(2 * BLOCK))

    def _head(self, entry: Entry) -> bytes:
        records = self._records(entry)
        name = _encode(entry.path) + (b"/" if entry.kind is Kind.DIRECTORY else b"")
        head = _header(entry, name, entry.kind.value.encode())
        if not records:
            return head
        body = b"".join(_record(key, value) for key, value in records)
        parent, _, base = entry.path.rpartition("/")
        cover = Entry(
            f"{parent or '.'}/PaxHeaders/{base}",
            Kind.FILE,
            mtime=entry.mtime,
            size=len(body),
            uname="",
            gname="",
        )
        return _header(cover, _encode(cover.path), b"x") + body + bytes(-len(body) % BLOCK) + head

    def _records(self, entry: Entry) -> list[tuple[str, bytes]]:
        """What does not fit the header, in a fixed order."""
        records: list[tuple[str, bytes]] = []
        path, target = _encode(entry.path), _encode(entry.target)
        if len(path) + (entry.kind is Kind.DIRECTORY) > 100 or not path.isascii():
            records.append(("path", path))
        if len(target) > 100 or not target.isascii():
            records.append(("linkpath", target))
        records += [
            (key, str(value).encode())
            for key, value, most in (
                ("size", entry.size, _OCTAL_SIZE),
                ("uid", entry.uid, _OCTAL_ID),
                ("gid", entry.gid, _OCTAL_ID),
            )
            if value > most
        ]
        records += [(f"SCHILY.xattr.{name}", value) for name, value in entry.xattrs]
        if self._checksums and entry.checksum:
            records.append(("APK-TOOLS.checksum.SHA1", entry.checksum.hex().encode()))
        return records


def _header(entry: Entry, name: bytes, flag: bytes) -> bytes:
    """A ustar header; what is too long for its field is cut, and stands in a pax record before it."""
    major, minor = entry.device
    fields = b"".join(
        (
            name[:100].ljust(100, b"\0"),
            b"%07o\0" % entry.mode,
            b"%07o\0" % (entry.uid if entry.uid <= _OCTAL_ID else 0),
            b"%07o\0" % (entry.gid if entry.gid <= _OCTAL_ID else 0),
            b"%011o\0" % (entry.size if entry.size <= _OCTAL_SIZE else 0),
            b"%011o\0" % min(max(entry.mtime, 0), _OCTAL_SIZE),
            b"        ",
            flag,
            _encode(entry.target)[:100].ljust(100, b"\0"),
            b"ustar\x0000",
            _owner(entry.uname),
            _owner(entry.gname),
            b"%07o\0%07o\0" % (major, minor) if entry.kind in (Kind.CHARACTER, Kind.BLOCK) else bytes(16),
            bytes(167),
        )
    )
    return fields[:148] + b"%06o\0 " % sum(fields) + fields[156:]


def _owner(name: str) -> bytes:
    encoded = _encode(name)
    if len(encoded) > 31:
        raise FormatError(f"owner name is longer than 31 bytes: `{name}`")
    return encoded.ljust(32, b"\0")


def _record(key: str, value: bytes) -> bytes:
    r"""`<length> <key>=<value>\n`, where the length counts its own digits."""
    body = b" %s=%s\n" % (key.encode(), value)
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return b"%d%s" % (length, body)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
