"""Whom to believe: every rule of the module's docstring, and Alpine's real signatures."""

import gzip
import io
import tarfile

import pytest

from support.shared import SHARED, needs_shared
from witchery.apk import archive, head, signature, writer
from witchery.apk.signature import Signature
from witchery.errors import FormatError, TrustError
from witchery.keys import Keyring, PrivateKey
from witchery.repository.keyrings import embedded_keys

SIGNED = b"what is signed"


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return PrivateKey.generate("me.rsa.pub", 2048)


@pytest.fixture(scope="module")
def stranger() -> PrivateKey:
    return PrivateKey.generate("stranger.rsa.pub", 2048)


def signatures(key: PrivateKey, *algorithms: str, signed: bytes = SIGNED) -> tuple[Signature, ...]:
    return head.read_signatures(writer.signature_segment(signed, key, 0, algorithms))


def check(
    found: tuple[Signature, ...], *known: PrivateKey, allow_untrusted: bool = False, signed: bytes = SIGNED
) -> signature.Trust:
    keys = Keyring([key.public for key in known])
    return signature.verify(found, signed, keys, allow_untrusted=allow_untrusted)


@pytest.mark.parametrize("algorithm", ["RSA", "RSA256", "RSA512"])
def test_a_known_keys_signature_is_believed(key: PrivateKey, algorithm: str) -> None:
    trust = check(signatures(key, algorithm), key)
    assert trust
    assert (trust.key, trust.algorithm) == (key.public, algorithm)


@pytest.mark.parametrize("allowed", [False, True])
def test_a_known_key_whose_signature_fails_is_never_accepted(key: PrivateKey, allowed: bool) -> None:
    with pytest.raises(TrustError, match=r"bad signature by the known key `me\.rsa\.pub`") as caught:
        check(signatures(key, "RSA256"), key, allow_untrusted=allowed, signed=SIGNED + b"!")
    assert not caught.value.missing


def test_one_failing_signature_spoils_a_good_one(key: PrivateKey, stranger: PrivateKey) -> None:
    both = signatures(stranger, "RSA256") + signatures(key, "RSA256", signed=b"other")
    assert check(both, stranger)
    with pytest.raises(TrustError, match="bad signature"):
        check(both, stranger, key)


def test_one_good_signature_among_strangers_is_enough(key: PrivateKey, stranger: PrivateKey) -> None:
    both = signatures(stranger, "RSA512") + signatures(key, "RSA")
    assert check(both, key).key == key.public


def test_a_stranger_is_trusted_only_where_that_is_allowed(key: PrivateKey, stranger: PrivateKey) -> None:
    found = signatures(stranger, "RSA256")
    with pytest.raises(TrustError, match=r"unknown key: `stranger\.rsa\.pub`") as caught:
        check(found, key)
    assert caught.value.missing
    assert "-k stranger.rsa.pub" in caught.value.hints[0]
    assert not check(found, key, allow_untrusted=True)


def test_no_signature_at_all_says_so(key: PrivateKey) -> None:
    with pytest.raises(TrustError, match="not signed"):
        check((), key)
    assert not check((), key, allow_untrusted=True)


def test_a_key_is_found_by_name_alone(key: PrivateKey) -> None:
    renamed = PrivateKey("other-name.rsa.pub", key.pem)
    with pytest.raises(TrustError, match="unknown key"):
        check(signatures(key, "RSA256"), renamed)


@pytest.mark.parametrize("algorithm", ["DSA", "RSA1024", "ED25519"])
def test_other_algorithms_do_not_count(key: PrivateKey, algorithm: str) -> None:
    with pytest.raises(TrustError, match=f"algorithm that is not accepted: {algorithm}"):
        check((Signature(algorithm, key.name, b"x"),), key)


def segment(*files: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue())


def test_an_overlong_signature_is_skipped_and_a_malformed_name_refused() -> None:
    assert head.read_signatures(segment((".SIGN.RSA.k", bytes(70_000)))) == ()
    for name in (".SIGN.RSA", ".SIGN.RSA.", ".SIGN.RSA.a/b", "other"):
        with pytest.raises(FormatError, match="not a signature"):
            head.read_signatures(segment((".SIGN.RSA.ok", b"x"), (name, b"x")))


def test_an_index_is_split_into_signatures_and_what_they_cover(key: PrivateKey) -> None:
    unsigned = writer.index(["P:x\n"])
    found, covered = signature.split(writer.index(["P:x\n"], key=key))
    assert covered == unsigned
    assert check(found, key, signed=covered)
    assert signature.split(unsigned) == ((), unsigned)


@needs_shared
def test_the_shipped_keys_vouch_for_every_official_package_and_index() -> None:
    """Chain of trust on real data: 3.13 aarch64 and 3.19 x86_64, packages and complete indexes."""
    keys = Keyring(embedded_keys())
    checked = 0
    for name in ("v3.13-aarch64", "v3.19-x86_64"):
        for path in (SHARED / "alpine" / name).glob("*/*.apk"):
            made = archive.read([path.read_bytes()], lambda _: None)
            if any(s.key_name in keys for s in made.signatures):
                assert (
                    signature.verify(
                        made.signatures, made.control_segment, keys, allow_untrusted=False
                    ).algorithm
                    == "RSA"
                )
                checked += 1
    for index in [
        *(SHARED / "solver").glob("*.APKINDEX.tar.gz"),
        *(SHARED / "alpine/v3.19-x86_64/indexes").glob("*/*/APKINDEX.tar.gz"),
    ]:
        found, covered = signature.split(index.read_bytes())
        assert signature.verify(found, covered, keys, allow_untrusted=False)
        checked += 1
    assert checked >= 65 + 190
