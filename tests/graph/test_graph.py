"""The graph of packages: the ways, and what leaves with what; each held against the long way."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.indexes import source
from support.random_worlds import random_world
from witchery.apk.dependency import Dependency
from witchery.graph import paths, target
from witchery.graph.dominance import Dominance
from witchery.graph.graph import WORLD, Graph
from witchery.graph.outline import downward, upward
from witchery.graph.paths import paths_to
from witchery.graph.remarks import Topic, Use, remarks
from witchery.graph.target import Kind, Match
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.solution import Cause
from witchery.solver.solver import solve

NAMES = tuple("abcdefgh")


def graph(world: str, picture: str) -> Graph:
    """The graph of packages that are drawn as for `indexes.drawn`."""
    return Graph.of([Dependency.parse(each) for each in world.split()], source(picture).index)


def ways(of: Graph, name: str, limit: int = 100) -> list[str]:
    """The ways to a package as words: `a b c`."""
    return [_in_words(path) for path in paths_to(of, name, limit).found]


def _in_words(path: paths.Path) -> str:
    first = [path[0].source] if path and path[0].source else []
    return " ".join([*first, *(step.target for step in path)])


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Packages that depend on each other at random: conditions, rings, parts that nothing asks for."""
    some = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    lines = []
    for name in names:
        depends = [each for each in draw(some) if each in names]
        conditions = [each for each in draw(st.just([]) | some) if each in names and each != name]
        lines.append(f"{name}-1 D:{' '.join(depends)} | i:{' '.join(conditions)}")
    world = [each for each in draw(some) if each in names]
    return graph(" ".join(world), "\n".join(lines))


def stays(of: Graph, gone: str) -> frozenset[str]:
    """What stays without a package, by trying over and over: the definition, and nothing clever."""
    found = {WORLD, *(name for name in of.unasked if name != gone)}
    size = 0
    while size != len(found):
        size = len(found)
        for name, reasons in of.reasons.items():
            for reason in reasons:
                asking = {each for each in reason.packages if each != name}
                enough = all if reason.cause is Cause.INSTALL_IF else any
                if name != gone and (not asking or enough(each in found for each in asking)):
                    found.add(name)
    return frozenset(found - {WORLD})


def every_way(of: Graph, name: str) -> Iterator[str]:
    """All ways to a package, from its end backwards, by trying everything."""
    there = stays(of, name) | {WORLD}

    def go(here: str, words: tuple[str, ...]) -> Iterator[str]:
        if here in of.unasked and len(words) > 1:
            yield " ".join(words)
            return
        for step in of.into(here):
            if not any({each for each in r.packages if each != here} <= there for r in step.reasons):
                continue
            if step.source == WORLD:
                yield " ".join(words)
            elif step.source not in words:
                yield from go(step.source, (step.source, *words))

    return go(name, (name,))


@given(graphs())
def test_what_leaves_with_each_package_is_what_nothing_else_keeps(of: Graph) -> None:
    dominance = Dominance(of)
    for name in of.packages:
        expected = frozenset(of.packages) - stays(of, name)
        assert frozenset(dominance.held_by(name).names) == expected
        assert of.leaving_with([name]) == expected
        assert dominance.sizes[name] == dominance.held_by(name).size == len(expected)


@given(graphs())
def test_the_tree_of_dominators_holds_below_each_package_only_what_leaves_with_it(of: Graph) -> None:
    dominance = Dominance(of)
    parents = dominance.parents
    for name in of.packages:
        above, chain = parents[name], []
        while above != WORLD:
            chain.append(above)
            above = parents[above]
        assert len(chain) == len(set(chain))
        assert set(chain) <= dominance.of(name) - {name}
        if all(each.cause is not Cause.INSTALL_IF for all_of in of.reasons.values() for each in all_of):
            assert set(chain) == dominance.of(name) - {name}, (
                "a tree says it all where there are no conditions"
            )


@given(graphs(), st.integers(1, 5))
def test_the_ways_are_all_there_are_and_the_shortest_come_first(of: Graph, limit: int) -> None:
    for name in of.packages:
        expected = sorted(set(every_way(of, name)), key=lambda way: (len(way.split()), way))
        found = paths_to(of, name, 1_000)
        assert sorted(map(_in_words, found.found)) == sorted(expected)
        assert [len(path) for path in found.found] == sorted(len(path) for path in found.found)
        few = paths_to(of, name, limit)
        assert few.found == found.found[:limit]
        assert few.more == (len(expected) > limit)


@given(graphs())
def test_everything_is_reached_from_what_was_requested_or_what_nothing_asks_for(of: Graph) -> None:
    assert of.reached(also=of.unasked) == frozenset(of.packages)
    assert not of.reached() & set(of.unasked)
    told = [line.name for line in downward(of)]
    assert set(told) == set(of.packages)


