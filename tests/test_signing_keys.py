"""Keys that sign images: OpenSSL agrees with every signature, every usual file is read, no secret is told."""

import base64
import sys
from pathlib import Path
from typing import Any

import pytest

from support.signing import (
    KINDS,
    hint_of,
    openssl,
    openssl_accepts,
    private_pem,
    public_pem,
    sealed_key,
    signed,
)
from witchery.errors import FormatError, UsageError
from witchery.signing_keys import SigningKey, VerifyingKey

MESSAGE = b"what is signed"
SECRET = b"correct horse"


def never() -> bytes:
    raise AssertionError("nobody should be asked for a passphrase")


def signing(pem: bytes, passphrase: bytes | None = None) -> SigningKey:
    return SigningKey.parse("my.key", pem, never if passphrase is None else lambda: passphrase)


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_takes_our_signatures_and_no_others(kind: str) -> None:
    key, other = private_pem(kind), private_pem(kind, 1)
    signature = signing(key).sign(MESSAGE)
    assert openssl_accepts(public_pem(key), signature, MESSAGE)
    assert not openssl_accepts(public_pem(other), signature, MESSAGE)
    assert not openssl_accepts(public_pem(key), signature, MESSAGE + b"!")


@pytest.mark.parametrize("kind", [*KINDS, "p384", "p521"])
def test_signatures_of_others_are_taken_and_nothing_else(kind: str) -> None:
    key = VerifyingKey.parse("k.pub", public_pem(private_pem(kind)))
    signature = signed(private_pem(kind), MESSAGE)
    assert key.verifies(signature, MESSAGE)
    assert not key.verifies(signature, MESSAGE + b"!")
    assert not key.verifies(signature[:-1] + bytes([signature[-1] ^ 1]), MESSAGE)
    assert not key.verifies(b"", MESSAGE)
    assert not VerifyingKey.parse("k.pub", public_pem(private_pem(kind, 1))).verifies(signature, MESSAGE)


