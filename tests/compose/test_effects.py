"""Whole images with the effects of their scripts, held against the trees that real apk made with scripts."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.effects import expected_rows
from support.shared import needs_shared
from support.unpacked import Root, tree_of
from support.worlds import World
from witchery.compose.composition import compose
from witchery.compose.effects import effects
from witchery.compose.files import Files
from witchery.compose.release import Release
from witchery.compose.tree import merge
from witchery.config.dialect import Dialect, effective
from witchery.config.model import ImageConfig

# Path: why an image has another one there than apk's root.
_EVERYWHERE = {
    "lib/apk/db/installed": "the package database is held against real apk elsewhere",
    "lib/apk/db/scripts.tar.gz": "scripts are not kept",
    "lib/apk/db/triggers": "scripts are not kept",
    "etc/apk/world": "held against real apk elsewhere",
}
_DIFFERENT: Mapping[str, Mapping[str, str]] = {
    "alpine-base": {},
    "services": {
        "etc/os-release": "generated: no package of this world brings it",
        "etc/group-": "a backup of busybox",
        "etc/passwd-": "a backup of busybox",
        "etc/shadow-": "a backup of busybox",
        "etc/shadow": "without the day on which accounts were made",
        "etc/tiny-cloud.conf": "`sed`, reported as not done",
        "var/lib/dhcpcd": "the declared mode holds; the owner is equal",
        "var/log/chrony": "the declared mode holds; the owner is equal",
    },
}


@needs_shared
@pytest.mark.parametrize("name", sorted(_DIFFERENT))
def test_with_the_effects_an_image_is_the_root_that_scripts_made(name: str, tmp_path: Path) -> None:
    world = World("v3.19.1-boot-x86_64", name)
    tree = merge(world.parts(tmp_path))
    config = effective(ImageConfig(), Dialect.APKO).config
    done = effects(tree.parts, Files(tree), config, releases=[Release("3.19.1", "a test")])
    image = tree_of(
        compose(tree, world=world.request, arch="x86_64", accounts=done.accounts, generated=done.generated)
    )
    wanted = expected_rows((world.expected / f"{name}.scripts.manifest").read_text())
    got = _rows(image)
    different = {path for path in got.keys() | wanted.keys() if got.get(path) != wanted.get(path)}
    assert different - _EVERYWHERE.keys() == _DIFFERENT[name].keys()


def _rows(root: Root) -> dict[str, str]:
    found = {}
    for path, inode in root.items():
        row = f"{inode.kind} {inode.mode:04o} {inode.owner}"
        if inode.kind == "f":
            row += f" sha256:{hashlib.sha256(inode.data).hexdigest()}"
        found[path] = f"{row} {inode.data.decode()}" if inode.kind == "l" else row
    return found
