"""Several architectures at once: what is asked of the network, in which order, and who is told what."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.repositories import Simulator, key, package
from support.servers import Answer, Asked, Server, files
from witchery.build.image import build
from witchery.build.images import build_all
from witchery.build.request import Request, Wishes, read_requests
from witchery.build.workshop import Workshop
from witchery.errors import NetworkError, NoSolutionError, Refused
from witchery.net.reporter import Reporter

ARCHS = ("x86_64", "aarch64")


class Heard(Reporter):
    """Remembers every task, and fails where two of one name run at the same time."""

    def __init__(self) -> None:
        self.tasks: list[str] = []
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def started(self, task: str, total: int | None) -> None:
        with self._lock:
            assert task not in self._running
            self._running.add(task)
            self.tasks.append(task)

    def advanced(self, task: str, count: int) -> None:
        assert task in self._running

    def finished(self, task: str) -> None:
        with self._lock:
            self._running.remove(task)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a package for two architectures, in one version."""
    folder = tmp_path / "repository"
    for arch in ARCHS:
        simulator = Simulator(arch=arch)
        simulator.add(package("one", arch=arch, files={"usr/bin/one": arch.encode() * 50_000}))
        simulator.write(folder)
    return folder


@pytest.fixture
def meeting() -> threading.Barrier:
    """Where requests wait for each other, if a test lets them."""
    return threading.Barrier(len(ARCHS), timeout=20)


@pytest.fixture
def server(root: Path, meeting: threading.Barrier) -> Iterator[Server]:
    """Serves the repository; below `/together/` no index is given before both are asked for."""
    serve = files(root)

    def behave(asked: Asked) -> Answer:
        if asked.path.startswith("/together/"):
            meeting.wait()
        path = asked.path.removeprefix("/together")
        return serve(Asked(method=asked.method, path=path, headers=asked.headers, body=asked.body))

    with Server(behave) as running:
        yield running


def requests_of(folder: Path, location: str) -> tuple[Request, ...]:
    public = folder / key().name
    public.write_bytes(key().public.pem)
    contents = {"build_repositories": [location], "keyring": [str(public)], "packages": ["one"]}
    source = folder / "image.json"
    source.write_text(json.dumps({"contents": contents, "archs": list(ARCHS)}))
    return read_requests(source, host="x86_64", wishes=Wishes())


def workshop(folder: Path, reporter: Reporter | None = None) -> Workshop:
    return Workshop(cache=folder / "cache", environ={}, reporter=reporter or Reporter())


def test_all_architectures_are_asked_for_at_once(tmp_path: Path, server: Server) -> None:
    """The server answers none before it has been asked for each, for indexes as for packages."""
    made = build_all(requests_of(tmp_path, f"{server.url}/together"), workshop(tmp_path))
    assert [request.arch.apk for request, _ in made.platforms] == list(ARCHS)


def test_each_platform_is_the_one_built_alone(tmp_path: Path, server: Server) -> None:
    requests = requests_of(tmp_path, server.url)
    made = build_all(requests, workshop(tmp_path))
    for request, (_, built) in zip(requests, made.platforms, strict=True):
        alone = build(request, workshop(tmp_path / request.arch.apk))
        assert alone.image == built.image
        assert build_all([request], workshop(tmp_path)).image == alone.image


def test_progress_names_the_architecture(tmp_path: Path, server: Server) -> None:
    """Both fetch a package of one name and version, at the same time."""
    heard = Heard()
    build_all(requests_of(tmp_path, f"{server.url}/together"), workshop(tmp_path, heard))
    assert {f"{arch} one-1.0-r0" for arch in ARCHS} <= set(heard.tasks)
    alone = Heard()
    (request, _) = requests_of(tmp_path, server.url)
    build_all([request], workshop(tmp_path / "alone", alone))
    assert "one-1.0-r0" in alone.tasks


def test_nothing_but_indexes_is_fetched_where_versions_differ(
    tmp_path: Path, root: Path, server: Server
) -> None:
    newer = Simulator(arch="aarch64")
    newer.add(package("one", "1.1-r0", arch="aarch64"))
    newer.write(root)
    requests = requests_of(tmp_path, server.url)
    with pytest.raises(NoSolutionError) as caught:
        build_all(requests, workshop(tmp_path))
    assert "one: 1.0-r0 on x86_64, 1.1-r0 on aarch64" in str(caught.value)
    assert {asked.path.rpartition("/")[2] for asked in server.asked} == {"APKINDEX.tar.gz"}
    made = build_all(requests, workshop(tmp_path), allow_skew=True)
    assert [dict(each.versions) for each in made.skew] == [
        dict(zip((request.arch for request in requests), ("1.0-r0", "1.1-r0"), strict=True))
    ]


def test_an_error_of_one_architecture_is_told_with_its_name(
    tmp_path: Path, root: Path, server: Server
) -> None:
    damaged = root / "aarch64" / "one-1.0-r0.apk"
    data = bytearray(damaged.read_bytes())
    data[-40] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(Refused) as caught:
        build_all(requests_of(tmp_path, server.url), workshop(tmp_path))
    assert str(caught.value).startswith("aarch64: ")


def test_an_error_of_all_is_told_once(tmp_path: Path, server: Server) -> None:
    with pytest.raises(NetworkError) as caught:
        build_all(requests_of(tmp_path, f"{server.url}/nothing"), workshop(tmp_path))
    assert str(caught.value).startswith("x86_64: ")
    assert "the same on aarch64" in caught.value.hints