@pytest.mark.parametrize(("kind", "hash_name"), [("p384", "sha384"), ("p521", "sha512")])
def test_larger_curves_may_use_their_own_hash(kind: str, hash_name: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(private_pem(kind))
    signature = openssl("dgst", f"-{hash_name}", "-sign", tmp_path / "key", stdin=MESSAGE)
    key = VerifyingKey.parse("k.pub", public_pem(private_pem(kind)))
    assert key.verifies(signature, MESSAGE)
    assert not key.verifies(signature, MESSAGE + b"!")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_input_gives_the_same_signature(kind: str) -> None:
    """With ECDSA too, by RFC 6979."""
    assert signing(private_pem(kind)).sign(MESSAGE) == signing(private_pem(kind)).sign(MESSAGE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hint_is_the_hash_that_openssl_gives(kind: str) -> None:
    pem = private_pem(kind)
    public = VerifyingKey.parse("k.pub", public_pem(pem))
    assert signing(pem).public.hint == public.hint == hint_of(pem)
    assert public.fingerprint == "SHA256:" + base64.b64decode(hint_of(pem)).hex()
    assert public.kind == {"p256": "ECDSA P-256", "ed25519": "Ed25519", "rsa": "RSA 2048"}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_an_encrypted_key_is_the_same_key(kind: str) -> None:
    pem = private_pem(kind)
    encrypted = openssl(
        "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{SECRET.decode()}", stdin=pem
    )
    assert signing(encrypted, SECRET).public == signing(pem).public
    with pytest.raises(FormatError, match=r"my\.key: another passphrase, or a damaged key"):
        signing(encrypted, b"wrong")


def test_the_older_forms_of_openssl_are_read() -> None:
    rsa, curve = private_pem("rsa"), private_pem("p256")
    assert signing(openssl("rsa", "-traditional", stdin=rsa)).public == signing(rsa).public
    sec1 = openssl("ec", stdin=curve)
    parameters = openssl("ecparam", "-name", "prime256v1")
    assert b"EC PRIVATE KEY" in sec1
    assert signing(parameters + sec1).public == signing(curve).public
    locked = openssl("rsa", "-traditional", "-aes128", "-passout", f"pass:{SECRET.decode()}", stdin=rsa)
    assert b"Proc-Type: 4,ENCRYPTED" in locked
    assert signing(locked, SECRET).public == signing(rsa).public


@pytest.mark.parametrize("label", ["SIGSTORE", "COSIGN"])
def test_keys_of_cosign_are_read(label: str) -> None:
    """Sealed here by libsodium, in the form that `cosign generate-key-pair` writes."""
    pem = private_pem("p256")
    sealed = sealed_key(pem, SECRET, label)
    assert signing(sealed, SECRET).public == signing(pem).public
    with pytest.raises(FormatError, match="another passphrase, or a damaged key"):
        signing(sealed, b"wrong")


@pytest.mark.parametrize(
    "kdf",
    [
        {"params": {"N": 1 << 24, "r": 8, "p": 1}},
        {"params": {"N": 32768, "r": 8, "p": 1 << 20}},
        {"params": {"N": 3, "r": 8, "p": 1}},
        {"params": {}},
        {"params": None},
        {"name": "argon2"},
        {"salt": "%"},
        {"salt": 3},
    ],
    ids=["memory", "rounds", "odd", "none", "null", "another", "no base64", "no text"],
)
def test_a_key_of_cosign_with_odd_parameters_is_refused_at_once(kdf: dict[str, Any]) -> None:
    with pytest.raises(FormatError, match="not a key as cosign writes it"):
        signing(sealed_key(private_pem("p256"), SECRET, **kdf), SECRET)


def test_without_pynacl_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = sealed_key(private_pem("p256"), SECRET)
    for name in ("nacl", "nacl.secret", "nacl.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="PyNaCl") as caught:
        signing(sealed, SECRET)
    assert caught.value.hints == ("`pip install 'witchery-images[cosign-keys]'`",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "1024 bits is too short"),
        (["genpkey", "-algorithm", "X25519"], "of a kind that does not sign images"),
        (["genpkey", "-algorithm", "ed448"], "of a kind that does not sign images"),
        (["ecparam", "-name", "secp256k1", "-genkey", "-noout"], "of a kind that does not sign images"),
    ],
    ids=["short", "X25519", "Ed448", "secp256k1"],
)
def test_keys_of_other_kinds_are_refused(options: list[str], message: str) -> None:
    pem = openssl(*options)
    with pytest.raises(FormatError, match=f"my.key: .*{message}"):
        signing(pem)
    with pytest.raises(FormatError, match=f"k.pub: .*{message}"):
        VerifyingKey.parse("k.pub", public_pem(pem))


@pytest.mark.parametrize("kind", ["p384", "p521"])
def test_nothing_is_signed_where_versions_of_cosign_disagree(kind: str) -> None:
    with pytest.raises(FormatError, match="versions of cosign disagree"):
        signing(private_pem(kind))


def test_what_is_no_key_says_what_it_is() -> None:
    pem = private_pem("p256")
    with pytest.raises(FormatError, match="a public key, and a private one is wanted"):
        signing(public_pem(pem))
    with pytest.raises(FormatError, match="a private key, and a public one is wanted"):
        VerifyingKey.parse("k.pub", pem)
    ssh = b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
    for junk, message in (
        (b"", "not a PEM private key"),
        (b"\xff" * 100, "not a PEM private key"),
        (b"x" * (1 << 17), "at most 65536 bytes"),
        (ssh, "a key of OpenSSH"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a damaged or unknown"),
    ):
        with pytest.raises(FormatError, match=message):
            signing(junk)
    with pytest.raises(FormatError, match=r"k\.pub: not a PEM public key"):
        VerifyingKey.parse("k.pub", b"hello")


def test_neither_key_nor_passphrase_is_ever_told() -> None:
    """Not by printing the key, not by any error, not by what caused the error."""
    pem = private_pem("p256")
    key = signing(pem)
    inner = base64.b64encode(key.der).decode()
    assert repr(key) == "SigningKey(name='my.key')"
    damaged = pem.replace(pem.splitlines()[1][20:24], b"AAAA")
    encrypted = openssl("pkcs8", "-topk8", "-passout", "pass:other", stdin=pem)
    for data in (damaged, encrypted, sealed_key(pem, b"other")):
        with pytest.raises(FormatError) as caught:
            signing(data, SECRET) if b"ENCRYPTED" in data else signing(data)
        error: BaseException | None = caught.value
        told = ""
        while error is not None:
            told += f"{error} {error!r} {getattr(error, 'hints', '')}"
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        assert SECRET.decode() not in told
        assert inner[40:60] not in told
