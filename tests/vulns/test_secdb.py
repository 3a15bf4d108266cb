"""Reading Alpine's security database: its rules by real data, and whatever else calls itself one."""

import json
from typing import Any

import pytest

from support import secdbs
from support.shared import needs_shared
from witchery.build.vulns import data as vuln_data
from witchery.build.vulns.data import decode_secdb
from witchery.errors import FormatError
from witchery.vulns import secdb
from witchery.vulns.secdb import Fix, Secdb, read
from witchery.vulns.written import meant


def fix(database: Secdb, package: str, name: str) -> Fix:
    return next(each for each in database.of(package) if each.issue.id == name)


@needs_shared
def test_a_real_document_says_what_it_is_about() -> None:
    found = secdbs.real("3.10")
    assert (found.name, found.release, found.repository) == ("secdb v3.10/main", "3.10", "main")
    assert found.archs == {"x86_64", "x86", "armhf", "armv7", "aarch64", "ppc64le", "s390x"}
    assert len(found.packages) == 166
    assert found.of("no-such-package") == ()


@needs_shared
def test_what_is_below_the_fix_is_vulnerable_and_nothing_else() -> None:
    """ansible in 3.10: `2.8.4-r0: [CVE-2019-10206, ...]`."""
    found = fix(secdbs.real("3.10"), "ansible", "CVE-2019-10206")
    assert found.fixed == "2.8.4-r0"
    answers = {
        "2.8.3-r9": True,
        "2.8.4_rc1-r0": True,
        "2.8.4-r0": False,
        "2.8.4-r1": False,
        "2.10.0-r0": False,
    }
    assert {version: found.is_missing_from(version) for version in answers} == answers


@needs_shared
def test_under_version_0_stands_what_never_was_there() -> None:
    """db in 3.8: `0: [CVE-2016-0682, ...]`; YAML has the key without quotes."""
    found = fix(secdbs.real("3.8"), "db", "CVE-2016-0682")
    assert found.versions == ("0",)
    assert found.fixed == ""
    assert not any(map(found.is_missing_from, ("0", "0_alpha1-r0", "0_git1-r0", "5.3.28-r0")))


@needs_shared
@pytest.mark.parametrize(
    ("release", "package", "name", "listed"),
    [
        ("3.8", "ghostscript", "CVE-2019-6116", {"9.26-r1", "9.26-r2"}),
        ("3.8", "sqlite", "CVE-2018-20346", {"3.25.3-r0", "3.25.3-r2"}),
        ("3.10", "busybox", "CVE-2019-5747", {"1.29.3-r10", "1.30.1-r2"}),
        ("3.8", "openssl", "CVE-2017-3738", {"1.0.2n-r0", "1.0.2o-r0"}),
    ],
)
def test_of_several_versions_the_highest_has_the_whole_fix(
    release: str, package: str, name: str, listed: set[str]
) -> None:
    """In whichever order they stand: in one of these the lower one comes last, in another the higher."""
    found = fix(secdbs.real(release), package, name)
    low, high = sorted(listed)
    assert set(found.versions) == listed
    assert found.fixed == high
    assert found.is_missing_from(low)
    assert not found.is_missing_from(high)


def test_a_fix_beside_version_0_counts() -> None:
    """One of both is wrong; that something was fixed is not passed over."""
    found = fix(
        secdbs.secdb({"a": {"0": ["CVE-2020-1111"], "2-r0": ["CVE-2020-1111"]}}), "a", "CVE-2020-1111"
    )
    assert found.is_missing_from("1-r0")
    assert found.fixed == "2-r0"


@needs_shared
def test_a_fix_without_a_revision_is_in_its_first_one() -> None:
    """curl in 3.10: `7.53.0: [CVE-2017-2629]`."""
    found = fix(secdbs.real("3.10"), "curl", "CVE-2017-2629")
    assert found.fixed == "7.53.0"
    assert not found.is_missing_from("7.53.0-r0")
    assert found.is_missing_from("7.52.1-r9")


@needs_shared
def test_a_slip_in_a_version_is_read_as_it_was_meant() -> None:
    """mariadb in 3.8 has `10.2.26.r0` (in trivy#1408 it is docker's `20.10.11.r0`), xen has `4.10-1-r1`."""
    found = next(each for each in secdbs.real("3.8").of("mariadb") if each.versions == ("10.2.26.r0",))
    assert found.fixed == "10.2.26-r0"
    assert found.is_missing_from("10.2.25-r7")
    assert not found.is_missing_from("10.2.26-r0")
    found = next(each for each in secdbs.real("3.8").of("xen") if each.versions == ("4.10-1-r1",))
    assert found.fixed == "4.10.1-r1"
    assert found.is_missing_from("4.10.1-r0")


@pytest.mark.parametrize("version", ["1.2-r0", "0", "1.11_p20-r0", "7.53.0", "1..2", "unknown", "1.2-rc1"])
def test_other_versions_are_left_alone(version: str) -> None:
    assert meant(version) == version


def test_lists_may_be_null_and_packages_without_fixes() -> None:
    found = secdbs.secdb({"a": {"1-r0": None, "2-r0": ["CVE-2020-1111"]}, "b": {}})
    assert [each.issue.id for each in found.of("a")] == ["CVE-2020-1111"]
    document = secdbs.document({})
    document["packages"] = [{"pkg": {"name": "a", "secfixes": None}}, {"pkg": {"name": "b"}}]
    assert read(document).count == 0
    assert (
        decode_secdb(b"distroversion: v3.19\nreponame: main\narchs: [x86_64]\npackages: []\n", "a.yaml").count
        == 0
    )


