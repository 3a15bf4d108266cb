"""The trees that our layers make, held against the trees that real apk made of the same packages."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from support.shared import needs_shared
from support.unpacked import Inode, tree_of
from support.worlds import World, worlds
from witchery.apk import installed
from witchery.compose.composition import Composition, compose
from witchery.compose.tree import merge
from witchery.config.model import Layering
from witchery.rootfs.accounts import Accounts

pytestmark = [needs_shared, pytest.mark.conformance]

OURS_AND_APKS = {
    "etc/apk/arch",  # the same text, another time
    "etc/apk/world",
    "lib/apk/db/installed",
}
"""Files of the top layer that apk writes too; compared by content where the answers have it."""

ONLY_APKS = {
    "lib/apk/db/scripts.tar.gz",  # no script is ever run in an image, so none is kept
    "lib/apk/db/triggers",
    "var",
    "var/log",
    "var/log/apk.log",  # what apk said while it made the tree
}
"""Paths that apk makes for itself where no package brings them."""

LOST_BY_APK = {"var/log/chrony": 0o2750}
"""Folders whose setgid bit apk loses when it makes them, and the mode that the package states."""

EVERY_WORLD = worlds()
STRATEGIES = {
    "packages": Layering(),
    "small budget": Layering(budget=3),
    "origin": Layering(strategy="origin", budget=5),
    "single": Layering(strategy="single"),
}


def composed(world: World, folder: Path, layering: Layering) -> Composition:
    return compose(
        merge(world.parts(folder)),
        world=world.request,
        arch=world.arch,
        accounts=Accounts(),
        layering=layering,
    )


@pytest.mark.parametrize("layering", STRATEGIES.values(), ids=STRATEGIES)
@pytest.mark.parametrize("world", EVERY_WORLD, ids=str)
def test_the_layers_of_an_image_make_the_tree_that_apk_makes(
    world: World, layering: Layering, tmp_path: Path
) -> None:
    """Type, mode, owner, size, link target; time and content too where apk's answers have them."""
    root = tree_of(composed(world, tmp_path, layering))
    expected = answers(world)
    assert set(expected) - set(root) <= ONLY_APKS
    assert set(root) - set(expected) == set()
    for path in sorted(set(expected) & set(root) - OURS_AND_APKS):
        assert described(root[path], path, full=is_full(world)) == expected[path], path


@pytest.mark.parametrize("world", [each for each in EVERY_WORLD if each.database.exists()], ids=str)
def test_the_package_database_is_the_one_that_apk_writes(world: World, tmp_path: Path) -> None:
    """Byte for byte, but for `r:` lines, which apk loses for packages that have no folders."""
    root = tree_of(composed(world, tmp_path, Layering()))
    database = root["lib/apk/db/installed"].data
    ours = installed.parse(database)
    as_apk_forgets = [each if each.directories else replace(each, replaces=()) for each in ours]
    assert installed.encode(as_apk_forgets) == world.database.read_bytes()


def is_full(world: World) -> bool:
    return (world.expected / f"{world.name}.noscripts.manifest").exists()


def answers(world: World) -> dict[str, str]:
    """What apk made: a line for each path."""
    return manifest(world) if is_full(world) else listing(world)


def manifest(world: World) -> dict[str, str]:
    """`type mode uid:gid size mtime path links sha256-or-target`, times only of files."""
    found = {}
    for line in (world.expected / f"{world.name}.noscripts.manifest").read_text().splitlines():
        kind, mode, owner, size, mtime, path, names, rest = line.split(" ", 7)
        found[path.lstrip("/")] = f"{kind} {int(mode, 8):o} {owner} {size} {mtime} {names} {rest}"
    return found


def listing(world: World) -> dict[str, str]:
    """`type mode uid:gid size path -> target`."""
    found = {}
    for line in (world.expected / f"{world.name}.files").read_text().splitlines():
        kind, mode, owner, size, rest = line.split(" ", 4)
        path, _, target = rest.partition(" -> ")
        if path != ".":
            size = "-" if kind == "d" else size
            found[path.removeprefix("./")] = f"{kind} {mode} {owner} {size} {target}"
    return found


def described(inode: Inode, path: str, *, full: bool) -> str:
    mode = inode.mode
    if LOST_BY_APK.get(path) == mode:
        mode &= ~0o2000
    size = "-" if inode.kind == "d" else str(len(inode.data))
    target = inode.data.decode() if inode.kind == "l" else ""
    if not full:
        return f"{inode.kind} {mode:o} {inode.owner} {size} {target}"
    if inode.kind == "f":
        digest = hashlib.sha256(inode.data).hexdigest()
        return f"f {mode:o} {inode.owner} {size} {inode.mtime} {inode.names} sha256:{digest}"
    return f"{inode.kind} {mode:o} {inode.owner} - - 0 {'->' + target if target else '-'}"


def test_worlds_were_found() -> None:
    assert len(EVERY_WORLD) >= 16
