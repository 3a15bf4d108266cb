"""The trees of images that the command builds, held against the trees that real apk made.

The command solves, fetches, checks, composes and writes; the trees are what umoci unpacks of the layout, and
what `rootfs:` holds. Generated base files are switched off, since apk has none.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from support.built import Builder, BuiltImage, packages
from support.command import process
from support.manifests import (
    LOST_BY_APK,
    ONLY_APKS,
    OURS_AND_APKS,
    answers,
    is_full,
    of_folder,
    of_manifest,
)
from support.peers import call, need
from support.shared import SHARED, needs_shared, repository
from support.worlds import World, index, worlds

pytestmark = [pytest.mark.peer, pytest.mark.conformance, needs_shared]

BARE = dict.fromkeys(("passwd", "group", "nsswitch", "os-release", "tmp", "mount-points"), False)
SCRIPTED = [each for each in worlds() if (each.expected / f"{each.name}.scripts.manifest").exists()]

SCRIPTS_DIFFER = {
    "etc/group-": "a backup that busybox makes before it writes",
    "etc/passwd-": "a backup that busybox makes before it writes",
    "etc/shadow-": "a backup that busybox makes before it writes",
    "etc/shadow": "the day on which an account was made is left out",
    "etc/passwd": "the same text, another time",
    "etc/group": "the same text, another time",
    "etc/tiny-cloud.conf": "`sed` into a file: reported as not done",
    "var/lib/dhcpcd": "the mode that the package declares holds, not that of adduser",
    "var/log/chrony": "the setgid bit that the package declares holds, which apk loses",
}
"""Where the declared effects of scripts are not those of running them, and why."""


def config(world: World, folder: Path, scripts: str) -> dict[str, Any]:
    """A world as a configuration that generates nothing but what is said."""
    names = [str(each) for each in world.request]
    made = packages(repository(world.set, folder), *names, contents={"scripts": scripts}, base=BARE)
    return made | {"accounts": {"run-as": 0}}


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sets")


def trees(image: BuiltImage, folder: Path, *, full: bool) -> dict[str, Mapping[str, str]]:
    """The image unpacked by umoci and by ourselves."""
    need("umoci")
    call("umoci", "unpack", "--image", f"{image.layout}:latest", folder / "bundle")
    return {
        "umoci": of_folder(folder / "bundle" / "rootfs", full=full),
        "rootfs:": of_folder(image.rootfs, full=full),
    }


def settled(names: Sequence[str], world: World, folder: Path) -> list[str]:
    """Packages in order, but for neighbours that installed themselves: among these apk has no order."""
    found = index(repository(world.set, folder) / world.arch)
    runs = groupby(names, lambda name: bool(found[name].install_if))
    return [name for alike, run in runs for name in (sorted(run) if alike else run)]


@pytest.mark.parametrize("world", worlds(), ids=str)
def test_an_image_without_scripts_is_the_tree_that_apk_makes(
    builder: Builder, world: World, sets: Path, tmp_path: Path
) -> None:
    """Type, mode, owner, size, path, link target; names, times and contents where apk's answer has them."""
    keys = SHARED / "alpine" / world.set / "keys"
    own = {f"etc/apk/keys/{each.name}" for each in keys.iterdir()}  # where apk is in the image
    image = builder(
        f"bare-{world.set}-{world.name}",
        config(world, sets, "none"),
        "-k",
        keys,
        rootfs=True,
        archive=False,
        arch=world.arch,
    )
    built = [f"{each['name']}-{each['version']}" for each in image.document["packages"]]
    assert settled(built, world, sets) == settled(world.installed, world, sets)
    expected = answers(world)
    for unpacked_by, ours in trees(image, tmp_path, full=is_full(world)).items():
        assert set(ours) - set(expected) <= (own if "sbin/apk" in ours else set()), unpacked_by
        assert set(expected) - set(ours) <= ONLY_APKS, unpacked_by
        differing = {path for path in expected if path in ours and ours[path] != expected[path]}
        assert differing - OURS_AND_APKS == LOST_BY_APK.keys() & ours.keys(), unpacked_by
        if is_full(world):
            for path in ("etc/apk/arch", "etc/apk/world"):
                assert ours[path].split()[-1] == expected[path].split()[-1], unpacked_by


@pytest.mark.parametrize("world", SCRIPTED, ids=str)
def test_an_image_with_the_effects_of_scripts_is_the_tree_that_apk_and_the_scripts_make(
    builder: Builder, world: World, sets: Path, tmp_path: Path
) -> None:
    """The 301 links of alpine-base; users, groups and owners of services; but for a documented list."""
    image = builder(
        f"scripted-{world.name}", config(world, sets, "emulate"), rootfs=True, archive=False, arch=world.arch
    )
    expected = of_manifest((world.expected / f"{world.name}.scripts.manifest").read_text())
    for unpacked_by, ours in trees(image, tmp_path, full=True).items():
        assert set(ours) - set(expected) == set(), unpacked_by
        backups = {path for path in SCRIPTS_DIFFER if path.endswith("-")}
        assert set(expected) - set(ours) <= ONLY_APKS | backups, unpacked_by
        differing = {path for path in ours if ours[path] != expected[path]} - OURS_AND_APKS
        print({p: (ours[p], expected[p]) for p in differing})
        assert differing <= SCRIPTS_DIFFER.keys(), unpacked_by


def test_the_users_of_services_are_those_that_their_scripts_make(builder: Builder, sets: Path) -> None:
    """What `SCRIPTS_DIFFER` excuses by time only has the content that apk's answer has."""
    world = next(each for each in SCRIPTED if each.name == "services")
    image = builder("services", config(world, sets, "emulate"), rootfs=True, archive=False)
    expected = of_manifest((world.expected / f"{world.name}.scripts.manifest").read_text())
    for path in ("etc/passwd", "etc/group"):
        assert expected[path].endswith(hashlib.sha256((image.rootfs / path).read_bytes()).hexdigest())
    owners = {path: line.split()[2] for path, line in of_folder(image.rootfs).items()}
    for path in ("var/lib/chrony", "var/lib/dhcpcd", "var/log/chrony", "etc/chrony"):
        assert owners[path] == expected[path].split()[2]
    assert "the post-install script of `tiny-cloud-nocloud-3.0.7-r0` was not done in full" in image.said


def test_a_world_that_apk_refuses_is_refused(sets: Path, tmp_path: Path) -> None:
    """With the package that apk misses and the one that wants it; nothing is written."""
    root = repository("v3.19-x86_64", sets)
    done = process(
        "build", "a.yaml", "-o", "oci:image", "--arch", "x86_64", "-k", root / "keys", "-p", "python3-pyc",
        cwd=_with(tmp_path, f"contents: {{repositories: [{root}]}}\n"),
    )  # fmt: skip
    assert (done.status, done.out) == (4, "")
    assert "`python3-pycache-pyc0`" in done.err
    assert "python3-pyc-3.11.9-r0" in done.err
    assert not (tmp_path / "image").exists()


def _with(folder: Path, text: str) -> Path:
    (folder / "a.yaml").write_text(text)
    return folder
