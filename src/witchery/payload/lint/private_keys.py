"""Private keys in files: found by their armour or their structure, and only where there is a real one inside.

Recognised are PEM of every kind (RFC 7468, RFC 1421; in a file of its own, or inside JSON and source code),
OpenSSH's format (PROTOCOL.key), PuTTY's, OpenPGP's armour (RFC 9580 6.2), age's, DER (RFC 5958, RFC 8017),
and containers: PKCS#12 (RFC 7292) and Java key stores. A key under a password is a lesser matter.
Certificates, public keys, and keys that documentation cuts short are none.
"""

import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

_MARK = re.compile(rb"-----BEGIN ((?:[A-Z0-9]{1,16} ){0,4})PRIVATE KEY( BLOCK)?-----")
_END = b"-----END "
_MAX_BODY = 1 << 15
_MAX_MARKS = 64  # more armour than that in one file is no collection of keys
_NOISE = re.compile(rb"""\\[nrt]|["'`,;\\\s]""")
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{32,}={0,2}")
_JOINED = re.compile(rb"""["']\s{0,80}[+\\]?\s{0,80}b?["']""")  # texts that source code puts together
_CHECKSUM = re.compile(rb"(?m)^[ \t]*=[A-Za-z0-9+/]{4}\s*$")
_PGP_SECRET = (b"\x94", b"\x95", b"\x96", b"\x97", b"\xc5")
_HEADER = re.compile(rb"(?m)^[ \t]*[A-Za-z][A-Za-z0-9-]*: .*$")
_OPENSSH = b"openssh-key-v1\0"
_PUTTY = re.compile(rb"\APuTTY-User-Key-File-[23]: ")
_PUTTY_BODY = re.compile(rb"(?m)^Private-Lines: [1-9]")
_PUTTY_OPEN = re.compile(rb"(?m)^Encryption: none\r?$")
_AGE = re.compile(rb"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}(?![0-9A-Z])")
_AGE_LETTERS = 12  # different ones, which no example has that repeats a letter
_DER_NAMES = (".der", ".key", ".pk8", ".pkcs8")
_DER = re.compile(
    rb"\A\x30(?:\x82..|\x81.|[\x20-\x7f])\x02\x01\x00(?:\x30[\x05-\x20]\x06|\x02[\x81\x82])", re.DOTALL
)
_PKCS12_NAMES = (".p12", ".pfx")
_PKCS12 = re.compile(rb"\A\x30(?:\x82..|\x83...|\x80)\x02\x01\x03", re.DOTALL)
_KEY_STORE = b"\xfe\xed\xfe\xed"
_KEY_ENTRY = 1


class PrivateKey(NamedTuple):
    """A private key, without a byte of it.

    Attributes:
        what: Its kind, with an article.
        encrypted: Whether it is under a password.
        line: Where it begins, from 1; 0 where the file is no text.
    """

    what: str
    encrypted: bool
    line: int = 0


def in_text(data: bytes) -> Iterator[PrivateKey]:
    """The private keys in a text."""
    if b"PRIVATE KEY" in data:
        for number, mark in enumerate(_MARK.finditer(data)):
            if number >= _MAX_MARKS:
                break
            encrypted = _armoured(data, mark)
            if encrypted is not None:
                yield PrivateKey(_named(mark), encrypted, _line(data, mark.start()))
    if _PUTTY.match(data) and _PUTTY_BODY.search(data):
        yield PrivateKey("a PuTTY private key", _PUTTY_OPEN.search(data) is None, 1)
    if b"AGE-SECRET-KEY-1" in data:
        for found in _AGE.finditer(data):
            if len(set(found[0][16:])) >= _AGE_LETTERS:
                yield PrivateKey("an age private key", encrypted=False, line=_line(data, found.start()))
                break


def in_head(name: str, head: bytes) -> PrivateKey | None:
    """The private key that a file holds which is no text, told by its name and its first bytes."""
    name = name.lower()
    if name.endswith(_DER_NAMES) and _DER.match(head):
        return PrivateKey("a private key in DER", encrypted=False)
    if name.endswith(_PKCS12_NAMES) and _PKCS12.match(head):
        return PrivateKey("a PKCS#12 container", encrypted=True)
    if head.startswith(_KEY_STORE) and int.from_bytes(head[12:16], "big") == _KEY_ENTRY:
        return PrivateKey("a Java key store with a private key", encrypted=True)
    return None


def _named(mark: re.Match[bytes]) -> str:
    label = mark[1].decode("ascii").strip()
    if label in ("", "ENCRYPTED"):
        return "a private key"
    known = {"OPENSSH": "an OpenSSH", "EC": "an EC", "RSA": "an RSA", "PGP": "an OpenPGP"}
    return f"{known.get(label, f'a {label}')} private key"


def _armoured(data: bytes, mark: re.Match[bytes]) -> bool | None:
    """Whether the key that begins here is encrypted; None if there is no key."""
    end = data.find(_END, mark.end(), mark.end() + _MAX_BODY)
    text = data[mark.end() : max(end, mark.end())].replace(b"\\r", b"").replace(b"\\n", b"\n")
    text = _JOINED.sub(b"\n", text)
    headers = b"\n".join(_HEADER.findall(text))
    body = _NOISE.sub(b"", _CHECKSUM.sub(b"", _HEADER.sub(b"", text)))
    content = _decoded(body)
    if mark[2]:
        return False if content[:1] in _PGP_SECRET else None
    if content.startswith(_OPENSSH):
        at = len(_OPENSSH)
        size = int.from_bytes(content[at : at + 4], "big")
        return content[at + 4 : at + 4 + size] != b"none"
    if content and b"ENCRYPTED" in headers:
        return True
    return b"ENCRYPTED" in mark[1] if _is_sequence(content) else None


def _decoded(body: bytes) -> bytes:
    """What base64 says; nothing where it is none."""
    if not _BASE64.fullmatch(body):
        return b""
    try:
        return binascii.a2b_base64(body + b"=" * (-len(body) % 4))
    except binascii.Error:
        return b""


def _is_sequence(content: bytes) -> bool:
    """Whether the bytes are one whole ASN.1 sequence (X.690), and not the beginning of one."""
    if len(content) < 32 or content[0] != 0x30:
        return False
    size, at = content[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(content[2:at], "big")
    return at + size == len(content)


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1
