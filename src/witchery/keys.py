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
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurve, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

MINIMUM_BITS = 2048
"""The shortest RSA key that is accepted, in bits; the oldest Alpine keys have this length."""

KEY_ID_SIZE = 16
"""Bytes of the name by which apk v3 looks up a key."""

_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d0101010500")  # the OID 1.2.840.113549.1.1.1, and NULL
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")  # the OID 1.2.840.10045.2.1 (RFC 5480, 2.1.1)
_CURVES = {  # the OID of a curve (RFC 5480, 2.1.1.1; SEC 2, A.2.1), and its name
    bytes.fromhex("06082a8648ce3d030107"): "secp256r1",
    bytes.fromhex("06052b81040022"): "secp384r1",
    bytes.fromhex("06052b81040023"): "secp521r1",
    bytes.fromhex("06052b8104000a"): "secp256k1",
}
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
            FormatError: if it is no PEM public key that apk knows: RSA of a sufficient length, or of one of
                four elliptic curves.
        """
        _load_public(name, pem)
        return PublicKey(name, pem)

    def verifies(self, signature: bytes, hash_name: str, digest: bytes) -> bool:
        """Whether `signature` is this key's: RSASSA-PKCS1-v1_5 (RFC 8017, 8.2), or ECDSA (RFC 3279, 2.2.3).

        Args:
            signature: The signature.
            hash_name: `sha1`, `sha256` or `sha512`.
            digest: The hash of the signed bytes.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

        key = _load_public(self.name, self.pem)
        hashed = Prehashed(_hash_algorithm(hash_name))
        try:
            if isinstance(key, RSAPublicKey):
                key.verify(signature, digest, PKCS1v15(), hashed)
            else:
                from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

                key.verify(signature, digest, ECDSA(hashed))
        except InvalidSignature:
            return False
        return True

    @property
    def is_rsa(self) -> bool:
        """Whether it is an RSA key, the only kind that apk v2 knows."""
        return _key_info(self.name, self.pem)[0] == _RSA_ENCRYPTION

    @property
    def key_id(self) -> bytes:
        """The name by which apk v3 looks it up: the first 16 bytes of a SHA-512.

        Hashed is what stands in the bit string of SubjectPublicKeyInfo: an RSAPublicKey in DER, or the
        uncompressed point of an elliptic curve.
        """
        _, encoded = _key_info(self.name, self.pem)
        return hashlib.sha512(encoded).digest()[:KEY_ID_SIZE]

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
def _load_public(name: str, pem: bytes) -> "RSAPublicKey | EllipticCurvePublicKey":
    algorithm, encoded = _key_info(name, pem)
    unknown = "neither an RSA key nor one of an elliptic curve that apk knows"
    try:
        if algorithm == _RSA_ENCRYPTION:
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

            modulus, exponent = _rsa_numbers(encoded)
            key = RSAPublicNumbers(exponent, modulus).public_key()
        else:
            return _point(algorithm, encoded)
    except ValueError as error:
        raise FormatError(unknown, where=[name]) from error
    if key.key_size < MINIMUM_BITS:
        raise FormatError(f"an RSA key of {key.key_size} bits is too short", where=[name])
    return key


@lru_cache(maxsize=64)
def _key_info(name: str, pem: bytes) -> tuple[bytes, bytes]:
    """Algorithm and key in a PEM SubjectPublicKeyInfo (RFC 5280, 4.1), both as they are encoded.

    The library can read this as well, but loading its reader of key files takes longer than a build.

    Raises:
        FormatError: if it is anything else.
    """
    found = _PEM.search(pem)
    if found is None:
        raise FormatError("not a PEM public key", where=[name])
    try:
        outer, rest = _der(b64decode(found[1]), 0x30)
        algorithm, bits = _der(outer, 0x30)
        encoded, rest_of_bits = _der(bits, 0x03)
    except ValueError as error:
        raise FormatError("not a PEM public key", where=[name]) from error
    if rest or rest_of_bits or encoded[:1] != b"\0":
        raise FormatError("not a PEM public key", where=[name])
    return algorithm, encoded[1:]


def _rsa_numbers(der: bytes) -> tuple[int, int]:
    """Modulus and exponent in a DER RSAPublicKey (RFC 8017, A.1.1).

    Raises:
        ValueError: if it is anything else.
    """
    numbers, rest = _der(der, 0x30)
    modulus, exponent = _der(numbers, 0x02)
    exponent, rest_of_numbers = _der(exponent, 0x02)
    if rest or rest_of_numbers or modulus[:1] > b"\x7f" or exponent[:1] > b"\x7f":
        raise ValueError("not an RSA key")
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _point(algorithm: bytes, encoded: bytes) -> "EllipticCurvePublicKey":
    """The key of an uncompressed point (SEC 1, 2.3.4).

    Raises:
        ValueError: if it is none on a known curve.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    curves: dict[str, EllipticCurve] = {
        "secp256r1": ec.SECP256R1(),
        "secp384r1": ec.SECP384R1(),
        "secp521r1": ec.SECP521R1(),
        "secp256k1": ec.SECP256K1(),
    }
    curve = _CURVES.get(algorithm.removeprefix(_EC_PUBLIC_KEY))
    if not algorithm.startswith(_EC_PUBLIC_KEY) or curve is None or encoded[:1] != b"\x04":
        raise ValueError("not a known curve")
    return ec.EllipticCurvePublicKey.from_encoded_point(curves[curve], encoded)


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
