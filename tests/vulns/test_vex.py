"""OpenVEX, read and written."""

from typing import Any

import pytest

from support import secdbs
from witchery.errors import FormatError
from witchery.vulns import vex
from witchery.vulns.finding import Dismissed, Finding

FOUND = Finding(
    id="CVE-2024-0853",
    aliases=("GHSA-aaaa-bbbb-cccc",),
    package="libcurl",
    version="8.5.0-r0",
    fixed="8.6.0-r0",
    origin="curl",
    purl="pkg:apk/alpine/libcurl@8.5.0-r0?arch=x86_64&distro=3.19.1",
)
DIGEST = "sha256:" + "ab" * 32
IMAGE = (DIGEST, f"pkg:oci/app@{DIGEST}")


def dismissed(document: dict[str, Any], image: tuple[str, ...] = IMAGE) -> tuple[Dismissed, ...]:
    return vex.apply([FOUND], vex.read(document, "a.json"), image)[1]


@pytest.mark.parametrize(
    ("product", "counts"),
    [
        ("pkg:apk/alpine/libcurl", True),
        ("pkg:apk/alpine/libcurl@8.5.0-r0", True),
        ("pkg:apk/alpine/libcurl@8.5.0-r0?arch=x86_64", True),
        ("pkg:apk/alpine/libcurl?distro=3.19.1&arch=x86_64", True),
        ("pkg:apk/alpine/libcurl@8.4.0-r0", False),
        ("pkg:apk/alpine/libcurl@8.5.0-r0?arch=aarch64", False),
        ("pkg:apk/alpine/libcurl@8.5.0-r0?upstream=curl", False),
        ("pkg:apk/alpine/curl", False),
        ("pkg:apk/wolfi/libcurl", False),
        ("pkg:deb/debian/libcurl", False),
        ("libcurl", False),
        ("", False),
        (f"pkg:oci/app@{DIGEST}", True),
        (f"pkg:oci/other@{DIGEST}", True),
        (f"pkg:oci/app@{DIGEST.replace(':', '%3A')}", True),
        ("pkg:oci/app", True),
        (DIGEST, True),
        ("pkg:oci/other", False),
        ("pkg:oci/app@sha256:" + "cd" * 32, False),
    ],
)
def test_a_product_is_a_package_or_the_image(product: str, counts: bool) -> None:
    found = dismissed(secdbs.vex("CVE-2024-0853", product))
    assert bool(found) is counts
    if counts:
        assert (found[0].status, found[0].reason, found[0].source) == (
            "not_affected",
            "vulnerable_code_not_in_execute_path",
            "a.json",
        )


def test_a_part_of_the_image_is_that_part_alone() -> None:
    for part, counts in (("pkg:apk/alpine/libcurl", True), ("pkg:apk/alpine/zlib", False)):
        products = [{"@id": "pkg:oci/app", "subcomponents": [{"@id": part}]}]
        assert bool(dismissed(secdbs.vex("CVE-2024-0853", "", products=products))) is counts


def test_identifiers_count_beside_the_id() -> None:
    products = [{"@id": "https://example.org/libcurl", "identifiers": {"purl": "pkg:apk/alpine/libcurl"}}]
    assert dismissed(secdbs.vex("CVE-2024-0853", "", products=products))


def test_other_names_of_a_vulnerability_count() -> None:
    assert dismissed(secdbs.vex("GHSA-aaaa-bbbb-cccc", "pkg:apk/alpine/libcurl"))
    aliased = {"name": "OUR-1", "aliases": ["CVE-2024-0853"]}
    assert dismissed(secdbs.vex("", "pkg:apk/alpine/libcurl", vulnerability=aliased))
    assert not dismissed(secdbs.vex("CVE-2024-0854", "pkg:apk/alpine/libcurl"))


@pytest.mark.parametrize(
    ("status", "counts"),
    [("not_affected", True), ("fixed", True), ("affected", False), ("under_investigation", False)],
)
def test_two_statuses_settle_a_finding(status: str, counts: bool) -> None:
    document = secdbs.vex("CVE-2024-0853", "pkg:apk/alpine/libcurl", status=status)
    assert bool(dismissed(document)) is counts


def test_the_last_statement_counts() -> None:
    """By time; where that is the same, by place."""
    document = secdbs.vex("CVE-2024-0853", "pkg:apk/alpine/libcurl")
    (first,) = document["statements"]
    document["statements"] = [{**first, "timestamp": "2024-05-01T00:00:00Z"}, {**first, "status": "affected"}]
    assert dismissed(document)
    document["statements"] = [first, {**first, "status": "affected"}]
    assert not dismissed(document)


def test_documents_of_the_first_version_are_read() -> None:
    document = secdbs.vex("", "", vulnerability="CVE-2024-0853", products=["pkg:apk/alpine/libcurl"])
    assert dismissed(document | {"@context": "https://openvex.dev/ns"})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"@context": "https://example.org"}, "expected an OpenVEX document"),
        ({"@context": None}, "expected an OpenVEX document"),
        ({"statements": {}}, "statements: expected a list"),
        ({"statements": [{}]}, "statements[0]: missing member: `status`"),
    ],
)
def test_what_is_no_openvex_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(FormatError) as caught:
        vex.read(secdbs.vex("CVE-2024-0853", "x") | change, "a.json")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": "harmless"}, "expected one of not_affected, affected"),
        ({"justification": None}, "needs a `justification` or an `impact_statement`"),
        ({"justification": "because"}, "not a justification of OpenVEX"),
        ({"vulnerability": None}, "vulnerability: expected an object"),
        ({"vulnerability": {}}, "vulnerability: missing member: `name`"),
        ({"products": "pkg:apk/alpine/curl"}, "products: expected a list"),
        ({"products": [5]}, "expected a string"),
    ],
)
def test_a_malformed_statement_is_refused(change: dict[str, Any], said: str) -> None:
    """An unjustified statement would make findings vanish without a reason."""
    with pytest.raises(FormatError) as caught:
        vex.read(secdbs.vex("CVE-2024-0853", "x", **change), "a.json")
    assert said in str(caught.value)


def test_what_is_written_is_read_again_and_says_the_same() -> None:
    other = Finding(
        id="CVE-2023-1111", package="zlib", version="1.3-r0", purl="pkg:apk/alpine/zlib@1.3-r0?arch=x86_64"
    )
    settled = Dismissed(FOUND, "not_affected", "inline_mitigations_already_exist: see T-1", "team.json")
    written = vex.document([other], [settled], author="me", time="2024-01-01T00:00:00Z", digest="00")
    assert [each["products"] for each in written["statements"]] == [
        [{"@id": "pkg:apk/alpine/zlib@1.3-r0"}],
        [{"@id": "pkg:apk/alpine/libcurl@8.5.0-r0"}],
    ]
    kept, gone = vex.apply([FOUND, other], vex.read(written, "b.json"))
    assert kept == (other,)
    assert [each.finding for each in gone] == [FOUND]
    assert gone[0].reason == "inline_mitigations_already_exist: see T-1 (team.json)"


def test_platforms_with_the_same_findings_are_stated_once() -> None:
    written = vex.document([FOUND, FOUND], [], author="me", time="2024-01-01T00:00:00Z", digest="00")
    assert len(written["statements"]) == 1
