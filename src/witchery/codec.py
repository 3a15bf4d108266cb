"""The only compressor: gzip in and out (RFC 1952, RFC 1951); bare deflate and Zstandard (RFC 8878) only in.

Reading goes through ISA-L, which inflates more than twice as fast as zlib and deflates about ten times as
fast at nearly the size; packages, which are made once and fetched often, are deflated by zlib at its best.
A header written here never holds a name, a time or the maker's system, so the same bytes in give the same
bytes out wherever the library is the same.
"""

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any

from isal import isal_zlib

from witchery.errors import FormatError

CHUNK = 1 << 18
"""How many bytes travel at once, in bytes."""

_RAW = -15  # zlib's way to say: no header, 15 bits of window
_WINDOW_LOG = 27  # 128 MiB, what readers of Zstandard take for granted
_GZIP = 31  # zlib's way to say: expect a gzip header and trailer around 15 bits of window
_MALFORMED: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub names an instance
_MAGIC = b"\x1f\x8b"


class Effort(Enum):
    """How hard to compress: quickly for layers, well for the files of packages, small for small things.

    The smallest deflate of 100 MB of programs takes seven times as long as one that is 1.5 % larger.
    """

    LAYER = "layer"
    FILES = "files"
    PACKAGE = "package"


_HEADERS = {  # RFC 1952 2.3.1: method deflate, no flags, no time, extra flags, system "Unix"
    Effort.LAYER: _MAGIC + b"\x08\x00\x00\x00\x00\x00\x00\x03",
    Effort.FILES: _MAGIC + b"\x08\x00\x00\x00\x00\x00\x00\x03",
    Effort.PACKAGE: _MAGIC + b"\x08\x00\x00\x00\x00\x00\x02\x03",
}


_LEVELS = {Effort.FILES: 6, Effort.PACKAGE: 9}


class GzipWriter:
    """A gzip member written in pieces."""

    def __init__(self, write: Callable[[bytes], object], effort: Effort = Effort.LAYER) -> None:
        self._write = write
        self._crc = 0
        self._size = 0
        self._deflate = (
            isal_zlib.compressobj(3, isal_zlib.DEFLATED, -15)
            if effort is Effort.LAYER
            else zlib.compressobj(_LEVELS[effort], zlib.DEFLATED, -15, 8)
        )
        write(_HEADERS[effort])

    def write(self, data: bytes) -> None:
        """Compresses `data`."""
        self._crc = isal_zlib.crc32(data, self._crc)
        self._size += len(data)
        self._write(self._deflate.compress(data))

    def close(self) -> None:
        """Ends the member."""
        self._write(self._deflate.flush())
        self._write(self._crc.to_bytes(4, "little") + (self._size & 0xFFFFFFFF).to_bytes(4, "little"))


def gzip(data: bytes, effort: Effort = Effort.LAYER) -> bytes:
    """`data` as one gzip member."""
    out = bytearray()
    writer = GzipWriter(out.extend, effort)
    writer.write(data)
    writer.close()
    return bytes(out)


class GzipReader:
    """Splits a stream into its gzip members, inflating each as it arrives.

    Use `member` once per member, each to its end; `at_end` tells whether another follows.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = _cut(chunks)
        self._pending = b""
        self.offset = 0

    def at_end(self) -> bool:
        """True where no byte is left."""
        while not self._pending:
            chunk = next(self._chunks, None)
            if chunk is None:
                return True
            self._pending = chunk
        return False

    def member(self, tap: Callable[[bytes], object], limit: int) -> Iterator[bytes]:
        """Inflates the next member.

        Args:
            tap: Is given every compressed byte of this member, and no other.
            limit: How many bytes the member may inflate to.

        Yields:
            The inflated bytes, at most about `CHUNK` at a time.

        Raises:
            FormatError: if the member is malformed, truncated, or inflates to more than `limit`.
        """
        inflate = isal_zlib.decompressobj(_GZIP)
        size = 0
        while True:
            if self.at_end():
                raise FormatError("truncated gzip stream", where=[f"byte {self.offset}"])
            chunk, self._pending = self._pending, b""
            for piece in _inflate(inflate, chunk, self.offset):
                size += len(piece)
                if size > limit:
                    raise FormatError(f"inflates to more than the limit of {limit} bytes")
                yield piece
            rest = inflate.unused_data
            used = chunk[: len(chunk) - len(rest)]
            self.offset += len(used)
            self._pending = rest
            tap(used)
            if inflate.eof:
                return

    def raw(self) -> Iterator[bytes]:
        """Everything that is left, as it is."""
        while not self.at_end():
            chunk, self._pending = self._pending, b""
            self.offset += len(chunk)
            yield chunk


def _cut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks in pieces of at most `CHUNK`: what is left of one is copied at each step of inflating."""
    for chunk in chunks:
        if len(chunk) <= CHUNK:
            yield chunk
        else:
            yield from (chunk[start : start + CHUNK] for start in range(0, len(chunk), CHUNK))


