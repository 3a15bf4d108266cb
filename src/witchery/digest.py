"""Digests in the notation of OCI: `sha256:` and 64 hexadecimal digits (image-spec, descriptor.md)."""

import hashlib
import re
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
