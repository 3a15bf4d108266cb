"""Reading tar as a stream (POSIX.1-2017, pax: ustar and extended headers; GNU long names).

The reader gives the meaning that container runtimes give. Where apk reads the same bytes differently, or a
runtime is known to stumble, the member carries an *oddity*, and whoever has to care decides. What no careful
reader accepts (a path that leaves the tree, a sparse file, an unknown type) is an error here.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from witchery.errors import FormatError
from witchery.rootfs.entry import Entry, Kind

BLOCK = 512
MAX_EXTENSION = 1 << 20
"""The longest extended header or long name, in bytes."""
MAX_PATH = 4096
"""The longest path or link target, in bytes (PATH_MAX)."""

_KINDS = {kind.value.encode(): kind for kind in Kind} | {b"\0": Kind.FILE, b"7": Kind.FILE}
_CHECKSUM = "APK-TOOLS.checksum.SHA1"
_XATTR = "SCHILY.xattr."
_PLAIN_PAX = (
    "path",
    "linkpath",
    "atime",
    "ctime",
    _CHECKSUM,
)  # read alike by apk and by runtimes, or by none


class Member(NamedTuple):
    """One entry of a tar stream.

    Attributes:
        entry: What the header says.
        content: The bytes of a file; to be read before the next member is asked for, or not at all.
        oddities: What about the header is read differently by some reader: see the names in `oddities`.
        offset: Where in the stream the content begins.
    """

    entry: Entry
    content: Iterator[bytes]
    oddities: tuple[str, ...]
    offset: int = 0


class oddities:  # noqa: N801 - a namespace of constants
    """Names of the things that readers do not agree on."""

    NAME_FORM = "name is not in its plain form"
    GNU_LONG_LINK = "GNU long link name"
    GLOBAL_HEADER = "pax global header"
    PAX_NUMBERS = "pax record that overrides the header's owner, size or time"
    BINARY_NUMBER = "number in base 256"
    OLD_MAGIC = "header without the ustar magic"
    AFTER_END = "bytes after the end of the archive"


class _Extensions(NamedTuple):
    """What extended headers say about the member that follows them."""

    path: str = ""
    link: str = ""
    pax: dict[str, bytes] | None = None
    found: tuple[str, ...] = ()


class _Stream:
    """Chunks of any size, taken in exact amounts."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = b""
        self._start = 0
        self.offset = 0

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes, or fewer at the end of the stream."""
        while len(self._buffer) - self._start < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._buffer = self._buffer[self._start :] + chunk if self._start < len(self._buffer) else chunk
            self._start = 0
        taken = self._buffer[self._start : self._start + size]
        self._start += len(taken)
        self.offset += len(taken)
        return taken

    def pieces(self, size: int) -> Iterator[bytes]:
        """Exactly `size` bytes in pieces as they come."""
        while size:
            piece = self._buffer[self._start : self._start + size]
            if piece:
                self._start += len(piece)
            else:
                piece = next(self._chunks, b"")
                if not piece:
                    raise FormatError("truncated tar stream", where=[f"byte {self.offset}"])
                self._buffer, self._start = piece, min(size, len(piece))
                piece = piece[:size]
            self.offset += len(piece)
            size -= len(piece)
            yield piece


def read(chunks: Iterable[bytes]) -> Iterator[Member]:
    """The members of a tar stream, in order.

    Raises:
        FormatError: with the offset of the header, if the stream is malformed, truncated inside a member, or
            holds something that no careful reader accepts.
    """
    stream = _Stream(chunks)
    extensions = _Extensions()
    while True:
        start = stream.offset
        block = stream.take(BLOCK)
        if not block.strip(b"\0"):
            break
        if len(block) < BLOCK:
            raise FormatError("truncated tar header", where=[f"byte {start}"])
        try:
            size = _checked_size(block)
            if block[156:157] in b"xgLK" and block[156:157]:
                extensions = _extended(block[156:157], _take_all(stream, size), extensions)
                continue
            member = _member(block, size, extensions)
        except FormatError as error:
            raise error.at(f"tar header at byte {start}") from None
        extensions = _Extensions(found=tuple(o for o in extensions.found if o == oddities.GLOBAL_HEADER))
        body = member.entry.size
        content = stream.pieces(body)
        yield Member(member.entry, content, member.oddities, stream.offset)
        for _ in content:
            pass
        for _ in stream.pieces(-body % BLOCK):
            pass
    if block:
        _expect_zeros(stream)


def _take_all(stream: _Stream, size: int) -> bytes:
    if size > MAX_EXTENSION:
        raise FormatError(f"extended header of {size} bytes exceeds the limit of {MAX_EXTENSION}")
    data = stream.take(size)
    stream.take(-size % BLOCK)
    if len(data) < size:
        raise FormatError("truncated extended header")
    return data


def _expect_zeros(stream: _Stream) -> None:
    """After the end mark only padding may follow: a reader that stops there would lose anything else."""
    while block := stream.take(BLOCK):
        if block.strip(b"\0"):
            raise FormatError(oddities.AFTER_END, where=[f"byte {stream.offset - len(block)}"])


def _checked_size(block: bytes) -> int:
    """The size field, after the checksum was found right."""
    stated = _number(block[148:156])
    if stated != sum(block) - sum(block[148:156]) + 8 * 0x20:
        raise FormatError("wrong header checksum")
    size = _number(block[124:136])
    if size < 0:
        raise FormatError(f"negative size: {size}")
    return size


def _number(field: bytes) -> int:
    """Octal digits padded by blanks or NULs, or GNU's base 256 (first bit set)."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big", signed=False)
        bits = 8 * len(field)
        return value - (1 << bits) if field[0] & 0x40 else value & ~(1 << (bits - 1))
    digits = field.split(b"\0", 1)[0].strip()
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise FormatError(f"not an octal number: `{_text(field)}`")
    return int(digits, 8)


