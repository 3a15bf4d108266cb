"""Results as SARIF 2.1.0, for what shows them beside code (OASIS, sarif-v2.1.0-os)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from witchery.digest import Digest

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
"""Where the schema is."""


class Rule(NamedTuple):
    """What results are of.

    Attributes:
        id: Its name.
        text: What it is, in a line.
        tags: What it is about.
        severity: A number that GitHub sorts by, such as `8.0`, or an empty string.
        address: Where there is more about it, or an empty string.
    """

    id: str
    text: str
    tags: tuple[str, ...] = ("security",)
    severity: str = ""
    address: str = ""


class Result(NamedTuple):
    """One result.

    Attributes:
        rule: The name of its rule.
        level: `error`, `warning` or `note`.
        text: What was found.
        path: The file, or an empty string where it is about the whole.
        package: The package that it is about, or an empty string.
        purl: The package's URL, or an empty string.
        key: What stays the same about it from run to run.
        suppressed: Why it does not count, or an empty string.
    """

    rule: str
    level: str
    text: str
    path: str = ""
    package: str = ""
    purl: str = ""
    key: str = ""
    suppressed: str = ""


def document(
    rules: Sequence[Rule], results: Sequence[Result], *, subject: str, version: str
) -> Mapping[str, Any]:
    """The results as one run.

    Args:
        rules: The rules, each once.
        results: The results.
        subject: What was looked at, as a relative reference or a URL.
        version: The version of Witchery.
    """
    numbers = {each.id: number for number, each in enumerate(rules)}
    driver = {"name": "witchery", "version": version, "rules": [_rule(each) for each in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "results": [_result(each, subject, numbers) for each in results],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": list(rule.tags)}
    if rule.severity:
        properties["security-severity"] = rule.severity
    written: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.text},
        "properties": properties,
    }
    if rule.address:
        written["helpUri"] = rule.address
    return written


def _result(result: Result, subject: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _reference(result.path) or subject}}
    }
    if result.package:
        logical = {"name": result.package, "fullyQualifiedName": result.purl, "kind": "package"}
        place["logicalLocations"] = [{name: text for name, text in logical.items() if text}]
    written: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": numbers[result.rule],
        "level": result.level,
        "message": {"text": result.text},
        "locations": [place],
        "partialFingerprints": {
            "finding/v1": Digest.sha256(result.key.encode("utf-8", "surrogateescape")).hex
        },
    }
    if result.suppressed:
        written["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": result.suppressed}
        ]
    return written


def _reference(path: str) -> str:
    """A path as a relative reference (RFC 3986)."""
    from urllib.parse import quote

    return quote(path, errors="surrogateescape")
