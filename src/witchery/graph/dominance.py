"""Which packages are in an image only because of another: dominators.

A package dominates another where every way to the other leads through it. This is the data-flow formulation
of Allen and Cocke in the order of Cooper, Harvey and Kennedy ("A Simple, Fast Dominance Algorithm", 2001,
section 2), with one thing more: the packages that meet the conditions of an `install_if` all count, so that
reason brings along whatever dominates any of them. Sets are the bits of a number; an image has hundreds of
packages, not millions.
"""

from collections.abc import Iterable, Mapping

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
        at = {name: bit for bit, name in enumerate(self._names)}
        found = {}
        for name in self._names:
            above = [each for each in self.of(name) if each != name]
            chain = [
                each
                for each in above
                if all(
                    self._sets[each] >> at[other] & 1 or self._sets[other] >> at[each] & 1 for other in above
                )
            ]
            found[name] = max(chain, key=lambda each: self._sets[each].bit_count(), default=WORLD)
        return found

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes that leave with each package."""
        sizes = dict.fromkeys(self._names, 0)
        for name in self._names:
            own, bits = self._graph.packages[name].installed_size, self._sets[name]
            while bits:
                lowest = bits & -bits
                sizes[self._names[lowest.bit_length() - 1]] += own
                bits ^= lowest
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
