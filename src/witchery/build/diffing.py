"""The use case: what differs between two subjects."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from witchery.build.surveying import survey
from witchery.diff import difference
from witchery.diff.difference import Difference, Vulnerabilities, Vulnerability

if TYPE_CHECKING:
    from witchery.build.subjects.subject import Subject
    from witchery.build.vulns.examining import Examined, Sources
    from witchery.repository.access import Access
    from witchery.vulns.finding import Finding


def compare(
    before: "Subject",
    after: "Subject",
    *,
    parts: Collection[str],
    sources: "Sources | None" = None,
    access: "Callable[[], Access] | None" = None,
    fetch: bool = True,
) -> Difference:
    """Holds two subjects against each other.

    Args:
        before: The first: an image, a lock, an application or a configuration.
        after: The second.
        parts: What of them is compared, of `difference.PARTS`.
        sources: In what vulnerabilities are looked up; None for not at all.
        access: How the servers of these are reached.
        fetch: Whether the packages of locks are fetched; otherwise nothing is known but their names.

    Raises:
        WitcheryError: as `surveying.survey`, and as `vulns.examine` where vulnerabilities are looked up.
    """
    old, new = survey(before, fetch=fetch).survey, survey(after, fetch=fetch).survey
    vulns = None
    if sources is not None and access is not None and difference.VULNS in parts:
        vulns = _compared(*(_vulnerabilities(each, sources, access()) for each in (before, after)))
    return difference.compared(old, new, parts, vulns)


def _vulnerabilities(subject: "Subject", sources: "Sources", access: "Access") -> "Examined":
    from witchery.build.vulns.examining import examine
    from witchery.build.vulns.sources import looked_up

    return examine(looked_up(subject), access, sources)


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
