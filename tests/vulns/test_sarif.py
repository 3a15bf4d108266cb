"""SARIF, held against the official schema."""

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from support.downloads import npm_files, npm_tarball
from witchery import canonical
from witchery.vulns import sarif
from witchery.vulns.finding import Dismissed, Finding, Severity

SCHEMA = "lib/schemas/sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The schema of OASIS, as Microsoft's test tools bring it."""
    found: dict[str, Any] = canonical.decode(
        npm_files(npm_tarball("@microsoft/jest-sarif", "1.0.0-beta.0"))[SCHEMA]
    )
    return found


def finding(name: str, package: str = "libcurl", **more: Any) -> Finding:
    purl = f"pkg:apk/alpine/{package}@8.5.0-r0"
    return Finding(id=name, package=package, version="8.5.0-r0", source="secdb v3.19/main", purl=purl, **more)


FOUND = [
    finding("CVE-2024-0853", fixed="8.6.0-r0", severity=Severity.CRITICAL),
    finding("CVE-2024-0853", "curl", fixed="8.6.0-r0", severity=Severity.CRITICAL),
    finding("CVE-2023-1111"),
    finding(
        "GO-2024-2687", "golang.org/x/net", path="app/a b%.bin", severity=Severity.LOW, summary="a flood"
    ),
]
GONE = [Dismissed(finding("CVE-2023-2222"), "not_affected", "component_not_present", "team.json")]


def written() -> Any:
    return sarif.document(FOUND, GONE, subject="oci:app", version="1.2.3")


def test_the_official_schema_is_met(schema: dict[str, Any]) -> None:
    jsonschema.validate(written(), schema)
    jsonschema.validate(sarif.document([], [], subject="oci:app", version="1"), schema)


def test_the_judge_can_say_no(schema: dict[str, Any]) -> None:
    document = canonical.decode(canonical.encode(written()))
    document["runs"][0]["results"][0]["level"] = "terrible"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_each_vulnerability_is_one_rule_and_each_package_a_result() -> None:
    (run,) = written()["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [
        "CVE-2024-0853",
        "CVE-2023-1111",
        "GO-2024-2687",
        "CVE-2023-2222",
    ]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning", "note", "warning"]
    assert len({result["partialFingerprints"]["finding/v1"] for result in run["results"]}) == 5
    assert run["results"][0]["message"]["text"] == (
        "libcurl 8.5.0-r0 has CVE-2024-0853; fixed in 8.6.0-r0. secdb v3.19/main."
    )


def test_what_was_dismissed_is_suppressed_and_says_why() -> None:
    (run,) = written()["runs"]
    assert [result.get("suppressions", []) for result in run["results"]][:4] == [[], [], [], []]
    (suppression,) = run["results"][4]["suppressions"]
    assert suppression["justification"] == "not_affected: component_not_present (team.json)"


def test_a_severity_that_nobody_has_published_is_not_scored() -> None:
    scores = [
        each["properties"].get("security-severity")
        for each in written()["runs"][0]["tool"]["driver"]["rules"]
    ]
    assert scores == ["9.5", None, "2.0", None]


def test_paths_are_references() -> None:
    (run,) = written()["runs"]
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]]
    assert places == ["oci:app", "oci:app", "oci:app", "app/a%20b%25.bin", "oci:app"]
