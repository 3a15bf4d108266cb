"""The only door to the crypto library: keys, signatures, fingerprints.

The library is loaded at the first signature, not before: a command that verifies nothing does not pay for it.
"""

import hashlib
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from witchery.errors import FormatError
from witchery.value import frozen

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

MINIMUM_BITS = 2048
"""The shortest RSA key that is accepted, in bits; the oldest Alpine keys have this length."""

_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d0101010500")  # the OID 1.2.840.113549.1.1.1, and NULL
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")


@frozen
class PublicKey:
    """A public key under the file name by which apk looks it up.

    Attributes:
        name: The file name, such as `alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub`.
        pem: The key as PEM SubjectPublicKeyInfo.
    """

    name: str
    pem: bytes

    @staticmethod
    def parse(name: str, pem: bytes) -> "PublicKey":
        """Reads and checks a key file.

        Raises:
            FormatError: if it is not a PEM public RSA key of a sufficient length.
        """
        _load_public(name, pem)
        return PublicKey(name, pem)

    def verifies(self, signature: bytes, hash_name: str, digest: bytes) -> bool:
        """Whether `signature` is this key's RSASSA-PKCS1-v1_5 signature (RFC 8017, 8.2).

        Args:
            signature: The signature.
            hash_name: `sha1`, `sha256` or `sha512`.
            digest: The hash of the signed bytes.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

        try:
            _load_public(self.name, self.pem).verify(
                signature, digest, PKCS1v15(), Prehashed(_hash_algorithm(hash_name))
            )
        except InvalidSignature:
            return False
        return True

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and the hexadecimal SHA-256 of the DER SubjectPublicKeyInfo."""
        found = _PEM.search(self.pem)
        return "SHA256:" + hashlib.sha256(b64decode(found[1]) if found else self.pem).hexdigest()


@frozen
class PrivateKey:
    """An RSA key that signs, under the name that its public half has in a keys folder.

    Attributes:
        name: File name of the public key, such as `me@example.org-1234.rsa.pub`.
        pem: The key as unencrypted PEM.
    """

    name: str
    pem: bytes

    @staticmethod
    def parse(name: str, pem: bytes) -> "PrivateKey":
        """Reads and checks a key file.

        Raises:
            FormatError: if it is not an unencrypted PEM RSA private key.
        """
        _load_private(name, pem)
        return PrivateKey(name, pem)

    @staticmethod
    def generate(name: str, bits: int = 4096) -> "PrivateKey":
        """A new key."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        pem = rsa.generate_private_key(public_exponent=65537, key_size=bits).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return PrivateKey(name, pem)

    @property
    def public(self) -> PublicKey:
        """The public half."""
        from cryptography.hazmat.primitives import serialization

        pem = (
            _load_private(self.name, self.pem)
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return PublicKey(self.name, pem)

    def sign(self, hash_name: str, digest: bytes) -> bytes:
        """The RSASSA-PKCS1-v1_5 signature of a hash; deterministic."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

        key = _load_private(self.name, self.pem)
        return key.sign(digest, PKCS1v15(), Prehashed(_hash_algorithm(hash_name)))


class Keyring(Mapping[str, PublicKey]):
    """The trusted public keys, by file name; the first of a name wins, as in apk."""

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        self._keys: dict[str, PublicKey] = {}
        for key in keys:
            self._keys.setdefault(key.name, key)

    def __getitem__(self, name: str) -> PublicKey:
        return self._keys[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


@lru_cache(maxsize=64)
def _load_public(name: str, pem: bytes) -> "RSAPublicKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    found = _PEM.search(pem)
    if found is None:
        raise FormatError("not a PEM public key", where=[name])
    try:
        modulus, exponent = _rsa_numbers(b64decode(found[1]))
        key = RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise FormatError("not an RSA key, the only kind that apk v2 knows", where=[name]) from error
    if key.key_size < MINIMUM_BITS:
        raise FormatError(f"an RSA key of {key.key_size} bits is too short", where=[name])
    return key


def _rsa_numbers(der: bytes) -> tuple[int, int]:
    """Modulus and exponent in a DER SubjectPublicKeyInfo (RFC 5280, 4.1; RFC 8017, A.1.1).

    The library can read this as well, but loading its reader of key files takes longer than a build.

    Raises:
        ValueError: if it is anything else than an RSA key in plain DER.
    """
    outer, rest = _der(der, 0x30)
    algorithm, bits = _der(outer, 0x30)
    encoded, rest_of_bits = _der(bits, 0x03)
    if algorithm != _RSA_ENCRYPTION or rest or rest_of_bits or encoded[:1] != b"\0":
        raise ValueError("not an RSA key")
    numbers, rest = _der(encoded[1:], 0x30)
    modulus, exponent = _der(numbers, 0x02)
    exponent, rest_of_numbers = _der(exponent, 0x02)
    if rest or rest_of_numbers or modulus[:1] > b"\x7f" or exponent[:1] > b"\x7f":
        raise ValueError("not an RSA key")
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _der(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the first element, which has to be of a kind, and what follows it (X.690, 8.1)."""
    if len(data) < 2 or data[0] != tag:
        raise ValueError("another element")
    length, start = data[1], 2
    if length > 0x80:
        start += length - 0x80
        length = int.from_bytes(data[2:start], "big")
    if length == 0x80 or start > 6 or start + length > len(data):
        raise ValueError("a length that does not fit")
    return data[start : start + length], data[start + length :]


@lru_cache(maxsize=8)
def _load_private(name: str, pem: bytes) -> "RSAPrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise FormatError("not an unencrypted PEM private key", where=[name]) from error
    if not isinstance(key, RSAPrivateKey):
        raise FormatError("not an RSA key, the only kind that apk v2 knows", where=[name])
    return key


def _hash_algorithm(name: str) -> "HashAlgorithm":
    from cryptography.hazmat.primitives import hashes

    algorithms: dict[str, HashAlgorithm] = {
        "sha1": hashes.SHA1(),  # noqa: S303 - what apk v2 specifies
        "sha256": hashes.SHA256(),
        "sha512": hashes.SHA512(),
    }
    return algorithms[name]
