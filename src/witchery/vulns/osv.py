"""Records of the OSV format (https://ossf.github.io/osv-schema/), for what applications are made of.

Alpine's own packages are not looked up in OSV: its records about Alpine are made from secdb, with mistakes on
the way. What is taken from any record is how bad a vulnerability is, and by which names it goes.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from witchery.errors import FormatError
from witchery.oci.document import Fields
from witchery.payload.findings import Component
from witchery.value import frozen
from witchery.vulns import ecosystems, severity
from witchery.vulns.ecosystems import Ecosystem
from witchery.vulns.enriching import Severities
from witchery.vulns.finding import Finding, Severity, Unchecked
from witchery.vulns.orders import Key, Order
from witchery.vulns.purls import Purl

MAX_RECORD = 4 << 20
"""The longest record, in bytes."""

_NAME = re.compile(rb'"name"\s*:\s*"([^"]*)"')
_ID = re.compile(rb"\b(?:CVE-[0-9]{4}-[0-9]+|GHSA(?:-[0-9a-z]{4}){3})\b")
_RANGES = frozenset(("SEMVER", "ECOSYSTEM"))
_FIRST = "0"
"""What stands in `introduced` for every version from the first on."""


class Event(NamedTuple):
    """Where a range begins or ends.

    Attributes:
        kind: `introduced`, `fixed` or `last_affected`.
        version: At which version.
    """

    kind: str
    version: str


@frozen
class Affected:
    """What a record says of one package.

    Attributes:
        ecosystem: Whose, without what stands after a colon.
        package: Its name there.
        ranges: The ranges of versions that have it.
        versions: Versions that have it, besides.
    """

    ecosystem: str
    package: str
    ranges: tuple[tuple[Event, ...], ...]
    versions: frozenset[str]


@frozen(kw_only=True)
class Record:
    """One record.

    Attributes:
        id: Its name: `GHSA-...`, `GO-...`, `PYSEC-...`.
        aliases: Other names of the same, those it was made from among them.
        withdrawn: Whether it was taken back.
        summary: What it is, in a line.
        severity: How bad it is.
        affected: Which packages have it.
    """

    id: str
    aliases: tuple[str, ...]
    withdrawn: bool
    summary: str
    severity: Severity
    affected: tuple[Affected, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, a CVE first."""
        names = (self.id, *self.aliases)
        return tuple(dict.fromkeys(sorted(names, key=lambda name: not name.startswith("CVE-"))))


class Wanted(NamedTuple):
    """What is looked for in records: archives hold hundreds of thousands, and few of them matter.

    Attributes:
        packages: Names of packages as ecosystems write them, in lower case.
        issues: Names of vulnerabilities.
    """

    packages: frozenset[str]
    issues: frozenset[str]

    def may_be_in(self, data: bytes) -> bool:
        """Whether a record, not yet decoded, may be about any of it."""
        if any(found.decode() in self.issues for found in _ID.findall(data)):
            return True
        names = _NAME.findall(data)
        return any(
            b"\\" in name or name.decode("utf-8", "replace").lower() in self.packages for name in names
        )


def read(data: bytes) -> Record:
    """Reads a record.

    Raises:
        FormatError: if it is malformed, or exceeds a limit.
    """
    if len(data) > MAX_RECORD:
        raise FormatError(f"longer than {MAX_RECORD} bytes")
    fields = Fields.decode(data)
    affected = fields.objects("affected", _affected)
    vectors = [vector for each in fields.objects("severity", lambda item: item) for vector in _vector(each)]
    words = _word(fields.nested("database_specific"))
    return Record(
        id=fields.text("id"),
        aliases=tuple(dict.fromkeys((*fields.texts("aliases"), *fields.texts("upstream")))),
        withdrawn=fields.has("withdrawn"),
        summary=" ".join(fields.text("summary", "").split())[:200],
        severity=severity.rated(words, vectors),
        affected=tuple(each for each in affected if each is not None),
    )


def _vector(fields: Fields) -> Iterator[str]:
    if fields.text("type", "").startswith("CVSS"):
        yield fields.text("score", "")


def _word(specific: Fields) -> str:
    """A rating in words, as GitHub's records have it; other databases put other things there."""
    found = specific.members.get("severity")
    return found if isinstance(found, str) else ""


def _affected(fields: Fields) -> Affected | None:
    if not fields.has("package"):
        return None  # about a repository of sources only
    package = fields.nested("package")
    ranges = fields.objects("ranges", _range)
    return Affected(
        package.text("ecosystem").partition(":")[0],
        package.text("name"),
        tuple(each for each in ranges if each),
        frozenset(fields.texts("versions")),
    )


def _range(fields: Fields) -> tuple[Event, ...]:
    if fields.text("type") not in _RANGES:
        return ()
    return tuple(event for events in fields.objects("events", _events) for event in events)


def _events(fields: Fields) -> tuple[Event, ...]:
    kinds = ("introduced", "fixed", "last_affected")
    return tuple(Event(kind, fields.text(kind)) for kind in kinds if fields.has(kind))


class _Target(NamedTuple):
    component: Component
    ecosystem: Ecosystem
    name: str
    version: str


def wanted(components: Iterable[Component], issues: Collection[str]) -> Wanted:
    """What has to be looked for.

    Args:
        components: What applications are made of.
        issues: Names of vulnerabilities that are known already, and whose severity is not.
    """
    names = set()
    for each in components:
        purl = Purl.parse(each.purl)
        if purl is not None:
            # Names are spelled in several ways: what OSV's own normal form is has to be among these.
            names |= {purl.name.lower(), purl.name.replace("/", ":").lower(), each.name.lower()}
            if (world := ecosystems.of(purl)) is not None:
                names.add(world.normalised(purl.name).lower())
    return Wanted(frozenset(names), frozenset(issues))


