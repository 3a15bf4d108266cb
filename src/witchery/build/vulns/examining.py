"""The use case: the known vulnerabilities of an image, a lock, or what a source would come to."""

from collections.abc import Sequence
from pathlib import Path

from witchery.build.vulns import data as vuln_data
from witchery.build.vulns import files as vuln_files
from witchery.build.vulns.data import Data
from witchery.build.vulns.inventory import Inventory
from witchery.errors import UsageError
from witchery.repository.access import Access
from witchery.value import frozen, replace
from witchery.vulns import matching, osv, vex
from witchery.vulns.enriching import Severities, enriched
from witchery.vulns.finding import Dismissed, Finding, Unchecked
from witchery.vulns.matching import Standing


@frozen(kw_only=True)
class Sources:
    """Where data comes from.

    Attributes:
        db: A folder of databases, or the URL of a mirror; empty for Alpine's server.
        rejections: Files of rejections, in place of Alpine's.
        osv: Files, folders or archives of OSV records.
        epss: A file of EPSS scores.
        kev: CISA's catalogue.
        vex: OpenVEX documents.
    """

    db: str = ""
    rejections: tuple[Path, ...] = ()
    osv: tuple[Path, ...] = ()
    epss: Path | None = None
    kev: Path | None = None
    vex: tuple[Path, ...] = ()


@frozen(kw_only=True)
class Examined:
    """What was found.

    Attributes:
        inventories: What was looked up, for each architecture.
        data: In what.
        findings: The vulnerabilities that count, sorted.
        dismissed: Those that somebody has judged not to count.
        unchecked: What the data says nothing about.
        checked: How many packages were looked up in secdb, of all architectures.
        components: How many components of applications were looked up in OSV.
        warnings: What a person has to know to judge the result, a sentence each.
        time: When, in seconds since 1970.
    """

    inventories: tuple[Inventory, ...]
    data: Data
    findings: tuple[Finding, ...]
    dismissed: tuple[Dismissed, ...]
    unchecked: tuple[Unchecked, ...]
    checked: int
    components: int
    warnings: tuple[str, ...]
    time: int


def examine(
    inventories: Sequence[Inventory], access: Access, sources: Sources, *, time: int | None = None
) -> Examined:
    """Looks up the vulnerabilities of what inventories list.

    Args:
        inventories: What is looked up.
        access: How servers are reached.
        sources: Where data comes from.
        time: What is to be said to be the time of it, in seconds since 1970; None for now.

    Raises:
        UsageError: if nothing says of which release of Alpine the packages are.
        Refused: if data is malformed.
        WorldError: if data cannot be had: without any, nothing is said.
    """
    statements = vuln_files.read_vex(sources.vex)
    exploited = vuln_files.read_kev(sources.kev) if sources.kev else {}
    data = load(inventories, access, sources)
    matched = [matching.match(each.packages, data.secdb, data.rejections) for each in inventories]
    found = [list(each.findings) for each in matched]
    dismissed = [each for result in matched for each in result.dismissed]
    unchecked = [each for result in matched for each in result.unchecked]
    warnings = [*data.warnings, *_unproven(inventories)]
    components = tuple(dict.fromkeys(each for inventory in inventories for each in inventory.components))
    severities: Severities = {}
    if sources.osv:
        records = vuln_files.read_osv(sources.osv, osv.wanted(components, _names(found)))
        severities = osv.severities(records.found)
        warnings += records.problems
        for inventory, here in zip(inventories, found, strict=True):
            result = osv.match(inventory.components, records.found)
            here += [replace(each, arch=inventory.arch.apk) for each in result.findings]
            unchecked += result.unchecked
            warnings += result.problems
    elif components:
        warnings.append(
            f"{len(components)} components of the application are not looked up: `--osv` gives data"
        )
    likely = vuln_files.read_epss(sources.epss, _names(found)) if sources.epss else {}
    findings: list[Finding] = []
    for inventory, here in zip(inventories, found, strict=True):
        known = enriched(here, severities, likely, exploited)
        kept, settled = vex.apply(known, statements, inventory.names)
        findings += kept
        dismissed += settled
    return Examined(
        inventories=tuple(inventories),
        data=data,
        findings=tuple(sorted(findings, key=lambda each: each.order)),
        dismissed=tuple(sorted(dismissed, key=lambda each: each.finding.order)),
        unchecked=tuple(dict.fromkeys(unchecked)),
        checked=sum(each.checked for each in matched),
        components=len(components) if sources.osv else 0,
        warnings=tuple(dict.fromkeys(warnings)),
        time=int(access.now()) if time is None else time,
    )


def _names(found: Sequence[Sequence[Finding]]) -> frozenset[str]:
    """All names of vulnerabilities."""
    return frozenset(name for here in found for each in here for name in each.names)


def load(inventories: Sequence[Inventory], access: Access, sources: Sources) -> Data:
    """The databases of the releases that packages are of.

    Raises:
        WitcheryError: as `examine`.
    """
    releases = sorted({release for each in inventories for release in each.releases})
    packages = [each for inventory in inventories for each in inventory.packages]
    if not releases and any(each.standing is not Standing.FOREIGN for each in packages):
        raise UsageError(
            f"nothing says of which release of Alpine the packages are: `{inventories[0].name}`",
            hint="say it: `--release v3.19`",
        )
    if not releases:
        return Data(sources=(), rejections={})
    return vuln_data.load(access, releases, sources.db, sources.rejections)


def _unproven(inventories: Sequence[Inventory]) -> tuple[str, ...]:
    count = len({name for each in inventories for name in each.unproven})
    if not count:
        return ()
    are = "1 package is" if count == 1 else f"{count} packages are"
    said = (
        f"that {are} Alpine's is what the image says of itself, and one of your own by the name of Alpine's"
        " is taken for it: `--own NAME` names those, evidence beside the image or `--lock FILE` proves others"
    )
    return (said,)
