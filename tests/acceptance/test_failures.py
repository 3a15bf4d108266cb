"""A world that fails: disks, permissions, networks, a kill. The command says so, with status 5, and leaves
nothing half-written.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.built import packages
from support.command import Outcome, process
from support.peers import need
from support.servers import Answer, Asked, Server, closed_port, content, files
from support.shared import needs_shared

pytestmark = needs_shared

OUTPUTS = ("oci:{}/image", "oci-archive:{}/image.tar", "docker-archive:{}/image.tar", "rootfs:{}/image")
NOBODY, STRANGER = 65534, 12345
"""Who builds, and who owns what he may not touch."""
WGET = "wget-1.21.4-r0.apk"


def configured(folder: Path, repository: Path | str) -> Path:
    """A folder with a configuration of the wget example."""
    folder.mkdir(exist_ok=True)
    config = packages(Path("/"), "wget", "ca-certificates-bundle")
    config["contents"]["build_repositories"] = [str(repository)]
    (folder / "a.json").write_text(json.dumps(config))
    return folder


def build(folder: Path, *words: str | Path, user: int | None = None, cache: str | Path = "cache") -> Outcome:
    return process("build", "a.json", *words, "--arch", "x86_64", "--cache-dir", cache, cwd=folder, user=user)


def below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that holds 2 MB; the image has 3.8."""
    need("mount", "umount")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_full_disk_is_told_and_the_output_is_not_there(
    small_disk: Path, boot_set: Path, output: str, tmp_path: Path
) -> None:
    done = build(configured(tmp_path, boot_set), "-o", output.format("disk"))
    assert (done.status, done.out) == (5, "")
    assert "no space left on device" in done.err
    assert "free some space" in done.err
    assert below(small_disk) == []


def test_a_full_disk_under_the_cache_is_told_and_what_is_kept_is_whole(
    small_disk: Path, boot_set: Path, tmp_path: Path
) -> None:
    """With more room the same cache serves, and gives the same image."""
    folder = configured(tmp_path, boot_set)
    done = build(folder, "-o", "oci:image", cache="disk/cache")
    assert (done.status, done.out) == (5, "")
    assert "no space left on device" in done.err
    assert not (folder / "image").exists()
    assert [name for name in below(small_disk) if ".tmp" in name or "partial" in name] == []
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    again = build(folder, "-o", "oci:image", cache="disk/cache")
    assert again.status == 0, again.err
    assert again.out == build(folder, "-o", "oci:other").out


@pytest.fixture
def open_to_all(tmp_path: Path) -> Path:
    """A folder that every user reaches, and may write to."""
    need()
    for parent in (tmp_path, *tmp_path.parents):
        if parent.owner() == "root" and len(parent.parts) > 2:
            parent.chmod(0o755)
    tmp_path.chmod(0o777)
    return tmp_path


def lock(path: Path, mode: int) -> None:
    """Gives something to somebody else."""
    os.chown(path, STRANGER, STRANGER)
    path.chmod(mode)


def test_what_may_not_be_read_is_told_by_name(open_to_all: Path, boot_set: Path) -> None:
    """As a user without rights: the repository, a key, a package, the cache, the configuration."""
    locked = open_to_all / "locked"
    (locked / "x86_64").mkdir(parents=True)
    lock(locked, 0o700)
    folder = configured(open_to_all, locked)

    def refused(thing: str | Path, *words: str | Path, cache: Path | str = "cache") -> None:
        done = build(folder, "-o", "oci:image", *words, user=NOBODY, cache=cache)
        assert (done.status, done.out) == (5, "")
        assert str(thing) in done.err
        assert "ermission denied" in done.err
        assert not (open_to_all / "image").exists()

    refused(locked)
    configured(open_to_all, boot_set)
    refused(locked, "-k", locked)
    refused(locked, "-k", locked / "a.pub")
    refused(locked, "-p", locked / "a.apk")
    refused(locked, cache=locked)
    lock(open_to_all / "a.json", 0o600)
    refused("a.json")


@pytest.mark.parametrize("mode", [0o755, 0o700])
@pytest.mark.parametrize("output", OUTPUTS)
def test_where_nothing_may_be_written_nothing_is(
    open_to_all: Path, boot_set: Path, output: str, mode: int
) -> None:
    """In a folder that may be looked into, and in one that may not."""
    locked = open_to_all / "locked"
    locked.mkdir()
    lock(locked, mode)
    done = build(configured(open_to_all, boot_set), "-o", output.format("locked"), user=NOBODY)
    assert (done.status, done.out) == (5, "")
    assert "locked" in done.err
    assert "ermission denied" in done.err
    assert below(locked) == []


def faulty(root: Path, name: str, fault: Callable[[Asked, bytes], Answer]) -> Callable[[Asked], Answer]:
    """A good server, but for one file."""
    good = files(root)

    def behave(asked: Asked) -> Answer:
        path = root / asked.path.lstrip("/")
        return fault(asked, path.read_bytes()) if asked.path.endswith(name) else good(asked)

    return behave


