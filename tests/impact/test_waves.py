"""Waves: what is needed goes first, circles go together."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from witchery.impact.waves import circles, waves

_NAMES = [f"n{number}" for number in range(9)]
_graphs = st.dictionaries(st.sampled_from(_NAMES), st.lists(st.sampled_from(_NAMES), max_size=4))


def _reached(needs: Mapping[str, list[str]], start: str) -> set[str]:
    """What a name needs, itself or through others; names that are no keys do not count."""
    found: set[str] = set()
    left = [start]
    while left:
        for each in needs[left.pop()]:
            if each in needs and each not in found:
                found.add(each)
                left.append(each)
    return found


def test_an_example() -> None:
    needs = {
        "curl": ["nghttp2"],
        "git": ["curl"],
        "nghttp2": [],
        "a": ["b", "curl"],
        "b": ["a"],
        "x": ["gone"],
    }
    assert waves(needs) == ((("nghttp2",), ("x",)), (("curl",),), (("a", "b"), ("git",)))


def test_nothing_moves_in_no_wave() -> None:
    assert waves({}) == ()


@given(_graphs)
def test_every_name_moves_once(needs: dict[str, list[str]]) -> None:
    moved = [name for wave in waves(needs) for group in wave for name in group]
    assert sorted(moved) == sorted(needs)


@given(_graphs)
def test_what_a_name_needs_moves_in_an_earlier_wave_or_in_its_group(needs: dict[str, list[str]]) -> None:
    before: set[str] = set()
    for wave in waves(needs):
        for group in wave:
            for name in group:
                assert {each for each in needs[name] if each in needs} <= before | set(group)
        before.update(name for group in wave for name in group)


@given(_graphs)
def test_a_group_is_what_needs_each_other(needs: dict[str, list[str]]) -> None:
    group_of = {name: group for wave in waves(needs) for group in wave for name in group}
    reached = {name: _reached(needs, name) for name in needs}
    for a in needs:
        for b in needs:
            together = a == b or (b in reached[a] and a in reached[b])
            assert (group_of[a] is group_of[b]) is together


@given(_graphs)
def test_no_group_waits_longer_than_it_has_to(needs: dict[str, list[str]]) -> None:
    found = waves(needs)
    for number, wave in enumerate(found):
        for group in wave:
            needed = {each for name in group for each in needs[name]} - set(group)
            before = {name for other in found[number - 1] for name in other} if number else set()
            assert number == 0 or needed & before


@given(_graphs, st.randoms())
def test_the_order_of_names_does_not_matter(needs: dict[str, list[str]], random: st.DrawFn) -> None:
    shuffled = list(needs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert waves({name: needs[name][::-1] for name in shuffled}) == waves(needs)


def test_a_long_chain_is_no_deep_recursion() -> None:
    needs = {f"n{number:05}": [f"n{number + 1:05}"] for number in range(20_000)}
    assert len(waves(needs)) == 20_000
    ring = {**needs, "n19999": ["n00000"]}
    assert len(circles(ring)) == 1
