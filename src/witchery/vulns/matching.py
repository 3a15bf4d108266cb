"""Which vulnerabilities packages have, by Alpine's security database; `docs/adr` says why by these rules."""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from witchery.payload.purl import purl
from witchery.value import frozen
from witchery.vulns.finding import Dismissed, Finding, Unchecked
from witchery.vulns.rejections import NONE, Rejections
from witchery.vulns.release import EDGE
from witchery.vulns.secdb import Fix, Secdb

COVERED = ("main", "community")
"""The repositories that secdb speaks of."""


class Standing(Enum):
    """How it is known whether a package is Alpine's."""

    VOUCHED = "vouched"
    """One of Alpine's keys signed it, or the index that lists it."""
    STATED = "stated"
    """The image says so, and nothing speaks against it."""
    FOREIGN = "foreign"
    """It is not Alpine's."""


@frozen(kw_only=True)
class Installed:
    """A package of what is looked at.

    Attributes:
        name: Its name.
        version: Its version.
        origin: The source package that it was built from, or an empty string.
        arch: The architecture of the image: packages without machine code are affected alike.
        standing: Whether it is Alpine's.
        why: What says so, in a few words.
        release: The branch of Alpine that it was built for, or an empty string.
        distro: The release in full, for its package URL.
        repository: `main`, `community` or another; empty where nobody knows.
    """

    name: str
    version: str
    origin: str
    arch: str
    standing: Standing
    why: str
    release: str = ""
    distro: str = ""
    repository: str = ""

    @property
    def source_package(self) -> str:
        """What secdb knows it by: its origin, or else its own name."""
        return self.origin or self.name

    @property
    def purl(self) -> str:
        """Its package URL, as scanners write it."""
        distro = self.distro or self.release
        return purl("apk", f"alpine/{self.name}", self.version, {"arch": self.arch, "distro": distro})


@frozen
class Matched:
    """What matching gave.

    Attributes:
        findings: The vulnerabilities that packages have, sorted.
        dismissed: Those that Alpine has rejected.
        unchecked: The packages that the data says nothing about.
        checked: How many packages were looked up.
    """

    findings: tuple[Finding, ...] = ()
    dismissed: tuple[Dismissed, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    checked: int = 0


def match(packages: Iterable[Installed], data: Sequence[Secdb], rejections: Rejections = NONE) -> Matched:
    """Looks packages up.

    Args:
        packages: What is there.
        data: The databases, of any releases.
        rejections: What Alpine has rejected.
    """
    findings: list[Finding] = []
    dismissed: list[Dismissed] = []
    unchecked: list[Unchecked] = []
    checked = 0
    for package in packages:
        if reason := _unchecked(package, data):
            unchecked.append(Unchecked(package.name, package.version, reason))
            continue
        checked += 1
        rejected = rejections.get(package.source_package, frozenset())
        for found in _findings(package, data):
            if rejected.isdisjoint(found.names):
                findings.append(found)
            else:
                reason = "judged by Alpine's security team not to be a vulnerability of the package"
                dismissed.append(Dismissed(found, "rejected", reason, "security-rejections"))
    return Matched(
        tuple(sorted(findings, key=lambda each: each.order)),
        tuple(sorted(dismissed, key=lambda each: each.finding.order)),
        tuple(unchecked),
        checked,
    )


def _unchecked(package: Installed, data: Sequence[Secdb]) -> str:
    """Why the data says nothing about a package; empty where it does."""
    return next(_obstacles(package, data), "")


def _obstacles(package: Installed, data: Sequence[Secdb]) -> Iterator[str]:
    if package.standing is Standing.FOREIGN:
        yield f"not Alpine's: {package.why}"
    if not package.release:
        yield "of an unknown release of Alpine"
    if package.repository and package.repository not in COVERED:
        yield f"from `{package.repository}`, which secdb does not cover"
    of_release = [each for each in data if each.release == package.release]
    release = package.release if package.release == EDGE else f"v{package.release}"
    if not of_release:
        yield f"there is no data for {release}"
    if not any(package.arch in each.archs for each in of_release):
        yield f"secdb {release} does not speak of {package.arch}"
    if package.repository and all(each.repository != package.repository for each in of_release):
        yield f"there is no data for {release}/{package.repository}"


def _findings(package: Installed, data: Sequence[Secdb]) -> Iterator[Finding]:
    seen: set[str] = set()
    for document in data:
        if document.release != package.release or package.arch not in document.archs:
            continue
        for fix in document.of(package.source_package):
            if fix.issue.id not in seen and fix.is_missing_from(package.version):
                seen.add(fix.issue.id)
                yield _finding(package, document, fix)


def _finding(package: Installed, document: Secdb, fix: Fix) -> Finding:
    return Finding(
        id=fix.issue.id,
        aliases=fix.issue.aliases,
        package=package.name,
        version=package.version,
        fixed=fix.fixed,
        origin=package.source_package,
        arch=package.arch,
        purl=package.purl,
        source=document.name,
        evidence=package.why,
        remark=fix.issue.remark,
    )