FAULTS: dict[str, tuple[str, Callable[[Asked, bytes], Answer], int, str]] = {
    "stops in a package": (WGET, lambda _, data: Answer(body=data, cut=1000), 5, WGET),
    "resets in a package": (WGET, lambda _, data: Answer(body=data, cut=1000, reset=True), 5, WGET),
    "promises more of a package": (WGET, lambda _, data: Answer(body=data, declared=1 << 40), 5, WGET),
    "promises less of a package": (WGET, lambda _, data: Answer(body=data, declared=1000), 3, WGET),
    "sends more than a package": (WGET, lambda _, data: Answer(body=data + b"x", declared=-1), 3, WGET),
    "has no such package": (WGET, lambda *_: Answer(status=404), 5, WGET),
    "has a bad day": (WGET, lambda *_: Answer(status=503, headers={"Retry-After": "0"}), 5, "503"),
    "says nothing": (WGET, lambda *_: Answer(silent=True), 5, WGET),
    "stops in the index": (
        "APKINDEX.tar.gz",
        lambda _, data: Answer(body=data, cut=99),
        5,
        "APKINDEX.tar.gz",
    ),
    "has an empty index": ("APKINDEX.tar.gz", lambda *_: Answer(), 3, "APKINDEX.tar.gz"),
    "asks for a password": ("APKINDEX.tar.gz", lambda *_: Answer(status=401), 5, "401"),
}
"""What a server does, with which file; the exit status, and what the message says."""


def test_a_network_that_fails_ends_soon_with_its_name_and_nothing_written(
    boot_set: Path, tmp_path: Path
) -> None:
    """All at once, since each is tried again for some seconds."""

    def suffer(number: int, name: str) -> tuple[Outcome, float, list[str]]:
        file, fault, _, _ = FAULTS[name]
        folder = configured(tmp_path / str(number), "")
        with Server(faulty(boot_set, file, fault)) as server:
            configured(folder, server.url)
            begin = time.monotonic()
            done = build(folder, "-o", "oci:image")
            return done, time.monotonic() - begin, below(folder)

    with ThreadPoolExecutor(len(FAULTS)) as pool:
        suffered = pool.map(suffer, range(len(FAULTS)), FAULTS)
        for (name, (_, _, status, words)), (done, took, left) in zip(FAULTS.items(), suffered, strict=True):
            assert (done.status, done.out) == (status, ""), f"{name}: {done.err}"
            assert words in done.err, f"{name}: {done.err}"
            assert "127.0.0.1" in done.err, f"{name}: {done.err}"
            assert "bug" not in done.err, f"{name}: {done.err}"
            assert took < 40, name
            assert not any(path.startswith("image") for path in left), name
            assert not any(WGET in path or "tmp" in path for path in left), name


def test_a_server_that_nobody_runs_is_told(tmp_path: Path) -> None:
    with closed_port() as port:
        done = build(configured(tmp_path, f"http://127.0.0.1:{port}"), "-o", "oci:image")
    assert (done.status, done.out) == (5, "")
    assert f"http://127.0.0.1:{port}/x86_64/APKINDEX.tar.gz" in done.err
    assert "refused" in done.err


def test_a_network_that_stops_now_and_then_gives_the_same_image(boot_set: Path, tmp_path: Path) -> None:
    """Every file breaks off once; the rest is asked for, and not the beginning again."""
    broken: set[str] = set()

    def behave(asked: Asked) -> Answer:
        data = (boot_set / asked.path.lstrip("/")).read_bytes()
        if asked.path in broken:
            return content(asked, data)
        broken.add(asked.path)
        good = content(asked, data)
        return Answer(headers=good.headers, body=data, cut=len(data) // 2)

    with Server(behave) as server:
        done = build(configured(tmp_path / "http", server.url), "-o", "oci:image")
        again = [each for each in server.asked if each["Range"]]
    assert done.status == 0, done.err
    assert done.out == build(configured(tmp_path / "folder", boot_set), "-o", "oci:image").out
    assert len(again) == len(broken) == 10


def test_a_build_that_is_killed_at_any_instant_does_no_harm(boot_set: Path, tmp_path: Path) -> None:
    """Whatever is there under a final name is whole, and the next build with the same cache succeeds."""
    folder = configured(tmp_path, boot_set)
    reference = build(folder, "-o", "oci:reference", cache="other")
    chance = random.Random(7)
    command = [
        sys.executable,
        "-m",
        "witchery",
        "build",
        "a.json",
        "--arch",
        "x86_64",
        "--cache-dir",
        "cache",
    ]
    command += ["-o", "oci:image", "-o", "oci-archive:image.tar"]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = 0
    for number in range(12):
        if number % 3 == 0:  # a cold cache again
            shutil.rmtree(folder / "cache", ignore_errors=True)
        running = subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            running.wait(chance.uniform(0.04, 0.25))
        except subprocess.TimeoutExpired:
            running.kill()
            killed += running.wait() != 0
        for name in ("index.json", "oci-layout"):
            path = folder / "image" / name
            assert not path.exists() or json.loads(path.read_bytes())
    assert killed
    done = build(folder, "-o", "oci:image", "-o", "oci-archive:image.tar")
    assert (done.status, done.out) == (0, reference.out), done.err


def test_an_interrupt_ends_a_build_with_one_word(boot_set: Path, tmp_path: Path) -> None:
    """As Ctrl-C does: status 130, no traceback, nothing left under the output's name."""
    with Server(lambda _: Answer(hang=30)) as server:
        folder = configured(tmp_path, server.url)
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
        build = ("build", "a.json", "-o", "oci:image", "--arch", "x86_64")
        heeding = ("env", "--default-signal=INT")  # whoever runs the tests may have had it ignored
        with subprocess.Popen(
            [*heeding, sys.executable, "-m", "witchery", *build],
            cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            try:
                while not server.asked:
                    time.sleep(0.02)
                running.send_signal(2)
                out, err = running.communicate(timeout=20)
            finally:
                running.kill()
    assert (running.returncode, out, err.splitlines()[-1:]) == (130, "", ["interrupted"])
    assert "Traceback" not in err
    assert not (folder / "image").exists()
