"""Trees as lines: those that real apk made, and folders on disk in the same form."""

import hashlib
import os
import stat
from pathlib import Path

from support.worlds import World

ONLY_APKS = {
    "lib/apk/db/scripts.tar.gz",  # no script is ever run in an image, so none is kept
    "lib/apk/db/triggers",
    "var",
    "var/log",
    "var/log/apk.log",  # what apk said while it made the tree
}
"""Paths that apk makes for itself where no package brings them."""

OURS_AND_APKS = {
    "etc/apk/arch",  # the same text, another time
    "etc/apk/world",
    "lib/apk/db/installed",
}
"""Files of the top layer that apk writes too; compared by content where the answers have it."""

LOST_BY_APK = {"var/log/chrony": 0o2750}
"""Folders whose setgid bit apk loses when it makes them, and the mode that the package states."""


def is_full(world: World) -> bool:
    """Whether apk's answer states times, numbers of names and contents."""
    return (world.expected / f"{world.name}.noscripts.manifest").exists()


def answers(world: World) -> dict[str, str]:
    """What apk made without scripts: a line for each path."""
    if is_full(world):
        return of_manifest((world.expected / f"{world.name}.noscripts.manifest").read_text())
    return _listing(world)


def of_manifest(text: str) -> dict[str, str]:
    """`type mode uid:gid size mtime path links sha256-or-target`, times only of files."""
    found = {}
    for line in text.splitlines():
        kind, mode, owner, size, mtime, path, names, rest = line.split(" ", 7)
        found[path.lstrip("/")] = f"{kind} {int(mode, 8):o} {owner} {size} {mtime} {names} {rest}"
    return found


def _listing(world: World) -> dict[str, str]:
    """`type mode uid:gid size path -> target`."""
    found = {}
    for line in (world.expected / f"{world.name}.files").read_text().splitlines():
        kind, mode, owner, size, rest = line.split(" ", 4)
        path, _, target = rest.partition(" -> ")
        if path != ".":
            size = "-" if kind == "d" else size
            found[path.removeprefix("./")] = f"{kind} {mode} {owner} {size} {target}"
    return found


def of_folder(root: Path, *, full: bool = True) -> dict[str, str]:
    """A folder on disk: the lines of `of_manifest`, or those of apk's shorter answers."""
    found = {}
    for folder, folders, files in os.walk(root):
        for path in (Path(folder, name) for name in (*folders, *files)):
            found[str(path.relative_to(root))] = _line(path, full=full)
    return found


def _line(path: Path, *, full: bool) -> str:
    status = path.lstat()
    kind = {stat.S_IFLNK: "l", stat.S_IFDIR: "d", stat.S_IFREG: "f"}.get(stat.S_IFMT(status.st_mode), "?")
    target = str(path.readlink()) if kind == "l" else ""
    start = f"{kind} {stat.S_IMODE(status.st_mode):o} {status.st_uid}:{status.st_gid}"
    if not full:
        return f"{start} {'-' if kind == 'd' else status.st_size} {target}"
    if kind != "f":
        return f"{start} - - 0 {f'->{target}' if target else '-'}"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{start} {status.st_size} {int(status.st_mtime)} {status.st_nlink} sha256:{digest}"
