"""The identity of a package: the hash of its control segment, as indexes write it (apk-index(5), "C").

    identity = ("Q1" | "Q2") base64 | ("X1" | "X2") hexadecimal

`1` stands for SHA-1 and `2` for SHA-256. apk 3 also writes a SHA-256 as `Q1`, the base64 of its first 20
bytes and the base64 of its last 12. Identities are compared as bytes: different texts may say the same.
"""

import binascii

from witchery.errors import FormatError

SIZE = 20
"""How many leading bytes of an identity are compared: two packages that agree in them are one."""


def decode(text: str) -> bytes:
    """The bytes of an identity: 20 or 32.

    Raises:
        FormatError: if it is malformed.
    """
    notation, digits = text[:2], text[2:]
    try:
        if notation in {"X1", "X2"}:
            identity = bytes.fromhex(digits)
        elif notation == "Q1":
            identity = binascii.a2b_base64(digits[:28]) + binascii.a2b_base64(digits[28:])
        elif notation == "Q2":
            identity = binascii.a2b_base64(digits)
        else:
            identity = b""
    except ValueError:
        identity = b""
    if len(identity) not in {20, 32}:
        raise FormatError(f"malformed package identity: `{text}`")
    return identity


def encode(identity: bytes) -> str:
    """The text of an identity, as apk writes it into an index."""
    kind = "Q1" if len(identity) == SIZE else "Q2"
    return kind + binascii.b2a_base64(identity, newline=False).decode("ascii")
