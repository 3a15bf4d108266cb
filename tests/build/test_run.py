"""`run` with the runners of this machine: the program's output and status, and nothing left behind."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.images import (
    X86_64,
    Made,
    folder,
    image_of,
    image_of_tars,
    layer_of,
    link,
    member,
    package_layer,
    tar_of,
)
from support.peers import call, docker_daemon, need
from support.shared import needs_shared
from witchery.build.opening import open_image
from witchery.build.run import RUNTIMES, run
from witchery.errors import Refused, StorageError, UsageError, WorldError
from witchery.oci import transport
from witchery.oci.config import Execution
from witchery.oci.image import build
from witchery.store import archive, layout, rootfs_dir
from witchery.value import replace

pytestmark = [pytest.mark.peer, needs_shared]

SCRIPT = """\
#!/bin/sh
case "$1" in
status) exit 7 ;;
signal) kill -TERM $$ ;;
whoami) echo "$(id -u):$(id -g) $PWD $A" ;;
input) cat ;;
write) echo x > /made ;;
esac
"""


@pytest.fixture(scope="module")
def image(boot_set: Path) -> Made:
    """An image whose program does as it is told: busybox from its package, untouched, and a script above."""
    tar = tar_of(
        folder("srv"),
        folder("etc"),
        member("etc/passwd", b"web:x:100:101:web:/srv:/bin/false\n"),
        member("bin/do", SCRIPT.encode(), mode=0o755),
        *(link(f"bin/{name}", "busybox") for name in ("id", "cat", "sh")),
    )
    execution = Execution(
        entrypoint=("/bin/do",), cmd=("whoami",), env=("A=1 2", "PATH=/bin"), user="web", working_dir="/srv"
    )
    packages = [next(boot_set.glob(f"x86_64/{name}-1*.apk")) for name in ("musl", "busybox")]
    return image_of([*map(package_layer, packages), layer_of(tar)], execution)


@pytest.fixture(autouse=True)
def _nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After each test the temporary folder is empty again; its name is short, as sockets want it."""
    temporary = Path(tempfile.mkdtemp(prefix="w"))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield
    temporary.rmdir()


def written(made: Made, where: Path) -> transport.Transport:
    layout.write(where / "l", made.image, made.contents)
    return transport.parse(f"oci:{where}/l")