class Matched(NamedTuple):
    """What matching gave.

    Attributes:
        findings: The vulnerabilities that components have.
        unchecked: The components that cannot be looked up, or only in part.
        problems: What is wrong with records, a sentence each.
    """

    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...]
    problems: tuple[str, ...]


def match(components: Sequence[Component], records: Iterable[Record]) -> Matched:
    """Looks components up.

    A record under several names is one finding: of a Go advisory and GitHub's for the same, the first counts.
    """
    targets: dict[tuple[str, str], list[_Target]] = {}
    unchecked: dict[Unchecked, None] = {}
    for each in components:
        target = _target(each)
        if isinstance(target, Unchecked):
            unchecked[target] = None
        else:
            targets.setdefault((target.ecosystem.name, target.name), []).append(target)
    findings: dict[tuple[str, str, str], Finding] = {}
    problems: dict[str, None] = {}
    for record in sorted(records, key=lambda each: each.id):
        if record.withdrawn:
            continue
        for affected in record.affected:
            for target in _meant(affected, targets):
                verdict = _verdict(affected, target)
                problems.update(dict.fromkeys(f"{record.id}: {each}" for each in verdict.problems))
                if verdict.unsure:
                    reason = f"its version cannot be compared with those in {record.id}"
                    unchecked[Unchecked(target.component.name, target.version, reason)] = None
                if verdict.affected:
                    _add(findings, target, record, verdict.fixed)
    return Matched(tuple(dict.fromkeys(findings.values())), tuple(unchecked), tuple(problems))


def _target(component: Component) -> _Target | Unchecked:
    purl = Purl.parse(component.purl)
    world = ecosystems.of(purl) if purl else None
    if purl is None or world is None:
        return Unchecked(component.name, component.version, "of no ecosystem that OSV has records for")
    if not purl.version:
        return Unchecked(component.name, "", "nothing says which version it is")
    return _Target(component, world, world.normalised(purl.name), purl.version)


def _meant(affected: Affected, targets: dict[tuple[str, str], list[_Target]]) -> list[_Target]:
    """The components that a record speaks of."""
    world = ecosystems.named(affected.ecosystem)
    return targets.get((world.name, world.normalised(affected.package)), []) if world else []


class _Verdict(NamedTuple):
    """Whether a version has what a record describes, and what is in the way of saying so."""

    affected: bool
    fixed: str = ""
    unsure: bool = False
    problems: tuple[str, ...] = ()


def _verdict(affected: Affected, target: _Target) -> _Verdict:
    """Judges one version (OSV schema, "Evaluation")."""
    listed = not affected.versions.isdisjoint((target.version, target.version.removeprefix("v")))
    order = target.ecosystem.order
    here = order(target.version) if order else None
    if order is None or here is None:
        # A list of versions is all of them where there is one; ranges without an order say nothing.
        return _Verdict(listed, unsure=not affected.versions and bool(affected.ranges))
    inside, problems = listed, []
    fixes: list[tuple[Key, str]] = []
    for events in affected.ranges:
        sorted_events, problem = _sorted(events, order)
        if problem:
            problems.append(problem)
        elif _is_inside(here, sorted_events):
            inside = True
            fixes += [(key, e.version) for key, e in sorted_events if e.kind == "fixed" and key > here][:1]
    fixed = min(fixes)[1] if fixes else ""
    return _Verdict(inside, fixed, unsure=bool(problems) and not inside, problems=tuple(problems))


_Sorted = Sequence[tuple[Key, Event]]


def _sorted(events: Sequence[Event], order: Order) -> tuple[_Sorted, str]:
    """The events of a range from the lowest version on; or what is wrong with it.

    Records are known whose range begins after it ends (osv.dev#5634): it would go on for ever.
    """
    keyed: list[tuple[Key, Event]] = []
    for event in events:
        key = () if (event.kind, event.version) == ("introduced", _FIRST) else order(event.version)
        if key is None:
            return (), f"a range with a version that is none: `{event.version[:80]}`"
        keyed.append((key, event))
    keyed.sort(key=lambda each: each[0])
    if keyed and keyed[0][1].kind != "introduced":
        return (
            (),
            f"a range that ends before it begins: {' '.join(f'{e.kind} {e.version}' for e in events[:4])}",
        )
    return keyed, ""


def _is_inside(here: Key, events: _Sorted) -> bool:
    inside = False
    for key, event in events:
        if event.kind == "introduced":
            inside = inside or here >= key
        elif event.kind == "fixed":
            inside = inside and here < key
        else:
            inside = inside and here <= key
    return inside


def _add(findings: dict[tuple[str, str, str], Finding], target: _Target, record: Record, fixed: str) -> None:
    component = target.component
    for name in record.names:
        if (name, component.purl, component.path) in findings:
            return
    found = Finding(
        id=record.names[0],
        aliases=record.names[1:],
        package=component.name,
        version=target.version,
        fixed=fixed,
        purl=component.purl,
        source=f"OSV {record.id}",
        evidence=component.source,
        path=component.path,
        severity=record.severity,
        summary=record.summary,
    )
    for name in record.names:
        findings[name, component.purl, component.path] = found


def severities(records: Iterable[Record]) -> Severities:
    """How bad vulnerabilities are and what they are, by each of their names; of several the worst counts."""
    found: dict[str, tuple[Severity, str]] = {}
    for record in records:
        if record.withdrawn:
            continue
        for name in record.names:
            known = found.get(name)
            if known is None or record.severity.rank > known[0].rank:
                found[name] = (record.severity, record.summary or (known[1] if known else ""))
    return found
