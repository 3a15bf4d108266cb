"""EPSS and KEV: as their publishers hand them out, and malformed."""

import pytest

from witchery import canonical
from witchery.errors import FormatError
from witchery.vulns import epss, kev
from witchery.vulns.finding import Exploited, Likelihood

EPSS = """#model_version:v2025.03.14,score_date:2026-01-05T12:55:00Z
cve,epss,percentile
CVE-1999-0001,0.01027,0.76691
CVE-2024-0853,0.00043,0.09
CVE-2021-44228,0.94358,1
CVE-2020-0001,1e-05,0.0
"""


def test_scores_are_texts_as_published() -> None:
    found = epss.read(EPSS.splitlines(), {"CVE-2024-0853", "CVE-2021-44228", "CVE-2020-0001", "CVE-2030-1"})
    assert found == {
        "CVE-2024-0853": Likelihood("0.00043", "0.09", "2026-01-05"),
        "CVE-2021-44228": Likelihood("0.94358", "1", "2026-01-05"),
        "CVE-2020-0001": Likelihood("1e-05", "0.0", "2026-01-05"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "got nothing"),
        ("<html>", "line 1: expected `cve,epss,percentile`"),
        ("cve,epss\n", "line 1"),
        ("cve,epss,percentile\nCVE-2020-1,high,1\n", "line 2: expected a CVE and two numbers"),
        ("cve,epss,percentile\nCVE-2020-1,2.5,1\n", "line 2"),
        ("cve,epss,percentile\n" + "x" * 300, "line 2: longer than 256"),
    ],
)
def test_what_is_no_file_of_scores_is_refused_with_the_line(text: str, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        epss.read(text.splitlines(), {"CVE-2020-1"})
    assert said in str(caught.value)


KEV = {
    "title": "CISA Catalog of Known Exploited Vulnerabilities",
    "vulnerabilities": [
        {
            "cveID": "CVE-2021-44228",
            "dateAdded": "2021-12-10",
            "dueDate": "2021-12-24",
            "knownRansomwareCampaignUse": "Known",
            "cwes": ["CWE-20"],
        },
        {"cveID": "CVE-2024-3094", "dateAdded": "2024-04-01", "knownRansomwareCampaignUse": "Unknown"},
    ],
}
FOUND = {
    "CVE-2021-44228": Exploited("2021-12-10", "2021-12-24", ransomware=True),
    "CVE-2024-3094": Exploited("2024-04-01"),
}


def test_the_catalogue_is_read_as_json_and_as_csv() -> None:
    assert kev.read(KEV) == FOUND
    csv = (
        '"cveID","vendorProject","dateAdded","shortDescription","dueDate","knownRansomwareCampaignUse"\n'
        '"CVE-2021-44228","Apache","2021-12-10","a, ""b""","2021-12-24","Known"\n'
        '"CVE-2024-3094","Tukaani","2024-04-01","","","Unknown"\n'
    )
    assert kev.read_csv(csv) == FOUND


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '{"vulnerabilities": {}}',
        '{"vulnerabilities": [{"dateAdded": "x"}]}',
        '{"vulnerabilities": [7]}',
    ],
)
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        kev.read(canonical.decode(text.encode()))
    with pytest.raises(FormatError):
        kev.read_csv("a,b\n1,2\n")
