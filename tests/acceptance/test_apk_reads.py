"""Real apk on roots that the command wrote: it finds the packages, nothing missing, nothing changed.

apk needs neither `/etc/apk/repositories` nor keys for any of this: both are for fetching more. What goes on
from an image, adding a package to it, names both on the command line.
"""

import shutil
from pathlib import Path

import pytest

from support.built import Builder, BuiltImage, packages
from support.real_apk import RealApk
from support.shared import SHARED, needs_shared

pytestmark = [pytest.mark.peer, needs_shared]

IMAGES = {
    "wget": ["wget", "ca-certificates-bundle"],
    "openssh-server": ["openssh-server"],
    "alpine-base": ["alpine-base"],
    "services": ["alpine-baselayout", "busybox", "chrony", "dhcpcd", "openrc"],
}
MORE = SHARED / "alpine" / "v3.19-x86_64"


@pytest.fixture(scope="session")
def images(builder: Builder, boot_set: Path) -> dict[str, BuiltImage]:
    return {
        name: builder(f"read-{name}", packages(boot_set, *wanted), rootfs=True, archive=False)
        for name, wanted in IMAGES.items()
    }


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest, images: dict[str, BuiltImage]) -> BuiltImage:
    return images[request.param]


def ask(apk: RealApk, image: BuiltImage, *words: str) -> str:
    """What apk says of a root; it has nothing to complain about."""
    done = apk.run("--root", image.rootfs, *words, folder=image.rootfs)
    assert done.stderr == ""
    return done.stdout


def test_it_lists_the_packages_of_the_solution(real_apk: RealApk, image: BuiltImage) -> None:
    expected = sorted(f"{name}-{version}" for name, version in image.packages.items())
    assert ask(real_apk, image, "info", "-v").splitlines() == expected
    listed = ask(real_apk, image, "list", "--installed").splitlines()
    assert sorted(line.split()[0] for line in listed) == expected
    assert all(line.endswith("[installed]") and " x86_64 " in line for line in listed)


def test_its_audit_finds_no_file_of_a_package_missing_or_changed(
    real_apk: RealApk, image: BuiltImage
) -> None:
    """Contents, modes and owners too; what is there besides are generated files, marked A for added."""
    assert ask(real_apk, image, "audit", "--system") == ""
    found = ask(real_apk, image, "audit", "--full", "--check-permissions").splitlines()
    added = [line for line in found if line.startswith("A ")]
    changed = set(found) - set(added)
    assert changed <= CHANGED_BY_SCRIPTS
    links = [line for line in added if not (image.rootfs / line[2:]).is_symlink()]
    assert set(links) <= GENERATED


CHANGED_BY_SCRIPTS = {"U etc/passwd", "U etc/group", "U etc/shadow"}
"""Files of packages that scripts change: users and groups."""
GENERATED = {"A etc/passwd", "A etc/group", "A etc/shadow", "A etc/os-release", "A etc/nsswitch.conf"}


def test_it_has_nothing_to_do(real_apk: RealApk, image: BuiltImage) -> None:
    """World and packages agree: no package to add, to fix, or to remove."""
    for words in (("add",), ("fix",), ("upgrade",)):
        said = ask(real_apk, image, "--no-network", *words, "--simulate")
        assert said.startswith("OK: ")
        assert said.endswith(f" in {len(image.packages)} packages\n")


def test_it_knows_why_a_package_is_there_and_what_it_owns(real_apk: RealApk, image: BuiltImage) -> None:
    owner = ask(real_apk, image, "info", "--who-owns", "/lib/ld-musl-x86_64.so.1")
    assert owner.endswith(" is owned by musl-1.2.4_git20230717-r4\n")
    assert "lib/ld-musl-x86_64.so.1\n" in ask(real_apk, image, "info", "--contents", "musl")
    first = IMAGES["wget"][0] if "wget" in image.packages else min(image.packages)
    assert image.packages[first] in ask(real_apk, image, "info", "--all", first)


def test_it_goes_on_from_there(real_apk: RealApk, image: BuiltImage, tmp_path: Path) -> None:
    """Adds a package with what it needs, and takes it away again; then the audit is as before.

    apk 2 wants a `/var` for its cache, and does not make one.
    """
    root = tmp_path / "root"
    shutil.copytree(image.rootfs, root, symlinks=True)
    (root / "var").mkdir(exist_ok=True)
    options = ("--root", root, "--no-network", "--no-scripts", "--keys-dir", MORE / "keys")
    added = real_apk.run(*options, "-X", MORE, "add", "jq", folder=root)
    assert "Installing oniguruma" in added.stdout
    assert (root / "usr/bin/jq").is_file()
    removed = real_apk.run(*options, "del", "jq", folder=root)
    assert "Purging oniguruma" in removed.stdout
    assert added.stderr == removed.stderr == ""
    assert removed.stdout.endswith(f" in {len(image.packages)} packages\n")
    assert real_apk.run("--root", root, "audit", "--system", folder=root).stdout == ""


def test_its_audit_can_say_no(real_apk: RealApk, image: BuiltImage, tmp_path: Path) -> None:
    """A changed and a missing file are found, by name."""
    root = tmp_path / "root"
    shutil.copytree(image.rootfs, root, symlinks=True)
    (root / "lib/libc.musl-x86_64.so.1").unlink()
    (root / "lib/ld-musl-x86_64.so.1").chmod(0o644)
    (root / "lib/ld-musl-x86_64.so.1").write_bytes(b"changed")
    said = real_apk.run("--root", root, "audit", "--system", folder=root).stdout.splitlines()
    assert said == ["U lib/ld-musl-x86_64.so.1", "X lib/libc.musl-x86_64.so.1"]
