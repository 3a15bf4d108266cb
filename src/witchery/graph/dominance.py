"""Which packages are in an image only because of another: dominators.

A package dominates another where every way to the other leads through it. This is the data-flow formulation
of Allen and Cocke in the order of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm", 2001,
section 2), with one thing more: the packages that meet the conditions of an `install_if` all count, so that
reason brings along whatever dominates any of them. Sets are the bits of a number; an image has hundreds of
packages, not millions.
"""

from collections.abc import Iterable, Iterator, Mapping

from witchery.graph.graph import WORLD, Graph, asking
from witchery.value import frozen


@frozen
class Held:
    """What is in an image only because of something.

    Attributes:
        names: The packages, the one that holds them among them, in order of name.
        size: Bytes of their files.
    """

    names: tuple[str, ...]
    size: int


class Dominance:
    """The dominators of every package of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._names = _order(graph)
        self._sets = _dominators(graph, self._names)

    def of(self, name: str) -> frozenset[str]:
        """The packages through which every way to a package leads, itself included."""
        bits = self._sets[name]
        return frozenset(each for at, each in enumerate(self._names) if bits >> at & 1)

    def held_by(self, name: str) -> Held:
        """What leaves with a package: itself, and what it dominates."""
        bit = 1 << self._names.index(name)
        return held(self._graph, (each for each in self._names if self._sets[each] & bit))

    @property
    def parents(self) -> Mapping[str, str]:
        """The dominator tree: for each package the closest other that dominates it, or `WORLD`.

        Conditions can give a package two dominators of which neither dominates the other: then its place is
        below the closest one that dominates both.
        """
        return {name: self._parent(at, name) for at, name in enumerate(self._names)}

    def _parent(self, at: int, name: str) -> str:
        others = self._sets[name] & ~(1 << at)
        if not others:
            return WORLD
        last = self._names[others.bit_length() - 1]
        if not others & ~self._sets[last]:  # all others dominate it: always so without conditions
            return last
        closest = sorted(self._above(name), key=lambda each: -self._sets[each].bit_count())
        return next((each for each in closest if self._is_in_line(each, others)), WORLD)

    def _is_in_line(self, name: str, others: int) -> bool:
        """Whether of a package and each of some others one dominates the other."""
        bit = 1 << self._names.index(name)
        beside = others & ~self._sets[name]
        return all(self._sets[each] & bit for at, each in enumerate(self._names) if beside >> at & 1)

    def _above(self, name: str) -> Iterator[str]:
        """What else dominates a package."""
        bits = self._sets[name]
        while bits:
            lowest = bits & -bits
            each = self._names[lowest.bit_length() - 1]
            if each != name:
                yield each
            bits ^= lowest

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes that leave with each package."""
        sizes = {name: self._graph.packages[name].installed_size for name in self._names}
        for name in self._names:
            for each in self._above(name):
                sizes[each] += self._graph.packages[name].installed_size
        return sizes


def held(graph: Graph, names: Iterable[str]) -> Held:
    """Some packages with the bytes of their files."""
    listed = tuple(sorted(names))
    return Held(listed, sum(graph.packages[each].installed_size for each in listed))


def _order(graph: Graph) -> list[str]:
    """All packages in reverse postorder, so that one pass settles nearly everything."""
    seen: set[str] = set()
    done: list[str] = []
    for start in (WORLD, *graph.unasked):
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(graph.out(start)))]
        while stack:
            name, steps = stack[-1]
            target = next((step.target for step in steps if step.target not in seen), None)
            if target is None:
                stack.pop()
                done.append(name)
            else:
                seen.add(target)
                stack.append((target, iter(graph.out(target))))
    return [name for name in reversed(done) if name != WORLD]


def _dominators(graph: Graph, names: list[str]) -> dict[str, int]:
    everything = (1 << len(names)) - 1
    sets = dict.fromkeys(names, everything) | {WORLD: 0}
    starts = frozenset(graph.unasked)
    ways = {
        name: () if name in starts else tuple({asking(name, each): None for each in graph.reasons[name]})
        for name in names
    }
    changed = True
    while changed:
        changed = False
        for at, name in enumerate(names):
            shared = 0 if name in starts else everything
            for asked_by in ways[name]:
                together = 0
                for each in asked_by:
                    together |= sets[each]
                shared &= together
            shared |= 1 << at
            if shared != sets[name]:
                sets[name] = shared
                changed = True
    return sets
