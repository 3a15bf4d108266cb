"""Files of apk version 3, put together by hand: valid by default, each part to be broken on purpose."""

import hashlib
import sys
import zlib
from collections.abc import Iterable, Sequence
from typing import Union

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKAGE, INDEX = b"pckg", b"indx"
ADB, SIGNATURE, DATA = range(3)


class Raw(int):
    """A value word that is written as it is."""


Value = Union[None, bool, int, bytes, str, Sequence["Value"], Raw]  # noqa: UP007 - it speaks of itself


class Heap:
    """Writes values; equal values are kept once, as apk does."""

    def __init__(self) -> None:
        self.data = bytearray(8)
        self._known: dict[bytes, int] = {}

    def value(self, value: Value) -> int:
        """The word that stands for a value; what it needs is in the heap then."""
        match value:
            case Raw():
                return int(value)
            case None | b"" | "":
                return 0
            case bool():
                return 1 if value else 2
            case int():
                return self._integer(value)
            case str():
                return self._blob(value.encode("utf-8", "surrogateescape"))
            case bytes():
                return self._blob(value)
        words = [self.value(each) for each in value]
        while words and not words[-1]:
            words.pop()
        if not words:
            return 0
        packed = b"".join(word.to_bytes(4, "little") for word in (len(words) + 1, *words))
        return 0xE << 28 | self._put(packed, 4)

    def _integer(self, number: int) -> int:
        if number < 1 << 28:
            return 0x1 << 28 | number
        size = 4 if number < 1 << 32 else 8
        return (0x2 if size == 4 else 0x3) << 28 | self._put(number.to_bytes(size, "little"), 4)

    def _blob(self, data: bytes) -> int:
        size = 1 if len(data) < 1 << 8 else 2 if len(data) < 1 << 16 else 4
        return (0x7 + {1: 1, 2: 2, 4: 3}[size]) << 28 | self._put(
            len(data).to_bytes(size, "little") + data, size
        )

    def _put(self, data: bytes, alignment: int) -> int:
        if data not in self._known:
            self.data += bytes(-len(self.data) % alignment)
            self._known[data] = len(self.data)
            self.data += data
        return self._known[data]


def payload(root: Value) -> bytes:
    """The content of an ADB block with this root."""
    heap = Heap()
    word = heap.value(root)
    heap.data[4:8] = word.to_bytes(4, "little")
    return bytes(heap.data)


def block(kind: int, content: bytes, *, extended: bool = False) -> bytes:
    """A block with its header and what fills it up."""
    if extended:
        header = (3 << 30 | kind).to_bytes(4, "little") + bytes(4) + (len(content) + 16).to_bytes(8, "little")
    else:
        header = (kind << 30 | len(content) + 4).to_bytes(4, "little")
    return header + content + bytes(-len(header + content) % 8)


def plain(schema: bytes, blocks: Iterable[bytes]) -> bytes:
    """A plain file."""
    return b"ADB." + schema + b"".join(blocks)


def deflated(data: bytes) -> bytes:
    """A deflate stream without a header."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


def packed(data: bytes, how: str) -> bytes:
    """A plain file packed in one of `PACKINGS`."""
    return {
        "plain": lambda: data,
        "deflate": lambda: b"ADBd" + deflated(data),
        "none, with its algorithm": lambda: b"ADBc\x00\x00" + data,
        "deflate, with its algorithm": lambda: b"ADBc\x01\x09" + deflated(data),
        "zstd, with its algorithm": lambda: b"ADBc\x02\x16" + zstd.compress(data, 3),
    }[how]()


PACKINGS = (
    "plain",
    "deflate",
    "none, with its algorithm",
    "deflate, with its algorithm",
    "zstd, with its algorithm",
)


def unpacked(file: bytes) -> bytes:
    """The plain file in a file that is deflated or plain."""
    return zlib.decompress(file[4:], -15) if file[:4] == b"ADBd" else file


def blocks(data: bytes) -> list[tuple[int, int, int, int]]:
    """The blocks of a plain file: kind, and where header, content and what fills it up begin and end."""
    found, at = [], 8
    while at < len(data):
        word = int.from_bytes(data[at : at + 4], "little")
        end = at + (word & 0x3FFFFFFF)
        found.append((word >> 30, at, end, end + -end % 8))
        at = end + -end % 8
    return found


def described(name: str = "p", version: str = "1", **slots: Value) -> list[Value]:
    """A package's description; `slots` such as `s15=...` by their numbers."""
    found: list[Value] = [name, version, *[None] * 19]
    for slot, value in slots.items():
        found[int(slot[1:]) - 1] = value
    return found


def file(name: str, data: bytes = b"", *, target: bytes = b"", acl: Value = None, **more: Value) -> Value:
    """A file in a folder."""
    stated = more.get("hash", None if target else hashlib.sha256(data).digest())
    return [name, acl, more.get("size", len(data)), 1, stated, target]


def package(
    folders: Sequence[tuple[str, Sequence[tuple[Value, bytes]]]] = (),
    *,
    description: Value = None,
    scripts: Value = None,
    extra: Iterable[bytes] = (),
) -> bytes:
    """A plain package: folders with files, and the content of each."""
    paths = [[path, None, [entry for entry, _ in files]] for path, files in folders]
    root = payload([description or described(), paths, scripts])
    data = [
        block(DATA, folder.to_bytes(4, "little") + number.to_bytes(4, "little") + content)
        for folder, (_, files) in enumerate(folders, 1)
        for number, (_, content) in enumerate(files, 1)
        if content
    ]
    return plain(PACKAGE, [block(ADB, root), *extra, *data])
