"""The trees that our layers make, held against the trees that real apk made of the same packages."""

import hashlib
from pathlib import Path

import pytest

from support.manifests import LOST_BY_APK, ONLY_APKS, OURS_AND_APKS, answers, is_full
from support.shared import needs_shared
from support.unpacked import Inode, tree_of
from support.worlds import World, worlds
from witchery.apk import installed
from witchery.compose.composition import Composition, compose
from witchery.compose.tree import merge
from witchery.config.model import Layering
from witchery.rootfs.accounts import Accounts
from witchery.value import replace

pytestmark = [needs_shared, pytest.mark.conformance]

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
