"""Layer blobs as tar streams: what is compressed is inflated, within limits (image-spec, layer.md)."""

from collections.abc import Iterable, Iterator

from witchery.codec import CHUNK, GzipReader
from witchery.errors import FormatError
from witchery.value import frozen


@frozen
class Expansion:
    """How far a blob may grow when it is inflated.

    Deflate makes at most 1,032 bytes out of one. Programs and texts give 2 to 10; zeros give it all.
    Any blob may reach `free` bytes, and a larger one `ratio` times its own size.

    Attributes:
        ratio: Bytes out for each byte in.
        free: Bytes out that are never too many.
        limit: Bytes out that are always too many.
    """

    ratio: int = 200
    free: int = 256 << 20
    limit: int = 32 << 30


DEFAULT = Expansion()


def uncompressed(
    chunks: Iterable[bytes], compression: str, expansion: Expansion = DEFAULT
) -> Iterator[bytes]:
    """The tar stream of a layer, in pieces.

    Args:
        chunks: The blob.
        compression: `none`, `gzip` or `zstd`, see `media.COMPRESSION`.
        expansion: How far it may grow.

    Raises:
        FormatError: if the blob is malformed, truncated, grows too far, or its compression cannot be read.
    """
    if compression == "none":
        yield from _limited(chunks, expansion.limit)
    elif compression == "gzip":
        yield from _gunzip(chunks, expansion)
    else:
        raise FormatError(f"layers of this compression are not read: `{compression}`")


def _gunzip(chunks: Iterable[bytes], expansion: Expansion) -> Iterator[bytes]:
    """All members, one after the other: a whole `.apk` is a valid layer, and some builders make many."""
    arrived = size = 0

    def counted() -> Iterator[bytes]:
        nonlocal arrived
        for chunk in chunks:
            for start in range(0, len(chunk), CHUNK):  # so that the ratio is watched all the way
                piece = chunk[start : start + CHUNK]
                arrived += len(piece)
                yield piece

    reader = GzipReader(counted())
    while True:  # an empty blob is no gzip stream, so at least one member is read
        for piece in reader.member(_ignore, expansion.limit - size):
            size += len(piece)
            if size > expansion.free and size > expansion.ratio * arrived:
                raise FormatError(
                    f"{arrived} compressed bytes inflate to more than {size}: refused as a trap"
                )
            yield piece
        if reader.at_end():
            return


def _limited(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise FormatError(f"larger than the limit of {limit} bytes")
        yield chunk


def _ignore(_: bytes) -> None:
    """Nothing to be done with the compressed bytes."""
