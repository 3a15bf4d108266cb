"""Tracing held against what abuild wrote into official packages.

Each `.PKGINFO` has a line `# automatically detected:`, below which stands what was found by tracing. The
needs are those of the detector for compiled files, which follows the loader's search through the package as
if it were an application at the root of the image; the provides are those of `tracing`.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from support.alpine import real_file
from support.elf_files import ElfFile
from support.payloads import make_payload
from support.shared import SHARED, needs_shared
from witchery.apk import archive
from witchery.arch import Arch
from witchery.codec import GzipReader
from witchery.payload.findings import Report, Severity
from witchery.payload.native import detector as native
from witchery.payload.native import tracing
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs import tar
from witchery.rootfs.content import BytesContent

pytestmark = needs_shared

BOOT, ARM = "v3.19.1-boot-x86_64", "v3.13-aarch64"

SIBLINGS = {
    "busybox-binsh-1.36.1-r15": "busybox=1.36.1-r15",
    "tiny-cloud-alpine-3.0.7-r0": "tiny-cloud-nocloud=3.0.7-r0",
}
"""Packages with a link to a file of another package from the same recipe (`/bin/sh` to `/bin/busybox`).
abuild looks into the other packages that it has just made; from one package alone, nobody can tell its
name."""


class Traced(NamedTuple):
    """A package, what abuild detected, and what we do."""

    name: str
    version: str
    payload: Payload
    report: Report
    detected: tuple[tuple[str, str], ...]

    def official(self, key: str, start: str = "") -> set[str]:
        return {entry for field, entry in self.detected if field == key and entry.startswith(start)}

    @property
    def needs(self) -> set[str]:
        return {need.dependency for need in self.report.needs}

    @property
    def provides(self) -> set[str]:
        return set(tracing.provides(self.payload, self.version))


@cache
def packages(folder: str) -> tuple[Traced, ...]:
    return tuple(traced(path) for path in sorted((SHARED / "alpine" / folder).glob("*/*.apk")))


def traced(path: Path) -> Traced:
    segment = list[bytes]()
    package = archive.read([real_file(path).read_bytes()], segment.append)
    files = [
        PayloadFile.of(member.entry, BytesContent(b"".join(member.content)))
        for member in archive.members(segment)
    ]
    payload = Payload.of(package.info.name, Arch.parse(path.parent.name), files, root="")
    report = native.inspect(payload, ScanOptions())
    return Traced(path.stem, package.info.version, payload, report, detected(package.control_segment))


def detected(control: bytes) -> tuple[tuple[str, str], ...]:
    """The lines below the remark, as key and value; read by hand, since the remark is no field."""
    reader = GzipReader([control])
    text = next(
        b"".join(member.content)
        for member in tar.read(reader.member(lambda _: None, 1 << 20))
        if member.entry.path == ".PKGINFO"
    )
    _, _, lines = text.decode().partition("# automatically detected:\n")
    return tuple((key, entry) for key, _, entry in (line.partition(" = ") for line in lines.splitlines()))


@pytest.mark.parametrize(("folder", "count", "files"), [(BOOT, 100, 174), (ARM, 65, 120)])
def test_needed_libraries_are_those_of_every_official_package(folder: str, count: int, files: int) -> None:
    found = packages(folder)
    assert len(found) == count
    assert sum(len(each.payload.elves) for each in found) >= files
    wrong = {each.name: each.needs ^ each.official("depend", "so:") for each in found}
    assert {name: difference for name, difference in wrong.items() if difference} == {}


def test_everything_detected_is_found_but_for_links_to_sibling_packages() -> None:
    missed = {each.name: each.official("depend") - each.needs for each in packages(BOOT)}
    assert {name: entries for name, entries in missed.items() if entries} == {
        name: {entry} for name, entry in SIBLINGS.items()
    }
    assert len(packages(BOOT)) - len(SIBLINGS) == 98
    assert all(each.official("depend") == each.needs for each in packages(ARM))


@pytest.mark.parametrize("folder", [BOOT, ARM])
def test_needed_names_without_a_loader_are_the_same(folder: str) -> None:
    for each in packages(folder):
        assert {f"so:{name}" for name in tracing.needed_sonames(each.payload)} == each.needs, each.name


def test_provided_libraries_and_commands_have_the_versions_of_official_packages() -> None:
    for each in packages(BOOT):
        assert each.provides == each.official("provides"), each.name


def test_older_packages_provide_the_same_but_wrote_commands_without_a_version() -> None:
    for each in packages(ARM):
        unversioned = {entry.partition("=")[0] if entry[:4] == "cmd:" else entry for entry in each.provides}
        assert unversioned == each.official("provides", "so:") | each.official("provides", "cmd:"), each.name


def test_the_version_of_a_library_is_that_of_the_first_file_that_has_one() -> None:
    made = {name: ElfFile(soname="libq.so.1").build().data for name in ("libq.so", "libq.so.1.2", "libqq.so")}
    odd = {"libr.so.1-x": ElfFile().build().data, "libs.o": ElfFile().build().data, "text.so": b"INPUT(x)"}
    private = {"app/lib/libp.so": ElfFile().build().data, "bin/p": ElfFile(runpath="/app/lib").build().data}
    files = {f"usr/lib/{name}": data for name, data in (made | odd).items()} | private
    assert tracing.provides(make_payload(files, root=""), "3-r0") == (
        "cmd:p=3-r0",
        "so:libq.so.1=1.2",
        "so:libr.so.1-x=0",
    )


@pytest.mark.parametrize("folder", [BOOT, ARM])
def test_official_packages_have_nothing_to_complain_about(folder: str) -> None:
    complaints = {
        f"{each.name}: {finding}"
        for each in packages(folder)
        for finding in each.report.findings
        if finding.severity is not Severity.NOTE
    }
    assert complaints == set()
