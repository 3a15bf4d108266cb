"""How to run an image with each runner: decisions as values. `run` carries them out.

Everything is for trying an image on the machine at hand, not for production: the network is the host's where
no engine manages one, nothing outlives the program, and it gets no new privileges.
"""

import re
import signal
from collections.abc import Iterable
from typing import Any

from witchery import canonical
from witchery.errors import UsageError
from witchery.oci.config import Execution
from witchery.value import frozen

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for in an image that does not say."""

Limits = Iterable[tuple[str, int, int]]
"""Resource limits by name, soft and hard."""

LOW_LIMITS: Limits = (("nofile", 1024, 1024), ("nproc", 1024, 1024))
"""For engines whose defaults are more than they are allowed to set."""

HOST_FILES = ("/etc/resolv.conf", "/etc/hosts")
"""What a program needs of the host to use its network."""

_CAPABILITIES = (
    *(
        "CAP_AUDIT_WRITE",
        "CAP_CHOWN",
        "CAP_DAC_OVERRIDE",
        "CAP_FOWNER",
        "CAP_FSETID",
        "CAP_KILL",
        "CAP_MKNOD",
    ),
    *("CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID"),
    "CAP_SYS_CHROOT",
)
"""What Docker leaves to root in a container."""

_MASKED = (
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/sys/firmware",
)
_READONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_NUMBER = re.compile(r"[0-9]{1,10}")


@frozen
class Account:
    """Who a program runs as.

    Attributes:
        uid: User.
        gid: Group.
        groups: Further groups.
        home: Home folder.
    """

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


@frozen(kw_only=True)
class Process:
    """What is to be run.

    Attributes:
        args: The program and its arguments.
        env: `NAME=VALUE`, complete.
        cwd: Absolute path.
        account: Who it runs as.
        terminal: True where it gets the user's terminal.
    """

    args: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    account: Account
    terminal: bool


@frozen(kw_only=True)
class Host:
    """What matters of the machine.

    Attributes:
        uid: Who we are.
        gid: Our group.
        files: Those of `HOST_FILES` that are there.
    """

    uid: int
    gid: int
    files: tuple[str, ...] = ()


def arguments(execution: Execution, args: Iterable[str]) -> tuple[str, ...]:
    """The command line: the entrypoint, then the caller's arguments or else the image's.

    Raises:
        UsageError: if there is nothing to run.
    """
    command = (*execution.entrypoint, *(tuple(args) or execution.cmd))
    if not command:
        raise UsageError(
            "the image names no program to run", hint="give one: witchery run IMAGE -- /bin/program"
        )
    return command


def process(execution: Execution, args: Iterable[str], account: Account, *, terminal: bool) -> Process:
    """What an image's configuration and the caller's arguments come to.

    Raises:
        UsageError: if there is nothing to run.
    """
    env = [item for item in execution.env if "=" in item]
    names = {item.partition("=")[0] for item in env}
    defaults = {"PATH": PATH, "HOME": account.home} | ({"TERM": "xterm"} if terminal else {})
    env += [f"{name}={value}" for name, value in defaults.items() if name not in names]
    return Process(
        args=arguments(execution, args),
        env=tuple(env),
        cwd=execution.working_dir if execution.working_dir.startswith("/") else "/",
        account=account,
        terminal=terminal,
    )


def account(user: str, passwd: str, group: str) -> Account:
    """Finds who `user` is, as runtimes do (image-spec, config.md, "User").

    Args:
        user: `user`, `uid`, `user:group`, ..., or empty for root.
        passwd: The image's `/etc/passwd`.
        group: The image's `/etc/group`.

    Raises:
        UsageError: if a name is not known to the image.
    """
    name, _, group_name = user.partition(":")
    users = [line.split(":") for line in passwd.splitlines() if line.count(":") == 6]
    groups = [line.split(":") for line in group.splitlines() if line.count(":") == 3]
    wanted = name or "0"
    found = next((row for row in users if wanted in (row[0], row[2]) and _NUMBER.fullmatch(row[2])), None)
    if found is None and not _NUMBER.fullmatch(wanted):
        raise UsageError(f"the image's user is not in its `/etc/passwd`: `{name}`")
    uid = int(found[2] if found else wanted)
    gid = int(found[3]) if found and _NUMBER.fullmatch(found[3]) else 0
    further: tuple[int, ...] = ()
    if group_name:
        gid = _gid(group_name, groups)
    elif found:
        own = [row for row in groups if found[0] in row[3].split(",") and _NUMBER.fullmatch(row[2])]
        further = tuple(sorted({int(row[2]) for row in own} - {gid}))
    return Account(uid, gid, further, found[5] if found and found[5].startswith("/") else "/")


def runtime_bundle(process: Process, host: Host, rootfs: str) -> bytes:
    """`config.json` for runc and crun (runtime-spec 1.0, config.md), on the host's network."""
    account, rootless = process.account, host.uid != 0
    namespaces = ["pid", "ipc", "uts", "mount", *(["user"] if rootless else [])]
    bounding = list(_CAPABILITIES)
    kept = bounding if account.uid == 0 else []
    linux: dict[str, Any] = {
        "namespaces": [{"type": name} for name in namespaces],
        "maskedPaths": list(_MASKED),
        "readonlyPaths": list(_READONLY),
    }
    if rootless:  # one user is all that an unprivileged process may map by itself
        linux["uidMappings"] = [{"containerID": 0, "hostID": host.uid, "size": 1}]
        linux["gidMappings"] = [{"containerID": 0, "hostID": host.gid, "size": 1}]
    user: dict[str, Any] = {"uid": account.uid, "gid": account.gid}
    if account.groups and not rootless:
        user["additionalGids"] = list(account.groups)
    return canonical.encode(
        {
            "ociVersion": "1.0.2",
            "root": {"path": rootfs, "readonly": False},
            "hostname": "witchery",
            "process": {
                "terminal": process.terminal,
                "user": user,
                "args": list(process.args),
                "env": list(process.env),
                "cwd": process.cwd,
                "noNewPrivileges": True,
                "capabilities": {"bounding": bounding, "effective": kept, "permitted": kept},
            },
            "mounts": _mounts(host, rootless=rootless),
            "linux": linux,
        }
    )


