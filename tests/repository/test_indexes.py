"""Indexes: believed only with a good signature, asked for only as often as needed."""

import gzip
import hashlib
from pathlib import Path

import pytest

from support.alpine import repository
from support.fetching import Place
from support.repositories import Simulator, key, keyring, package, three
from support.servers import Answer, Asked, Server, closed_port, files, guarded, in_turn
from support.shared import needs_shared
from witchery.apk import signature, writer
from witchery.arch import Arch
from witchery.errors import FormatError, IntegrityError, NetworkError, StorageError, TrustError, WitcheryError
from witchery.keys import Keyring
from witchery.repository.keyrings import read_keys
from witchery.value import replace

OTHER = "stranger@example.org-2.rsa.pub"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return three(tmp_path / "repository")


def index_of(root: Path) -> Path:
    return root / "x86_64" / "APKINDEX.tar.gz"


def test_an_index_is_asked_for_once_and_then_only_whether_it_changed(root: Path, tmp_path: Path) -> None:
    with Server(files(root)) as server:
        place = Place(server.url, tmp_path / "cache")
        for _ in range(3):
            found = place.index()
            assert [str(each) for each in found.index] == ["one-1.0-r0", "two-1.0-r0", "three-1.0-r0"]
            assert found.trust.key == key().public
        simulator = Simulator()
        simulator.add(package("four"))
        simulator.write(root)
        assert [each.name for each in place.index().index] == ["four"]
    asked = [(each.path, bool(each["If-None-Match"])) for each in server.asked]
    path = "/x86_64/APKINDEX.tar.gz"
    assert asked == [(path, False), (path, True), (path, True), (path, True)]


def large(root: Path) -> Simulator:
    """A repository whose index is large enough for what is looked up in it to be kept."""
    simulator = Simulator()
    for number in range(1_200):
        stem = hashlib.sha256(b"%d" % number).hexdigest()
        simulator.add(package(f"n{stem}", files={}, depends=(f"so:{stem[::-1]}",)))
    simulator.write(root)
    assert index_of(root).stat().st_size > 1 << 16
    return simulator


