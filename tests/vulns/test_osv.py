"""OSV records: which versions they mean, which of them are wrong, and what is passed over."""

import json
from typing import Any

import pytest

from witchery.errors import FormatError
from witchery.payload.findings import Component
from witchery.payload.purl import purl
from witchery.vulns import osv
from witchery.vulns.finding import Finding, Severity
from witchery.vulns.osv import Matched, Record


def component(kind: str, name: str, version: str) -> Component:
    return Component(purl(kind, name, version), name, version, "app/bin/app", "Go build information")


def record(ecosystem: str, name: str, *events: dict[str, str], **more: Any) -> Record:
    affected: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": name}}
    if events:
        affected["ranges"] = [{"type": more.pop("type", "SEMVER"), "events": list(events)}]
    if "versions" in more:
        affected["versions"] = more.pop("versions")
    return osv.read(json.dumps({"id": "GHSA-aaaa-bbbb-cccc", "affected": [affected], **more}).encode())


def matched(kind: str, name: str, version: str, *records: Record) -> Matched:
    return osv.match([component(kind, name, version)], records)


def found(kind: str, name: str, version: str, *records: Record) -> list[Finding]:
    return list(matched(kind, name, version, *records).findings)


NET = record(
    "Go",
    "golang.org/x/net",
    {"introduced": "0"},
    {"fixed": "0.23.0"},
    id="GO-2024-2687",
    aliases=["CVE-2023-45288", "GHSA-4v7x-pqxf-cx7m"],
    summary="HTTP/2 CONTINUATION flood in net/http",
)


def test_a_version_in_a_range_is_found_by_its_cve() -> None:
    (hit,) = found("golang", "golang.org/x/net", "v0.17.0", NET)
    assert hit.names == ("CVE-2023-45288", "GO-2024-2687", "GHSA-4v7x-pqxf-cx7m")
    assert (hit.fixed, hit.source, hit.path) == ("0.23.0", "OSV GO-2024-2687", "app/bin/app")
    assert hit.summary == "HTTP/2 CONTINUATION flood in net/http"
    assert not found("golang", "golang.org/x/net", "v0.23.0", NET)
    assert not found("golang", "golang.org/x/text", "v0.17.0", NET)


@pytest.mark.parametrize(
    ("version", "inside"),
    [
        *(("0.9.0", False), ("1.0.0", True), ("1.4.9", True), ("1.5.0", False)),
        *(("2.0.0-rc1", False), ("2.0.0", True), ("2.3.0", True), ("2.3.1", False)),
    ],
)
def test_a_range_has_several_spans(version: str, inside: bool) -> None:
    """`last_affected` is in it, `fixed` is not; the events may stand in any order."""
    events = [
        {"introduced": "2.0.0"},
        {"fixed": "1.5.0"},
        {"introduced": "1.0.0"},
        {"last_affected": "2.3.0"},
    ]
    assert bool(found("npm", "a", version, record("npm", "a", *events))) is inside


def test_several_ranges_and_lists_of_versions_add_up() -> None:
    both = record(
        "PyPI", "jinja2", {"introduced": "3.0"}, {"fixed": "3.1.3"}, type="ECOSYSTEM", versions=["2.11.3"]
    )
    assert [bool(found("pypi", "jinja2", each, both)) for each in ("2.11.3", "2.11.2", "3.1.2", "3.1.3")] == [
        True, False, True, False,
    ]  # fmt: skip


def test_a_withdrawn_record_counts_for_nothing() -> None:
    gone = record("npm", "a", {"introduced": "0"}, withdrawn="2023-01-01T00:00:00Z", severity=[])
    assert not found("npm", "a", "1.0.0", gone)
    assert osv.severities([gone]) == {}


def test_a_range_that_ends_before_it_begins_is_passed_over_and_told() -> None:
    """osv.dev#5634: taken by the letter, everything from 2.0 on would have it for ever."""
    wrong = record("npm", "a", {"introduced": "2.0.0"}, {"fixed": "1.5.0"})
    for version in ("1.0.0", "1.9.0", "2.0.0", "99.0.0"):
        result = matched("npm", "a", version, wrong)
        assert not result.findings
        assert "a range that ends before it begins: introduced 2.0.0 fixed 1.5.0" in result.problems[0]
        assert "cannot be compared" in result.unchecked[0].reason


def test_ranges_of_commits_say_nothing_about_versions() -> None:
    commits = record("npm", "a", {"introduced": "0"}, {"fixed": "0123abc"}, type="GIT")
    assert not found("npm", "a", "1.0.0", commits)