@given(st.integers(0, 1 << 32))
def test_packages_alone_give_the_graph_that_their_solution_gives(seed: int) -> None:
    """The solver's own reasons are those that follow from what it chose: so an image can be asked as well."""
    sources, world = random_world(random.Random(seed))
    solution = attempt(Catalogue(sources, "x86_64"), world)
    if solution is None:
        return
    known, made = Graph.of_solution(solution), Graph.of(solution.world, [each.package for each in solution])
    for name in known.packages:
        assert {each.cause for each in known.reasons[name]} == {each.cause for each in made.reasons[name]}
    assert not made.unasked
    assert not made.unmet


def test_one_reason_is_enough_and_conditions_count_together() -> None:
    of = graph("a b", "a-1 D:lib\nb-1 D:lib\nlib-1\nboth-1 i:a b\n")
    assert Dominance(of).held_by("lib").names == ("lib",)
    assert Dominance(of).held_by("a").names == ("a", "both")
    assert Dominance(of).held_by("b").names == ("b", "both")
    assert of.leaving_with(["a", "b"]) == {"a", "b", "lib", "both"}
    assert Dominance(of).parents == {"a": WORLD, "b": WORLD, "lib": WORLD, "both": WORLD}
    assert ways(of, "both") == ["a both", "b both"]


def test_conditions_that_hold_keep_what_is_there_for_another_reason() -> None:
    picture = "a-1 D:q\nq-1 i:b\nb-1\n"
    found = Graph.of_solution(
        solve([Dependency.parse("a"), Dependency.parse("b")], [source(picture)], "x86_64")
    )
    assert found.leaving_with(["a"]) == {"a"}


def test_a_dependency_leads_to_the_package_of_that_name_first() -> None:
    of = graph("x", "x-1 D:v\np-1 p:v=1\nv-1\n")
    assert ways(of, "v") == ["x v"]
    assert ways(graph("x y", "x-1 D:v\ny-1 D:p\np-1 p:v=1\nv-1\n"), "p") == ["y p"]


def test_who_only_shares_a_name_is_there_because_of_it_where_nothing_else_asks() -> None:
    of = graph("x", "x-1 D:v\np-1 p:v\nq-1 p:v\n")
    assert ways(of, "q") == ["x q"]
    assert of.unasked == ()


def test_what_is_missing_is_noted_and_conflicts_lead_nowhere() -> None:
    of = graph("a gone !b", "a-1 D:lost !c b\nb-1\nc-1\n")
    assert [(each.package, str(each.dependency)) for each in of.unmet] == [(WORLD, "gone"), ("a", "lost")]
    assert ways(of, "b") == ["a b"]
    assert of.unasked == ("c",)


def test_a_ring_that_nothing_asks_for_begins_at_one_place() -> None:
    of = graph("", "a-1 D:b\nb-1 D:a\nc-1 D:a\n")
    assert of.unasked == ("c",)
    assert graph("", "a-1 D:b\nb-1 D:a\n").unasked == ("a",)
    assert ways(of, "b") == ["c a b"]


def test_conditions_that_hold_because_of_a_package_are_no_way_to_it() -> None:
    """So it is with `ifupdown-ng-wifi`, which goes with `wpa_supplicant` and depends on it."""
    of = graph("net wifi", "net-1\nwifi-1 D:radio | i:net radio\nradio-1\n")
    assert ways(of, "radio") == ["wifi radio"]
    assert ways(of, "wifi") == ["wifi"]


