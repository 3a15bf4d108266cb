"""Identifiers inside and of documents; the same content always has the same ones."""

import hashlib
import re
from typing import Any

from witchery import canonical

_NAMESPACE = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")  # that of URLs (RFC 4122, appendix C)
_OUTSIDE = r"[^A-Za-z0-9.-]"


def content_uuid(document: Any) -> str:
    """A name for a document that follows from its content: a UUID of version 5 (RFC 4122, 4.3).

    Two documents have one name only if they say the same of the same image, so that a name never stands for
    two documents, as SPDX (2.3, 6.5) and CycloneDX ask.

    Args:
        document: All of it but the name.
    """
    content = hashlib.sha256(canonical.encode(document)).hexdigest()
    made = bytearray(hashlib.sha1(_NAMESPACE + f"sha256:{content}".encode()).digest()[:16])
    made[6] = made[6] & 0x0F | 0x50
    made[8] = made[8] & 0x3F | 0x80
    text = made.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Names:
    """Names of elements inside one document: letters, digits, `.` and `-` (SPDX 2.3, 7.2)."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, *parts: str) -> str:
        """A name made of some words, which no other element has."""
        stem = re.sub(_OUTSIDE, lambda odd: f"-{ord(odd[0]):x}-", "-".join(parts))
        name, number = stem, 1
        while name in self._taken:
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name)
        return name
