"""What Alpine's security team has rejected."""

from typing import Any

import pytest

from support import secdbs
from witchery.build.vulns.data import decode_rejections
from witchery.errors import FormatError
from witchery.vulns import rejections
from witchery.vulns.matching import match

YAML = b"""
# why
curl:
  - CVE-2023-52071
  - CVE-2021-1111 # a remark
busybox: []
empty:
"""


def test_a_document_is_read() -> None:
    found = decode_rejections(YAML, "main.yaml")
    assert found["curl"] == {"CVE-2023-52071", "CVE-2021-1111"}
    assert found["busybox"] == found["empty"] == frozenset()
    assert decode_rejections(b"", "main.yaml") == {}
    both = rejections.together([found, decode_rejections(b"curl: [CVE-2020-1]", "x"), found])
    assert both["curl"] >= {"CVE-2023-52071"}


def test_a_rejection_is_stronger_than_secdb_in_every_release_and_is_not_lost() -> None:
    """It is dismissed with who says so, not silently left out; other packages keep the same CVE."""
    fixes = {
        "curl": {"8.6.0-r0": ["CVE-2023-52071", "CVE-2024-0853"]},
        "tiny-curl": {"9-r0": ["CVE-2023-52071"]},
    }
    data = [secdbs.secdb(fixes, release=release) for release in ("v3.18", "v3.19")]
    packages = [
        secdbs.package("libcurl", "8.5.0-r0", origin="curl", release=release) for release in ("3.18", "3.19")
    ]
    packages.append(secdbs.package("tiny-curl", "8.5.0-r0"))
    found = match(packages, data, decode_rejections(YAML, "main.yaml"))
    assert [(each.id, each.package) for each in found.findings] == [
        ("CVE-2024-0853", "libcurl"),
        ("CVE-2024-0853", "libcurl"),
        ("CVE-2023-52071", "tiny-curl"),
    ]
    assert {(each.finding.id, each.status, each.source) for each in found.dismissed} == {
        ("CVE-2023-52071", "rejected", "security-rejections")
    }


def test_a_rejection_by_another_name_of_it_counts() -> None:
    data = [secdbs.secdb({"a": {"2-r0": ["CVE-2020-1111 XSA-1"]}})]
    found = match([secdbs.package("a", "1-r0")], data, {"a": frozenset(["XSA-1"])})
    assert not found.findings
    assert len(found.dismissed) == 1


@pytest.mark.parametrize(
    "document", [[], "x", {"a": "CVE-2020-1"}, {"a": [1]}, {"a": ["C" * 600]}, {"a": {"b": []}}]
)
def test_anything_else_is_refused(document: Any) -> None:
    with pytest.raises(FormatError):
        rejections.read(document)


def test_there_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejections, "MAX_REJECTIONS", 3)
    with pytest.raises(FormatError, match="more than 3"):
        rejections.read({"a": ["CVE-2020-1111"] * 2, "b": ["CVE-2020-1111"] * 2})
