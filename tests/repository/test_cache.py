"""The cache: many processes at once, a kill at any instant, and pruning while others read."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.fetching import Place
from support.repositories import Simulator, key, package, three
from support.servers import Answer, Asked, Server, files
from witchery.apk import archive_record
from witchery.digest import Digest
from witchery.repository.cache import DAY, IN_USE, Cache, Layer, Pruned
from witchery.store import atomic
from witchery.value import replace

TESTS = Path(__file__).resolve().parents[1]
PACKAGES = 12


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of packages that do not compress, so that downloads take a moment."""
    dice = random.Random(4711)
    simulator = Simulator()
    for number in range(PACKAGES):
        simulator.add(package(f"p{number:02}", files={"usr/data": dice.randbytes(200_000)}))
    return simulator.write(tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / key().name
    path.write_bytes(key().public.pem)
    return path


def fetching(location: str, cache: Path, key_file: Path, *more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "support.fetching_process", location, cache, key_file, *more]
    return subprocess.Popen(
        [str(each) for each in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{TESTS}:{TESTS.parent / 'src'}"},
    )


def stored(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def check_everything(cache: Path) -> int:
    """Holds every file that has its final name against that name; returns how many are temporary."""
    temporary = 0
    for path in stored(cache):
        data = path.read_bytes()
        if path.name.startswith(atomic.PREFIX):
            temporary += 1
        elif path.parent.name == "sha256":
            assert hashlib.sha256(data).hexdigest() == path.name
        elif path.parents[1].name == "packages":
            assert hashlib.sha256(data[32:]).digest() == data[:32]
            archive = archive_record.decode(data[32:])
            assert archive.identity.hex() == path.name
            assert (cache / "blobs/sha256" / archive.data.hex).is_file(), "a record follows its blob"
        else:
            head, _, body = data.partition(b"\n")
            assert hashlib.sha256(body).hexdigest().encode() in head
    return temporary


def slowly(root: Path) -> Server:
    def behave(asked: Asked) -> Answer:
        return replace(files(root)(asked), hang=0.02)

    return Server(behave)


def test_eight_processes_fill_one_cache_at_once(root: Path, key_file: Path, tmp_path: Path) -> None:
    with slowly(root) as server:
        processes = [fetching(server.url, tmp_path / "cache", key_file, 2) for _ in range(8)]
        said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, said
    lines = {line for out, _ in said for line in out.split()}
    assert len(lines) == 1, "every process, and every time, the same packages"
    assert check_everything(tmp_path / "cache") == 0
    assert len(stored(tmp_path / "cache")) == 2 * PACKAGES + 1


def test_a_process_killed_at_any_instant_leaves_only_whole_files(
    root: Path, key_file: Path, tmp_path: Path
) -> None:
    """Ten kills, spread over the download; each next process goes on with what is there."""
    dice = random.Random(20210913)
    cache = tmp_path / "cache"
    killed = left_behind = 0
    with slowly(root) as server:
        for _ in range(10):
            seen = len(server.asked)
            process = fetching(server.url, cache, key_file, 50)
            deadline = time.monotonic() + 20
            while len(server.asked) == seen and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(dice.uniform(0, 0.12))
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=20)
            killed += process.returncode == -signal.SIGKILL
            left_behind = check_everything(cache)
            if len(stored(cache)) - left_behind > 2 * PACKAGES:  # all is there: begin again in the middle
                Cache(cache).prune(now=time.time(), max_size=1_000_000, in_use=0)
        process = fetching(server.url, cache, key_file, 1)
        out, error = process.communicate(timeout=60)
    assert killed == 10
    assert (process.returncode, len(out.split(","))) == (0, PACKAGES), error
    assert check_everything(cache) == left_behind
    assert Cache(cache).prune(now=time.time() + DAY - 60).count == 0
    Cache(cache).prune(now=time.time() + DAY + 60)
    assert check_everything(cache) == 0
    assert len([p for p in stored(cache) if p.parents[1].name == "packages"]) == PACKAGES


def test_a_disk_that_is_full_leaves_only_whole_files(root: Path, key_file: Path, tmp_path: Path) -> None:
    """The system refuses files of more than 50 kB, in the middle of writing."""
    process = fetching(str(root), tmp_path / "cache", key_file, 1, 50_000)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (5, "")
    assert "file too large" in error
    assert "Traceback" not in error
    assert stored(tmp_path / "cache") == []


def test_pruning_does_not_disturb_processes_that_read(root: Path, key_file: Path, tmp_path: Path) -> None:
    """Everything is old and to be pruned; what a process uses becomes young again by that."""
    cache = Cache(tmp_path / "cache")
    with Server(files(root)) as server:
        processes = [fetching(server.url, cache.root, key_file, 10) for _ in range(2)]
        rounds = removed = 0
        while any(process.poll() is None for process in processes):
            removed += cache.prune(now=time.time(), unused_for=0, max_size=0).count
            rounds += 1
            time.sleep(0.01)
        said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert rounds > 5
    assert removed == 0


def make_old(cache: Path, seconds: float) -> None:
    for path in stored(cache):
        then = time.time() - seconds
        os.utime(path, (then, then))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(str(three(tmp_path / "repository")), tmp_path / "cache")
    place.fetch()
    return place


def test_info_counts_what_is_there_by_kind(place: Place, tmp_path: Path) -> None:
    (place.cache / "blobs/sha256/.tmp-1").write_bytes(b"12345")
    shares = {share.kind: (share.count, share.size) for share in Cache(place.cache).info()}
    assert {kind: count for kind, (count, _) in shares.items()} == {
        "blobs": 3,
        "packages": 3,
        "layers": 0,
        "indexes": 0,
        "documents": 0,
        "temporary": 1,
    }
    assert shares["temporary"] == (1, 5)
    assert sum(size for _, size in shares.values()) == sum(p.stat().st_size for p in stored(place.cache))
    assert all(share.count == 0 for share in Cache(tmp_path / "nothing").info())


def test_what_was_used_lately_stays_whatever_is_asked(place: Place) -> None:
    now = time.time()
    assert Cache(place.cache).prune(now=now, unused_for=0, max_size=0) == Pruned(0, 0)
    assert Cache(place.cache).prune(now=now + IN_USE + 5, unused_for=0).count == 6
    assert stored(place.cache) == []


def test_what_was_not_used_for_long_goes_and_use_makes_young(place: Place) -> None:
    make_old(place.cache, 10 * DAY)
    place.fetch("one")
    pruned = Cache(place.cache).prune(now=time.time(), unused_for=5 * DAY)
    assert pruned.count == 4
    assert {each.source for each in place.fetch("one")} == {"cache"}
    assert [each.source == "cache" for each in place.fetch("two", "three")] == [False, False]


def test_the_longest_unused_goes_first_until_the_rest_fits(place: Place) -> None:
    make_old(place.cache, 10 * DAY)
    for name, days in (("two", 2), ("one", 3), ("three", 4)):
        (found,) = place.fetch(name)
        path = place.cache / "packages" / found.archive.identity.hex()[:2] / found.archive.identity.hex()
        os.utime(path, (time.time() - days * DAY,) * 2)
    size = sum(path.stat().st_size for path in stored(place.cache))
    assert Cache(place.cache).prune(now=time.time(), max_size=size).count == 0
    assert Cache(place.cache).prune(now=time.time(), max_size=size - 1).count == 2
    sources = {each.archive.info.name: each.source for each in place.fetch()}
    assert [name for name, source in sources.items() if source != "cache"] == ["three"]


def test_leftovers_go_after_a_day(place: Place) -> None:
    temporary = place.cache / "blobs/sha256/.tmp-1"
    temporary.write_bytes(b"x")
    records = [path for path in stored(place.cache) if path.parents[1].name == "packages"]
    records[0].unlink()  # its blob is alone now
    records[1].write_bytes(b"damaged")
    make_old(place.cache, DAY - 60)
    Cache(place.cache).prune(now=time.time())
    assert temporary.exists()
    make_old(place.cache, DAY + 60)
    Cache(place.cache).prune(now=time.time())
    assert not temporary.exists()
    assert len(stored(place.cache)) == 2, "one whole package: its record and its blob"
    assert Cache(place.cache).prune(now=time.time()) == Pruned(0, 0)


def test_a_layer_is_known_by_its_recipe_as_long_as_its_blob_is_there(place: Place) -> None:
    cache, recipe = Cache(place.cache), Digest.sha256(b"a recipe")
    with cache.blobs.writing() as blob:
        blob.write(b"a layer")
    layer = Layer(digest=blob.digest, size=7, diff_id=Digest.sha256(b"inflated"))
    assert cache.layer(recipe) is None
    cache.keep_layer(recipe, layer)
    assert cache.layer(recipe) == layer
    path = cache.root / "layers" / recipe.hex
    good = path.read_bytes()
    forged = good.replace(layer.diff_id.hex.encode(), b"0" * 64)
    assert forged != good
    for damaged in (forged, good[:-1], b"", good[32:]):
        path.write_bytes(damaged)
        assert cache.layer(recipe) is None
    path.write_bytes(good)
    cache.blobs.path(layer.digest).unlink()
    assert cache.layer(recipe) is None


def test_a_blob_of_two_records_stays_with_the_one_that_is_used(place: Place) -> None:
    cache, recipe = Cache(place.cache), Digest.sha256(b"a recipe")
    archive = place.fetch("one")[0].archive
    make_old(place.cache, 10 * DAY)
    cache.keep_layer(recipe, Layer(digest=archive.data, size=archive.data_size, diff_id=archive.diff_id))
    assert cache.prune(now=time.time(), unused_for=5 * DAY).count == 5
    assert cache.layer(recipe) is not None
    assert len(stored(place.cache)) == 2


def test_a_cache_that_is_not_there_can_be_pruned(tmp_path: Path) -> None:
    assert Cache(tmp_path / "nothing").prune(now=time.time(), unused_for=0) == Pruned(0, 0)


def test_the_cache_may_be_read_only(place: Place) -> None:
    """A shared cache, mounted read-only: what is there is used."""
    for path in sorted(place.cache.rglob("*"), reverse=True):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert {each.source for each in place.fetch()} == {"cache"}
    finally:
        for path in place.cache.rglob("*"):
            path.chmod(0o755)
