"""Composed images before the tools that unpack, run and read them."""

from functools import cache
from pathlib import Path

import pytest

from support.composed import image_of
from support.manifests import LOST_BY_APK, ONLY_APKS, OURS_AND_APKS, answers, of_folder
from support.peers import JUDGES, Subject, call, need
from support.real_apk import RealApk
from support.shared import needs_shared
from support.worlds import World
from witchery.compose.composition import Composition, compose
from witchery.compose.tree import merge
from witchery.config.model import Layering, PathRule
from witchery.oci.reference import Reference
from witchery.rootfs.accounts import Accounts
from witchery.store import archive, layout

pytestmark = [needs_shared, pytest.mark.peer]

NAME = Reference.parse("witchery/test:latest")
SERVICES = World("v3.19.1-boot-x86_64", "services")
BASE = World("v3.19.1-boot-x86_64", "alpine-base")
WGET = World("v3.19.1-boot-x86_64", "wget_ca-certificates-bundle")
WANTED = PathRule(path="/bin/busybox", type="permissions", permissions=0o711)

IMAGES = {
    "signed": (Layering(), ()),
    "derived": (Layering(), (WANTED, PathRule(path="/bin/again", type="hardlink", source="/bin/busybox"))),
    "small budget": (Layering(budget=4), ()),
    "by origin": (Layering(strategy="origin", budget=5), ()),
    "single": (Layering(strategy="single"), (WANTED,)),
}


@cache
def composed(which: str, folder: Path, world: World = SERVICES) -> Composition:
    layering, rules = IMAGES[which]
    return compose(
        merge(world.parts(folder)),
        world=world.request,
        arch=world.arch,
        accounts=Accounts(),
        paths=rules,
        layering=layering,
    )


def written(which: str, folder: Path, world: World = SERVICES) -> Subject:
    made = image_of(composed(which, folder / "set", world), "/bin/busybox")
    layout.write(folder / "layout", made.image, made.contents, name=NAME)
    archive.write(folder / "image.tar", made.image, made.contents, name=NAME)
    return Subject(folder / "layout", "latest", folder / "image.tar", str(NAME))


@pytest.fixture(scope="module", params=IMAGES)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return written(request.param, tmp_path_factory.mktemp("image"))


@pytest.mark.parametrize("peer", JUDGES)
def test_every_runtime_runs_a_composed_image(peer: str, subject: Subject, tmp_path: Path) -> None:
    output = JUDGES[peer](subject, ("/bin/busybox", "echo", "it", "runs"), tmp_path)
    assert peer == "skopeo" or output == "it runs\n"


@pytest.mark.parametrize("which", ["signed", "small budget", "by origin"])
@pytest.mark.parametrize("world", [SERVICES, WGET], ids=str)
def test_umoci_unpacks_the_tree_that_apk_makes(which: str, world: World, tmp_path: Path) -> None:
    """Type, mode, owner, size, time, hard links, target and content of every path."""
    need("umoci")
    made = written(which, tmp_path, world)
    call("umoci", "unpack", "--image", f"{made.layout}:{made.tag}", tmp_path / "bundle")
    ours, apks = of_folder(tmp_path / "bundle" / "rootfs"), answers(world)
    assert set(ours) - set(apks) == set()
    assert set(apks) - set(ours) <= ONLY_APKS
    differing = {path for path in ours if ours[path] != apks[path]} - OURS_AND_APKS
    assert differing == LOST_BY_APK.keys() & ours.keys()


@pytest.fixture(scope="module", params=["signed", "single"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image's tree as umoci unpacks it."""
    need("umoci", "bwrap")
    folder = tmp_path_factory.mktemp("root")
    made = written(request.param, folder, BASE)
    call("umoci", "unpack", "--image", f"{made.layout}:{made.tag}", folder / "bundle")
    return folder / "bundle" / "rootfs"


class TestRealApk:
    """apk reads the package database of a composed root, finds nothing missing, and has nothing to do."""

    def test_it_lists_every_package(self, real_apk: RealApk, root: Path) -> None:
        packages = composed("signed", root.parents[1] / "set", BASE).assembly.tree.parts
        done = real_apk.run("--root", root, "info", "-v", folder=root)
        assert done.stdout.split() == sorted(str(part) for part in packages)
        listed = real_apk.run("--root", root, "list", "--installed", folder=root)
        assert len(listed.stdout.splitlines()) == len(packages)
        assert done.stderr == listed.stderr == ""

    def test_it_knows_the_owner_of_every_file(self, real_apk: RealApk, root: Path) -> None:
        done = real_apk.run("--root", root, "info", "--who-owns", "/bin/busybox", folder=root)
        assert "busybox-1.36.1-r15" in done.stdout

    def test_its_audit_finds_every_file_as_the_packages_have_it(self, real_apk: RealApk, root: Path) -> None:
        """But for what stands in `/etc/apk` in every installation, and the mode that a rule here changed."""
        done = real_apk.run(
            "--root",
            root,
            "audit",
            "--full",
            "--check-permissions",
            "--ignore-busybox-symlinks",
            folder=root,
            check=False,
        )
        changed = [line for line in done.stdout.splitlines() if " etc/apk" not in line]
        assert changed in ([], ["M bin/busybox"])
        assert done.stderr == ""

    def test_it_has_nothing_to_change(self, real_apk: RealApk, root: Path) -> None:
        done = real_apk.run("--root", root, "--no-network", "fix", "--simulate", folder=root)
        assert done.stdout.startswith("OK: ")
        assert done.stderr == ""
