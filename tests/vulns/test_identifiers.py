"""The names in secdb's entries: every form that real data has."""

import pytest

from support import secdbs
from support.shared import needs_shared
from witchery.vulns.identifiers import Issue, issues, order


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CVE-2019-14697", [Issue("CVE-2019-14697")]),
        ("CVE-2017-12122 TALOS-2017-0488", [Issue("CVE-2017-12122", ("TALOS-2017-0488",))]),
        ("CVE-2018-12892  XSA-266", [Issue("CVE-2018-12892", ("XSA-266",))]),
        ("CVE-2017-2616 (+ regression fix)", [Issue("CVE-2017-2616", (), "+ regression fix")]),
        ("CVE-2018-16301 (was fixed in libpcap)", [Issue("CVE-2018-16301", (), "was fixed in libpcap")]),
        ("CVE_2019-2426", [Issue("CVE-2019-2426")]),
        ("cve-2019-2426", [Issue("CVE-2019-2426")]),
        ("CVE-2017-17434-1", [Issue("CVE-2017-17434")]),
        ("CVE-????-????? XSA-295", [Issue("XSA-295")]),
        ("XSA-248", [Issue("XSA-248")]),
        ("GHSA-8vvx-qvq9-5948", [Issue("GHSA-8vvx-qvq9-5948")]),
        ("GHSA-8vvx-qvq9-5948 CVE-2022-1234", [Issue("CVE-2022-1234", ("GHSA-8vvx-qvq9-5948",))]),
        ("ghsa-8vvx-qvq9-5948", [Issue("GHSA-8vvx-qvq9-5948")]),
        ("CVE-2020-1111 CVE-2020-2222", [Issue("CVE-2020-1111"), Issue("CVE-2020-2222")]),
        ("a fix without a name", [Issue("a fix without a name")]),
        ("", []),
        ("  ", []),
    ],
)
def test_an_entry_is_read_as_it_was_meant(text: str, found: list[Issue]) -> None:
    assert list(issues(text)) == found


def test_an_alias_in_a_remark_is_no_vulnerability_of_its_own() -> None:
    assert [each.id for each in issues("CVE-2018-1 CVE-2018-1111 (see CVE-2018-2222)")] == ["CVE-2018-1111"]


@needs_shared
@pytest.mark.parametrize("release", secdbs.RELEASES)
@pytest.mark.parametrize("repository", ["main", "community"])
def test_every_real_entry_has_a_name(release: str, repository: str) -> None:
    """And no CVE of the data is lost: each that its text has is found again."""
    found = secdbs.real(release, repository)
    names = {name: {fix.issue.id for fix in fixes} for name, fixes in found.packages.items()}
    for each in secdbs.raw(release, repository)["packages"]:
        for texts in each["pkg"]["secfixes"].values():
            for text in texts or ():
                read = issues(text)
                assert read
                assert all(issue.id in names[each["pkg"]["name"]] for issue in read)
                assert text.upper().count("CVE-20") + text.count("CVE_20") == sum(
                    issue.id.startswith("CVE") for issue in read
                )


def test_numbers_are_sorted_as_people_count() -> None:
    names = ["CVE-2024-10000", "CVE-2024-9999", "CVE-2023-12345", "GHSA-aaaa-bbbb-cccc", "XSA-9", "XSA-10"]
    found = sorted(names, key=order)
    assert found.index("CVE-2024-9999") < found.index("CVE-2024-10000")
    assert found.index("XSA-9") < found.index("XSA-10")
