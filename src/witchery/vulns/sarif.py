"""Findings as SARIF 2.1.0, for what shows results beside code (OASIS, sarif-v2.1.0-os).

A vulnerability is a rule, and each package that has it a result. `security-severity` is what GitHub sorts by.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from witchery.digest import Digest
from witchery.vulns.finding import Dismissed, Finding, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
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
    numbers = {each.id: number for number, each in enumerate(rules)}
    results = [_result(each, subject, numbers) for each in findings]
    for each in dismissed:
        reason = f"{each.status}: {each.reason} ({each.source})"
        suppression = {"kind": "external", "status": "accepted", "justification": reason}
        results.append(_result(each.finding, subject, numbers) | {"suppressions": [suppression]})
    driver = {"name": "witchery", "version": version, "rules": [_rule(each) for each in rules]}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}],
    }


def _rule(finding: Finding) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": ["security", "vulnerability"]}
    if score := _SCORES.get(finding.severity):
        properties["security-severity"] = score
    rule: dict[str, Any] = {
        "id": finding.id,
        "shortDescription": {
            "text": finding.summary or f"{finding.id} in {finding.origin or finding.package}"
        },
        "properties": properties,
    }
    if address := _address(finding.id):
        rule["helpUri"] = address
    return rule


def _address(name: str) -> str:
    if name.startswith("CVE-"):
        return f"https://security.alpinelinux.org/vuln/{name}"
    return (
        f"https://osv.dev/vulnerability/{name}"
        if name.startswith(("GHSA-", "GO-", "PYSEC-", "RUSTSEC-"))
        else ""
    )


def _result(finding: Finding, subject: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    what = f"{finding.package} {finding.version} has {finding.id}"
    after = f"; fixed in {finding.fixed}" if finding.fixed else "; no fixed version is known"
    place = {"artifactLocation": {"uri": _reference(finding.path) or subject}}
    key = f"{finding.id} {finding.purl or finding.package} {finding.path}"
    return {
        "ruleId": finding.id,
        "ruleIndex": numbers[finding.id],
        "level": _LEVELS.get(finding.severity, "warning"),
        "message": {"text": f"{what}{after}. {finding.source}."},
        "locations": [
            {
                "physicalLocation": place,
                "logicalLocations": [
                    {"name": finding.package, "fullyQualifiedName": finding.purl, "kind": "package"}
                ],
            }
        ],
        "partialFingerprints": {"finding/v1": Digest.sha256(key.encode()).hex},
    }


def _reference(path: str) -> str:
    """A path as a relative reference (RFC 3986)."""
    from urllib.parse import quote

    return quote(path, errors="surrogateescape")
