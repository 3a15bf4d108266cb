"""Trying an image: `witchery run` finds a way to run it on this machine, and leaves nothing behind.

An engine (podman, Docker) is used where there is one that works; otherwise the image is unpacked into a
temporary folder and run by runc, crun or bubblewrap. Whether a runner works is found out before the program
starts, so the program never runs twice.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, TYPE_CHECKING

from witchery.arch import Arch
from witchery.build import run_plan as plan
from witchery.build.opening import Found, host, open_image
from witchery.errors import FormatError, StorageError, UsageError, WorldError
from witchery.oci.config import Execution
from witchery.oci.image import Image
from witchery.oci.transport import (
    Transport,
)
from witchery.store import archive, rootfs_dir
from witchery.store.inside import open_inside
from witchery.value import replace

if TYPE_CHECKING:
    from witchery.build.registry.registries import Registries

ENGINES = ("podman", "docker")
RUNTIMES = ("runc", "crun", "bwrap")
RUNNERS = (*ENGINES, *RUNTIMES)
"""What can run an image, in the order in which it is tried."""

_PATIENCE = 30
"""Seconds that a runner has to say whether it works."""

_ACCOUNTS_LIMIT = 1 << 20

Tell = Callable[[str], object]


class UnusableError(Exception):
    """A runner does not work here; the message says why. The program has not been started."""


def run(
    source: Transport,
    args: Sequence[str] = (),
    *,
    runner: str = "",
    arch: Arch | None = None,
    registries: "Registries | None" = None,
    tell: Tell = lambda _: None,
) -> int:
    """Runs an image, or a folder with a root file system.

    Args:
        source: Where the image is.
        args: Arguments, in place of the image's `Cmd`; for a folder the whole command line.
        runner: One of `RUNNERS`; by default the first that works.
        arch: The architecture to take, where there are several; None for the host's.
        registries: How registries are reached, for an image in one.
        tell: Is told what a person who asked for details wants to know.

    Returns:
        The exit status of the program; 128 and the signal's number where a signal ended it.

    Raises:
        UsageError: if there is nothing to run, or the runner is not known.
        Refused: if the image is malformed.
        WorldError: if no runner works; the hints say why, for each.
    """
    if runner and runner not in RUNNERS:
        raise UsageError(f"unknown runner: `{runner}`", hint=f"known are {', '.join(RUNNERS)}")
    found = open_image(source, arch, registries)
    if not isinstance(found, Path):
        plan.arguments(found.image.config.execution, args)
        _tell_platform(found.image, tell)
    elif not args:
        raise UsageError(
            "a folder names no program to run", hint="give one: witchery run DIR -- /bin/program"
        )
    reasons = []
    for name in [runner] if runner else RUNNERS:
        try:
            return _attempt(name, found, args, tell)
        except UnusableError as error:
            reasons.append(f"{name}: {error}")
            tell(f"{name} cannot be used: {error}")
    raise WorldError("nothing on this machine can run the image", hint=reasons)


def _tell_platform(image: Image, tell: Tell) -> None:
    arch = image.config.platform.arch
    if arch is None or arch != host():
        tell(f"the image is for {image.config.platform}, this machine is {os.uname().machine}")


def _attempt(name: str, found: Found | Path, args: Sequence[str], tell: Tell) -> int:
    program = shutil.which(name)
    if program is None:
        raise UnusableError("not installed")
    if name in ENGINES:
        if isinstance(found, Path):
            raise UnusableError("runs images, not folders")
        return _engine(program, found, args, tell)
    if isinstance(found, Path):
        return _runtime(program, found.absolute(), Execution(), args, tell)
    with _unpacked(found, tell) as rootfs:
        return _runtime(program, rootfs, found.image.config.execution, args, tell)


@contextmanager
def _unpacked(found: Found, tell: Tell) -> Iterator[Path]:
    """A folder with the image's files, for a while."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="witchery-run-") as folder:
        rootfs = Path(folder, "rootfs")
        try:
            done = rootfs_dir.unpack(found.image, found.contents, rootfs, privileged=os.geteuid() == 0)
            for note in done.notes:
                tell(note)
            Path(folder).chmod(0o711)  # the program's user has to reach its root
            yield rootfs
        finally:
            rootfs_dir.remove_tree(rootfs)


def _runtime(program: str, rootfs: Path, execution: Execution, args: Sequence[str], tell: Tell) -> int:
    name = Path(program).name
    account = plan.account(execution.user, _text(rootfs, "etc/passwd"), _text(rootfs, "etc/group"))
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    process = plan.process(execution, args, account, terminal=terminal)
    files = tuple(path for path in plan.HOST_FILES if Path(path).is_file())
    host = plan.Host(uid=os.geteuid(), gid=os.getegid(), files=files)
    if name == "bwrap":
        _probe([program, "--ro-bind", "/", "/", "--unshare-all", "--unshare-user", "true"])
        tell("running with bubblewrap: one user, the host's network")
        return _foreground([program, *plan.bubblewrap(process, host, str(rootfs))[1:]])
    if host.uid != 0 and account.uid != 0:
        raise UnusableError("only root can give a program another user")
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="witchery-bundle-") as bundle:
        config, state = Path(bundle, "config.json"), f"{bundle}/state"
        base = [program, "--root", state]
        quiet = replace(process, terminal=False)
        _create_and_delete(base, config, plan.runtime_bundle(quiet, host, str(rootfs)))
        config.write_bytes(plan.runtime_bundle(process, host, str(rootfs)))
        tell(f"running with {name}: the host's network")
        return _foreground([*base, "run", "--bundle", bundle, f"witchery-{os.getpid()}"])


