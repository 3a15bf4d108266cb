"""What is known to be vulnerable: as a table for a person, as documents for programs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import witchery
from witchery.cli.console import Console, printable

if TYPE_CHECKING:
    from witchery.build.vulns.examining import Examined
    from witchery.vulns.finding import Dismissed, Finding

_SHOWN = 6


def tell(examined: "Examined", console: Console) -> None:
    """The findings as a table, and what was looked up in what."""
    from witchery.cli.rendering import counted_as, table

    if examined.findings:
        console.result(printable(table(_rows(examined))))
    for each in examined.dismissed if console.verbose else ():
        finding = each.finding
        console.say(
            f"dismissed: {finding.id} in {finding.package}: {each.status}, {each.reason} ({each.source})"
        )
    _tell_unchecked(examined, console)
    if examined.dismissed and not console.verbose:
        console.say(f"{counted_as(len(examined.dismissed), 'finding')} dismissed; `-v` shows which and why")
    names = {each.id for each in examined.findings}
    sources = ", ".join(f"{each.secdb.name} ({each.secdb.count} fixes)" for each in examined.data.sources)
    looked_up = [f"{counted_as(examined.checked, 'package')} looked up in {sources}"] if sources else []
    looked_up += [f"{counted_as(examined.components, 'component')} in OSV"] if examined.components else []
    found = f"{len(names)} vulnerabilit{'y' if len(names) == 1 else 'ies'}"
    console.say(f"{found}; {', '.join(looked_up) or 'nothing was looked up'}")
    if sources and not examined.findings:
        console.say("secdb lists what was fixed: that nothing is found is no proof that nothing is there")


def _tell_unchecked(examined: "Examined", console: Console) -> None:
    """What nothing is known about, by the reason."""
    from witchery.cli.rendering import counted_as

    reasons: dict[str, list[str]] = {}
    for each in examined.unchecked:
        reasons.setdefault(each.reason, []).append(each.package)
    for reason, names in reasons.items():
        shown = names if console.verbose else names[:_SHOWN]
        more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        console.say(f"not looked up, {reason}: {', '.join(shown)}{more}")
    if len(reasons) > 1 and console.verbose:
        console.say(f"{counted_as(len(examined.unchecked), 'package')} not looked up")


class _Line(NamedTuple):
    """A vulnerability of a package, and the architectures on which it is the same."""

    finding: "Finding"
    archs: tuple[str, ...]


def _rows(examined: "Examined") -> list[tuple[str, ...]]:
    """The table: packages of one source with the same version and findings together, their names once."""
    groups: dict[tuple[object, ...], tuple[dict[str, None], list[_Line]]] = {}
    for (package, version, path), lines in _by_package(examined.findings).items():
        origin = lines[0].finding.origin
        same = tuple((each.finding.id, each.finding.fixed, each.archs) for each in lines)
        names, _ = groups.setdefault((origin or f"{package} {path}", version, same), ({}, lines))
        names[f"{package} ({path})" if path else package] = None
    every = {each.arch.apk for each in examined.inventories}
    scored = any(each.likelihood for each in examined.findings)
    partial = any(set(each.archs) != every for _, lines in groups.values() for each in lines if each.archs[0])
    head = ["PACKAGE", "INSTALLED", "VULNERABILITY", "FIXED IN", "SEVERITY"]
    rows = [(*head, *(["EPSS"] if scored else []), *(["ARCH"] if partial else []), "")]
    for names, lines in groups.values():
        for number, (each, archs) in enumerate(lines):
            label, version = (", ".join(names), each.version) if number == 0 else ("", "")
            row = [label, version, each.id, each.fixed or "-", each.severity.value]
            row += [_percent(each.likelihood.probability) if each.likelihood else ""] if scored else []
            row += ["" if set(archs) == every else ", ".join(archs)] if partial else []
            rows.append((*row, _exploited(each)))
    return rows


def _by_package(findings: "Sequence[Finding]") -> dict[tuple[str, str, str], list[_Line]]:
    found: dict[tuple[str, str, str], dict[str, _Line]] = {}
    for each in findings:
        lines = found.setdefault((each.package, each.version, each.path), {})
        known = lines.get(each.id)
        lines[each.id] = _Line(each, (*known.archs, each.arch) if known else (each.arch,))
    return {package: list(lines.values()) for package, lines in found.items()}


def _exploited(finding: "Finding") -> str:
    if finding.exploited is None:
        return ""
    return "exploited, ransomware" if finding.exploited.ransomware else "exploited"


def _percent(probability: str) -> str:
    """A probability from 0 to 1 for a person."""
    return f"{float(probability) * 100:.1f} %"


def document(examined: "Examined", failing: "Sequence[Finding]") -> dict[str, Any]:
    """What was found, for a program (`dev.witchery.vulns/1`)."""
    from witchery.oci.config import rfc3339

    return {
        "schema": "dev.witchery.vulns/1",
        "time": rfc3339(examined.time),
        "subjects": [
            {
                "name": each.name,
                "arch": each.arch.apk,
                "digest": each.digest,
                "releases": list(each.releases),
                "unproven": list(each.unproven),
                "packages": len(each.packages),
            }
            for each in examined.inventories
        ],
        "databases": [
            {
                "name": each.secdb.name,
                "place": each.place,
                "date": rfc3339(int(each.date)),
                "modified": each.modified,
                "fixes": each.secdb.count,
            }
            for each in examined.data.sources
        ],
        "checked": examined.checked,
        "components": examined.components,
        "findings": [_finding(each) for each in examined.findings],
        "failing": sorted({each.id for each in failing}),
        "dismissed": [_dismissed(each) for each in examined.dismissed],
        "unchecked": [
            {"package": each.package, "version": each.version, "reason": each.reason}
            for each in examined.unchecked
        ],
        "warnings": list(examined.warnings),
    }


def _finding(finding: "Finding") -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": finding.id,
        "aliases": list(finding.aliases),
        "package": finding.package,
        "version": finding.version,
        "fixed": finding.fixed,
        "origin": finding.origin,
        "arch": finding.arch,
        "purl": finding.purl,
        "path": finding.path,
        "source": finding.source,
        "evidence": finding.evidence,
        "remark": finding.remark,
        "severity": finding.severity.value,
        "summary": finding.summary,
    }
    if finding.likelihood:
        found["epss"] = dict(finding.likelihood._asdict())
    if finding.exploited:
        found["kev"] = dict(finding.exploited._asdict())
    return found


def _dismissed(dismissed: "Dismissed") -> dict[str, Any]:
    return {
        **_finding(dismissed.finding),
        "status": dismissed.status,
        "reason": dismissed.reason,
        "by": dismissed.source,
    }


def sarif(examined: "Examined") -> Mapping[str, Any]:
    """What was found, as SARIF."""
    from witchery.vulns import sarif as form

    subject = examined.inventories[0].name
    return form.document(examined.findings, examined.dismissed, subject=subject, version=witchery.__version__)


def openvex(examined: "Examined", author: str) -> Mapping[str, Any]:
    """What was found, as OpenVEX; its name follows from what it says."""
    from witchery.canonical import encode
    from witchery.digest import Digest
    from witchery.oci.config import rfc3339
    from witchery.vulns import vex

    said = [_finding(each) for each in examined.findings]
    said += [_dismissed(each) for each in examined.dismissed]
    digest = Digest.sha256(encode(said)).hex
    time = rfc3339(examined.time)
    return vex.document(examined.findings, examined.dismissed, author=author, time=time, digest=digest)