@pytest.mark.parametrize(
    ("kind", "name", "ecosystem", "written", "low", "fixed"),
    [
        ("golang", "github.com/masterminds/sprig", "Go", "github.com/Masterminds/sprig", "v2.0.0", "2.1.0"),
        ("golang", "stdlib", "Go", "stdlib", "1.21.5", "1.21.8"),
        ("npm", "@babel/traverse", "npm", "@babel/traverse", "7.23.1", "7.23.2"),
        ("pypi", "typing_extensions", "PyPI", "Typing-Extensions", "4.0", "4.1"),
        ("cargo", "openssl", "crates.io", "openssl", "0.10.54", "0.10.55"),
        ("maven", "org.example.text/text-core", "Maven", "org.example.text:text-core", "1.9", "1.10"),
        ("gem", "rack", "RubyGems", "rack", "3.0.4.1", "3.0.4.2"),
        ("nuget", "Newtonsoft.Json", "NuGet", "newtonsoft.json", "13.0.0", "13.0.1"),
    ],
)  # fmt: skip
def test_a_component_is_found_by_its_package_url_in_each_world(
    kind: str, name: str, ecosystem: str, written: str, low: str, fixed: str
) -> None:
    """However the name is spelled; `wanted` lets none of these pass unread."""
    about = {
        "id": "X-1",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": written},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
        ],
    }
    data = json.dumps(about).encode()
    assert osv.wanted([component(kind, name, low)], ()).may_be_in(data)
    assert found(kind, name, low, osv.read(data))
    assert not found(kind, name, fixed, osv.read(data))


def test_a_world_without_a_known_order_goes_by_lists_and_says_so_otherwise() -> None:
    listed = record(
        "Packagist", "symfony/http-kernel", {"introduced": "0"}, {"fixed": "5"}, versions=["v4.4.1"]
    )
    assert found("composer", "symfony/http-kernel", "v4.4.1", listed)
    assert not matched("composer", "symfony/http-kernel", "v4.4.2", listed).unchecked
    ranged = record("Packagist", "symfony/http-kernel", {"introduced": "0"}, {"fixed": "5"}, type="ECOSYSTEM")
    assert (
        "cannot be compared"
        in matched("composer", "symfony/http-kernel", "v4.4.1", ranged).unchecked[0].reason
    )


def test_what_has_no_version_or_no_world_is_told() -> None:
    assert matched("golang", "example.org/app", "").unchecked[0].reason == "nothing says which version it is"
    assert "no ecosystem" in matched("generic", "libfoo", "1.2").unchecked[0].reason
    devel = matched("golang", "golang.org/x/net", "(devel)", NET)
    assert "cannot be compared" in devel.unchecked[0].reason


def test_two_records_of_one_vulnerability_are_one_finding() -> None:
    same = record(
        "Go", "golang.org/x/net", {"introduced": "0"}, id="GHSA-4v7x-pqxf-cx7m", aliases=["CVE-2023-45288"]
    )
    hits = found("golang", "golang.org/x/net", "v0.17.0", NET, same)
    assert [each.id for each in hits] == ["CVE-2023-45288"]


def test_the_severity_of_secdbs_cves_comes_from_records_by_any_name() -> None:
    rated = record(
        "Debian:12", "curl", id="UBUNTU-CVE-2024-0853", upstream=["CVE-2024-0853"],
        summary="OCSP verification bypass",
        severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"}],
    )  # fmt: skip
    worse = record(
        "npm", "curl", id="GHSA-x", aliases=["CVE-2024-0853"], database_specific={"severity": "HIGH"}
    )
    assert osv.severities([rated])["CVE-2024-0853"] == (Severity.MEDIUM, "OCSP verification bypass")
    assert osv.severities([rated, worse])["CVE-2024-0853"] == (Severity.HIGH, "OCSP verification bypass")


def test_records_are_sifted_before_they_are_decoded() -> None:
    sift = osv.wanted([component("npm", "@babel/traverse", "7.0.0")], {"CVE-2024-0853"})
    assert sift.may_be_in(b'{"package": {"name":"@babel/traverse"}}')
    assert sift.may_be_in(b'{"package": {"name": "\\u0040babel\\/traverse"}}')
    assert sift.may_be_in(b'{"aliases": ["CVE-2024-0853"]}')
    assert not sift.may_be_in(b'{"package": {"name": "@babel/traverse-more"}, "id": "CVE-2024-08530"}')


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id": 5}',
        b'{"id": "x", "affected": {}}',
        b'{"id": "x", "affected": [{"package": {"name": "a"}}]}',
        b'{"id": "x", "affected": [{"package": {"name": "a", "ecosystem": "npm"}, "versions": "1.0"}]}',
        b'{"id": "x", "affected": [{"package": {"name": "a", "ecosystem": "npm"}, "ranges": [{}]}]}',
        b'{"id": "x", "id": "y"}',
        b"[" * 100_000,
        b" " * (osv.MAX_RECORD + 1),
    ],
)
def test_malformed_records_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        osv.read(data)


def test_a_rating_that_is_no_word_is_passed_over() -> None:
    """`database_specific` is whatever a database likes."""
    odd = record("npm", "a", {"introduced": "0"}, database_specific={"severity": ["HIGH"]})
    assert odd.severity is Severity.UNKNOWN
