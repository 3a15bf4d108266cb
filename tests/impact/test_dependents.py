"""Who depends on something, drawn by hand and against a naive look at every package of a real release."""

import hashlib
from collections.abc import Iterable

import pytest

from support.shared import needs_shared
from support.universes import V316, asked, universe, whole
from witchery.impact.dependents import Dependents, dependents
from witchery.impact.universe import Universe

WORLD = """
ssl-1 p:so:ssl.1 cmd:ssl=1 | o:openssl
ssl-dev-1 D:ssl=1 so:ssl.1 | o:openssl
libre-1 p:so:ssl.1 | o:libre
curl-1 D:so:ssl.1 | p:so:curl.4 | o:curl
git-1 D:so:curl.4 | o:git
shell-1 D:cmd:ssl>=1 so:curl.4
other-1 D:!ssl so:else.1
late-1 D:git
loop-1 D:pool
pool-1 D:loop late
unmet-1 D:ssl>2
"""


def _rows(found: Dependents) -> dict[str, tuple[int, str, str, str]]:
    there = found.universe

    def names(positions: Iterable[int]) -> str:
        return " ".join(there.packages[each].name for each in positions)

    return {
        there.packages[each.position].name: (
            each.level,
            " ".join(map(str, each.dependencies)),
            names(each.through),
            names(each.others),
        )
        for each in found
    }


def test_a_provided_name_is_needed_whoever_provides_it() -> None:
    found = dependents(universe(WORLD), asked("so:ssl.1"))
    assert _rows(found) == {
        "ssl-dev": (1, "so:ssl.1", "ssl libre", ""),
        "curl": (1, "so:ssl.1", "ssl libre", ""),
        "git": (2, "so:curl.4", "curl", ""),
        "shell": (2, "so:curl.4", "curl", ""),
        "late": (3, "git", "git", ""),
        "pool": (4, "late", "late", ""),
        "loop": (5, "pool", "pool", ""),
    }
    assert [found.universe.packages[each].name for each in found.targets] == ["ssl", "libre"]
    assert found.levels == 5


def test_a_package_is_needed_for_all_that_it_provides_and_others_may_do() -> None:
    rows = _rows(dependents(universe(WORLD), asked("ssl")))
    assert rows["curl"] == (1, "so:ssl.1", "ssl", "libre")
    assert rows["ssl-dev"] == (1, "ssl=1 so:ssl.1", "ssl", "")  # its own version nobody else has
    assert rows["shell"] == (1, "cmd:ssl>=1", "ssl", "")
    assert "unmet" not in rows


def test_a_source_package_is_needed_by_others_only() -> None:
    rows = _rows(dependents(universe(WORLD), asked("origin:openssl")))
    assert "ssl-dev" not in rows
    assert rows["git"][0] == 2


def test_nobody_depends_on_what_only_conflicts_speak_of() -> None:
    assert not dependents(universe(WORLD), asked("so:none.1"))
    assert "other" not in _rows(dependents(universe(WORLD), asked("ssl", "libre")))


def test_a_package_does_not_depend_on_what_it_has_itself() -> None:
    there = universe(
        "lib-1 p:so:a.1\nself-1 D:so:a.1 | p:so:a.1\nuser-1 D:so:a.1\nother-1 D:so:b=2 | p:so:b=1"
    )
    assert set(_rows(dependents(there, asked("so:a.1")))) == {"user"}
    assert set(_rows(dependents(there, asked("lib")))) == {"user"}
    assert set(_rows(dependents(there, asked("so:b")))) == {"other"}  # it has another version


def _sample(names: Iterable[str], count: int) -> list[str]:
    """Some of many names, always the same."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:count]


def _naive(there: Universe, name: str) -> list[set[str]]:
    """The levels, by looking at every dependency of every package again and again."""
    packages = there.packages
    named = {each for each in packages if each.name == name}
    levels: list[set[str]] = []
    found = {each.name for each in named}
    below, asked_for = named, True
    while True:
        level = set()
        for package in packages:
            for needed in package.depends:
                hits = any(
                    needed.name == own and needed.accepts(version, each.identity)
                    for each in below
                    for own, version in ((each.name, each.version), *each.provides)
                )
                bare = asked_for and not named and needed.name == name
                if not needed.conflict and (hits or bare) and package.name not in found:
                    level.add(package)
        if not level:
            return levels
        levels.append({each.name for each in level})
        found |= levels[-1]
        below, asked_for = level, False


@needs_shared
def test_direct_dependents_of_every_name_are_those_of_a_naive_scan() -> None:
    """1,500 of the 6,935 names of 3.16 that are no package: who has the name in its dependencies."""
    there = whole(V316)
    naive: dict[str, set[str]] = {}
    for package in there.packages:
        for needed in package.depends:
            if not needed.conflict:
                naive.setdefault(needed.name, set()).add(package.name)
    own = {package.name for package in there.packages}
    names = [name for name in there.names() if name not in own]
    assert len(names) == 6935
    for name in _sample(names, 1500):
        found = dependents(there, asked(name)).level(1)
        assert {there.packages[each.position].name for each in found} == naive.get(name, set()), name


@needs_shared
@pytest.mark.parametrize("name", ["libmagic", "so:libcurl.so.4", "geoip", "pc:sqlite3", "lua5.2"])
def test_levels_are_those_of_a_naive_scan(name: str) -> None:
    there = whole(V316)
    found = dependents(there, asked(name))
    levels = [
        {there.packages[each.position].name for each in found.level(number + 1)}
        for number in range(found.levels)
    ]
    assert levels == _naive(there, name)
    assert levels
