"""The use case: the known vulnerabilities of an image, a lock, or what a source would come to."""

from collections.abc import Sequence
from pathlib import Path

from witchery.build import vuln_data
from witchery.build.vuln_data import Data
from witchery.build.vuln_subjects import Subject
from witchery.errors import UsageError
from witchery.repository.access import Access
from witchery.value import frozen
from witchery.vulns.finding import Dismissed, Finding, Unchecked
from witchery.vulns.matching import Standing, match


@frozen(kw_only=True)
class Sources:
    """Where data comes from.

    Attributes:
        db: A folder of databases, or the URL of a mirror; empty for Alpine's server.
        rejections: Files of rejections, in place of Alpine's.
    """

    db: str = ""
    rejections: tuple[Path, ...] = ()


@frozen(kw_only=True)
class Examined:
    """What was found.

    Attributes:
        subjects: What was looked up, for each architecture.
        data: In what.
        findings: The vulnerabilities that count, sorted.
        dismissed: Those that somebody has judged not to count.
        unchecked: What the data says nothing about.
        checked: How many packages were looked up.
        warnings: What a person has to know to judge the result, a sentence each.
    """

    subjects: tuple[Subject, ...]
    data: Data
    findings: tuple[Finding, ...]
    dismissed: tuple[Dismissed, ...]
    unchecked: tuple[Unchecked, ...]
    checked: int
    warnings: tuple[str, ...]


def examine(subjects: Sequence[Subject], access: Access, sources: Sources) -> Examined:
    """Looks up what subjects are made of.

    Raises:
        UsageError: if nothing says of which release of Alpine the packages are.
        Refused: if data is malformed.
        WorldError: if data cannot be had: without any, nothing is said.
    """
    releases = sorted({release for each in subjects for release in each.releases})
    _refuse_unknown(subjects, releases)
    data = vuln_data.load(access, releases, sources.db, sources.rejections)
    results = [match(each.packages, data.secdb, data.rejections) for each in subjects]
    return Examined(
        subjects=tuple(subjects),
        data=data,
        findings=tuple(sorted((f for each in results for f in each.findings), key=lambda f: f.order)),
        dismissed=tuple(d for each in results for d in each.dismissed),
        unchecked=tuple(dict.fromkeys(u for each in results for u in each.unchecked)),
        checked=sum(each.checked for each in results),
        warnings=(*data.warnings, *_unproven(subjects)),
    )


def _refuse_unknown(subjects: Sequence[Subject], releases: Sequence[str]) -> None:
    """Refuses to look up packages of Alpine's when nobody knows of which release any of them is."""
    packages = [each for subject in subjects for each in subject.packages]
    if not releases and any(each.standing is not Standing.FOREIGN for each in packages):
        raise UsageError(
            f"nothing says of which release of Alpine the packages are: `{subjects[0].name}`",
            hint="say it: `--release v3.19`",
        )


def _unproven(subjects: Sequence[Subject]) -> tuple[str, ...]:
    believed = {
        package.name
        for subject in subjects
        if not subject.proven
        for package in subject.packages
        if package.standing is Standing.STATED
    }
    if not believed:
        return ()
    return (
        f"that {len(believed)} packages are Alpine's is what the image says of itself: one of your own by the"
        " name of Alpine's would be taken for it (`--own NAME` names it, `--lock FILE` proves the others)",
    )
