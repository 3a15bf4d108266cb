"""The file around an ADB: compression, schema, blocks (apk-v3(5), "FILE FORMAT").

    file   = "ADB." plain | "ADBd" deflate(file) | "ADBc" algorithm level stream(file)
    plain  = schema, blocks; each block begins at a multiple of 8 bytes
    block  = header, content, zeros up to the next multiple of 8
    header = u32: kind in the upper 2 bits, size in the others, with these 4 bytes
           | u32: kind 3, and the real kind in the others; u32 zero; u64: size, with these 16 bytes

Integers are little endian. First is exactly one ADB block, then signatures, then data.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

from witchery import codec
from witchery.errors import FormatError

MAGIC = b"ADB"
"""How every file of version 3 begins; the fourth byte says how it is packed."""
PACKAGE = int.from_bytes(b"pckg", "little")
"""The schema of a package."""
INDEX = int.from_bytes(b"indx", "little")
"""The schema of an index."""

MAX_ADB = 1 << 28
"""The longest ADB block, in bytes: that is as far as its offsets reach."""
MAX_SIGNATURES = 64
"""How many signatures there may be."""
MAX_SIGNATURE = 1 << 16
"""The longest signature block, in bytes."""

_NONE, _DEFLATE, _ZSTD = range(3)
_EXTENDED = 3
_ALIGNMENT = 8


class Kind(IntEnum):
    """What a block holds, in the order in which blocks stand."""

    ADB = 0
    SIGNATURE = 1
    DATA = 2


class Block(NamedTuple):
    """A block.

    Attributes:
        kind: What it holds.
        header: Its header, as it is.
        size: Bytes of its content.
        content: The content in pieces; to be read before the next block is asked for, or not at all.
    """

    kind: Kind
    header: bytes
    size: int
    content: Iterator[bytes]

    def read(self, limit: int) -> bytes:
        """The whole content.

        Raises:
            FormatError: if it is longer than `limit`, or cut off.
        """
        if self.size > limit:
            raise FormatError(f"a block of {self.size} bytes exceeds the limit of {limit}")
        return b"".join(self.content)

    def raw(self, content: bytes) -> bytes:
        """The block with its content, as it stands in the file."""
        return self.header + content + bytes(_fill(self))


class Reader:
    """Reads a file once, from its first byte to its last.

    Attributes:
        schema: What the file is: `PACKAGE`, `INDEX`, or another.
    """

    def __init__(self, chunks: Iterable[bytes], limit: int) -> None:
        """Begins.

        Args:
            chunks: The file, in pieces of any size.
            limit: How many bytes it may unpack to.

        Raises:
            FormatError: if it is no such file.
        """
        self._stream = _Stream(_unpacked(chunks, limit))
        if self._stream.take(4) != MAGIC + b".":
            raise FormatError("no plain ADB file is packed in it")
        self.schema = int.from_bytes(self._stream.take(4), "little")

    def blocks(self) -> Iterator[Block]:
        """The blocks, in order.

        Raises:
            FormatError: if one is malformed, not where it may stand, or cut off.
        """
        last: Kind | None = None
        signatures = 0
        while not self._stream.at_end():
            block = _block(self._stream)
            signatures += block.kind is Kind.SIGNATURE
            if (block.kind is Kind.ADB) is not (last is None) or (last is not None and block.kind < last):
                raise FormatError(f"a block out of order: {block.kind.name} after {last and last.name}")
            if block.kind is Kind.DATA and self.schema != PACKAGE:
                raise FormatError("a data block, and the file is no package")
            if signatures > MAX_SIGNATURES:
                raise FormatError(f"more than {MAX_SIGNATURES} signatures")
            last = block.kind
            yield block
            _finish(self._stream, block)
        if last is None:
            raise FormatError("a file without blocks")


def split(data: bytes) -> Iterator[bytes]:
    """The contents of blocks that stand alone, as `Block.raw` wrote them.

    Raises:
        FormatError: if one is malformed.
    """
    stream = _Stream([data])
    while not stream.at_end():
        block = _block(stream)
        yield block.read(MAX_SIGNATURE)
        _finish(stream, block)


def _block(stream: "_Stream") -> Block:
    header = stream.take(4)
    word = int.from_bytes(header, "little")
    kind, size = word >> 30, word & 0x3FFFFFFF
    if kind == _EXTENDED:
        kind = size
        header += stream.take(12)
        size = int.from_bytes(header[8:], "little")
        if any(header[4:8]):
            raise FormatError("a malformed block header")
    if kind not in set(Kind) or size < len(header):
        raise FormatError("a malformed block header")
    size -= len(header)
    return Block(Kind(kind), header, size, stream.pieces(size))


def _finish(stream: "_Stream", block: Block) -> None:
    """Goes to the end of a block."""
    for _ in block.content:
        pass
    if any(stream.take(_fill(block))):
        raise FormatError("what fills the space between blocks is not zero")


def _fill(block: Block) -> int:
    return -(len(block.header) + block.size) % _ALIGNMENT


def _unpacked(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """The plain file in a file."""
    stream = _Stream(chunks)
    magic = stream.take(4)
    if magic[:3] != MAGIC:
        raise FormatError("not a file of apk version 3")
    match magic[3:]:
        case b".":
            yield magic
            yield from codec.bounded(stream.rest(), limit)
        case b"d":
            yield from codec.inflated(stream.rest(), limit)
        case b"c":
            algorithm, _level = stream.take(2)
            yield from _unpack(algorithm, stream.rest(), limit)
        case letter:
            raise FormatError(f"unknown packing of an ADB file: {letter!r}")


def _unpack(algorithm: int, chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    if algorithm == _NONE:
        return codec.bounded(chunks, limit)
    if algorithm == _DEFLATE:
        return codec.inflated(chunks, limit)
    if algorithm == _ZSTD:
        return codec.unpacked_zstd(chunks, limit)
    raise FormatError(f"unknown compression of an ADB file: {algorithm}")


class _Stream:
    """Chunks of any size, taken in exact amounts."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = b""
        self._at = 0  # what of the chunk is gone; cutting it off would copy the rest each time

    def at_end(self) -> bool:
        """True where no byte is left."""
        while self._at == len(self._chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return True
            self._chunk, self._at = chunk, 0
        return False

    def pieces(self, size: int) -> Iterator[bytes]:
        """The next bytes, in pieces; they are gone only when they were read."""
        while size:
            if self.at_end():
                raise FormatError("truncated ADB file")
            piece = self._chunk[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def take(self, size: int) -> bytes:
        """The next few bytes."""
        piece = self._chunk[self._at : self._at + size]
        if len(piece) == size:
            self._at += size
            return piece
        return b"".join(self.pieces(size))

    def rest(self) -> Iterator[bytes]:
        """All that is left."""
        while not self.at_end():
            start, self._at = self._at, len(self._chunk)
            yield self._chunk[start:]
