"""The rules of choice, each shown by an index of a few packages; the answers are those of apk-tools 3.0.8."""

import pytest

from support.indexes import source, stanza
from witchery.apk.dependency import Dependency
from witchery.apk.index import Index
from witchery.apk.package import Package
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.solution import Cause, Reason, Solution
from witchery.solver.solver import solve
from witchery.solver.source import Source


def _solve(world: str, *sources: Source) -> Solution | None:
    return attempt(Catalogue(sources, "x86_64"), [Dependency.parse(entry) for entry in world.split()])


def _packages(world: str, *sources: Source) -> str | None:
    solution = _solve(world, *sources)
    return None if solution is None else " ".join(str(each.package) for each in solution)


CASES = {
    "the highest version": ("a", "a-1\na-10\na-9", "a-10"),
    "dependencies come first, in their order": ("a", "a-1 D:c b\nb-1\nc-1", "c-1 b-1 a-1"),
    "a cycle is left where it closes": ("a", "a-1 D:b\nb-1 D:a", "b-1 a-1"),
    "a constraint chooses an older version": ("a b", "a-1\na-2\nb-1 D:a<2", "a-1 b-1"),
    "of two providers the higher version of the name": ("v", "v-1\nb-1 p:v=2", "b-1"),
    "a tie is decided by priority": ("v", "a-1 p:v=1 | k:1\nb-1 p:v=1 | k:2", "b-1"),
    "a tie is decided by the order of the index": ("v", "b-1 p:v=1\na-1 p:v=1", "b-1"),
    "an unversioned provider is not taken unasked": ("v", "a-1 p:v", None),
    "an unversioned provider with a priority is": ("v", "a-1 p:v | k:1", "a-1"),
    "an unversioned provider that is required anyway is": ("v a", "a-1 p:v", "a-1"),
    "several unversioned providers live together": ("a b", "a-1 p:v\nb-1 p:v", "a-1 b-1"),
    "two owners of a name do not": ("a b", "a-1 p:v=1\nb-1 p:v=1", None),
    "a package that provides its own name conflicts with itself": ("a", "a-1 p:a", None),
    "a package that provides a name twice conflicts with itself": ("a", "a-1 p:v=1 v=2", None),
    "a package does not conflict with itself otherwise": ("a", "a-1 D:!v | p:v=1", "a-1"),
    "a conflict in the world excludes": ("v !a", "a-1 p:v=2\nb-1 p:v=1", "b-1"),
    "a conflict of a selected package excludes": ("a v", "a-1 D:!b\nb-1 p:v=2\nc-1 p:v=1", "a-1 c-1"),
    "a forced selection is awaited": ("a", "a-1 D:v b\ny-1 p:v | k:9\nb-1 D:x\nx-1 p:v", "x-1 b-1 a-1"),
    "a package precedes the name that it provides": ("a b", "a-2\nb-1 p:a=1\nb-0", "b-1"),
    "a dependent precedes its dependency": ("a b", "b-0\nb-1 p:a=1\na-2 D:b", "b-0 a-2"),
    "no way back from a version whose dependency is missing": ("a", "a-2 D:b>=5\na-1\nb-1", None),
    "install_if brings what it needs": ("a b", "a-1\nb-1\nc-1 i:a b | D:d\nd-1", "a-1 b-1 d-1 c-1"),
    "install_if with an unmet condition does not": ("a", "a-1\nb-1\nc-1 i:a b", "a-1"),
    "install_if chains": ("a", "a-1\nb-1 i:a\nc-1 i:b", "a-1 b-1 c-1"),
    "install_if by a provided name": ("a", "a-1 p:v\nb-1 i:v", "a-1 b-1"),
    "install_if that wants another version does not": ("a", "a-1\nb-1 i:a=2", "a-1"),
    "install_if against a package that is not there": ("a", "a-1\nb-1 i:a !c\nc-1", "a-1 b-1"),
    "install_if against a package that is there": ("a c", "a-1\nb-1 i:a !c\nc-1", "a-1 c-1"),
    "install_if masked by the world": ("a !b", "a-1\nb-1 i:a", "a-1"),
    "install_if whose dependency is missing fails all": ("a", "a-1\nb-1 i:a | D:none", None),
    "replaces do not matter": ("a b", "a-1 r:b\nb-1 r:a", "a-1 b-1"),
    "a missing package": ("a", "b-1", None),
    "the world is sorted without regard to case": ("b A", "A-1\nb-1", "A-1 b-1"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_of_choice(name: str) -> None:
    world, index, expected = CASES[name]
    assert _packages(world, source(index)) == expected


def test_a_package_of_another_architecture_is_not_taken() -> None:
    other = Source("main", Index.parse(stanza("a", arch="s390x") + "\n\n"))
    assert _packages("a", other) is None
    assert _packages("a", Source("main", Index.parse(stanza("a", arch="noarch") + "\n\n"))) == "a-1"


def test_the_earlier_repository_wins_a_tie_and_the_newer_version_wins_over_it() -> None:
    first, second = source("a-1\nb-1"), source("a-1 D:x\nb-2\nx-1")
    assert _packages("a b", first, second) == "a-1 b-2"
    assert _packages("a b", second, first) == "x-1 a-1 b-2"


def test_equal_identities_in_two_repositories_are_one_package_of_the_first() -> None:
    first, second = source("a-1"), source("a-1", "edge")
    solution = _solve("a", second, first)
    assert solution is not None
    assert [(each.source, each.tag) for each in solution] == [(first, "")]


def test_a_tagged_repository_is_used_only_where_the_tag_is_allowed() -> None:
    main, edge = source("a-1\nb-1"), source("a-2 D:b c\nb-2\nc-2", "edge")
    assert _packages("a", main, edge) == "a-1"
    assert _packages("c", main, edge) is None
    assert _packages("a@edge", main, edge) == "b-1 c-2 a-2"
    assert _packages("a@none", main, edge) is None
    solution = _solve("a@edge", main, edge)
    assert solution is not None
    assert [each.tag for each in solution] == ["", "edge", "edge"]


def test_the_preferred_tag_wins_over_a_newer_version() -> None:
    assert _packages("a@edge", source("a-3"), source("a-2", "edge")) == "a-2"


def test_a_package_given_by_hand_is_taken_like_any_other() -> None:
    payload = Package.parse(stanza("app", "0", depends="libx"))
    solution = solve([Dependency.parse("app")], [Source.of([payload]), source("libx-1")], "x86_64")
    assert [each.package for each in solution][1] == payload


def test_several_constraints_on_one_name_all_count() -> None:
    assert _packages("a>1 a<3", source("a-1\na-2\na-3")) == "a-2"


def test_every_reason_for_a_package_is_told() -> None:
    solution = _solve("a b v", source("a-1 D:b>=1\nb-1 p:v=1\nc-1 i:a v"))
    assert solution is not None
    parse = Dependency.parse
    reasons = {each.package.name: each.reasons for each in solution}
    assert reasons == {
        "a": (Reason(Cause.WORLD, (parse("a"),)),),
        "b": (
            Reason(Cause.WORLD, (parse("b"),)),
            Reason(Cause.WORLD, (parse("v"),)),
            Reason(Cause.DEPENDS, (parse("b>=1"),), ("a",)),
        ),
        "c": (Reason(Cause.INSTALL_IF, (parse("a"), parse("v")), ("a", "b")),),
    }


def test_a_chain_of_three_thousand_packages_is_no_deeper_than_any_other() -> None:
    chain = "\n".join(f"p{i}-1 D:p{i + 1}" for i in range(3_000)) + "\np3000-1"
    solution = _solve("p0", source(chain))
    assert solution is not None
    assert len(solution) == 3_001
