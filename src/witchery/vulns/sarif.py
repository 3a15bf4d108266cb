"""Findings as SARIF: a vulnerability is a rule, and each package that has it a result."""

from collections.abc import Mapping, Sequence
from typing import Any

from witchery import sarif
from witchery.vulns.finding import Dismissed, Finding, Severity

SCHEMA = sarif.SCHEMA
"""Where the schema is."""

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.LOW: "note", Severity.NONE: "note"}
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}


def document(
    findings: Sequence[Finding], dismissed: Sequence[Dismissed], *, subject: str, version: str
) -> Mapping[str, Any]:
    """The findings as one run; what was dismissed is in it as suppressed.

    Args:
        findings: What counts.
        dismissed: What does not.
        subject: What was looked up, as a relative reference or a URL.
        version: The version of Witchery.
    """
    every = [*findings, *(each.finding for each in dismissed)]
    rules = list({each.id: each for each in reversed(every)}.values())[::-1]
    results = [_result(each) for each in findings]
    for each in dismissed:
        reason = f"{each.status}: {each.reason} ({each.source})"
        results.append(_result(each.finding, reason))
    return sarif.document([_rule(each) for each in rules], results, subject=subject, version=version)


def _rule(finding: Finding) -> sarif.Rule:
    return sarif.Rule(
        finding.id,
        finding.summary or f"{finding.id} in {finding.origin or finding.package}",
        ("security", "vulnerability"),
        _SCORES.get(finding.severity, ""),
        _address(finding.id),
    )


def _address(name: str) -> str:
    if name.startswith("CVE-"):
        return f"https://security.alpinelinux.org/vuln/{name}"
    return (
        f"https://osv.dev/vulnerability/{name}"
        if name.startswith(("GHSA-", "GO-", "PYSEC-", "RUSTSEC-"))
        else ""
    )


def _result(finding: Finding, suppressed: str = "") -> sarif.Result:
    what = f"{finding.package} {finding.version} has {finding.id}"
    after = f"; fixed in {finding.fixed}" if finding.fixed else "; no fixed version is known"
    return sarif.Result(
        finding.id,
        _LEVELS.get(finding.severity, "warning"),
        f"{what}{after}. {finding.source}.",
        finding.path,
        finding.package,
        finding.purl,
        f"{finding.id} {finding.purl or finding.package} {finding.path}",
        suppressed,
    )
