"""What git says of a source becomes a version that apk orders as its author would."""

import itertools

import pytest

from witchery.apk import version as versions
from witchery.payload.source_version import from_git, from_tag


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v1.2.3", "1.2.3"),
        ("1.2", "1.2"),
        ("V2.0", "2.0"),
        ("release-1.2.3", "1.2.3"),
        ("hello/v1.2.3", "1.2.3"),
        ("py3-hello-1.0", "1.0"),
        ("lib2-1.0", "1.0"),
        ("boost_1_84_0", "1.84.0"),
        ("2024-01-15", "2024.01.15"),
        ("v1.2.3-rc.1", "1.2.3_rc1"),
        ("v1.2.3-rc1", "1.2.3_rc1"),
        ("1.2.3rc1", "1.2.3_rc1"),
        ("1.2.3a2", "1.2.3_alpha2"),
        ("1.2.3b2", "1.2.3_beta2"),
        ("1.2.3-beta", "1.2.3_beta"),
        ("1.0.dev3", "1.0_alpha3"),
        ("1.0.post2", "1.0_p2"),
        ("V_9_6_P1", "9.6_p1"),
        ("1.1.1w", "1.1.1w"),
        ("v1.2.3+build.5", "1.2.3"),
        ("nightly", ""),
        ("v", ""),
        ("1.2.3-final-really", ""),
        ("1" * 200, ""),
    ],
)
def test_a_tag_names_a_version_or_none(tag: str, version: str) -> None:
    assert from_tag(tag) == version
    assert not version or versions.is_valid(version)


@pytest.mark.parametrize(
    ("described", "version"),
    [
        ("v1.2.3-0-gabc1234", "1.2.3"),
        ("v1.2.3-4-gabc1234", "1.2.3_p4"),
        ("v1.2.3-0-gabc1234-dirty", "1.2.3_git"),
        ("v1.2.3-4-gabc1234-dirty", "1.2.3_p4_git"),
        ("v1.2.3-rc.1-4-gabc1234", "1.2.3_rc1_p4"),
        ("nightly-4-gabc1234", "0_git20240131"),
        ("1234567", "0_git20240131"),
        ("abc1234-dirty", "0_git20240131_git"),
    ],
)
def test_a_described_commit_has_a_valid_version(described: str, version: str) -> None:
    assert from_git(described, "20240131") == version
    assert versions.is_valid(f"{version}-r0")


def test_versions_of_a_history_are_in_the_order_of_the_history() -> None:
    history = [
        "abc1234",
        "v1.2.3-alpha-0-gabc1234",
        "v1.2.3-rc.1-0-gabc1234",
        "v1.2.3-rc.1-0-gabc1234-dirty",
        "v1.2.3-rc.1-1-gabc1234",
        "v1.2.3-rc.1-12-gabc1234",
        "v1.2.3-rc.2-0-gabc1234",
        "v1.2.3-0-gabc1234",
        "v1.2.3-0-gabc1234-dirty",
        "v1.2.3-4-gabc1234",
        "v1.2.3-4-gabc1234-dirty",
        "v1.2.3-5-gabc1234",
        "v1.2.3-10-gabc1234",
        "v1.2.3.1-0-gabc1234",
        "v1.2.4-0-gabc1234",
        "v1.10-0-gabc1234",
    ]
    made = [f"{from_git(each, '20240131')}-r0" for each in history]
    for older, newer in itertools.pairwise(made):
        assert versions.compare(older, newer) == -1, (older, newer)