def _extended(kind: bytes, data: bytes, before: _Extensions) -> _Extensions:
    """Adds one extended header to what is known about the next member."""
    match kind:
        case b"L":
            return _Extensions(_name(data), before.link, before.pax, before.found)
        case b"K":
            found = (*before.found, oddities.GNU_LONG_LINK)
            return _Extensions(before.path, _name(data), before.pax, found)
        case b"g":
            return _Extensions(before.path, before.link, before.pax, (*before.found, oddities.GLOBAL_HEADER))
        case _:
            pax = (before.pax or {}) | _pax(data)
            odd = any(key not in _PLAIN_PAX and not key.startswith(_XATTR) for key in pax)
            return _Extensions(before.path, before.link, pax, (*before.found, *[oddities.PAX_NUMBERS] * odd))


def _pax(data: bytes) -> dict[str, bytes]:
    r"""Records of the form `<length> <key>=<value>\n` (POSIX.1-2017, "pax Extended Header")."""
    records: dict[str, bytes] = {}
    while data:
        digits, blank, _ = data[:20].partition(b" ")
        length = int(digits) if digits.isdigit() and blank else 0
        key, equals, value = data[len(digits) + 1 : length - 1].partition(b"=")
        if not equals or not key or length > len(data) or data[length - 1 : length] != b"\n":
            raise FormatError("malformed pax record")
        name = _text(key)
        if name.startswith("GNU.sparse."):
            raise FormatError("sparse files are not supported")
        records[name] = value
        data = data[length:]
    return records


