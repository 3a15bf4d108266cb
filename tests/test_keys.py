"""Keys: OpenSSL agrees with every signature, and what is no key says so."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from witchery.errors import FormatError
from witchery.keys import Keyring, PrivateKey, PublicKey


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return PrivateKey.generate("me@example.org-1.rsa.pub", 2048)


@pytest.mark.peer
@pytest.mark.parametrize("hash_name", ["sha1", "sha256", "sha512"])
def test_openssl_accepts_our_signatures_and_we_accept_its(
    key: PrivateKey, hash_name: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"what is signed")
    (tmp_path / "key.pem").write_bytes(key.pem)
    (tmp_path / "key.pub").write_bytes(key.public.pem)
    digest = hashlib.new(hash_name, data.read_bytes()).digest()
    (tmp_path / "ours").write_bytes(key.sign(hash_name, digest))

    openssl: list[str | Path] = ["openssl", "dgst", f"-{hash_name}"]
    verify = [*openssl, "-verify", tmp_path / "key.pub", "-signature", tmp_path / "ours", data]
    subprocess.run(verify, check=True, capture_output=True)
    sign = [*openssl, "-sign", tmp_path / "key.pem", "-out", tmp_path / "theirs", data]
    subprocess.run(sign, check=True, capture_output=True)

    assert key.public.verifies((tmp_path / "theirs").read_bytes(), hash_name, digest)
    assert not key.public.verifies((tmp_path / "theirs").read_bytes(), hash_name, digest[::-1])
    assert not key.public.verifies(b"", hash_name, digest)


@pytest.mark.peer
def test_a_fingerprint_is_what_openssl_makes_of_the_key(key: PrivateKey, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(key.public.pem)
    command: list[str | Path] = ["openssl", "pkey", "-pubin", "-in", tmp_path / "key.pub", "-outform", "DER"]
    der = subprocess.run(command, check=True, capture_output=True).stdout
    assert key.public.fingerprint == "SHA256:" + hashlib.sha256(der).hexdigest()


def test_of_two_keys_with_one_name_the_first_counts(key: PrivateKey) -> None:
    other = PublicKey(key.name, b"other")
    assert Keyring([key.public, other])[key.name] == key.public
    assert len(Keyring([key.public, other])) == 1
    assert list(Keyring()) == []


@pytest.mark.peer
@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1", "secp521r1", "secp256k1"])
def test_signatures_that_openssl_makes_with_an_elliptic_curve_are_accepted(
    curve: str, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"what is signed")
    private = tmp_path / "key.pem"
    new: list[str | Path] = ["openssl", "ecparam", "-name", curve, "-genkey", "-noout", "-out", private]
    subprocess.run(new, check=True, capture_output=True)
    public: list[str | Path] = ["openssl", "pkey", "-in", private, "-pubout"]
    key = PublicKey.parse("k.pub", subprocess.run(public, check=True, capture_output=True).stdout)
    sign: list[str | Path] = ["openssl", "dgst", "-sha512", "-sign", private, tmp_path / "data"]
    signature = subprocess.run(sign, check=True, capture_output=True).stdout
    digest = hashlib.sha512(b"what is signed").digest()

    assert not key.is_rsa
    assert key.verifies(signature, "sha512", digest)
    assert not key.verifies(signature, "sha512", digest[::-1])
    assert not key.verifies(b"", "sha512", digest)


@pytest.mark.parametrize(
    "command",
    [
        ["genpkey", "-algorithm", "ed25519"],
        ["ecparam", "-name", "secp224r1", "-genkey", "-noout"],
        ["genrsa", "1024"],
    ],
    ids=["ed25519", "another curve", "a short one"],
)
def test_keys_that_apk_does_not_know_or_that_are_weak_are_refused(command: list[str], tmp_path: Path) -> None:
    private = subprocess.run(["openssl", *command], check=True, capture_output=True).stdout
    pub = subprocess.run(
        ["openssl", "pkey", "-pubout"], input=private, check=True, capture_output=True
    ).stdout
    with pytest.raises(FormatError, match=r"neither an RSA key|too short"):
        PublicKey.parse("k.pub", pub)


def test_what_is_no_key_is_refused_by_name(key: PrivateKey) -> None:
    with pytest.raises(FormatError, match=r"x\.pub: not a PEM public key"):
        PublicKey.parse("x.pub", b"hello")
    with pytest.raises(FormatError, match=r"x\.rsa: not an unencrypted PEM private key"):
        PrivateKey.parse("x.rsa", key.public.pem)
    assert PrivateKey.parse(key.name, key.pem).public == PublicKey.parse(key.name, key.public.pem)


def test_embedded_keys_are_keys_of_every_architecture() -> None:
    import witchery
    from witchery.arch import ALL

    folder = Path(witchery.__file__).parent / "data" / "keys"
    assert {path.name for path in folder.iterdir()} == {arch.apk for arch in ALL}
    for path in folder.glob("*/*.pub"):
        PublicKey.parse(path.name, path.read_bytes())