def _inflate(inflate: "isal_zlib.Decompress", chunk: bytes, offset: int) -> Iterator[bytes]:
    """All that `chunk` inflates to, in bounded pieces."""
    while True:
        try:
            piece: bytes = inflate.decompress(chunk, CHUNK)
        except _MALFORMED as error:
            raise FormatError("malformed gzip stream", where=[f"near byte {offset}"]) from error
        if piece:
            yield piece
        if inflate.eof:
            return
        chunk = inflate.unconsumed_tail
        if not chunk and len(piece) < CHUNK:
            return


def gunzip(data: bytes, limit: int) -> bytes:
    """Inflates all members of `data`, one after the other.

    Raises:
        FormatError: if it is malformed, truncated, or inflates to more than `limit` bytes.
    """
    reader = GzipReader([data])
    out = bytearray()
    while not reader.at_end():
        for piece in reader.member(lambda _: None, limit - len(out)):
            out += piece
    return bytes(out)


def inflate_start(data: bytes, size: int) -> bytes:
    """The first bytes, `size` at most, that a deflate stream without any header inflates to.

    Raises:
        FormatError: if it is malformed as far as it is read.
    """
    try:
        start: bytes = isal_zlib.decompressobj(_RAW).decompress(data, size)
    except _MALFORMED as error:
        raise FormatError("malformed deflate stream") from error
    return start


def inflate(data: bytes, limit: int) -> bytes:
    """Inflates a deflate stream without any header (RFC 1951), as a zip archive holds it.

    A stream that is cut off gives what there is of it: whoever knows how long it should be compares.

    Raises:
        FormatError: if it is malformed, or inflates to more than `limit` bytes.
    """
    reader = isal_zlib.decompressobj(_RAW)
    out = bytearray()
    for chunk in _cut([data]):
        for piece in _inflate(reader, chunk, 0):
            out += piece
            if len(out) > limit:
                raise FormatError(f"inflates to more than the limit of {limit} bytes")
        if reader.eof:
            break
    return bytes(out)


def inflated(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Inflates a deflate stream without any header (RFC 1951) while it arrives; nothing may follow it.

    Raises:
        FormatError: if it is malformed, truncated, followed by more, or inflates to more than `limit` bytes.
    """
    inflate = isal_zlib.decompressobj(_RAW)

    def pieces() -> Iterator[bytes]:
        offset = 0
        for chunk in _cut(chunks):
            if inflate.eof:
                raise FormatError("more bytes after the end of the deflate stream")
            yield from _inflate(inflate, chunk, offset)
            offset += len(chunk)
        if not inflate.eof or inflate.unused_data:
            fault = "more bytes after the end of the" if inflate.eof else "truncated"
            raise FormatError(f"{fault} deflate stream")

    return bounded(pieces(), limit)


def unpacked_zstd(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Unpacks one Zstandard frame (RFC 8878) while it arrives; nothing may follow it.

    Raises:
        FormatError: if it is malformed, truncated, followed by more, wants a window of more than 128 MiB, or
            unpacks to more than `limit` bytes.
    """
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    unpack: Any = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})

    def pieces() -> Iterator[bytes]:
        for chunk in _cut(chunks):
            if unpack.eof:
                raise FormatError("more bytes after the end of the Zstandard frame")
            rest = chunk
            try:
                while rest or not unpack.needs_input:
                    yield unpack.decompress(rest, CHUNK)
                    rest = b""
                    if unpack.eof:
                        break
            except zstd.ZstdError as error:
                raise FormatError("malformed Zstandard frame") from error
        if not unpack.eof or unpack.unused_data:
            fault = "more bytes after the end of the" if unpack.eof else "truncated"
            raise FormatError(f"{fault} Zstandard frame")

    return bounded(pieces(), limit)


def bounded(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """The pieces, without empty ones.

    Raises:
        FormatError: if they are more than `limit` bytes together.
    """
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise FormatError(f"unpacks to more than the limit of {limit} bytes")
        if piece:
            yield piece
