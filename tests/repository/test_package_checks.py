"""Packages: the whole chain is checked, from a server, from a folder, from the cache, and from a file."""

from pathlib import Path

import pytest

from support.alpine import repository
from support.fetching import Place
from support.repositories import Simulator, key, keyring, package, three
from support.servers import Answer, Asked, Server, files
from support.shared import needs_shared
from witchery.apk import archive as archives
from witchery.errors import (
    FormatError,
    IntegrityError,
    NetworkError,
    Refused,
    StorageError,
    TrustError,
)
from witchery.keys import Keyring
from witchery.repository.keyrings import read_keys
from witchery.repository.packages import read_package
from witchery.value import replace

OTHER = "stranger@example.org-2.rsa.pub"
BOOT = "v3.19.1-boot-x86_64"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return three(tmp_path / "repository")


@pytest.fixture
def boot(tmp_path: Path) -> Place:
    root = repository(BOOT, tmp_path)
    return Place(str(root), tmp_path / "cache", keys=Keyring(read_keys(root / "keys")))


def stored(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.unlink()
    path.write_bytes(data)


def segments(path: Path) -> tuple[int, int, int]:
    """How long the segments of a package are."""
    read = archives.read([path.read_bytes()], lambda _: None)
    return len(read.signature_segment), len(read.control_segment), read.data_size


def local(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "x.apk"
    path.write_bytes(data)
    return path


@needs_shared
@pytest.mark.parametrize("remote", [True, False], ids=["http", "folder"])
def test_the_boot_set_is_fetched_checked_and_read_once(boot: Place, tmp_path: Path, *, remote: bool) -> None:
    with Server(files(Path(boot.location))) as server:
        place = replace(boot, location=server.url) if remote else boot
        cold = place.fetch()
        asked = len(server.asked)
        warm = place.fetch()
        assert len(server.asked) - asked == int(remote), "one question about the index, nothing else"
    assert asked == (101 if remote else 0), "one index and a hundred packages"
    assert [each.archive for each in cold] == [each.archive for each in warm]
    assert {each.source for each in warm} == {"cache"}
    assert all(each.trust for each in cold), "Alpine signed each of them"
    blobs = place.access(None).cache.blobs
    for each in warm:
        assert each.archive.data.hex == each.archive.info.datahash
        assert sum(map(len, blobs.content(each.archive.data).chunks())) == each.archive.data_size


@needs_shared
@pytest.mark.parametrize(
    "name", ["wget-1.21.4-r0", "busybox-1.36.1-r15", "tzdata-2023d-r0", "alpine-base-3.19.1-r0"]
)
@pytest.mark.parametrize("segment", [0, 1, 2], ids=["signature", "control", "data"])
def test_one_flipped_byte_in_a_segment_of_a_real_package_is_refused(
    boot: Place, name: str, segment: int
) -> None:
    path = Path(boot.location, "x86_64", f"{name}.apk")
    sizes = segments(path)
    flip(path, sum(sizes[:segment]) + sizes[segment] // 2)
    with pytest.raises(Refused) as caught:
        boot.fetch(name.rpartition("-")[0].rpartition("-")[0])
    assert str(path) in str(caught.value)
    assert stored(boot.cache) == []


@needs_shared
def test_the_data_of_two_real_packages_swapped_is_refused(boot: Place) -> None:
    paths = [
        Path(boot.location, "x86_64", f"{name}.apk") for name in ("wget-1.21.4-r0", "busybox-1.36.1-r15")
    ]
    sizes = [segments(path) for path in paths]
    data = [path.read_bytes() for path in paths]
    heads = [whole[: size[0] + size[1]] for whole, size in zip(data, sizes, strict=True)]
    tails = [whole[size[0] + size[1] :] for whole, size in zip(data, sizes, strict=True)]
    for path, head, tail in zip(paths, heads, reversed(tails), strict=True):
        path.unlink()
        path.write_bytes(head + tail)
    for name in ("wget", "busybox"):
        with pytest.raises(IntegrityError, match="sha256"):
            boot.fetch(name)


def test_every_flipped_byte_of_a_package_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    """None is accepted in control or data; around the signature, gzip has bits that mean nothing."""
    simulator = Simulator()
    simulator.add(package("one"))
    place = Place(str(simulator.write(tmp_path / "r")), tmp_path / "cache")
    path = tmp_path / "r/x86_64/one-1.0-r0.apk"
    good = path.read_bytes()
    (expected,) = place.fetch()
    harmless = []
    for position in range(len(good)):
        path.write_bytes(good)
        flip(path, position)
        fresh = replace(place, cache=tmp_path / f"cache-{position}", allow_untrusted=True)
        try:
            (found,) = fresh.fetch()
        except Refused:
            continue
        assert found.archive.control_segment == expected.archive.control_segment
        assert found.archive.data == expected.archive.data
        assert found.trust
        harmless.append(position)
    assert max(harmless) < len(expected.archive.signature_segment)


def test_another_package_under_the_name_is_refused(root: Path, tmp_path: Path) -> None:
    """Signed by the same key, whole, and the wrong one: only the index can tell."""
    folder = root / "x86_64"
    (folder / "one-1.0-r0.apk").write_bytes((folder / "two-1.0-r0.apk").read_bytes())
    with pytest.raises(IntegrityError, match=r"index promises for `one-1\.0-r0`"):
        Place(str(root), tmp_path / "cache").fetch("one")


@pytest.mark.parametrize("keep", [0, 1, 100, 0.2, 0.5, 0.9, -1, -8])
def test_a_truncated_package_is_refused(root: Path, tmp_path: Path, keep: float) -> None:
    path = root / "x86_64/one-1.0-r0.apk"
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if 0 < keep < 1 else int(keep)])
    with pytest.raises(FormatError):
        Place(str(root), tmp_path / "cache").fetch()


def test_more_bytes_after_a_package_are_refused(root: Path, tmp_path: Path) -> None:
    path = root / "x86_64/one-1.0-r0.apk"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(FormatError, match="more bytes"):
        Place(str(root), tmp_path / "cache").fetch()


def test_an_answer_that_never_ends_is_cut_at_the_size_in_the_index(root: Path, tmp_path: Path) -> None:
    def behave(asked: Asked) -> Answer:
        if asked.path.endswith(".apk"):
            return Answer(body=bytes(1 << 21), chunked=True)
        return files(root)(asked)

    with Server(behave) as server, pytest.raises((NetworkError, FormatError)):
        Place(server.url, tmp_path / "cache").fetch()
    assert [path.parent.name for path in stored(tmp_path / "cache")] == ["documents"]


def test_a_package_needs_no_signature_of_its_own_but_a_known_key_must_not_fail(tmp_path: Path) -> None:
    stranger = key(OTHER)
    simulator = Simulator()
    simulator.add(package("one", signer=stranger))
    place = Place(str(simulator.write(tmp_path / "r")), tmp_path / "cache")
    (found,) = place.fetch()
    assert not found.trust
    both = keyring(key(), stranger)
    (found,) = replace(place, keys=both).fetch()
    assert found.trust.key == stranger.public
    path = tmp_path / "r/x86_64/one-1.0-r0.apk"
    forged = found.archive.signature_segment
    other = archives.read([package("one", "2", signer=stranger)], lambda _: None).signature_segment
    path.write_bytes(other + path.read_bytes()[len(forged) :])
    for allow_untrusted in (True, False):
        broken = replace(place, cache=tmp_path / "fresh", keys=both, allow_untrusted=allow_untrusted)
        with pytest.raises(TrustError, match="bad signature by the known key") as caught:
            broken.fetch()
        assert not caught.value.missing


@pytest.mark.parametrize(
    "damage", ["record flipped", "record forged", "record cut", "record swapped", "blob cut", "blob gone"]
)
def test_what_is_damaged_in_the_cache_is_fetched_anew(root: Path, tmp_path: Path, damage: str) -> None:
    place = Place(str(root), tmp_path / "cache")
    good = place.fetch()
    records = [path for path in stored(place.cache) if path.parents[1].name == "packages"]
    blobs = [path for path in stored(place.cache) if path.parent.name == "sha256"]
    assert (len(records), len(blobs)) == (3, 3)
    match damage:
        case "record flipped":
            flip(records[0], 100)
        case "record forged":
            forged = records[0].read_bytes().replace(b'"0",420,', b'"0",2541,')
            assert forged != records[0].read_bytes(), "a mode of 0644 is now one of 04755"
            records[0].write_bytes(forged)
        case "record cut":
            records[0].write_bytes(records[0].read_bytes()[:50])
        case "record swapped":
            records[0].write_bytes(records[1].read_bytes())
        case "blob cut":
            blobs[0].write_bytes(blobs[0].read_bytes()[:-1])
        case "blob gone":
            blobs[0].unlink()
    again = place.fetch()
    assert [each.archive for each in again] == [each.archive for each in good]
    assert sorted(each.source == "cache" for each in again) == [False, True, True]
    assert {each.source for each in place.fetch()} == {"cache"}


def test_a_damaged_blob_of_the_right_size_is_found_when_it_is_read(root: Path, tmp_path: Path) -> None:
    place = Place(str(root), tmp_path / "cache")
    good = place.fetch("one")[0].archive
    blobs = place.access(None).cache.blobs
    flip(blobs.path(good.data), 60)
    with pytest.raises(IntegrityError, match="damaged"):
        list(blobs.content(place.fetch("one")[0].archive.data).chunks())


def test_a_package_file_is_trusted_by_its_own_signature(tmp_path: Path) -> None:
    place = Place("/nowhere", tmp_path / "cache")
    found = read_package(place.access(None), local(tmp_path, package("one")))
    assert found.trust.key == key().public
    assert place.access(None).cache.package(found.archive.identity) == found.archive


@pytest.mark.parametrize("signed", [True, False])
def test_a_package_file_without_a_known_key_needs_permission(tmp_path: Path, *, signed: bool) -> None:
    data = package("one", signer=key(OTHER))
    if not signed:
        data = data[len(archives.read([data], lambda _: None).signature_segment) :]
    place = Place("/nowhere", tmp_path / "cache")
    with pytest.raises(TrustError, match="unknown key" if signed else "not signed") as caught:
        read_package(place.access(None), local(tmp_path, data))
    assert caught.value.missing
    assert stored(tmp_path / "cache") == []
    assert not read_package(replace(place, allow_untrusted=True).access(None), local(tmp_path, data)).trust


@pytest.mark.parametrize("where", ["signature", "control", "data"])
def test_permission_does_not_excuse_a_package_file_that_fails(tmp_path: Path, where: str) -> None:
    path = local(tmp_path, package("one", files={"a": b"a" * 10_000}))
    sizes = dict(zip(("signature", "control", "data"), segments(path), strict=True))
    begin = {"signature": 0, "control": sizes["signature"], "data": sizes["signature"] + sizes["control"]}
    flip(path, begin[where] + sizes[where] // 2)
    with pytest.raises(Refused):
        read_package(Place("/nowhere", tmp_path / "cache", allow_untrusted=True).access(None), path)


def test_a_package_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no\.apk"):
        read_package(Place("/nowhere", tmp_path / "cache").access(None), tmp_path / "no.apk")
