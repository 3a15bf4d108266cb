"""The tools that judge images: skopeo, umoci and runc, podman, containerd, Docker.

Each judges with storage of its own, new every time: equal diff IDs of an earlier case would hide a failure.
What they write lies below the folder they are given, and all their processes are ended. A missing peer
skips the test with its reason; with `CI=true` the test fails instead.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

_TIMEOUT = 60
_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")


class DisagreementError(AssertionError):
    """A peer refused what it was given; the message is its own."""


@dataclass(frozen=True)
class Subject:
    """An image in both forms on disk.

    Attributes:
        layout: A folder in the OCI layout.
        tag: The image's tag in it.
        archive: The same image as an archive, under the name that `name` says.
        name: Its full reference in the archive.
    """

    layout: Path
    tag: str
    archive: Path
    name: str = "docker.io/witchery/test:latest"


Judge = Callable[[Subject, Sequence[str], Path], str]


def need(*programs: str, root: bool = True) -> None:
    """Skips, or in CI fails, where a program is missing or we are not root."""
    missing = [program for program in programs if not shutil.which(program)]
    reason = f"needs {', '.join(missing)}" if missing else ""
    if root and os.geteuid() != 0:
        reason = reason or f"needs root to drive {programs[0]}"
    if reason:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


def call(*command: str | Path, folder: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a program to its end and gives its standard output.

    Raises:
        DisagreementError: if it fails, with what it said.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=_TIMEOUT,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise DisagreementError(
            f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done.stdout


def skopeo(subject: Subject, argv: Sequence[str], folder: Path) -> str:
    """Copies all three readings of the image; runs nothing."""
    need("skopeo", root=False)
    for number, source in enumerate(
        (
            f"oci:{subject.layout}:{subject.tag}",
            f"oci-archive:{subject.archive}",
            f"docker-archive:{subject.archive}",
        )
    ):
        call("skopeo", "copy", source, f"dir:{folder}/skopeo-{number}", "--insecure-policy")
    return ""


def umoci(subject: Subject, argv: Sequence[str], folder: Path) -> str:
    """Unpacks the layout with umoci and runs it with runc."""
    need("umoci", "runc")
    bundle = folder / "bundle"
    call("umoci", "unpack", "--image", f"{subject.layout}:{subject.tag}", bundle)
    config = json.loads((bundle / "config.json").read_text())
    config["process"] |= {"terminal": False, "args": list(argv)}
    (bundle / "config.json").write_text(json.dumps(config))
    try:
        return call("runc", "--root", folder / "runc", "run", f"witchery-{os.getpid()}", folder=bundle)
    finally:
        shutil.rmtree(bundle, ignore_errors=True)


def podman(subject: Subject, argv: Sequence[str], folder: Path) -> str:
    """Loads the archive with podman and runs it."""
    return _podman(("load", "-q", "-i", str(subject.archive)), argv, folder)


def podman_pulls(reference: str, argv: Sequence[str], folder: Path) -> str:
    """Pulls an image from a registry without TLS with podman and runs it."""
    return _podman(("pull", "-q", "--tls-verify=false", reference), argv, folder)


def _podman(gets: Sequence[str], argv: Sequence[str], folder: Path) -> str:
    need("podman", "runc")
    with _short(folder) as short:  # podman takes at most 50 characters
        storage = ("--root", f"{folder}/storage", "--runroot", str(short), "--storage-driver", "overlay")
        base = ("podman", *storage, "--runtime", "runc", "--log-level", "error")
        try:
            call(*base, *gets)
            (image,) = call(*base, "images", "-q", "--no-trunc").split()
            program, *rest = argv
            run = ("run", "--rm", "--network=none", *_LIMITS, "--entrypoint", program, image, *rest)
            return call(*base, *run)
        finally:  # podman mounts its storage onto itself, and leaves it so
            subprocess.run(["umount", f"{folder}/storage/overlay"], capture_output=True, check=False)


def containerd(subject: Subject, argv: Sequence[str], folder: Path) -> str:
    """Imports the archive into containerd and runs it with ctr."""
    need("containerd", "ctr", "runc")
    with _short(folder) as short:
        config = folder / "containerd.toml"
        config.write_text(
            f'version = 2\nroot = "{folder}/root"\nstate = "{short}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{short}/c.sock"\n[ttrpc]\naddress = "{short}/t.sock"\n'
        )
        env = {"CONTAINERD_ADDRESS": f"{short}/c.sock"}
        with _daemon(["containerd", "-c", str(config)], folder, lambda: call("ctr", "version", env=env)):
            call("ctr", "image", "import", "--snapshotter", "overlayfs", subject.archive, env=env)
            assert subject.name in call("ctr", "image", "ls", "-q", env=env).split()
            options = ("--rm", "--snapshotter", "overlayfs", subject.name, f"witchery-{os.getpid()}")
            return call("ctr", "run", *options, *argv, env=env)


def docker(subject: Subject, argv: Sequence[str], folder: Path) -> str:
    """Loads the archive into a Docker daemon and runs it."""
    with docker_daemon(folder) as address:
        client = ("docker", "-H", address)
        call(*client, "load", "-q", "-i", subject.archive)
        (image,) = call(*client, "images", "-q", "--no-trunc").split()
        program, *rest = argv
        return call(*client, "run", "--rm", "--network", "none", "--entrypoint", program, image, *rest)


@contextmanager
def docker_daemon(folder: Path) -> Iterator[str]:
    """A Docker daemon with storage of its own; yields its address, as in `DOCKER_HOST`."""
    need("dockerd", "docker", "runc")
    with _short(folder) as short:
        address = f"unix://{short}/d.sock"
        command = ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "-H", address]
        command += ["--data-root", f"{folder}/data", "--exec-root", f"{short}/exec", "-p", f"{short}/pid"]
        with _daemon(command, folder, lambda: call("docker", "-H", address, "version")):
            yield address


JUDGES: dict[str, Judge] = {
    "skopeo": skopeo,
    "umoci": umoci,
    "podman": podman,
    "containerd": containerd,
    "docker": docker,
}
"""Every peer by name; all but skopeo run the image, and return what it printed."""


def judge(subject: Subject, argv: Sequence[str], folder: Path) -> dict[str, str]:
    """What the program `argv` of an image prints under every runtime.

    Raises:
        DisagreementError: if a peer refuses the image, or the program fails.
    """
    outputs = {}
    for name, judged_by in JUDGES.items():
        own = folder / name
        own.mkdir(parents=True)
        outputs[name] = judged_by(subject, argv, own)
    del outputs["skopeo"]
    return outputs


def unmount(folder: Path) -> None:
    """Takes down whatever a peer left mounted below a folder."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in reversed(mounts):
        if mount.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", mount], check=False, capture_output=True, timeout=_TIMEOUT)


@contextmanager
def _short(folder: Path) -> Iterator[Path]:
    """A folder with a short name for sockets and state; at the end nothing is mounted in either."""
    with tempfile.TemporaryDirectory(prefix="w-", ignore_cleanup_errors=True) as short:
        try:
            yield Path(short)
        finally:
            unmount(Path(short))
            unmount(folder)


@contextmanager
def _daemon(command: list[str], folder: Path, ready: Callable[[], object]) -> Iterator[None]:
    """A daemon that answers, for the length of the block; its log is shown if it does not."""
    log = folder / "daemon.log"
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
        stack.callback(_end, process)
        deadline = time.monotonic() + _TIMEOUT
        while True:
            with suppress(DisagreementError):
                ready()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise DisagreementError(
                    f"{command[0]} does not answer:\n{log.read_text(errors='replace')[-3000:]}"
                )
            time.sleep(0.1)
        yield


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Asks a daemon to end, and then ends it and all it started."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
