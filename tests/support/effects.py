"""The declared effects of some packages, in a form that is easy to compare."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from witchery.compose.effects import Effects, effects
from witchery.compose.files import Files
from witchery.compose.part import Generated, Part
from witchery.compose.release import Release
from witchery.compose.tree import merge
from witchery.config.model import Base, ImageConfig
from witchery.rootfs.entry import Kind

BARE = Base(passwd=False, group=False, nsswitch=False, os_release=False, tmp=False, mount_points=False)
"""Nothing of the base is generated."""
NOTHING = ImageConfig(base=BARE)

_LETTERS = {Kind.DIRECTORY: "d", Kind.FILE: "f", Kind.SYMLINK: "l"}


def effects_of(*parts: Part, config: ImageConfig = NOTHING, releases: Sequence[Release] = ()) -> Effects:
    """What is generated for packages."""
    return effects(parts, Files(merge(parts)), config, releases=releases)


def texts(done: Effects) -> dict[str, str]:
    """The generated files by path."""
    return {
        each.entry.path: b"".join(each.content.chunks()).decode()
        for each in done.generated
        if each.entry.kind is Kind.FILE
    }


def rows(generated: Iterable[Generated]) -> dict[str, str]:
    """Entries as lines: kind, mode, owner, and a link's target or a file's digest."""
    return {each.entry.path: _row(each) for each in generated}


def expected_rows(manifest: str) -> Mapping[str, str]:
    """The lines of a manifest of the shared data, in the same form."""
    found: dict[str, str] = {}
    for line in manifest.splitlines():
        kind, mode, owner, _size, _mtime, path, _links, what = line.split(" ", 7)
        found[path.strip("/")] = f"{kind} {mode} {owner} {what.removeprefix('->')}".removesuffix(" -")
    return found


def _row(each: Generated) -> str:
    entry = each.entry
    row = f"{_LETTERS[entry.kind]} {entry.mode:04o} {entry.uid}:{entry.gid}"
    if entry.kind is Kind.SYMLINK:
        return f"{row} {entry.target}"
    if entry.kind is Kind.FILE:
        return f"{row} sha256:{hashlib.sha256(b''.join(each.content.chunks())).hexdigest()}"
    return row