def bubblewrap(process: Process, host: Host, rootfs: str) -> tuple[str, ...]:
    """The command line of bubblewrap: one user, the host's network."""
    command = ["bwrap", "--unshare-all", "--share-net", "--unshare-user", "--die-with-parent"]
    command += ["--uid", str(process.account.uid), "--gid", str(process.account.gid)]
    command += ["--hostname", "witchery", "--bind", rootfs, "/"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for path in host.files:
        command += ["--ro-bind", path, path]
    command += ["--clearenv"]
    for item in process.env:
        name, _, value = item.partition("=")
        command += ["--setenv", name, value]
    if process.cwd != "/":
        command += ["--dir", process.cwd]
    if not process.terminal:
        command += ["--new-session"]
    return (*command, "--chdir", process.cwd, "--", *process.args)


def engine(
    program: str,
    image: str,
    execution: Execution,
    args: Iterable[str],
    *,
    terminal: bool,
    limits: Limits = (),
) -> tuple[str, ...]:
    """The command line by which podman or Docker makes a container; the rest it reads from the image.

    Args:
        program: The engine.
        image: The ID of an image that it has.
        execution: The image's configuration.
        args: The caller's arguments.
        terminal: True to give the program the user's terminal.
        limits: Limits to set instead of the engine's own.

    Raises:
        UsageError: if there is nothing to run.
    """
    arguments(execution, args)
    options = ["--interactive", *(["--tty"] if terminal else [])]
    options += [f"--ulimit={name}={soft}:{hard}" for name, soft, hard in limits]
    return (program, "create", "--pull=never", *options, image, *args)


def exit_status(code: int) -> int:
    """The status a shell would report for a child's return code, negative where a signal ended it."""
    return 128 - code if code < 0 else code


FORWARDED = (signal.SIGTERM, signal.SIGHUP)
"""Signals that are handed on to the program; the terminal sends SIGINT to it by itself."""


def _gid(name: str, groups: list[list[str]]) -> int:
    if _NUMBER.fullmatch(name):
        return int(name)
    found = next((row for row in groups if row[0] == name and _NUMBER.fullmatch(row[2])), None)
    if found is None:
        raise UsageError(f"the image's group is not in its `/etc/group`: `{name}`")
    return int(found[2])


def _mounts(host: Host, *, rootless: bool) -> list[dict[str, Any]]:
    still = ["nosuid", "noexec", "nodev"]
    terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    mounts = [
        _mount("/proc", "proc", "proc", []),
        _mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount("/dev/pts", "devpts", "devpts", [*terminals, *([] if rootless else ["gid=5"])]),
        _mount("/dev/shm", "tmpfs", "shm", [*still, "mode=1777", "size=65536k"]),  # noqa: S108 - in the image
        _mount("/dev/mqueue", "mqueue", "mqueue", still),
    ]
    if rootless:  # sysfs belongs to the network's owner, who is not us
        mounts.append(_mount("/sys", "none", "/sys", ["rbind", "nosuid", "noexec", "nodev", "ro"]))
    else:
        mounts.append(_mount("/sys", "sysfs", "sysfs", [*still, "ro"]))
    mounts += [_mount(path, "none", path, ["bind", "ro", *still]) for path in host.files]
    return mounts


def _mount(destination: str, kind: str, source: str, options: list[str]) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": source, "options": options}
