"""Files that every image wants and that no package of it may bring.

Each is made only where nothing stands in its place, and each can be switched off (`base` in a configuration).
"""

from collections.abc import Sequence

from witchery.compose.draft import Draft
from witchery.compose.release import Release
from witchery.config.model import Base
from witchery.rootfs.accounts import Accounts, Group, User
from witchery.rootfs.entry import Kind

NONROOT = User("nonroot", 65532, 65532, "nonroot", "/home/nonroot")
"""Whom images run as by convention (65532 is the number that other distroless images use)."""
_NOBODY = User("nobody", 65534, 65534, "nobody", "/")
_ROOT = User("root", 0, 0, "root", "/root")
_ORIGIN = "the generated base"

MOUNT_POINTS = (("dev", 0o755), ("proc", 0o555), ("run", 0o755), ("sys", 0o555))
"""What runtimes mount on (OCI runtime-spec, config-linux.md, "Default Filesystems"), and what programs expect
to be able to mount on. On a read-only root nobody could make them later."""

NSSWITCH = b"hosts: files dns\n"
"""What programs that read `nsswitch.conf` themselves need: the hosts file before DNS. musl reads none."""


def accounts(draft: Draft) -> Accounts:
    """The accounts that the packages bring; where they bring none, root and nobody."""
    passwd, group = draft.read("etc/passwd"), draft.read("etc/group")
    owner = draft.files.owner("etc/passwd") or draft.files.owner("etc/group")
    found = Accounts.read(
        passwd or b"", group or b"", draft.read("etc/shadow"), origin=f"package `{owner}`" if owner else ""
    )
    if passwd is None:
        found = found.adding_user(_ROOT, _ORIGIN).adding_user(_NOBODY, _ORIGIN)
    if group is None:
        for user in (_ROOT, _NOBODY):
            found = found.adding_group(Group(user.name, user.gid), _ORIGIN)
    return found


def nonroot(accounts: Accounts) -> Accounts:
    """With `nonroot`, where neither the name nor the number is another's already."""
    if NONROOT.name in accounts.users or accounts.user_with(NONROOT.uid) is not None:
        return accounts
    if NONROOT.name not in accounts.groups and accounts.group_with(NONROOT.gid) is None:
        accounts = accounts.adding_group(Group(NONROOT.name, NONROOT.gid), _ORIGIN)
    return accounts.adding_user(NONROOT, _ORIGIN)


def generate(draft: Draft, base: Base, releases: Sequence[Release]) -> tuple[str, ...]:
    """Makes what is missing, but for the account files; returns warnings."""
    if base.nsswitch and not draft.exists("etc/nsswitch.conf"):
        draft.file("etc/nsswitch.conf", NSSWITCH, why="base.nsswitch")
    if base.tmp and not draft.exists("tmp"):
        draft.directory("tmp", 0o1777, why="base.tmp")
    if base.mount_points:
        for path, mode in MOUNT_POINTS:
            if not draft.exists(path):
                draft.directory(path, mode, why="base.mount-points")
    return _os_release(draft, releases) if base.os_release else ()


def _os_release(draft: Draft, releases: Sequence[Release]) -> tuple[str, ...]:
    """Scanners look at `etc/os-release` first, and some at nothing else."""
    if draft.exists("etc/os-release"):
        return ()
    found = draft.leads_to("usr/lib/os-release")
    if found is not None and found.kind is Kind.FILE:
        draft.symlink("etc/os-release", "../usr/lib/os-release", why="base.os-release")
        return ()
    if len(releases) == 1:
        draft.file("etc/os-release", releases[0].os_release(), why=f"base.os-release: {releases[0].evidence}")
        return ()
    several = ", ".join(release.evidence for release in releases)
    reason = (
        f"the repositories belong to several releases ({several})" if several else "no repository names one"
    )
    warning = (
        f"no `etc/os-release`, because {reason}: scanners will not know the distribution; add the package"
        " `alpine-release`, or switch this off with `base.os-release: false`"
    )
    return (warning,)
