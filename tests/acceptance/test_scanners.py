"""What scanners find in images that the command builds: every package, its version, the distribution."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.built import Builder, BuiltImage, packages
from support.scanners import Seen, syft, trivy, trivy_database
from support.shared import needs_shared

pytestmark = [pytest.mark.peer, needs_shared]

FIXED = {
    "openssl": {"CVE-2024-0001": "3.1.4-r6", "CVE-2024-0002": "3.1.4-r5"},
    "wget": {"CVE-2024-0003": "1.21.4-r1"},
    "musl": {"CVE-2024-0004": "1.2.4_git20230717-r5"},
    "nginx": {"CVE-2024-0005": "9"},
}
"""Fixes that do not exist, in the form of Alpine's security database: by origin."""
FOUND = {
    "libcrypto3": "CVE-2024-0001",
    "libssl3": "CVE-2024-0001",
    "wget": "CVE-2024-0003",
    "musl": "CVE-2024-0004",
    "musl-utils": "CVE-2024-0004",
}

IMAGES: dict[str, tuple[list[str], dict[str, str]]] = {
    "wget": (["wget", "ca-certificates-bundle"], {}),
    "alpine-base": (["alpine-base"], {}),
    "flat": (["wget", "ca-certificates-bundle"], {"layering": "single"}),
}


@pytest.fixture(scope="module", params=IMAGES)
def image(request: pytest.FixtureRequest, builder: Builder, boot_set: Path) -> BuiltImage:
    names, more = IMAGES[request.param]
    return builder(f"scanned-{request.param}", packages(boot_set, *names, **more))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trivy_database(tmp_path_factory.mktemp("trivy"), "3.19", FIXED)


FORMS: dict[str, Callable[[BuiltImage, Path, Path], Seen]] = {
    "syft, layout": lambda image, folder, _: syft(f"oci-dir:{image.layout}", folder),
    "syft, OCI archive": lambda image, folder, _: syft(f"oci-archive:{image.archive}", folder),
    "syft, Docker archive": lambda image, folder, _: syft(f"docker-archive:{image.archive}", folder),
    "trivy, layout": lambda image, folder, database: trivy(image.layout, folder, database),
    "trivy, archive": lambda image, folder, database: trivy(image.archive, folder, database),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_scanner_lists_exactly_the_packages_of_the_solution(
    image: BuiltImage, database: Path, form: str, tmp_path: Path
) -> None:
    """With their versions, each with a package URL of Alpine, and the release by name."""
    seen = FORMS[form](image, tmp_path, database)
    assert seen.packages == image.packages
    assert seen.distro == "alpine 3.19.1"
    for name, version in image.packages.items():
        assert seen.purls[name].startswith(f"pkg:apk/alpine/{name}@{version}?arch=x86_64")
        assert "distro=" in seen.purls[name]


def test_trivy_finds_what_is_not_fixed_by_the_origin_of_each_package(
    image: BuiltImage, database: Path, tmp_path: Path
) -> None:
    """Origins and versions in the database are right: a fix in this release is not found, a later one is."""
    seen = trivy(image.layout, tmp_path, database)
    assert seen.findings == {(FOUND[name], name) for name in image.packages if FOUND.get(name)}
    assert seen.findings


def test_without_os_release_no_scanner_would_know_the_distribution(
    builder: Builder, boot_set: Path, tmp_path: Path
) -> None:
    """The judge can say no: the same image with its `os-release` switched off."""
    image = builder("no-release", packages(boot_set, "wget", base={"os-release": False}))
    seen = syft(f"oci-dir:{image.layout}", tmp_path)
    assert seen.packages == image.packages
    assert set(seen.purls.values()) == {""}
    assert seen.distro == ""
