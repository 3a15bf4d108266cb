"""Digests in the notation of OCI: `sha256:` and 64 hexadecimal digits (image-spec, descriptor.md)."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Self

from witchery.errors import FormatError
from witchery.value import frozen

_NOTATION = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@frozen(order=True)
class Digest:
    """The name of some bytes.

    Attributes:
        algorithm: `sha256` or `sha512`.
        hex: The hash, lower case.
    """

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `sha256:<hex>`.

        Raises:
            FormatError: if it is anything else.
        """
        if not _NOTATION.fullmatch(text):
            raise FormatError(f"expected a digest such as `sha256:<64 hex digits>`: `{text}`")
        algorithm, _, hexadecimal = text.partition(":")
        return cls(algorithm, hexadecimal)

    @classmethod
    def sha256(cls, data: bytes | memoryview) -> Self:
        """The SHA-256 digest of `data`."""
        return cls("sha256", hashlib.sha256(data).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


class Hashing(Iterator[bytes]):
    """Chunks on their way to a reader, and the SHA-256 of all of them."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._hasher = hashlib.sha256()

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._hasher.update(chunk)
        return chunk

    def digest(self) -> Digest:
        """The digest of all chunks: what the reader did not ask for is part of them, and read here."""
        for _ in self:
            pass
        return Digest("sha256", self._hasher.hexdigest())
