"""Keys that sign images, and keys that such signatures are checked with, as cosign and OpenSSL keep them.

| key | signature |
| --- | --- |
| ECDSA on P-256 | SHA-256, ASN.1 (RFC 3279, 2.2.3); deterministic (RFC 6979) where OpenSSL can |
| Ed25519 | pure (RFC 8032) |
| RSA, 2048 bits and more | RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2) |

Signatures by ECDSA on P-384 and P-521 are read, with SHA-256 or with the curve's own hash, and never made: by
which hash depends on the version of cosign.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final

from witchery import canonical
from witchery.errors import FormatError, UsageError
from witchery.keys import MINIMUM_BITS
from witchery.value import field, frozen

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    Private = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey
    Public = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey

MAX_KEY: Final = 1 << 16
"""Bytes of the largest key file that is read."""

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.+?)-----END \1-----", re.DOTALL)
_PLAIN = frozenset({b"PRIVATE KEY", b"EC PRIVATE KEY", b"RSA PRIVATE KEY", b"ENCRYPTED PRIVATE KEY"})
_SIGSTORE = frozenset({b"ENCRYPTED SIGSTORE PRIVATE KEY", b"ENCRYPTED COSIGN PRIVATE KEY"})
_MAX_SCRYPT = 256 << 20  # bytes of memory; cosign's keys take 64 MB
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


@frozen
class VerifyingKey:
    """A public key that signatures of images are checked with.

    Attributes:
        name: What it is called in messages: its file.
        der: It, as DER SubjectPublicKeyInfo (RFC 5280, 4.1).
    """

    name: str
    der: bytes

    @staticmethod
    def parse(name: str, pem: bytes) -> "VerifyingKey":
        """Reads and checks a PEM public key.

        Raises:
            FormatError: if it is none, of another kind, or too short.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if b"PRIVATE KEY-----" in pem:
            hint = f"`openssl pkey -in {name} -pubout` prints the public half of a key"
            raise FormatError("a private key, and a public one is wanted", where=[name], hint=hint)
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise FormatError("not a PEM public key", where=[name]) from error
        return VerifyingKey(name, _public_der(name, key))

    @property
    def hint(self) -> str:
        """How bundles name it: the base64 SHA-256 of the DER (sigstore_common.proto, PublicKeyIdentifier)."""
        return b64encode(hashlib.sha256(self.der).digest()).decode()

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and the hexadecimal SHA-256 of the DER, as for the keys of packages."""
        return "SHA256:" + hashlib.sha256(self.der).hexdigest()

    @property
    def kind(self) -> str:
        """What it is, for people: `ECDSA P-256`, `Ed25519`, `RSA 3072`."""
        return _kind(_load_public(self.der))

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's, of `message`."""
        from cryptography.exceptions import InvalidSignature

        for attempt in _attempts(_load_public(self.der), signature, message):
            try:
                attempt()
            except (InvalidSignature, ValueError):
                continue
            return True
        return False


@frozen
class SigningKey:
    """A private key that signs images. It is never printed.

    Attributes:
        name: What it is called in messages: its file.
        der: It, as unencrypted DER PKCS#8 (RFC 5958).
    """

    name: str
    der: bytes = field(repr=False)

    @staticmethod
    def parse(name: str, pem: bytes, passphrase: Callable[[], bytes]) -> "SigningKey":
        """Reads and checks a PEM private key: PKCS#8, PKCS#1 or SEC 1, plain or encrypted, or cosign's own.

        Args:
            name: What it is called in messages.
            pem: The file.
            passphrase: Gives the passphrase; asked only if the key is encrypted.

        Raises:
            FormatError: if it is none, of another kind or too short, or the passphrase is not its own.
            UsageError: if it is of cosign's own form, and what reads that is not installed.
        """
        label, block, body = _private_block(name, pem)
        key = (
            _load_sigstore(name, body, passphrase)
            if label in _SIGSTORE
            else _load_pem(name, block, passphrase if _is_encrypted(label, body) else None)
        )
        return SigningKey(name, _private_der(name, key))

    @property
    def public(self) -> VerifyingKey:
        """The public half."""
        return VerifyingKey(self.name, _public_der(self.name, _load_private(self.der).public_key()))

    def sign(self, message: bytes) -> bytes:
        """The signature of a message; see the table above."""
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        key = _load_private(self.der)
        if isinstance(key, Ed25519PrivateKey):
            return key.sign(message)
        if isinstance(key, EllipticCurvePrivateKey):
            return _ecdsa(key, message)
        return key.sign(message, PKCS1v15(), SHA256())


