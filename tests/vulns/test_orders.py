"""The orders of versions: the examples of their specifications, and other implementations."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from witchery.vulns import orders
from witchery.vulns.orders import Order

ASCENDING: dict[str, tuple[Order, str]] = {
    # https://semver.org/#spec-item-11
    "semver": (
        orders.semver,
        """1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0
        1.0.1 1.2.0 1.10.0 2.0.0""",
    ),
    # https://go.dev/ref/mod#pseudo-versions
    "Go": (
        orders.semver,
        """v0.0.0-20190308221718-c2843e01d9a2 v0.0.0-20210921155107-089bfa567519 v0.1.0
        v1.2.3-0.20191109021931-daa7c04131f5 v1.2.3-pre v1.2.3 v1.2.4-0.20191109021931-daa7c04131f5""",
    ),
    # https://packaging.python.org/en/latest/specifications/version-specifiers/, "Summary of permitted..."
    "PyPI": (
        orders.pep440,
        """1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456
        1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456
        1.0.15 1.1.dev1 1!0.1""",
    ),
    # https://maven.apache.org/pom.html#version-order-specification
    "Maven": (
        orders.maven,
        """1-alpha2 1-alpha-123 1-beta-2 1-beta-123 1-m2 1-m11 1-rc 1-SNAPSHOT 1 1-sp 1-sp-1 1-abc 1-def
        1-1-snapshot 1-1 1-2 1.0.1 1.1 2.0.0.Beta1 2.0.0.RC1 2.0.0.Final 2.0.0.SP1 2.13 31.0-android
        31.1-android""",
    ),
    # https://docs.ruby-lang.org/en/3.3/Gem/Version.html
    "RubyGems": (orders.gem, "1.0.a 1.0.a.2 1.0.b1 1.0.rc1 1.0 1.0.1.pre 1.0.1 1.1.a 1.1 1.10 2.0.0"),
    # https://learn.microsoft.com/nuget/concepts/package-versioning
    "NuGet": (orders.nuget, "1.0.0-Alpha 1.0.0-beta 1.0.0 1.0.0.1 1.0.1 1.1"),
}
"""Versions from the lowest to the highest."""

EQUAL: dict[str, tuple[Order, list[str]]] = {
    "semver": (orders.semver, ["1.2.3", "v1.2.3", "1.2.3+build.5", "1.2.3.0"]),
    "Go": (orders.semver, ["v2.0.0+incompatible", "v2.0.0", "2.0.0", "2"]),
    "PyPI": (orders.pep440, ["1.0", "1", "1.0.0", "v1.0", "0!1.0", " 1.0 "]),
    "PyPI, pre-releases": (orders.pep440, ["1.0rc1", "1.0-RC.1", "1.0c1", "1.0_pre1"]),
    "Maven": (
        orders.maven,
        ["1", "1.0", "1.0.0", "1-ga", "1.0-FINAL", "1.0.0-release", "1-0", "1.0.0-0.0.0"],
    ),
    "Maven, words": (orders.maven, ["1-foo", "1.0.0-foo.0.0", "1.0-FOO"]),
    "Maven, milestones": (orders.maven, ["1.0-rc1", "1.0-cr1", "1-rc-1", "1rc1"]),
    "RubyGems": (orders.gem, ["1", "1.0", "1.0.0"]),
    "NuGet": (orders.nuget, ["1.0-BETA", "1.0.0-beta", "1.0.0.0-Beta"]),
}


@pytest.mark.parametrize("world", ASCENDING)
def test_versions_stand_in_the_order_of_their_world(world: str) -> None:
    order, listed = ASCENDING[world]
    for low, high in pairwise(listed.split()):
        first, second = order(low), order(high)
        assert first is not None
        assert second is not None
        assert first < second, f"{low} < {high}"


@pytest.mark.parametrize("world", EQUAL)
def test_different_spellings_are_one_version(world: str) -> None:
    order, listed = EQUAL[world]
    assert all(order(each) == order(listed[0]) for each in listed)
    assert None not in map(order, listed)


@pytest.mark.parametrize("order", [orders.semver, orders.pep440, orders.gem, orders.nuget])
@pytest.mark.parametrize("text", ["", "(devel)", "latest", "1..2", "a b", "1" * 300, "../../etc", "1.0\n2.0"])
def test_what_is_no_version_has_no_place(order: Order, text: str) -> None:
    assert order(text) is None


_NUMBER = st.integers(0, 12).map(str)
_RELEASE = st.lists(_NUMBER, min_size=1, max_size=4).map(".".join)
_SUFFIX = st.sampled_from(
    ["", "a", "b1", "rc2", ".post1", "-1", ".dev3", "a1.dev2", "+l", "+1.x", "rc1.post2.dev4", "!"]
)


@pytest.mark.property
@given(st.lists(st.builds(str.__add__, _RELEASE, _SUFFIX), min_size=2, max_size=6))
def test_python_versions_are_ordered_as_packaging_orders_them(versions: list[str]) -> None:
    for a, b in pairwise(versions):
        ours = orders.pep440(a), orders.pep440(b)
        try:
            theirs = Version(a), Version(b)
        except InvalidVersion:
            assert None in ours
            continue
        assert ours[0] is not None
        assert ours[1] is not None
        assert (ours[0] < ours[1], ours[0] == ours[1]) == (theirs[0] < theirs[1], theirs[0] == theirs[1])
