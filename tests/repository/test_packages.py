"""Packages: fetched from servers and folders, good and bad, and from the cache."""

import threading
import time
from pathlib import Path

import pytest

from support.fetching import QUICK, X86_64, Place
from support.repositories import Simulator, package, three
from support.servers import Answer, Asked, Server, closed_port, files, guarded, in_turn
from witchery.errors import (
    NetworkError,
    Refused,
    StorageError,
    WitcheryError,
)
from witchery.net.client import Client
from witchery.net.reporter import Reporter
from witchery.net.settings import Pace
from witchery.repository.indexes import fetch_index
from witchery.repository.location import Repository
from witchery.repository.packages import Wanted, fetch_packages
from witchery.value import replace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return three(tmp_path / "repository")


def stored(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.unlink()
    path.write_bytes(data)


def local(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "x.apk"
    path.write_bytes(data)
    return path


def test_a_broken_download_is_resumed_and_asks_only_for_the_rest(root: Path, tmp_path: Path) -> None:
    serve = files(root)
    size = (root / "x86_64/one-1.0-r0.apk").stat().st_size

    def broken(asked: Asked) -> Answer:
        answer = serve(asked)
        return replace(answer, cut=400, reset=False) if asked.path.endswith(".apk") else answer

    with Server(in_turn(serve, broken, serve)) as server:
        (found,) = Place(server.url, tmp_path / "cache").fetch("one", jobs=1)
    assert found.archive.info.name == "one"
    ranges = [each["Range"] for each in server.asked if each.path.endswith(".apk")]
    assert ranges == ["", "bytes=400-"]
    assert size > 400


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Answer(status=404), "answered 404"),
        (Answer(status=500), r"answered 500 \(tried 3 times\)"),
        (Answer(status=429), "answered 429"),
        (Answer(silent=True), "without an answer"),
        (Answer(hang=9), "sent nothing"),
        (Answer(body=b"x" * 500, drip=0.3), "too slow|malformed"),
        (Answer(body=b"x" * 500, declared=600), "after 500|malformed"),
    ],
)
def test_a_server_that_fails_is_an_error_and_leaves_nothing_behind(
    root: Path, tmp_path: Path, fault: Answer, message: str
) -> None:
    with (
        Server(lambda a: fault if a.path.endswith(".apk") else files(root)(a)) as server,
        pytest.raises(WitcheryError, match=message),
    ):
        Place(server.url, tmp_path / "cache").fetch()
    assert [path.parent.name for path in stored(tmp_path / "cache")] == ["documents"]


def test_one_failure_ends_the_other_downloads(tmp_path: Path) -> None:
    """Fifty packages, four at a time, the first of which fails: most are never asked for."""
    simulator = Simulator()
    for number in range(50):
        simulator.add(package(f"p{number:02}"))
    root = simulator.write(tmp_path / "r")

    def behave(asked: Asked) -> Answer:
        if "p00" in asked.path:
            return Answer(status=404)
        return replace(files(root)(asked), hang=0.05)

    with Server(behave) as server, pytest.raises(NetworkError, match="p00"):
        Place(server.url, tmp_path / "cache").fetch()
    assert len(server.asked) < 20


def test_a_failure_does_not_wait_for_a_slow_download(root: Path, tmp_path: Path) -> None:
    def behave(asked: Asked) -> Answer:
        answer = files(root)(asked)
        if "one" in asked.path:
            return Answer(status=404, hang=0.3)
        return replace(answer, drip=0.02) if asked.path.endswith(".apk") else answer

    begun = time.monotonic()
    patient = replace(QUICK, pace=Pace(grace=60))
    with Server(behave) as server, pytest.raises(NetworkError, match="one"):
        Place(server.url, tmp_path / "cache", settings=patient).fetch()
    assert time.monotonic() - begun < 8, "the others would take ten seconds and more"


def test_a_failure_does_not_wait_for_a_server_that_says_nothing(root: Path, tmp_path: Path) -> None:
    def behave(asked: Asked) -> Answer:
        if "one" in asked.path:
            return Answer(status=404, hang=0.1)
        return replace(files(root)(asked), hang=60 if asked.path.endswith(".apk") else 0)

    begun = time.monotonic()
    patient = replace(QUICK, read_timeout=60, pace=Pace(grace=60))
    with Server(behave) as server, pytest.raises(NetworkError, match="one"):
        Place(server.url, tmp_path / "cache", settings=patient).fetch()
    assert time.monotonic() - begun < 8


def test_packages_are_fetched_at_the_same_time_and_come_in_order(tmp_path: Path) -> None:
    simulator = Simulator()
    for number in range(8):
        simulator.add(package(f"p{number}"))
    root = simulator.write(tmp_path / "r")
    at_once = threading.Barrier(4, timeout=5)

    def behave(asked: Asked) -> Answer:
        if asked.path.endswith(".apk"):
            at_once.wait()
        return files(root)(asked)

    with Server(behave) as server:
        found = Place(server.url, tmp_path / "cache").fetch(jobs=4)
    assert [each.archive.info.name for each in found] == [f"p{number}" for number in range(8)]


