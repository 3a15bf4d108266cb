"""Keys and signatures made by other programs than ours, and what other programs say of ours.

Keys are made by OpenSSL; envelopes by `securesystemslib`; bundles are judged by sigstore's own JavaScript
(npm: @sigstore/verify); signatures of bytes by OpenSSL. What has cosign's formats is put together here from
what cosign's specifications say, with `cryptography` and `json` alone.
"""

import atexit
import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from support.downloads import npm_tarball
from support.peers import need
from support.real_applications import unpack_npm
from support.shared import SHARED

KINDS = ("p256", "ed25519", "rsa")
"""The kinds of keys that sign images."""

_SIGSTORE = {
    "@sigstore/verify": "2.1.1",
    "@sigstore/bundle": "3.1.0",
    "@sigstore/core": "2.0.0",
    "@sigstore/protobuf-specs": "0.4.3",
}
"""The newest that run on Node 18, which Debian 12 has, and on Node 20; later ones want 22."""

_OPTIONS = {
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "ed25519": ["-algorithm", "ed25519"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}


def openssl(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    """What OpenSSL prints; it has to succeed."""
    return subprocess.run(["openssl", *arguments], input=stdin, check=True, capture_output=True).stdout


def private_pem(kind: str, number: int = 0) -> bytes:
    """A private key as unencrypted PKCS#8; the same for the same arguments, for one run of the tests."""
    return _made(kind, number)


@cache
def _made(kind: str, _: int) -> bytes:
    return openssl("genpkey", *_OPTIONS[kind])


@cache
def public_pem(private: bytes) -> bytes:
    """Its public half."""
    return openssl("pkey", "-pubout", stdin=private)


def private_key(pem: bytes) -> Any:
    """A key as `cryptography` has it."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem, None)


def signed(pem: bytes, message: bytes) -> bytes:
    """A signature by `cryptography`, as cosign makes it."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
    from cryptography.hazmat.primitives.hashes import SHA256

    key = private_key(pem)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(SHA256()))
    made: bytes = key.sign(message, padding.PKCS1v15(), SHA256())
    return made


def hint_of(pem: bytes) -> str:
    """The hint of a private key's public half."""
    der = openssl("pkey", "-pubout", "-outform", "DER", stdin=pem)
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def cosign_payload(digest: str, reference: str = "example.org/app", **critical: Any) -> bytes:
    """A payload as cosign writes it (SIGNATURE_SPEC.md, "Simple Signing")."""
    made = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": made | critical, "optional": None}).encode()


def cosign_statement(
    digest: str, predicate_type: str = "https://sigstore.dev/cosign/sign/v1", **more: Any
) -> bytes:
    """A statement as cosign 3 signs it."""
    made = {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": predicate_type,
        "subject": [{"name": "", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicate": {},
    }
    return json.dumps(made | more).encode()


def their_key(private: bytes) -> Any:
    """The public half as `securesystemslib` has it, with the scheme that cosign uses."""
    from securesystemslib.signer._key import SSlibKey

    public = private_key(private).public_key()
    scheme = "rsa-pkcs1v15-sha256" if hasattr(public, "encrypt") else None
    return SSlibKey.from_crypto(public, scheme=scheme)


def dsse(payload: bytes, *keys: bytes, payload_type: str = "application/vnd.in-toto+json") -> dict[str, Any]:
    """An envelope made by `securesystemslib`, in the members that DSSE names."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer._crypto_signer import CryptoSigner

    envelope = Envelope(payload=payload, payload_type=payload_type, signatures={})
    for key in keys:
        envelope.sign(CryptoSigner(private_key(key), their_key(key)))
    made: dict[str, Any] = envelope.to_dict()
    return made


def cosign_bundle(payload: bytes, key: bytes, **more: Any) -> dict[str, Any]:
    """A bundle for a key as cosign 3 writes it without a transparency log (BUNDLE_SPEC.md)."""
    envelope = dsse(payload, key)
    return {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "publicKey": {"hint": hint_of(key)},
            "tlogEntries": [],
            "timestampVerificationData": None,
        },
        "dsseEnvelope": {
            "payload": envelope["payload"],
            "payloadType": envelope["payloadType"],
            "signatures": [{"sig": envelope["signatures"][0]["sig"]}],
        },
    } | more


def sealed_key(private: bytes, passphrase: bytes, label: str = "SIGSTORE", **kdf: Any) -> bytes:
    """A private key in cosign's own form, sealed by libsodium: scrypt and NaCl's secretbox."""
    from cryptography.hazmat.primitives import serialization
    from nacl.secret import SecretBox

    der = private_key(private).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    salt, nonce = os.urandom(32), os.urandom(24)
    derived = hashlib.scrypt(passphrase, salt=salt, n=32768, r=8, p=1, maxmem=64 << 20, dklen=32)
    document = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": 32768, "r": 8, "p": 1},
            "salt": base64.b64encode(salt).decode(),
        }
        | kdf,
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(SecretBox(derived).encrypt(der, nonce).ciphertext).decode(),
    }
    body = base64.encodebytes(json.dumps(document).encode()).decode()
    label = f"ENCRYPTED {label} PRIVATE KEY"
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def openssl_accepts(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether OpenSSL takes a signature of a message as this key's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in (("key", public), ("signature", signature), ("message", message)):
            (folder / file).write_bytes(content)
        command = ["dgst", "-sha256", "-verify", "key", "-signature", "signature", "message"]
        if b"ED25519" in openssl("pkey", "-pubin", "-text", "-noout", stdin=public):
            command = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key", "-sigfile", "signature"]
            command += ["-in", "message"]
        done = subprocess.run(["openssl", *command], cwd=folder, capture_output=True, check=False)
        return done.returncode == 0


@cache
def _sigstore_folder() -> Path:
    """A folder with sigstore's packages, and the script that uses them."""
    folder = Path(tempfile.mkdtemp(prefix="sigstore-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, version in _SIGSTORE.items():
        unpack_npm(npm_tarball(name, version), folder / "node_modules" / name)
    shutil.copy(SHARED / "tools" / "verify_bundle.mjs", folder)
    return folder


def sigstore_says(bundle: bytes, public: bytes, folder: Path) -> str:
    """What sigstore's own verifier says of a bundle: `OK` and what is in it, or `FAIL` and why."""
    need("node", "npm", root=False)
    (folder / "bundle.json").write_bytes(bundle)
    (folder / "key.pub").write_bytes(public)
    command: list[str | Path] = [
        "node",
        _sigstore_folder() / "verify_bundle.mjs",
        folder / "bundle.json",
        folder / "key.pub",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip() or done.stderr.strip()