def _ecdsa(key: "EllipticCurvePrivateKey", message: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        return key.sign(message, ECDSA(SHA256(), deterministic_signing=True))
    except UnsupportedAlgorithm:  # OpenSSL before 3.2, where a distribution links the library to its own
        return key.sign(message, ECDSA(SHA256()))


def _attempts(key: "Public", signature: bytes, message: bytes) -> tuple[Callable[[], None], ...]:
    """The ways in which a signature may be meant; each raises unless it is so."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    if isinstance(key, Ed25519PublicKey):
        return (lambda: key.verify(signature, message),)
    if isinstance(key, EllipticCurvePublicKey):
        by_curve: Mapping[str, hashes.HashAlgorithm] = {
            "secp384r1": hashes.SHA384(),
            "secp521r1": hashes.SHA512(),
        }
        own = [by_curve[key.curve.name]] if key.curve.name in by_curve else []
        used: list[hashes.HashAlgorithm] = [hashes.SHA256(), *own]
        return tuple(partial(key.verify, signature, message, ECDSA(each)) for each in used)
    return (lambda: key.verify(signature, message, PKCS1v15(), hashes.SHA256()),)


def _private_block(name: str, pem: bytes) -> tuple[bytes, bytes, bytes]:
    """The label of the private key in a file, its block, and what is between the lines."""
    if len(pem) > MAX_KEY:
        raise FormatError(f"expected a key of at most {MAX_KEY} bytes: {len(pem)}", where=[name])
    for found in _BLOCK.finditer(pem):
        if found[1] in _PLAIN | _SIGSTORE:
            return found[1], found[0], found[2]
    other = _BLOCK.search(pem)
    if other and other[1] == b"OPENSSH PRIVATE KEY":
        hint = "`ssh-keygen -p -m PKCS8 -f FILE` turns a copy of it into one"
        raise FormatError("a key of OpenSSH, and a PEM private key is wanted", where=[name], hint=hint)
    what = "a public key, and a private one is wanted" if other and other[1] == b"PUBLIC KEY" else ""
    raise FormatError(what or "not a PEM private key", where=[name])


def _is_encrypted(label: bytes, body: bytes) -> bool:
    return label == b"ENCRYPTED PRIVATE KEY" or b"Proc-Type: 4,ENCRYPTED" in body  # RFC 1421, 4.6.1.1


def _load_pem(name: str, block: bytes, passphrase: Callable[[], bytes] | None) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(block, passphrase() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What the library says may hold parts of the key, and is not passed on.
        what = "another passphrase, or a damaged key" if passphrase else "a damaged or unknown private key"
        raise FormatError(what, where=[name]) from None


def _load_sigstore(name: str, body: bytes, passphrase: Callable[[], bytes]) -> Any:
    """A key of cosign's own form: JSON that names scrypt and NaCl's secretbox (go-tuf, `encrypted`)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox
    except ImportError:
        hint = "`pip install 'witchery-images[cosign-keys]'`"
        raise UsageError(f"cosign's own form of keys is read by PyNaCl: `{name}`", hint=hint) from None
    try:
        document = canonical.decode(b64decode(body))
        nonce, box = _secretbox(document)
        der = SecretBox(_scrypt(document["kdf"], passphrase)).decrypt(box, nonce)
        return load_der_private_key(der, None)
    except CryptoError:
        raise FormatError("another passphrase, or a damaged key", where=[name]) from None
    except (FormatError, KeyError, TypeError, ValueError, UnsupportedAlgorithm):
        raise FormatError("not a key as cosign writes it", where=[name]) from None


def _secretbox(document: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Nonce and box.

    Raises:
        ValueError: if it is encrypted in another way.
    """
    if document["cipher"]["name"] != "nacl/secretbox":
        raise ValueError("another cipher")
    return (
        b64decode(document["cipher"]["nonce"], validate=True),
        b64decode(document["ciphertext"], validate=True),
    )


def _scrypt(kdf: Mapping[str, Any], passphrase: Callable[[], bytes]) -> bytes:
    """The key of the box.

    Raises:
        ValueError: if it is derived in another way, or by more memory than any key of cosign takes.
    """
    cost, blocks, parallel = (int(kdf["params"][each]) for each in ("N", "r", "p"))
    if kdf["name"] != "scrypt" or parallel > 16 or 128 * cost * blocks > _MAX_SCRYPT:
        raise ValueError("another derivation")
    salt = b64decode(kdf["salt"], validate=True)
    return hashlib.scrypt(
        passphrase(), salt=salt, n=cost, r=blocks, p=parallel, maxmem=_MAX_SCRYPT + (1 << 20), dklen=32
    )


@lru_cache(maxsize=16)
def _load_public(der: bytes) -> "Public":
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key: Any = load_der_public_key(der)
    return key  # type: ignore[no-any-return]


@lru_cache(maxsize=4)
def _load_private(der: bytes) -> "Private":
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    key: Any = load_der_private_key(der, None)
    return key  # type: ignore[no-any-return]


def _private_der(name: str, key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    kind = _known_kind(name, key.public_key())
    if kind in ("ECDSA P-384", "ECDSA P-521"):
        hint = "ECDSA P-256, Ed25519 and RSA keys sign"
        raise FormatError(f"versions of cosign disagree on signatures of {kind}", where=[name], hint=hint)
    der: bytes = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return der


def _public_der(name: str, key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    _known_kind(name, key)
    der: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return der


def _known_kind(name: str, key: Any) -> str:
    """The kind of a public key.

    Raises:
        FormatError: if images are not signed by such keys.
    """
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    kind = _kind(key)
    if not kind:
        hint = "known are ECDSA P-256, Ed25519 and RSA"
        raise FormatError("a key of a kind that does not sign images", where=[name], hint=hint)
    if isinstance(key, RSAPublicKey) and key.key_size < MINIMUM_BITS:
        raise FormatError(f"an RSA key of {key.key_size} bits is too short", where=[name])
    return kind


def _kind(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(key, Ed25519PublicKey):
        return "Ed25519"
    if isinstance(key, RSAPublicKey):
        return f"RSA {key.key_size}"
    curve = _CURVES.get(key.curve.name) if isinstance(key, EllipticCurvePublicKey) else None
    return f"ECDSA {curve}" if curve else ""
