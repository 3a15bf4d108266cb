"""Certificates (X.509, RFC 5280) as far as an image needs to know them: what they are, and whose.

Only the form is looked at, in a few lines of DER (X.690): authorities in use break rules that strict
libraries insist on, such as a serial number of zero, and have to be passed on all the same.
"""

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import NamedTuple

from witchery.errors import FormatError
from witchery.value import frozen

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_SEQUENCE, _SET, _UTF8, _VERSION = 0x30, 0x31, 0x0C, 0xA0
_ENCODINGS = {
    0x0C: "utf-8",
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # T61String, as OpenSSL reads it
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}
_BLANKS = re.compile(rb"[ \t\n\v\f\r]+")


class _Value(NamedTuple):
    """A value in DER: its tag, its content, and both with the length between them."""

    tag: int
    content: bytes
    whole: bytes


@frozen
class Authority:
    """A certificate.

    Attributes:
        der: Its bytes.
        subject: Whose it is: a Name (RFC 5280, 4.1.2.6) in DER.
    """

    der: bytes
    subject: bytes

    @staticmethod
    def parse(pem: bytes) -> "Authority":
        """Reads a PEM file with exactly one certificate; text around it is allowed (RFC 7468, 5.2).

        Raises:
            FormatError: if it holds none, or several, or what it holds has not the form of a certificate.
        """
        found: list[bytes] = _PEM.findall(pem)
        if len(found) != 1:
            raise FormatError(f"expected exactly one certificate in PEM form, found {len(found)}")
        try:
            der = b64decode(b"".join(found[0].split()), validate=True)
        except ValueError as error:
            raise FormatError("not a certificate: its PEM block does not hold base64") from error
        fields = _fields(der)
        return Authority(der, fields[4].whole)

    @property
    def fingerprint(self) -> str:
        """The hexadecimal SHA-256 of the certificate."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def subject_hash(self) -> str:
        """The eight digits by which OpenSSL finds an authority in a folder (openssl-rehash(1)).

        They are the first four bytes, least significant first, of the SHA-1 of the subject in a canonical
        form: the relative names one after the other, without the sequence around them, each text in UTF-8 and
        lower case with single blanks.

        Raises:
            FormatError: if the subject is malformed.
        """
        (names,) = _values(self.subject)
        canonical = b"".join(_relative(each) for each in _values(names.content))
        return hashlib.sha1(canonical).digest()[3::-1].hex()


def _fields(der: bytes) -> list[_Value]:
    """Serial number, algorithm, issuer, validity, subject, ... of a certificate."""
    outer = list(_values(der))
    parts = list(_values(outer[0].content)) if len(outer) == 1 and outer[0].tag == _SEQUENCE else []
    if len(parts) != 3 or parts[0].tag != _SEQUENCE:
        raise FormatError("not a certificate")
    fields = list(_values(parts[0].content))
    fields = fields[1:] if fields and fields[0].tag == _VERSION else fields
    if len(fields) < 6 or fields[4].tag != _SEQUENCE:
        raise FormatError("not a certificate")
    return fields


def _relative(name: _Value) -> bytes:
    """A relative name: a set of pairs of a type and a value."""
    pairs = []
    for pair in _values(name.content):
        kind, value = _pair(pair.content)
        pairs.append(_encoded(_SEQUENCE, kind.whole + _canonical(value)))
    return _encoded(_SET, b"".join(sorted(pairs)))


def _pair(data: bytes) -> tuple[_Value, _Value]:
    values = list(_values(data))
    if len(values) != 2:
        raise FormatError("the name of a certificate is malformed")
    return values[0], values[1]


def _canonical(value: _Value) -> bytes:
    if value.tag not in _ENCODINGS:
        return value.whole
    try:
        text = value.content.decode(_ENCODINGS[value.tag]).encode()
    except UnicodeDecodeError as error:
        raise FormatError("a text in the name of a certificate is malformed") from error
    return _encoded(_UTF8, _BLANKS.sub(b" ", text).strip(b" ").lower())


def _encoded(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _values(data: bytes) -> Iterator[_Value]:
    """The values in a row (X.690: tag, length, content)."""
    position = 0
    while position < len(data):
        start, head = position, data[position : position + 2]
        if len(head) < 2:
            raise FormatError("not a certificate: it is truncated")
        size, position = head[1], position + 2
        if size >= 0x80:
            digits = size & 0x7F
            size = int.from_bytes(data[position : position + digits], "big")
            position += digits
        content = data[position : position + size]
        position += size
        if position > len(data):
            raise FormatError("not a certificate: it is truncated")
        yield _Value(head[0], content, data[start:position])
