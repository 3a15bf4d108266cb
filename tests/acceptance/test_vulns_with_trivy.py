"""The same images, the same data: what `witchery vulns` finds beside what Trivy does.

Trivy's database is made of secdb as its project makes it: of an entry the first word counts that begins with
`CVE` or `GHSA`, and of several versions one. Architectures and rejections are not in it. Where the two
differ, one of `RULES` says why Trivy is wrong there, and the data has to bear that out.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support import secdbs
from support.built import Builder, packages
from support.command import Outcome, process
from support.scanners import trivy, trivy_database
from support.shared import needs_shared
from witchery.apk import version as versions

pytestmark = [pytest.mark.peer, needs_shared]

Found = frozenset[tuple[str, str]]
"""Vulnerabilities, each with the package that has it."""


def entries(documents: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Package, version and text of every entry of secdb."""
    for document in documents:
        for each in document["packages"]:
            for version, texts in each["pkg"]["secfixes"].items():
                for text in texts or ():
                    yield each["pkg"]["name"], version, text


def facts(documents: Sequence[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """What Trivy's database makes of secdb."""
    found: dict[str, dict[str, str]] = {}
    for package, version, text in entries(documents):
        names = [word for word in text.replace("CVE_", "CVE-").split() if word.startswith(("CVE-", "GHSA-"))]
        for name in names[:1]:
            found.setdefault(package, {})[name] = version
    return found


@dataclass(frozen=True)
class Case:
    """A vulnerability that only one of both finds.

    Attributes:
        name: Its name.
        is_ours: Whether Witchery is the one.
        texts: The entries of its source package that speak of it.
        versions: Under which versions.
    """

    name: str
    is_ours: bool
    texts: tuple[str, ...]
    versions: tuple[str, ...]


RULES: dict[str, Callable[[Case], bool]] = {
    "an entry without a CVE, or with one yet to come, is an entry all the same": lambda case: (
        not any(re.search("CVE-[0-9]", text) for text in case.texts)
    ),
    "what stands behind the number of a CVE is no part of its name": lambda case: any(
        text.split()[0].startswith("CVE-") and text.split()[0].count("-") > 2 for text in case.texts
    ),
    "a slip in a version is read as it was meant": lambda case: (
        case.is_ours and not all(map(versions.is_valid, case.versions))
    ),
    "of several versions only the highest certainly has the whole fix": lambda case: (
        case.is_ours and len(set(case.versions)) > 1
    ),
}
"""The differences that there may be."""


def rules_met(ours: Found, theirs: Found, documents: Sequence[dict[str, Any]]) -> set[str]:
    """The rules that explain all differences; an empty name among them where none does."""
    met = set()
    for name, package in ours ^ theirs:
        about = [e for e in entries(documents) if e[0] == package.removesuffix("-libs") and name in e[2]]
        case = Case(
            name, (name, package) in ours, tuple(text for *_, text in about), tuple(v for _, v, _ in about)
        )
        met.add(next((rule for rule, explains in RULES.items() if explains(case)), f"? {name} {package}"))
    return met


def looked_up(image: Path, db: Path, folder: Path, *options: str) -> Outcome:
    return process("vulns", f"oci:{image}", "--db", str(db), *options, cwd=folder)


def ours(image: Path, db: Path, folder: Path, *options: str) -> Found:
    done = looked_up(image, db, folder, "--json", *options)
    assert done.status == 0, done.err
    return frozenset((each["id"], each["package"]) for each in json.loads(done.out)["findings"])


def before_some_fixes(release: str) -> Iterator[tuple[str, str, str]]:
    """Every source package of a release and a part of it, at a version in the middle of its fixes."""
    seen = set()
    for repository in ("main", "community"):
        for each in secdbs.raw(release, repository)["packages"]:
            name, fixes = each["pkg"]["name"], each["pkg"]["secfixes"]
            listed = sorted((v for v in fixes if versions.is_valid(v) and v != "0"), key=versions.order)
            if name not in seen and listed:
                seen.add(name)
                yield name, listed[len(listed) // 2], name
                yield f"{name}-libs", listed[len(listed) // 2], name


@pytest.mark.parametrize("release", secdbs.RELEASES)
def test_real_data_gives_the_same_findings(release: str, tmp_path: Path) -> None:
    """All that Alpine has published for a release, on an image that has each package of it."""
    made = secdbs.image(list(before_some_fixes(release)), f"{release}.5")
    image = secdbs.write_image(made, tmp_path / "image")
    documents = [secdbs.raw(release, each) for each in ("main", "community")]
    database = trivy_database(tmp_path / "trivy", release, facts(documents))
    theirs = trivy(image, tmp_path, database).findings
    found = ours(image, secdbs.folder(), tmp_path)
    assert len(found & theirs) > 700
    assert rules_met(found, theirs, documents) <= set(RULES)
    assert {name for name, _ in theirs - found} <= {"CVE-????-?????", "CVE-2017-17434-1", "CVE-2017-17434-2"}


IMAGES = [["wget", "ca-certificates-bundle"], ["alpine-base"], ["openssh-server", "chrony"]]


@pytest.mark.parametrize("names", IMAGES, ids=lambda names: names[0])
def test_images_that_the_command_builds_give_the_same_findings(
    builder: Builder, boot_set: Path, names: list[str], tmp_path: Path
) -> None:
    """Real packages of 3.19, and for their sources the vulnerabilities that 3.10 had, with versions of 3.19.

    No secdb of 3.19 is at hand. One vulnerability of each is fixed in the next revision, one in that which
    is there, the others long ago.
    """
    built = builder(f"vulns-{names[0]}", packages(boot_set, *names))
    fixes = restated(built.packages)
    db = secdbs.write(tmp_path / "db", fixes)
    documents = [secdbs.document(fixes)]
    theirs = trivy(
        built.layout, tmp_path, trivy_database(tmp_path / "trivy", "3.19", facts(documents))
    ).findings
    assert ours(built.layout, db, tmp_path) == theirs
    assert len({package for _, package in theirs}) >= 3


ORIGINS = {
    "libcrypto3": "openssl",
    "musl": "musl",
    "wget": "wget",
    "busybox": "busybox",
    "openssh-server": "openssh",
    "chrony": "chrony",
    "gnutls": "gnutls",
    "nettle": "nettle",
}
"""Source packages that the images are made of, by a package of each."""


def restated(installed: dict[str, str]) -> secdbs.Fixes:
    real = {
        package["pkg"]["name"]: package["pkg"]["secfixes"] for package in secdbs.raw("3.10")["packages"]
    } | {"wget": {"1.20.3-r0": ["CVE-2019-5953", "CVE-2018-20483"]}}
    fixes: dict[str, dict[str, list[str]]] = {}
    for name, origin in ORIGINS.items():
        if name in installed and origin in real:
            ids = list(dict.fromkeys(text for texts in real[origin].values() for text in texts or ()))
            version, _, revision = installed[name].rpartition("-r")
            fixes[origin] = {
                f"{version}-r{int(revision) + 1}": ids[:1],
                installed[name]: ids[1:2],
                "0.1-r0": ids[2:],
                "0": ["CVE-1999-0001"],
            }
    return fixes


def test_trivy_does_not_know_what_alpine_has_rejected(tmp_path: Path) -> None:
    """Rule: what the security team has judged not to be a vulnerability of a package is none."""
    image = secdbs.write_image(secdbs.image([("curl", "8.5.0-r0", "curl")]), tmp_path / "image")
    fixes = {"curl": {"8.6.0-r0": ["CVE-2024-0853", "CVE-2023-52071"]}}
    db = secdbs.write(tmp_path / "db", fixes)
    (db / "security-rejections").mkdir()
    (db / "security-rejections/main.yaml").write_text("curl:\n  - CVE-2023-52071\n")
    database = trivy_database(tmp_path / "trivy", "3.19", facts([secdbs.document(fixes)]))
    theirs = trivy(image, tmp_path, database).findings
    assert theirs - ours(image, db, tmp_path) == {("CVE-2023-52071", "curl")}


def test_trivy_takes_a_package_of_yours_for_alpines(tmp_path: Path) -> None:
    """Rule: packages that are not Alpine's have none of its vulnerabilities (grype#827)."""
    image = secdbs.write_image(secdbs.image([("curl", "1.0-r0", "curl")]), tmp_path / "image")
    fixes = {"curl": {"8.6.0-r0": ["CVE-2024-0853"]}}
    database = trivy_database(tmp_path / "trivy", "3.19", facts([secdbs.document(fixes)]))
    db = secdbs.write(tmp_path / "db", fixes)
    found = {("CVE-2024-0853", "curl")}
    assert trivy(image, tmp_path, database).findings == ours(image, db, tmp_path) == found
    assert ours(image, db, tmp_path, "--own", "curl") == frozenset()


def test_trivy_does_not_look_at_architectures(tmp_path: Path) -> None:
    """Rule: secdb speaks of the architectures that it lists, and of no other."""
    image = secdbs.write_image(secdbs.image([("curl", "8.5.0-r0", "curl")]), tmp_path / "image")
    fixes = {"curl": {"8.6.0-r0": ["CVE-2024-0853"]}}
    db = secdbs.write(tmp_path / "db", fixes, archs=["riscv64"])
    database = trivy_database(tmp_path / "trivy", "3.19", facts([secdbs.document(fixes)]))
    assert trivy(image, tmp_path, database).findings == {("CVE-2024-0853", "curl")}
    assert ours(image, db, tmp_path) == frozenset()
    assert "does not speak of x86_64" in looked_up(image, db, tmp_path).err


def test_trivy_accepts_the_statements_that_are_written(tmp_path: Path) -> None:
    """What was judged not to count does not count there either; what is affected still does."""
    image = secdbs.write_image(secdbs.image([("libcurl", "8.5.0-r0", "curl")]), tmp_path / "image")
    fixes = {"curl": {"8.6.0-r0": ["CVE-2024-0853", "CVE-2023-52071"]}}
    db = secdbs.write(tmp_path / "db", fixes)
    judged = tmp_path / "judged.json"
    judged.write_text(json.dumps(secdbs.vex("CVE-2023-52071", "pkg:apk/alpine/libcurl")))
    done = looked_up(image, db, tmp_path, "--vex", str(judged), "--openvex")
    assert done.status == 0, done.err
    written = tmp_path / "written.openvex.json"
    written.write_text(done.out)
    database = trivy_database(tmp_path / "trivy", "3.19", facts([secdbs.document(fixes)]))
    assert len(trivy(image, tmp_path, database).findings) == 2
    assert trivy(image, tmp_path, database, vex=written).findings == {("CVE-2024-0853", "libcurl")}
