"""Which packages have what: the rules, one test each, and every pattern of false matches that is known."""

import pytest

from support import secdbs
from support.shared import needs_shared
from witchery.vulns.finding import Unchecked
from witchery.vulns.matching import Installed, Standing, match

CURL = secdbs.secdb({"curl": {"8.6.0-r0": ["CVE-2024-0853"]}})


def names(*packages: Installed, release: str = "3.19") -> list[tuple[str, str]]:
    return [(each.package, each.id) for each in match(packages, [CURL]).findings]


@needs_shared
def test_packages_are_found_by_their_origin() -> None:
    """vuls#2034, grype#1292: libcurl has curl's vulnerabilities; real data of 3.10."""
    data = [secdbs.real("3.10")]
    packages = [
        secdbs.package("libcurl", "7.65.1-r0", origin="curl", release="3.10"),
        secdbs.package("curl", "7.66.0-r0", release="3.10"),
    ]
    found = match(packages, data).findings
    assert {each.package for each in found} == {"libcurl"}
    assert {each.id for each in found} >= {"CVE-2019-5481", "CVE-2019-5482"}
    assert {(each.origin, each.source) for each in found} == {("curl", "secdb v3.10/main")}
    assert {each.fixed for each in found} == {"7.66.0-r0"}


def test_a_package_called_like_anothers_source_is_not_that_source() -> None:
    """A package `curl` of the source `wcurl` has wcurl's vulnerabilities: none."""
    assert names(secdbs.package("curl", "8.5.0-r0", origin="wcurl")) == []


def test_a_package_without_an_origin_is_its_own() -> None:
    package = Installed(
        name="curl",
        version="8.5.0-r0",
        origin="",
        arch="x86_64",
        standing=Standing.VOUCHED,
        why="",
        release="3.19",
    )
    assert names(package) == [("curl", "CVE-2024-0853")]


@pytest.mark.parametrize("why", ["no key of Alpine's vouches for it", "given as a file", "the application"])
def test_a_package_that_is_not_alpines_has_none_of_its_vulnerabilities(why: str) -> None:
    """grype#827: built locally, and called like Alpine's. It is told of, with the reason."""
    package = secdbs.package("curl", "1.0-r0", standing=Standing.FOREIGN, why=why)
    found = match([package], [CURL])
    assert not found.findings
    assert found.checked == 0
    assert found.unchecked == (Unchecked("curl", "1.0-r0", f"not Alpine's: {why}"),)


def test_a_package_that_only_the_image_calls_alpines_is_looked_up() -> None:
    """Otherwise an image without evidence would be without vulnerabilities."""
    assert names(secdbs.package("curl", "8.5.0-r0", standing=Standing.STATED))


def test_only_architectures_count_that_secdb_lists() -> None:
    found = match([secdbs.package("curl", "8.5.0-r0", arch="riscv64")], [CURL])
    assert not found.findings
    assert found.unchecked[0].reason == "secdb v3.19 does not speak of riscv64"
    assert match([secdbs.package("curl", "8.5.0-r0", arch="aarch64")], [CURL]).findings


@needs_shared
def test_armv7_came_later_than_3_8() -> None:
    """Real data: 3.8 has no armv7, 3.10 has."""
    for release, listed in (("3.8", False), ("3.10", True)):
        package = secdbs.package("busybox", "1.20.0-r0", release=release, arch="armv7")
        found = match([package], [secdbs.real(release)])
        assert bool(found.findings) is listed
        assert bool(found.unchecked) is not listed


def test_a_fix_in_one_release_says_nothing_about_another() -> None:
    """The same package of 3.18, where nothing is known; and of edge."""
    for release in ("3.18", "edge"):
        found = match([secdbs.package("curl", "8.5.0-r0", release=release)], [CURL])
        assert not found.findings
        assert found.unchecked[0].reason.startswith("there is no data for")


def test_an_unknown_release_is_said_and_not_guessed() -> None:
    found = match([secdbs.package("curl", "8.5.0-r0", release="")], [CURL])
    assert found.unchecked == (Unchecked("curl", "8.5.0-r0", "of an unknown release of Alpine"),)


def test_testing_is_not_covered() -> None:
    package = secdbs.package("curl", "8.5.0-r0", release="edge", repository="testing")
    found = match([package], [secdbs.secdb({"curl": {"9-r0": ["CVE-2024-0853"]}}, release="edge")])
    assert found.unchecked[0].reason == "from `testing`, which secdb does not cover"


def test_a_package_of_community_is_not_unharmed_because_main_does_not_know_it() -> None:
    package = secdbs.package("tor", "0.4-r0", repository="community")
    assert match([package], [CURL]).unchecked[0].reason == "there is no data for v3.19/community"
    community = secdbs.secdb({"tor": {"0.5-r0": ["TROVE-2023-004"]}}, repository="community")
    assert [each.id for each in match([package], [CURL, community]).findings] == ["TROVE-2023-004"]


def test_a_version_never_affected_is_not_found() -> None:
    data = [secdbs.secdb({"a": {"0": ["CVE-2020-1111"]}})]
    found = match([secdbs.package("a", "0.0.1-r0")], data)
    assert not found.findings
    assert found.checked == 1


def test_one_vulnerability_under_two_versions_is_found_once() -> None:
    """grype#970: jenkins, `2.332.1-r0` and `2.319.2-r0`."""
    fixes = {"2.332.1-r0": ["CVE-2022-20612"], "2.319.2-r0": ["CVE-2022-20612", "CVE-2022-0538"]}
    data = [secdbs.secdb({"jenkins": fixes})]
    found = match([secdbs.package("jenkins", "2.319.1-r0")], data).findings
    assert [(each.id, each.fixed) for each in found] == [
        ("CVE-2022-0538", "2.319.2-r0"),
        ("CVE-2022-20612", "2.332.1-r0"),
    ]
    assert not match([secdbs.package("jenkins", "2.332.1-r0")], data).findings


def test_an_entry_keeps_its_other_names_and_its_remark() -> None:
    data = [secdbs.secdb({"xen": {"4.18-r0": ["CVE-2023-1111 XSA-440 (only on x86)"]}})]
    (found,) = match([secdbs.package("xen", "4.17-r0")], data).findings
    assert (found.names, found.remark) == (("CVE-2023-1111", "XSA-440"), "only on x86")


def test_the_package_url_is_that_of_scanners() -> None:
    package = secdbs.package("libcurl", "8.5.0-r0", origin="curl", distro="3.19.1")
    (found,) = match([package], [CURL]).findings
    assert found.purl == "pkg:apk/alpine/libcurl@8.5.0-r0?arch=x86_64&distro=3.19.1"


def test_absence_is_not_proof_and_nothing_is_said_to_be_safe() -> None:
    """clair#754: a package that secdb does not know was looked up, and that is all that can be said."""
    found = match([secdbs.package("unknown", "1-r0")], [CURL])
    assert (found.checked, found.findings, found.unchecked) == (1, (), ())


def test_without_data_nothing_was_checked() -> None:
    found = match([secdbs.package("curl", "8.5.0-r0")], [])
    assert found.checked == 0
    assert found.unchecked