def test_another_repository_is_tried_where_one_fails_and_local_ones_come_first(
    root: Path, tmp_path: Path
) -> None:
    warnings: list[str] = []

    class Listener(Reporter):
        def warned(self, message: str) -> None:
            warnings.append(message)

    with Server(files(root)) as server, Client(QUICK) as client:
        place = Place(server.url, tmp_path / "cache", reporter=Listener())
        access = place.access(client)
        index = fetch_index(access, place.repository, X86_64).index
        local = Repository.parse(str(root), folder=Path("/"))
        repositories = (place.repository, local)
        one, two, _ = (Wanted(package=each, arch=X86_64, repositories=repositories) for each in index)
        assert fetch_packages(access, [one])[0].source == str(root / "x86_64/one-1.0-r0.apk")
        flip(root / "x86_64/two-1.0-r0.apk", 1000)
        (root / "x86_64/three-1.0-r0.apk").unlink()
        with pytest.raises(Refused):
            fetch_packages(access, [two])
    assert len(warnings) == 2


def test_without_the_network_packages_come_from_the_cache_and_from_folders(
    root: Path, tmp_path: Path
) -> None:
    with Server(files(root)) as server:
        place = Place(server.url, tmp_path / "cache")
        place.fetch("one")
        offline = replace(place, offline=True)
        (found,) = offline.fetch("one")
        assert found.source == "cache"
        asked = len(server.asked)
        with pytest.raises(NetworkError, match=r"network is off: `two-1\.0-r0`") as caught:
            offline.fetch("one", "two")
        assert "--offline" in caught.value.hints[0]
        assert len(server.asked) == asked
    local = Place(str(root), tmp_path / "cache", offline=True)
    assert len(local.fetch()) == 3


def test_a_package_that_the_index_lists_and_nobody_has_is_named(root: Path, tmp_path: Path) -> None:
    (root / "x86_64/two-1.0-r0.apk").unlink()
    with pytest.raises(StorageError, match=r"two-1\.0-r0\.apk"):
        Place(str(root), tmp_path / "cache").fetch()
    with Server(files(root)) as server, pytest.raises(NetworkError, match=r"two-1\.0-r0\.apk") as caught:
        Place(server.url, tmp_path / "cache").fetch()
    assert "mirror" in caught.value.hints[0]


def test_all_packages_that_a_folder_lacks_are_named_at_once(root: Path, tmp_path: Path) -> None:
    for name in ("two", "three"):
        (root / f"x86_64/{name}-1.0-r0.apk").unlink()
    with pytest.raises(StorageError, match=r"2 packages .*: `three-1.0-r0.apk`, `two-1\.0-r0\.apk`$"):
        Place(str(root), tmp_path / "cache").fetch()


@pytest.mark.parametrize("means", ["url", "netrc"])
def test_credentials_fetch_packages_and_show_nowhere(root: Path, tmp_path: Path, means: str) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    said: list[str] = []

    class Listener(Reporter):
        def started(self, task: str, total: int | None) -> None:
            said.append(f"{task} {total}")

        def waiting(self, url: str, seconds: float, reason: str) -> None:
            said.append(f"{url} {reason}")

    serve = files(root)
    flaky = in_turn(serve, Answer(status=503), serve)
    with Server(guarded("me", "s3cret", flaky)) as server:
        location = server.with_password("me", "s3cret") if means == "url" else server.url
        settings = QUICK if means == "url" else replace(QUICK, netrc=netrc)
        place = Place(location, tmp_path / "cache")
        with Client(settings, reporter=Listener()) as client:
            access = replace(place.access(client), reporter=Listener())
            index = fetch_index(access, place.repository, X86_64)
            wanted = [
                Wanted(package=each, arch=X86_64, repositories=(place.repository,)) for each in index.index
            ]
            found = fetch_packages(access, wanted, jobs=1)
            (root / "x86_64/one-1.0-r0.apk").unlink()
            with pytest.raises(NetworkError) as caught:
                fetch_packages(replace(access, cache=replace(access.cache, root=tmp_path / "2")), wanted)
    shown = repr(found) + repr(index) + repr(access) + repr(wanted) + str(said) + repr(caught.value)
    assert "s3cret" not in shown + str(caught.value)
    assert any("503" in line for line in said)
    files_kept = stored(tmp_path / "cache") + stored(tmp_path / "2")
    assert len(files_kept) >= 7
    for path in files_kept:
        assert b"s3cret" not in path.read_bytes()
        assert b"bWU6czNjcmV0" not in path.read_bytes()  # base64 of me:s3cret
        assert "s3cret" not in str(path)


def test_a_cache_that_cannot_be_written_is_an_error(root: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(StorageError):
        Place(str(root), tmp_path / "cache").fetch()


def test_a_server_that_is_gone_is_an_error(root: Path, tmp_path: Path) -> None:
    with closed_port() as port, pytest.raises(NetworkError, match="refused"):
        Place(f"http://127.0.0.1:{port}", tmp_path / "cache").fetch()


def test_progress_is_told_in_bytes(root: Path, tmp_path: Path) -> None:
    counted: dict[str, int] = {}
    ended: list[str] = []
    lock = threading.Lock()

    class Listener(Reporter):
        def started(self, task: str, total: int | None) -> None:
            counted[task] = -(total or 0)

        def advanced(self, task: str, count: int) -> None:
            with lock:
                counted[task] += count

        def finished(self, task: str) -> None:
            ended.append(task)

    Place(str(root), tmp_path / "cache", reporter=Listener()).fetch()
    assert counted == {"one-1.0-r0": 0, "two-1.0-r0": 0, "three-1.0-r0": 0}
    assert sorted(ended) == sorted(counted)