def test_the_search_for_ways_ends_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty packages, each depending on all before it: more ways than could ever be told."""
    lines = [f"p{at}-1 D:{' '.join(f'p{other}' for other in range(at))}" for at in range(40)]
    of = graph("p39", "\n".join(lines))
    found = paths_to(of, "p0", 1_000)
    assert len(found.found) == 1_000
    assert found.more
    monkeypatch.setattr(paths, "MAX_TRIES", 10)
    assert paths_to(of, "p0", 1_000).more


def test_long_chains_and_many_rings_are_no_trouble() -> None:
    """As long and as many as an image may have; what is quadratic by nature stays small."""
    chain = graph("p0", "\n".join(f"p{at}-1 D:p{at + 1}" for at in range(1_500)) + "\np1500-1\n")
    dominance = Dominance(chain)
    assert dominance.parents["p1500"] == "p1499"
    assert dominance.sizes["p0"] == 1_501
    assert [len(path) for path in paths_to(chain, "p1500", 5).found] == [1_501]
    assert max(line.depth for line in downward(chain)) == 1_500
    rings = graph("", "\n".join(f"a{at}-1 D:b{at}\nb{at}-1 D:a{at}" for at in range(1_000)))
    assert len(rings.unasked) == 1_000


def test_the_outline_tells_what_follows_from_a_package_once() -> None:
    of = graph("a b", "a-1 D:lib\nb-1 D:lib\nlib-1 D:base\nbase-1\n")
    told = [(line.depth, line.name, line.again, line.cut) for line in downward(of)]
    assert told == [
        (0, "a", False, False),
        (1, "lib", False, False),
        (2, "base", False, False),
        (0, "b", False, False),
        (1, "lib", True, False),
    ]
    assert [(line.name, line.cut) for line in downward(of, 0)] == [("a", True), ("b", True)]
    assert [line.name for line in upward(of, "base")] == ["base", "lib", "a", "b"]
    assert [line.last for line in upward(of, "base")] == [(), (True,), (True, False), (True, True)]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("lib", Kind.PACKAGE, [Match("lib")]),
        ("so:libx.so.1", Kind.NAME, [Match("lib", "provides so:libx.so.1=1")]),
        ("libx.so.1", Kind.NAME, [Match("lib", "provides so:libx.so.1=1")]),
        ("cmd:run", Kind.NAME, [Match("tool", "provides cmd:run=1")]),
        ("run", Kind.NAME, [Match("tool", "provides cmd:run=1")]),
        ("/bin/sh", Kind.FILE, [Match("tool", "provides /bin/sh")]),
        ("shell", Kind.SHELL, []),
        ("CVE-2024-0727", Kind.VULNERABILITY, []),
        ("ghsa-xxxx-yyyy-zzzz", Kind.VULNERABILITY, []),
        ("libx.so.2", Kind.NAME, []),
    ],
)
def test_a_question_is_taken_for_what_it_looks_like(text: str, kind: Kind, found: list[Match]) -> None:
    of = graph("tool", "tool-1 D:lib | p:cmd:run=1 /bin/sh\nlib-1 p:so:libx.so.1=1\n")
    assert target.kind_of(text, of) is kind
    assert list(target.named(text, of)) == found


def test_a_package_that_is_called_like_something_else_is_that_package() -> None:
    of = graph("shell", "shell-1\n")
    assert target.kind_of("shell", of) is Kind.PACKAGE


def test_names_that_look_alike_are_offered() -> None:
    of = graph("", "openssl-1\nlib-1 p:so:libssl.so.3=3 cmd:openssl-tool=1\n")
    assert target.similar("opensll", of)[0] == "openssl"
    assert target.similar("libssl.so.1.1", of) == ("so:libssl.so.3",)
    assert target.similar("/usr/lib/libssl.so.3", of, ["lib/libssl.so.3"])[0] == "/lib/libssl.so.3"
    assert target.similar("nothing-like-it", of) == ()


CERTIFICATES = "app-1 D:tls\ntls-1\nbase-1 D:tool\ntool-1 D:bundle\nbundle-1\n"
USE = Use("tls", "lib/libtls.so", "mentions /etc/ssl/certs", "bundle")


def test_what_is_used_and_only_there_because_of_something_else_is_marked() -> None:
    """The case of 2021: certificates were in the base because of one tool, and everybody relied on them."""
    of = graph("app base", CERTIFICATES)
    (remark,) = remarks(of, "bundle", Dominance(of).parents["bundle"], [USE])
    assert remark.topic is Topic.UNSTATED
    assert (
        remark.message == "`tls` seems to use it and does not ask for it; it is there only because of `tool`"
    )
    assert remark.uses == (USE,)


@pytest.mark.parametrize(
    ("world", "picture"),
    [
        pytest.param("app base bundle", CERTIFICATES, id="it was requested"),
        pytest.param("app base", CERTIFICATES.replace("tls-1", "tls-1 D:bundle"), id="its user asks for it"),
        pytest.param("app base more", f"{CERTIFICATES}more-1 D:bundle\n", id="two keep it"),
        pytest.param("app base", CERTIFICATES.replace("bundle-1", "bundle-1\nother-1"), id="another is used"),
    ],
)
def test_what_somebody_asks_for_is_not_marked(world: str, picture: str) -> None:
    of = graph(world, picture)
    use = USE._replace(dependency="other") if "other" in of else USE
    assert list(remarks(of, "bundle", Dominance(of).parents["bundle"], [use])) == []


def test_what_nothing_depends_on_is_marked() -> None:
    of = graph("a b", "a-1\nb-1\nboth-1 i:a b\nlost-1\n")
    assert [each.topic for each in remarks(of, "both", WORLD)] == [Topic.CONDITION]
    assert [each.topic for each in remarks(of, "lost", WORLD)] == [Topic.UNASKED]
