"""What `witchery build` makes of official packages, before every runtime at hand."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.built import TALL, Builder, BuiltImage, packages
from support.images import data_segment
from support.manifests import of_folder
from support.peers import JUDGES
from support.shared import SHARED, needs_shared
from witchery.apk import archive

pytestmark = [pytest.mark.peer, needs_shared]

BIG = SHARED / "alpine" / "v3.19-x86_64"
SERVICES = ("alpine-baselayout", "busybox", "chrony", "dhcpcd", "doas", "openrc", "wpa_supplicant")


def wget(builder: Builder, boot_set: Path) -> BuiltImage:
    entrypoint = {"command": "/usr/bin/wget"}
    return builder(
        "wget", packages(boot_set, "wget", "ca-certificates-bundle", entrypoint=entrypoint), rootfs=True
    )


def base(builder: Builder, boot_set: Path) -> BuiltImage:
    return builder("base", packages(boot_set, "alpine-base"), rootfs=True)


def derived(builder: Builder, boot_set: Path) -> BuiltImage:
    """Packages whose files belong to users that scripts make, and a rule for another's file."""
    rule = {"path": "/bin/bbsuid", "type": "permissions", "permissions": "0o4711"}
    return builder(
        "derived", packages(boot_set, *SERVICES, "busybox-suid", paths=[rule], accounts={"run-as": 0})
    )


def flat(builder: Builder, boot_set: Path) -> BuiltImage:
    return builder("flat", packages(boot_set, "alpine-base", "wget", layering="single"), rootfs=True)


def tall(builder: Builder, boot_set: Path) -> BuiltImage:
    layering = {"strategy": "packages", "budget": 120}
    return builder("tall", packages(BIG, *TALL.split(), layering=layering), "-k", BIG / "keys")


@dataclass(frozen=True)
class Case:
    """An image, what to run in it, and how that shows that it is right."""

    make: Callable[[Builder, Path], BuiltImage]
    argv: Sequence[str]
    shows: Sequence[str]


CASES = {
    "signed": Case(wget, ("/usr/bin/wget", "--version"), ["GNU Wget 1.21.4 built on linux-musl."]),
    "base": Case(
        base,
        ("/bin/sh", "-c", "id; ls -ld /bin/ls /tmp; cat /etc/alpine-release"),
        ["uid=65532(nonroot) gid=65532(nonroot)", "/bin/ls -> /bin/busybox", "drwxrwxrwt", "3.19.1"],
    ),
    "derived": Case(
        derived,
        ("/bin/sh", "-c", "id -u; ls -ld /var/lib/chrony /bin/bbsuid; chronyd --version"),
        ["0\n", "-rws--x--x", "chrony   chrony", "chronyd (chrony) version 4.5"],
    ),
    "flat": Case(
        flat, ("/bin/sh", "-c", "id -un; wget --version; ls -l /bin/ls"), ["nonroot\nGNU Wget", "busybox"]
    ),
    "tall": Case(
        tall,
        ("/bin/sh", "-c", "id -un; wget --version; ls -l /bin/ls"),
        ["nonroot\nGNU Wget", "/bin/busybox"],
    ),
}


@pytest.fixture(scope="module")
def images(builder: Builder, boot_set: Path) -> dict[str, BuiltImage]:
    """Every case, built."""
    return {name: case.make(builder, boot_set) for name, case in CASES.items()}


@pytest.mark.parametrize("peer", JUDGES)
@pytest.mark.parametrize("name", CASES)
def test_every_runtime_accepts_what_is_built_and_runs_it(
    images: dict[str, BuiltImage], name: str, peer: str, tmp_path: Path
) -> None:
    """As the user that the configuration names, with the files that the packages and scripts say."""
    output = JUDGES[peer](images[name].subject, CASES[name].argv, tmp_path)
    if peer != "skopeo":
        assert [each for each in CASES[name].shows if each not in output] == [], output


def test_every_package_of_the_wget_example_is_a_layer_that_alpine_signed(
    images: dict[str, BuiltImage], boot_set: Path
) -> None:
    """The digest of each blob is the `datahash` of the package's signed control segment.

    The data segment is split off here by zlib, not by our own code, and the blob is that segment.
    """
    image = images["signed"]
    assert image.kinds == ["signed"] * 9 + ["top"]
    assert image.document["trusted"] is True
    layers = image.manifest["layers"]
    for package, layer in zip(image.document["packages"], layers, strict=False):
        file = boot_set / "x86_64" / f"{package['name']}-{package['version']}.apk"
        blob = image.blob(layer["digest"])
        datahash = archive.read([file.read_bytes()], lambda _: None).info.datahash
        assert hashlib.sha256(blob).hexdigest() == layer["digest"].removeprefix("sha256:") == datahash
        assert blob == data_segment(file)
    assert len(layers) == len(image.document["packages"]) + 1


def test_the_images_have_the_layers_that_they_are_here_for(images: dict[str, BuiltImage]) -> None:
    assert {"signed", "derived", "top"} == set(images["derived"].kinds)
    assert images["base"].kinds == ["signed"] * 23 + ["top"]
    assert len(images["flat"].kinds) <= 2
    assert "signed" not in images["flat"].kinds
    assert images["tall"].kinds == ["signed"] * 114 + ["top"]


def test_every_derived_layer_says_why(images: dict[str, BuiltImage]) -> None:
    for name in ("derived", "flat"):
        for row, layer in zip(images[name].document["layers"], images[name].manifest["layers"], strict=True):
            annotations = layer["annotations"]
            assert annotations["dev.witchery.layer.kind"] == row["kind"]
            if row["kind"] == "derived":
                assert row["reasons"], row


def test_a_layer_is_shared_by_every_image_that_has_its_package(images: dict[str, BuiltImage]) -> None:
    """musl of the wget example is musl of alpine-base: one blob."""
    digests = [
        next(layer["digest"] for layer in image.document["layers"] if layer["packages"] == [MUSL])
        for image in (images["signed"], images["base"], images["derived"], images["tall"])
    ]
    assert len(set(digests)) == 1


MUSL = "musl-1.2.4_git20230717-r4"


def test_the_same_tree_comes_of_one_layer_and_of_many(
    builder: Builder, boot_set: Path, images: dict[str, BuiltImage]
) -> None:
    """A flat image has the files of the layered one: paths, modes, owners, contents."""
    many = builder("many", packages(boot_set, "alpine-base", "wget"), rootfs=True, archive=False)
    assert of_folder(many.rootfs) == of_folder(images["flat"].rootfs)
