"""The words of a question, and which dependencies they speak of."""

import pytest

from support.universes import asked, universe
from witchery.apk.dependency import Dependency
from witchery.errors import FormatError
from witchery.impact.asked import Asked, entails

WORLD = """
python-3.10 o:python3 | p:cmd:python=3.10 so:libpython3.so.1
any-1 D:python
old-1 D:python~3.10 | o:olds
new-1 D:python~3.11
low-1 D:python>=3.9
boost-1 p:so:libboost_a.so.1 so:libboost_b.so.1 so:libbooster.so.1 | o:boost
user-1 D:so:libboost_a.so.1 so:libbooster.so.1
"""


@pytest.mark.parametrize(
    "text", ["", "a b", "!a", "a@edge", "origin:", "origin:a=1", "a=", "a\nb", "ö", "a=x!y"]
)
def test_what_is_no_word_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="expected a name"):
        Asked.parse(text)


def test_a_name_is_itself_known_or_not() -> None:
    assert Asked.parse("so:x.so.1").names(universe(WORLD)) == ("so:x.so.1",)


def test_wildcards_stand_for_characters_and_nothing_else_does() -> None:
    there = universe(WORLD)
    assert Asked.parse("so:libboost_?.so.*").names(there) == ("so:libboost_a.so.1", "so:libboost_b.so.1")
    assert Asked.parse("so:libboost*").names(there)[-1] == "so:libbooster.so.1"
    assert Asked.parse("so:libboost.a?so?1").names(there) == ()


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("python", ["python"]),
        ("python<3.10", []),
        ("python~3.10", ["python"]),
        ("o*", ["old"]),
        ("origin:olds", ["old"]),
        ("origin:*o*", ["python", "old", "boost", "low"]),
        ("origin:low", ["low"]),  # a package without a source package is its own
        ("cmd:python", []),
    ],
)
def test_a_word_names_packages(word: str, names: list[str]) -> None:
    there = universe(WORLD)
    assert {there.packages[each].name for each in Asked.parse(word).packages(there)} == set(names)


@pytest.mark.parametrize(
    ("word", "needs"),
    [
        ("python", {"python", "python~3.10", "python~3.11", "python>=3.9"}),
        ("python~3.10", {"python~3.10"}),
        ("python~3", {"python~3.10", "python~3.11"}),
        ("python>=3", {"python>=3.9"}),
        ("so:libboost*", {"so:libboost_a.so.1", "so:libbooster.so.1"}),
    ],
)
def test_a_word_speaks_of_the_dependencies_that_leave_no_other_choice(word: str, needs: set[str]) -> None:
    (parsed,) = asked(word)
    assert {str(each) for each in parsed.binding(universe(WORLD))} == needs


_VERSIONS = ["1", "1.0", "1.2", "1.2-r1", "1.2.3", "1.10", "2", "2.0_rc1", "3"]
_CONSTRAINTS = [
    Dependency.parse(f"x{operator}{version}")
    for operator in ("=", "<", "<=", ">", ">=", "~")
    for version in _VERSIONS
]


def test_whatever_satisfies_a_dependency_satisfies_what_it_entails() -> None:
    """Of all pairs of 54 constraints, held against 9 versions."""
    pairs = [(a, b) for a in _CONSTRAINTS for b in _CONSTRAINTS if entails(a, b)]
    assert len(pairs) > len(_CONSTRAINTS)
    for dependency, wanted in pairs:
        for version in _VERSIONS:
            assert wanted.accepts(version) or not dependency.accepts(version), (dependency, wanted, version)


def test_a_dependency_entails_itself_and_its_bare_name() -> None:
    for each in _CONSTRAINTS:
        assert entails(each, each)
        assert entails(each, Dependency("x"))
        assert not entails(Dependency("x"), each)
