"""The use case: what differs between two subjects."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.build.scanning import is_image
from witchery.build.surveying import Means, survey
from witchery.build.vuln_sources import LOCK_SUFFIX
from witchery.diff import difference
from witchery.diff.difference import Difference, Vulnerabilities, Vulnerability

if TYPE_CHECKING:
    from witchery.build.vuln_subjects import Subject
    from witchery.build.vulns import Examined, Sources
    from witchery.repository.access import Access
    from witchery.vulns.finding import Finding


def compare(
    before: str,
    after: str,
    means: Means,
    *,
    parts: Collection[str],
    sources: "Sources | None" = None,
    access: "Callable[[], Access] | None" = None,
) -> Difference:
    """Holds two subjects against each other.

    Args:
        before: The first: an image, a lock, an application or a configuration.
        after: The second.
        means: What it takes to look at them.
        parts: What of them is compared, of `difference.PARTS`.
        sources: In what vulnerabilities are looked up; None for not at all.
        access: How the servers of these are reached.

    Raises:
        WitcheryError: as `surveying.survey`, and as `vulns.examine` where vulnerabilities are looked up.
    """
    old, new = survey(before, means).survey, survey(after, means).survey
    vulns = None
    if sources is not None and access is not None and difference.VULNS in parts:
        found = [_vulnerabilities(each, means, sources, access()) for each in (before, after)]
        vulns = _compared(*found)
    return difference.compared(old, new, parts, vulns)


def _vulnerabilities(subject: str, means: Means, sources: "Sources", access: "Access") -> "Examined":
    from witchery.build.vulns import examine

    return examine(_subjects(subject, means), access, sources)


def _subjects(subject: str, means: Means) -> "Sequence[Subject]":
    """What is looked up, for the one architecture that is compared."""
    from witchery.build import vuln_images, vuln_sources

    arch = means.arch or means.host
    if is_image(subject):
        with means.registries() as registries:
            return vuln_images.of_image(subject, arch, registries)
    if subject.endswith(LOCK_SUFFIX):
        return vuln_sources.of_lock(Path(subject), [arch])
    return vuln_sources.of_requests((means.request(subject),), means.workshop())


def _compared(before: "Examined", after: "Examined") -> Vulnerabilities:
    """A vulnerability is the same if it is the same one in a package of the same name.

    What was not looked up is neither fixed nor introduced.
    """
    old = {(each.id, each.package): each for each in before.findings}
    new = {(each.id, each.package): each for each in after.findings}
    gone = [each for key, each in old.items() if key not in new]
    come = [each for key, each in new.items() if key not in old]
    unsure_before = {each.package for each in before.unchecked}
    unsure_after = {each.package for each in after.unchecked}
    return Vulnerabilities(
        fixed=tuple(_vulnerability(each) for each in gone if each.package not in unsure_after),
        introduced=tuple(_vulnerability(each) for each in come if each.package not in unsure_before),
        unknown=tuple(
            _vulnerability(each)
            for some, unsure in ((gone, unsure_after), (come, unsure_before))
            for each in some
            if each.package in unsure
        ),
        common=len(old.keys() & new.keys()),
        warnings=tuple(dict.fromkeys((*before.warnings, *after.warnings))),
    )


def _vulnerability(finding: "Finding") -> Vulnerability:
    return Vulnerability(finding.id, finding.package, finding.version, finding.fixed, finding.severity.value)