def test_what_is_looked_up_in_a_large_index_is_kept_and_believed_only_unharmed(tmp_path: Path) -> None:
    """The signature is checked each time; what was kept saves the searching."""
    large(tmp_path / "large")
    place = Place(str(tmp_path / "large"), tmp_path / "cache")
    first = [each.stanza for each in place.index().index]
    (kept,) = (tmp_path / "cache" / "indexes").iterdir()
    whole = kept.read_bytes()
    assert place.index().index.compiled() == whole[32:]
    for at in range(0, len(whole), len(whole) // 40):
        kept.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert [each.stanza for each in place.index().index] == first
        assert kept.read_bytes() == whole, "made anew"
    data = bytearray(index_of(tmp_path / "large").read_bytes())
    data[len(data) // 2] ^= 1
    index_of(tmp_path / "large").write_bytes(bytes(data))
    with pytest.raises((TrustError, FormatError)):
        place.index()


def test_a_server_without_etags_is_asked_by_date(root: Path, tmp_path: Path) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"

    def behave(asked: Asked) -> Answer:
        if asked["If-Modified-Since"] == date:
            return Answer(status=304)
        return Answer(headers={"Last-Modified": date}, body=index_of(root).read_bytes())

    with Server(behave) as server:
        place = Place(server.url, tmp_path / "cache")
        assert len(place.index().index) == len(place.index().index) == 3
    assert [bool(each["If-Modified-Since"]) for each in server.asked] == [False, True]


def test_within_its_age_an_index_is_not_asked_for(root: Path, tmp_path: Path) -> None:
    with Server(files(root)) as server:
        place = Place(server.url, tmp_path / "cache", max_age=3600)
        place.index()
        place.index()
    assert len(server.asked) == 1


def test_a_folder_is_read_where_it_is_and_never_copied(root: Path, tmp_path: Path) -> None:
    for location in (str(root), f"file://{root}"):
        assert len(Place(location, tmp_path / "cache").index().index) == 3
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("remote", [True, False], ids=["http", "folder"])
def test_an_index_signed_by_an_unknown_key_is_refused_and_both_keys_are_named(
    root: Path, tmp_path: Path, *, remote: bool
) -> None:
    with Server(files(root)) as server:
        place = Place(server.url if remote else str(root), tmp_path / "cache", keys=keyring(key(OTHER)))
        with pytest.raises(TrustError, match=f"unknown key: `{key().name}`") as caught:
            place.index()
        assert caught.value.missing
        assert any(f"-k {key().name}" in hint for hint in caught.value.hints)
        assert f"known keys: `{OTHER}`" in caught.value.hints
        assert not (tmp_path / "cache").exists(), "what is not believed is not kept"
        found = replace(place, allow_untrusted=True).index()
        assert (len(found.index), bool(found.trust)) == (3, False)
        with pytest.raises(TrustError):
            place.index()  # what was kept with permission is not believed without it


def test_an_unsigned_index_is_refused(tmp_path: Path) -> None:
    simulator = Simulator(signer=None)
    simulator.add(package("one"))
    place = Place(str(simulator.write(tmp_path / "r")), tmp_path / "cache")
    with pytest.raises(TrustError, match="not signed"):
        place.index()
    assert not replace(place, allow_untrusted=True).index().trust


@pytest.mark.parametrize("allow_untrusted", [True, False])
def test_a_known_key_whose_signature_covers_other_bytes_is_never_accepted(
    tmp_path: Path, *, allow_untrusted: bool
) -> None:
    """The signature of one index before the bytes of another: both are real, together they are a forgery."""
    old, new = three(tmp_path / "old"), Simulator()
    new.add(package("evil"))
    new.write(tmp_path / "new")
    signatures_of = index_of(old).read_bytes()
    _, old_signed = signature.split(signatures_of)
    _, new_signed = signature.split(index_of(tmp_path / "new").read_bytes())
    forged = signatures_of[: -len(old_signed)] + new_signed
    index_of(old).write_bytes(forged)
    with pytest.raises(TrustError, match="bad signature by the known key") as caught:
        Place(str(old), tmp_path / "cache", allow_untrusted=allow_untrusted).index()
    assert not caught.value.missing


def test_every_flipped_byte_of_an_index_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    """What is signed cannot change. Around the signature itself, gzip has bits that mean nothing."""
    simulator = Simulator()
    simulator.add(package("one"))
    path = index_of(simulator.write(tmp_path / "r"))
    good = path.read_bytes()
    place = Place(str(tmp_path / "r"), tmp_path / "cache", allow_untrusted=True)
    names = [str(each) for each in place.index().index]
    harmless = []
    for position in range(len(good)):
        path.write_bytes(good[:position] + bytes([good[position] ^ 0x20]) + good[position + 1 :])
        try:
            found = place.index()
        except WitcheryError:
            continue
        assert [str(each) for each in found.index] == names
        assert found.trust
        harmless.append(position)
    assert max(harmless) < len(good) - len(signature.split(good)[1])


@pytest.mark.parametrize("keep", [0, 1, 10, 0.3, 0.6, 0.99, -1])
def test_a_truncated_index_is_refused(root: Path, tmp_path: Path, keep: float) -> None:
    data = index_of(root).read_bytes()
    index_of(root).write_bytes(data[: int(keep * len(data)) if 0 < keep < 1 else int(keep)])
    with pytest.raises(WitcheryError) as caught:
        Place(str(root), tmp_path / "cache", allow_untrusted=True).index()
    assert isinstance(caught.value, (FormatError, IntegrityError, TrustError))
    assert str(index_of(root)) in str(caught.value)


def test_an_index_that_ends_after_its_signature_is_refused(root: Path, tmp_path: Path) -> None:
    data = index_of(root).read_bytes()
    index_of(root).write_bytes(data[: -len(signature.split(data)[1])])
    with pytest.raises(WitcheryError):
        Place(str(root), tmp_path / "cache", allow_untrusted=True).index()


def test_an_index_that_inflates_without_end_is_refused(root: Path, tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(1 << 20)) * 2000  # 2 GB of zeros in 2 MB
    index_of(root).write_bytes(bomb)
    with pytest.raises(FormatError, match="limit"):
        Place(str(root), tmp_path / "cache", allow_untrusted=True).index()


def test_an_index_for_another_architecture_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "x86_64").rename(root / "aarch64")
    with pytest.raises(FormatError, match="an index for x86_64, expected one for aarch64"):
        Place(str(root), tmp_path / "cache", arch=Arch.parse("aarch64")).index()


def test_a_missing_index_says_what_is_there_instead(root: Path, tmp_path: Path) -> None:
    missing = Place(str(root), tmp_path / "cache", arch=Arch.parse("aarch64"))
    with pytest.raises(StorageError, match="no index") as caught:
        missing.index()
    assert "has indexes for x86_64" in caught.value.hints[0]
    with pytest.raises(StorageError, match="no index") as caught:
        Place(str(root / "x86_64"), tmp_path / "cache").index()
    assert f"`{root}`" in caught.value.hints[0]
    with Server(files(root)) as server, pytest.raises(NetworkError, match="answered 404") as network:
        Place(server.url, tmp_path / "cache", arch=Arch.parse("aarch64")).index()
    assert "one folder per architecture" in network.value.hints[0]


def test_without_the_network_the_cache_is_used_and_checked(root: Path, tmp_path: Path) -> None:
    with Server(files(root)) as server:
        place = Place(server.url, tmp_path / "cache")
        with pytest.raises(NetworkError, match="not in the cache") as caught:
            replace(place, offline=True).index()
        assert "--offline" in caught.value.hints[0]
        assert server.asked == []
        place.index()
        assert len(replace(place, offline=True).index().index) == 3
        with pytest.raises(TrustError, match="unknown key"):
            replace(place, offline=True, keys=Keyring()).index()
    assert len(server.asked) == 1


def test_a_damaged_cached_index_is_fetched_anew(root: Path, tmp_path: Path) -> None:
    with Server(files(root)) as server:
        place = Place(server.url, tmp_path / "cache")
        place.index()
        (stored,) = (path for path in (tmp_path / "cache").rglob("*") if path.is_file())
        for damage in (
            stored.read_bytes()[:-5],
            b"",
            b"{}\n",
            b"\xff\n\n",
            stored.read_bytes().replace(b"a", b"b"),
        ):
            stored.write_bytes(damage)
            assert len(place.index().index) == 3
    assert not any(each["If-None-Match"] for each in server.asked)


def test_a_server_that_is_down_is_an_error_even_with_a_cached_index(root: Path, tmp_path: Path) -> None:
    """A stale answer that looks like a fresh one would make builds differ without a word."""
    with Server(files(root)) as server:
        Place(server.url, tmp_path / "cache").index()
        url = server.url
    with pytest.raises(NetworkError):
        Place(url, tmp_path / "cache").index()
    with closed_port() as port, pytest.raises(NetworkError):
        Place(f"http://127.0.0.1:{port}", tmp_path / "cache").index()


def test_a_server_that_says_unchanged_about_nothing_is_an_error(root: Path, tmp_path: Path) -> None:
    with Server(lambda _: Answer(status=304)) as server, pytest.raises(NetworkError, match="answered 304"):
        Place(server.url, tmp_path / "cache").index()


def test_credentials_open_a_repository_and_stay_out_of_the_cache(root: Path, tmp_path: Path) -> None:
    with Server(guarded("me", "s3cret", files(root))) as server:
        with pytest.raises(NetworkError, match="answered 401") as caught:
            Place(server.url, tmp_path / "cache").index()
        assert "netrc" in caught.value.hints[0]
        found = Place(server.with_password("me", "s3cret"), tmp_path / "cache").index()
        with pytest.raises(NetworkError) as wrong:
            Place(server.with_password("me", "wr0ng"), tmp_path / "cache").index()
    assert "s3cret" not in repr(found) + str(found.repository)
    assert "wr0ng" not in str(wrong.value) + str(wrong.value.hints)
    stored = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(stored) == 1
    assert b"s3cret" not in stored[0].read_bytes()
    assert "s3cret" not in str(stored[0])


def test_a_slow_a_resetting_and_a_lying_server_are_errors(root: Path, tmp_path: Path) -> None:
    data = index_of(root).read_bytes()
    for fault, answer in {
        "too slow": Answer(body=data, drip=0.3),
        "connection": Answer(body=data, cut=100, reset=True),
        "after": Answer(body=data, declared=len(data) + 1),
    }.items():
        with Server(in_turn(answer)) as server, pytest.raises(NetworkError, match=fault):
            Place(server.url, tmp_path / "cache").index()
    assert not (tmp_path / "cache").exists()


@needs_shared
@pytest.mark.parametrize(
    ("name", "arch", "count"),
    [
        ("v3.19.1-boot-x86_64", "x86_64", 100),
        ("v3.13-aarch64", "aarch64", 65),
        ("thirdparty-multiarch-v3.12", "s390x", 9),
        ("rsa256-melange", "x86_64", 4),
    ],
)
def test_real_indexes_are_verified_to_their_keys(tmp_path: Path, name: str, arch: str, count: int) -> None:
    root = repository(name, tmp_path)
    keys = Keyring(read_keys(root / "keys"))
    place = Place(str(root), tmp_path / "cache", keys=keys, arch=Arch.parse(arch))
    found = place.index()
    assert len(found.index) == count
    assert found.trust.key in keys.values()
    with pytest.raises(TrustError):
        replace(place, keys=keyring()).index()


def test_an_index_may_have_several_signatures(root: Path, tmp_path: Path) -> None:
    path = index_of(root)
    _, signed = signature.split(path.read_bytes())
    path.write_bytes(writer.signature_segment(signed, key(), 0, ("RSA", "RSA512")) + signed)
    assert Place(str(root), tmp_path / "cache").index().trust.algorithm == "RSA"