def _member(block: bytes, size: int, extensions: _Extensions) -> Member:
    """Puts header and extensions together."""
    kind = _KINDS.get(block[156:157])
    if kind is None:
        raise FormatError(f"unknown type flag: `{_text(block[156:157])}`")
    found = list(extensions.found)
    ustar = block[257:262] == b"ustar"
    if not ustar:
        found.append(oddities.OLD_MAGIC)
    if any(block[at] & 0x80 for at in (100, 108, 116, 124, 136)):
        found.append(oddities.BINARY_NUMBER)
    pax = extensions.pax or {}
    raw = _raw_path(block, extensions)
    path = plain_path(raw)
    if kind is Kind.FILE and raw.endswith("/"):
        kind = Kind.DIRECTORY  # pre-POSIX archives mark directories only so
    if raw not in ((path, path + "/") if kind is Kind.DIRECTORY else (path,)):
        found.append(oddities.NAME_FORM)
    has_device = kind in (Kind.CHARACTER, Kind.BLOCK)
    entry = Entry(
        path,
        kind,
        _number(block[100:108]) & 0o7777,
        _pax_number(pax, "uid", _number(block[108:116])),
        _pax_number(pax, "gid", _number(block[116:124])),
        _text(pax.get("uname", _cut(block[265:297]) if ustar else b"")),
        _text(pax.get("gname", _cut(block[297:329]) if ustar else b"")),
        _pax_number(pax, "mtime", _number(block[136:148])),
        _pax_number(pax, "size", size) if kind is Kind.FILE else 0,
        _target(kind, block, extensions),
        tuple(sorted((k.removeprefix(_XATTR), v) for k, v in pax.items() if k.startswith(_XATTR))),
        _sha1(pax.get(_CHECKSUM, b"")),
        (_number(block[329:337]), _number(block[337:345])) if has_device else (0, 0),
    )
    if entry.uid < 0 or entry.gid < 0:
        raise FormatError("negative owner")
    return Member(entry, iter(()), tuple(dict.fromkeys(found)))


def _raw_path(block: bytes, extensions: _Extensions) -> str:
    """The path as written: pax before GNU before ustar's prefix and name."""
    if extensions.pax and "path" in extensions.pax:
        return _name(extensions.pax["path"])
    if extensions.path:
        return extensions.path
    name = _name(block[:100])
    if block[257:263] == b"ustar\0" and block[345]:
        return _name(block[345:500]) + "/" + name
    return name


def _target(kind: Kind, block: bytes, extensions: _Extensions) -> str:
    """Where a link points; nothing for all else."""
    if kind not in (Kind.HARDLINK, Kind.SYMLINK):
        return ""
    if extensions.pax and "linkpath" in extensions.pax:
        raw = _name(extensions.pax["linkpath"])
    else:
        raw = extensions.link or _name(block[157:257])
    target = plain_path(raw) if kind is Kind.HARDLINK else raw
    if not target or len(target) > MAX_PATH:
        raise FormatError(f"bad link target: `{target[:80]}`")
    return target


def plain_path(raw: str) -> str:
    """The relative form of a path: no leading `/` or `./`, no empty or `.` parts, no trailing `/`.

    Raises:
        FormatError: if it climbs out with `..`, is too long, or holds a control character.
    """
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise FormatError(f"path climbs out of its tree: `{raw[:200]}`")
    if len(raw) > MAX_PATH:
        raise FormatError(f"path is longer than {MAX_PATH} bytes: `{raw[:80]}...`")
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in raw):
        raise FormatError(f"control character in path: {raw[:200]!r}")
    return "/".join(parts)


def _sha1(text: bytes) -> bytes:
    try:
        value = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        raise FormatError(f"malformed {_CHECKSUM} record") from None
    if len(value) not in (0, 20):
        raise FormatError(f"malformed {_CHECKSUM} record")
    return value


def _pax_number(pax: dict[str, bytes], key: str, otherwise: int) -> int:
    """A decimal pax value; a fraction of a second is cut off."""
    if key not in pax:
        return otherwise
    whole = pax[key].partition(b".")[0]
    if (
        not whole.removeprefix(b"-").isdigit()
        or len(whole) > 20
        or (key == "size" and whole.startswith(b"-"))
    ):
        raise FormatError(f"malformed pax {key}: `{_text(pax[key][:40])}`")
    return int(whole)


def _cut(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _name(field: bytes) -> str:
    return _cut(field).decode("utf-8", "surrogateescape")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