def test_a_package_that_is_listed_twice_has_all_its_fixes() -> None:
    document = secdbs.document({"a": {"1-r0": ["CVE-2020-1111"]}})
    document["packages"] += secdbs.document({"a": {"2-r0": ["CVE-2020-1111", "CVE-2020-2222"]}})["packages"]
    assert [(each.issue.id, each.fixed) for each in read(document).of("a")] == [
        ("CVE-2020-1111", "2-r0"),
        ("CVE-2020-2222", "2-r0"),
    ]


def test_edge_is_a_release() -> None:
    assert secdbs.secdb({}, release="edge").name == "secdb edge/main"


@needs_shared
def test_json_and_yaml_are_read_alike() -> None:
    document = json.dumps(secdbs.raw("3.10")).encode()
    assert decode_secdb(document, "main.json") == secdbs.real("3.10")


GOOD = secdbs.document({"a": {"1-r0": ["CVE-2020-1111"]}})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "expected an object"),
        (None, "expected an object: nothing"),
        ({**GOOD, "distroversion": 3.19}, "distroversion: expected a text"),
        ({**GOOD, "distroversion": "stable"}, "distroversion: expected a release"),
        ({**GOOD, "archs": "x86_64"}, "archs: expected a list"),
        ({**GOOD, "archs": [["x86_64"]]}, "archs: expected a text"),
        ({**GOOD, "packages": {}}, "packages: expected a list: an object"),
        (
            {key: value for key, value in GOOD.items() if key != "packages"},
            "packages: expected a list: nothing",
        ),
        ({**GOOD, "packages": ["a"]}, "packages: [0].pkg: expected an object"),
        ({**GOOD, "packages": [{"pkg": {"secfixes": {}}}]}, "packages: [0].pkg: name: expected a text"),
        ({**GOOD, "packages": [{"pkg": {"name": "a", "secfixes": []}}]}, "secfixes (a): expected an object"),
        ({**GOOD, "packages": [{"pkg": {"name": "a", "secfixes": {"1": "CVE-1"}}}]}, "`1`: expected a list"),
        ({**GOOD, "packages": [{"pkg": {"name": "a", "secfixes": {"1": [2]}}}]}, "`1`: expected a text"),
        ({**GOOD, "packages": [{"pkg": {"name": "a", "secfixes": {"1": ["C" * 600]}}}]}, "at most 512"),
        ({**GOOD, "packages": [{"pkg": {"name": "a" * 300}}]}, "at most 256"),
    ],
)
def test_what_is_no_secdb_is_refused_with_the_place(document: Any, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode_secdb(json.dumps(document).encode(), "main.json")
    assert said in str(caught.value)
    assert str(caught.value).startswith("main.json: ")


def test_more_entries_than_any_release_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secdb, "MAX_ENTRIES", 10)
    with pytest.raises(FormatError, match="more than 10 entries"):
        secdbs.secdb({f"p{n}": {"1-r0": ["CVE-2020-1111"]} for n in range(11)})
    monkeypatch.setattr(secdb, "MAX_PACKAGES", 3)
    with pytest.raises(FormatError, match="at most 3 items: 4"):
        secdbs.secdb({f"p{n}": {} for n in range(4)})


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"[" * 200_000, "main.json", "reasonable depth"),
        (b"{" * 50_000, "main.yaml", "nesting"),
        (
            b"a: &a [x, x]\nb: &b [*a, *a]\n"
            + b"".join(b"%c: &%c [*%c, *%c]\n" % (n, n, n - 1, n - 1) for n in range(99, 122)),
            "main.yaml",
            "at most",
        ),
        (b'{"packages": [], "packages": []}', "main.json", "stands twice"),
        (b"\xff\xfe", "main.json", "UTF-8"),
        (b"<html>no such page</html>", "main.json", "main.json: expected an object"),
        (b"", "main.json", "main.json: expected an object"),
        (b"a: 1\n---\nb: 2\n", "main.yaml", "a database is one document"),
        (b"a: !!python/object:os.system x\n", "main.yaml", "main.yaml"),
    ],
    ids=[
        "deep JSON",
        "deep YAML",
        "aliases that grow",
        "ambiguous",
        "binary",
        "a page",
        "nothing",
        "two",
        "a tag",
    ],
)
def test_hostile_bytes_are_refused(data: bytes, name: str, said: str) -> None:
    with pytest.raises(FormatError) as caught:
        decode_secdb(data, name)
    assert said in str(caught.value)


def test_a_document_of_any_size_ends_in_bounded_time_and_memory() -> None:
    """Counted, not timed: what is far larger than any release's is refused unread, or at a count."""
    with pytest.raises(FormatError, match="longer than"):
        decode_secdb(b" " * (vuln_data.MAX_SIZE + 1), "main.json")
    many = b"packages: [" + b"a," * (vuln_data.MAX_VALUES + 1) + b"]"
    with pytest.raises(FormatError, match=f"a database holds at most {vuln_data.MAX_VALUES} values"):
        decode_secdb(many, "main.yaml")
