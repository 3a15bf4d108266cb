"""Alpine's security database: the real data of two releases, documents made for a test, and what has them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from support.images import Made, image_of_tars, member, tar_of
from support.shared import SHARED
from witchery.apk import installed
from witchery.apk.installed import InstalledPackage
from witchery.apk.package import Package
from witchery.build.vulns.data import decode_secdb
from witchery.store import layout
from witchery.vulns.matching import Installed, Standing
from witchery.vulns.secdb import Secdb, read

RELEASES = ("3.8", "3.10")
"""The releases whose real data is there."""

Fixes = Mapping[str, Mapping[str, Sequence[str] | None]]
"""What has been fixed: entries by the version with the fix, by source package."""


def folder() -> Path:
    """Where the real data is: a folder for each release."""
    return SHARED / "secdb"


def real(release: str, repository: str = "main") -> Secdb:
    """A real document."""
    path = folder() / f"v{release}" / f"{repository}.yaml"
    return decode_secdb(path.read_bytes(), path.name)


def raw(release: str, repository: str = "main") -> dict[str, Any]:
    """A real document as another reader of YAML has it, everything a text."""
    path = folder() / f"v{release}" / f"{repository}.yaml"
    found: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    return found


def document(
    fixes: Fixes,
    *,
    release: str = "v3.19",
    repository: str = "main",
    archs: Sequence[str] = ("x86_64", "aarch64"),
) -> dict[str, Any]:
    """A document in Alpine's form."""
    packages = [{"pkg": {"name": name, "secfixes": dict(each)}} for name, each in fixes.items()]
    return {
        "apkurl": "{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk",
        "archs": list(archs),
        "reponame": repository,
        "urlprefix": "https://dl-cdn.alpinelinux.org/alpine",
        "distroversion": release,
        "packages": packages,
    }


def secdb(fixes: Fixes, **more: Any) -> Secdb:
    """A document made for a test, read."""
    return read(document(fixes, **more))


def write(place: Path, fixes: Fixes, *, release: str = "v3.19", **more: Any) -> Path:
    """A folder for `--db`: `main` with the fixes and an empty `community`, of one release."""
    where = place / release
    where.mkdir(parents=True)
    for repository, content in (("main", fixes), ("community", {})):
        text = json.dumps(document(content, release=release, repository=repository, **more))
        (where / f"{repository}.json").write_text(text)
    return place


def package(name: str, version: str, *, origin: str = "", release: str = "3.19", **more: Any) -> Installed:
    """A package of Alpine's that is installed."""
    known: dict[str, Any] = {"arch": "x86_64", "standing": Standing.VOUCHED, "why": "signed by Alpine"} | more
    return Installed(name=name, version=version, origin=origin or name, release=release, **known)


def database(packages: Sequence[tuple[str, str, str]]) -> bytes:
    """A package database: names, versions and origins."""
    return installed.encode(InstalledPackage(package=Package.parse(_stanza(*each))) for each in packages)


def image(packages: Sequence[tuple[str, str, str]], release: str = "3.19.1", ident: str = "alpine") -> Made:
    """An image with nothing in it but what it says of itself: a package database, and `os-release`.

    Args:
        packages: Names, versions and origins.
        release: Its `VERSION_ID`; empty for no `os-release` at all.
        ident: Its `ID`.
    """
    files = [member("lib/apk/db/installed", database(packages))]
    if release:
        files.append(member("etc/os-release", f"ID={ident}\nVERSION_ID={release}\n".encode()))
    return image_of_tars(tar_of(*files))


def write_image(made: Made, place: Path) -> Path:
    """An image as a layout."""
    layout.write(place, made.image, made.contents)
    return place


def _stanza(name: str, version: str, origin: str) -> str:
    head = f"C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:{name}\nV:{version}\nA:x86_64"
    return f"{head}\nS:1\nI:1\nT:x\nU:x\nL:MIT\no:{origin}"


def vex(name: str, product: str, **more: Any) -> dict[str, Any]:
    """An OpenVEX document of one statement: that a product does not have a vulnerability."""
    statement = {
        "vulnerability": {"name": name},
        "products": [{"@id": product}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    }
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.org/vex/1",
        "author": "somebody",
        "timestamp": "2024-03-01T00:00:00Z",
        "version": 1,
        "statements": [{key: value for key, value in (statement | more).items() if value is not None}],
    }