@pytest.mark.parametrize("runner", [name for name in RUNTIMES if name != "crun"])
def test_the_program_runs_as_the_image_says(
    runner: str, image: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    need(runner)
    source = written(image, tmp_path)
    notes: list[str] = []
    assert run(source, runner=runner, tell=notes.append) == 0
    assert capfd.readouterr().out == "100:101 /srv 1 2\n"
    assert run(source, ["status"], runner=runner) == 7
    if runner == "runc":  # bubblewrap knows one user, who owns all that root does
        assert run(source, ["write"], runner=runner) != 0, "the folder's owner is root, and we are not"
    assert any("running with" in note for note in notes)


@pytest.mark.parametrize("runner", [name for name in RUNTIMES if name != "crun"])
def test_a_signal_and_the_input_reach_the_program(runner: str, image: Made, tmp_path: Path) -> None:
    need(runner)
    source = written(image, tmp_path)
    program = (
        "import sys; from witchery.build.run import run; from witchery.oci import transport;"
        "sys.exit(run(transport.parse(sys.argv[1]), sys.argv[3:], runner=sys.argv[2]))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, str(source), runner]
    done = subprocess.run(
        [*command, "input"], input=b"hello", capture_output=True, check=False, timeout=60, env=environment
    )
    assert (done.returncode, done.stdout) == (0, b"hello"), done.stderr
    done = subprocess.run([*command, "signal"], capture_output=True, check=False, timeout=60, env=environment)
    assert done.returncode in (0, 143), "the first process of a namespace may ignore its own signal"


def test_a_runner_is_found_without_naming_one(
    image: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    need("bwrap")
    archive.write(tmp_path / "a.tar", image.image, image.contents)
    assert run(transport.parse(f"{tmp_path}/a.tar"), ["whoami"]) == 0
    assert capfd.readouterr().out == "100:101 /srv 1 2\n"


def test_docker_runs_it_and_keeps_nothing(
    image: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    source = written(image, tmp_path)
    with docker_daemon(tmp_path) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        assert run(source, runner="docker") == 0
        assert capfd.readouterr().out == "100:101 /srv 1 2\n"
        assert run(source, ["status"], runner="docker") == 7
        with pytest.raises(UsageError, match="does not have the program"):
            run(written(broken(image), tmp_path / "broken"), runner="docker")
        assert call("docker", "images", "-qa") + call("docker", "ps", "-qa") == ""


def test_podman_runs_it_and_keeps_nothing(
    image: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    need("podman", "runc")
    before = call("podman", "images", "-qa") + call("podman", "ps", "-qa")
    source = written(image, tmp_path)
    assert run(source, runner="podman") == 0
    assert capfd.readouterr().out == "100:101 /srv 1 2\n"
    assert run(source, ["status"], runner="podman") == 7
    assert call("podman", "images", "-qa") + call("podman", "ps", "-qa") == before


@pytest.mark.parametrize("runner", ["podman", "runc"])
def test_a_program_that_is_not_in_the_image_is_told(runner: str, image: Made, tmp_path: Path) -> None:
    need(runner, "runc")
    with pytest.raises(UsageError, match="does not have the program"):
        run(written(broken(image), tmp_path), runner=runner)


def broken(image: Made) -> Made:
    """The image with an entrypoint that is not there."""
    execution = replace(image.image.config.execution, entrypoint=("/bin/none",))
    return Made(build(image.image.layers, arch=X86_64, execution=execution), image.contents)


def test_a_folder_is_run_in_place(image: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    need("bwrap")
    rootfs_dir.unpack(image.image, image.contents, tmp_path / "r", privileged=False)
    assert run(transport.parse(f"rootfs:{tmp_path}/r"), ["/bin/busybox", "echo", "hi"], runner="bwrap") == 0
    assert capfd.readouterr().out == "hi\n"
    with pytest.raises(UsageError, match="a folder names no program"):
        run(transport.parse(f"{tmp_path}/r"))


def test_accounts_are_not_read_through_a_link(image: Made, tmp_path: Path) -> None:
    """`/etc/passwd` of the image, if it is a link, must not become the host's."""
    need("bwrap")
    (tmp_path / "r" / "etc").mkdir(parents=True)
    (tmp_path / "r" / "etc" / "passwd").symlink_to("/etc/passwd")
    with pytest.raises((UsageError, WorldError)):
        run(transport.parse(f"rootfs:{tmp_path}/r"), ["/bin/none"], runner="runc")


def test_what_cannot_be_run_is_told(image: Made, tmp_path: Path) -> None:
    source = written(image, tmp_path)
    with pytest.raises(UsageError, match="unknown runner: `qemu`"):
        run(source, runner="qemu")
    with pytest.raises(UsageError, match="not run from a registry"):
        run(transport.parse("docker://alpine"))
    with pytest.raises(UsageError, match="no such image or folder"):
        run(transport.parse(f"{tmp_path}/none"))
    with pytest.raises(StorageError):
        run(transport.parse(f"oci:{tmp_path}/none"))
    with pytest.raises(UsageError, match="names no program"):
        run(written(image_of_tars(tar_of()), tmp_path / "empty"))


def test_a_damaged_layer_is_refused_before_anything_runs(image: Made, tmp_path: Path) -> None:
    source = written(image, tmp_path)
    blob = tmp_path / "l" / "blobs" / "sha256" / image.image.layers[0].descriptor.digest.hex
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)
    with pytest.raises(Refused):
        run(source, runner="bwrap")


def test_a_plain_folder_may_be_a_layout(image: Made, tmp_path: Path) -> None:
    layout.write(tmp_path / "l", image.image, image.contents)
    found = open_image(transport.parse(f"{tmp_path}/l"))
    assert not isinstance(found, Path)
    assert found.image == image.image