def _create_and_delete(base: list[str], config: Path, written: bytes) -> None:
    """Sets a container up to the point where its program would start, and takes it down again."""
    config.write_bytes(written)
    name = f"witchery-probe-{os.getpid()}"
    try:
        _probe([*base, "create", "--bundle", str(config.parent), name])
    finally:
        _succeeds([*base, "delete", "--force", name])


def _engine(program: str, found: Found, args: Sequence[str], tell: Tell) -> int:
    """Gives the image to an engine, runs it, and takes both container and image away again."""
    image = str(found.image.manifest.config.digest)
    _probe([program, "version"])
    known = _succeeds([program, "image", "inspect", image])
    container = ""
    try:
        _load(program, found)
        try:
            container = _container(program, image, found.image.config.execution, args, ())
        except UnusableError as error:
            if "rlimit" not in str(error):
                raise
            tell(f"{Path(program).name} is not allowed its own limits, taking lower ones")
            container = _container(program, image, found.image.config.execution, args, plan.LOW_LIMITS)
        tell(f"running with {Path(program).name}")
        status = _foreground([program, "start", "--attach", "--interactive", container])
        if status:
            _check_that_it_started(program, container)
        return status
    finally:
        if container:
            _succeeds([program, "rm", "--force", "--volumes", container])
        if not known:
            _succeeds([program, "image", "rm", image])


def _check_that_it_started(program: str, container: str) -> None:
    """Tells a program that failed from a container that never started, which Docker finds out too late."""
    state = _probe([program, "inspect", "--format", "{{.State.StartedAt}} {{.State.Error}}", container])
    started, _, said = state.strip().partition(" ")
    if started.startswith("0001-"):
        raise _failure(said)


def _container(
    program: str, image: str, execution: Execution, args: Sequence[str], limits: plan.Limits
) -> str:
    """Makes a container, set up as far as that goes without starting its program."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    command = plan.engine(program, image, execution, args, terminal=terminal, limits=limits)
    container = _probe(command).strip()
    if Path(program).name == "podman":  # Docker has no such step
        try:
            _probe([program, "init", container])
        except BaseException:
            _succeeds([program, "rm", "--force", "--volumes", container])
            raise
    return container


def _load(program: str, found: Found) -> None:
    """Streams the image into the engine; nothing is written to disk on the way."""
    loader = subprocess.Popen(  # noqa: S603 - found by `which`
        [program, "load", "--quiet"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        tag = f"witchery-run-{os.getpid()}"
        try:
            archive.stream(_pipe(loader).write, found.image, found.contents, tag=tag)
        except StorageError as error:
            if not isinstance(error.__cause__, BrokenPipeError):  # otherwise it ended, and says why
                raise
        _, said = loader.communicate()
    except BaseException:
        loader.kill()
        loader.communicate()
        raise
    if loader.returncode:
        raise UnusableError(_last_line(said))


def _pipe(process: "subprocess.Popen[bytes]") -> IO[bytes]:
    if process.stdin is None:
        raise UnusableError("no pipe to it")
    return process.stdin


def _probe(command: Sequence[str]) -> str:
    """Runs a step of the preparation and gives its output.

    Raises:
        UnusableError: if it fails.
        UsageError: if it fails since the image does not have the program.
    """
    # Files, not pipes: what `runc create` leaves behind keeps them open, and a pipe would not end.
    from tempfile import TemporaryFile

    with TemporaryFile() as output, TemporaryFile() as errors:
        try:
            code = subprocess.run(  # noqa: S603 - found by `which`, arguments are a list
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                timeout=_PATIENCE,
            ).returncode
        except subprocess.TimeoutExpired:
            raise UnusableError(f"no answer within {_PATIENCE} seconds") from None
        except OSError as error:
            raise UnusableError((error.strerror or str(error)).lower()) from None
        output.seek(0)
        errors.seek(0)
        said = _last_line(errors.read())
        printed = output.read()
    if code:
        raise _failure(said or f"`{' '.join(command[:3])}` failed")
    return printed.decode(errors="replace")


def _failure(said: str) -> UnusableError | UsageError:
    """What a runner's last words mean: that it does not work here, or that the image is at fault."""
    if "executable file not found" in said or re.search(r"exec: .*no such file or directory", said):
        return UsageError("the image does not have the program that is to be run", hint=said)
    return UnusableError(said)


def _succeeds(command: Sequence[str]) -> bool:
    with suppress(UnusableError, UsageError):
        _probe(command)
        return True
    return False


def _foreground(command: Sequence[str]) -> int:
    """Runs the program with our own input, output and terminal, and hands signals on to it."""
    child = subprocess.Popen(command)  # noqa: S603 - found by `which`, arguments are a list

    def forward(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    def wait_on(_: int, __: FrameType | None) -> None:
        """The terminal has sent it to the child as well."""

    handlers = dict.fromkeys(plan.FORWARDED, forward) | {signal.SIGINT: wait_on}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        return plan.exit_status(child.wait())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _text(rootfs: Path, path: str) -> str:
    """A small file of the image; empty where it is not there or not a plain file."""
    try:
        file = open_inside(rootfs, path)
    except (OSError, FormatError):
        return ""
    try:
        return os.read(file, _ACCOUNTS_LIMIT).decode(errors="replace")
    finally:
        os.close(file)


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""
