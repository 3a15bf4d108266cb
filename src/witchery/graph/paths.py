"""The ways from what was requested to a package, the shortest first.

A way goes through packages that would be there without the one that it leads to: conditions (`install_if`)
that only hold because of it explain nothing.

There may be very many: each package on the way doubles them. So they are made one after the other (A*, where
the distance to what was requested is known beforehand and never overestimated), and no more than are wanted.
"""

from collections import deque
from collections.abc import Collection, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from witchery.graph.graph import WORLD, Graph, Step, asking

MAX_PATHS = 1_000
"""How many ways can be asked for."""
MAX_TRIES = 100_000
"""How many beginnings are looked at before the search ends."""

Path = tuple[Step, ...]
"""From what was requested, or what nothing asks for, to a package; no package is on it twice."""


class Paths(NamedTuple):
    """Ways to a package.

    Attributes:
        found: The ways, the shortest first, those of one length in order of their names.
        more: Whether there may be more.
    """

    found: tuple[Path, ...]
    more: bool


def paths_to(graph: Graph, name: str, limit: int) -> Paths:
    """The ways to a package.

    Args:
        graph: The packages.
        name: The package; of one that nothing asks for there is no way.
        limit: How many are wanted at most.
    """
    ways = _Ways(graph, name)
    distance = ways.distances()
    found: list[Path] = []
    if name not in distance or limit < 1:
        return Paths((), more=False)
    turn = count()
    ahead: list[tuple[int, tuple[str, ...], int, Path]] = []
    heappush(ahead, (distance[name], (name,), next(turn), ()))
    starts = frozenset(graph.unasked)
    for _ in range(MAX_TRIES):
        if not ahead:
            return Paths(tuple(found), more=False)
        _, names, _, path = heappop(ahead)
        here = names[0]
        if here == WORLD or (here in starts and path):
            if len(found) == limit:
                return Paths(tuple(found), more=True)
            found.append(path)
            continue
        for step in ways.into(here):
            if step.source not in names and step.source in distance:
                way = (step, *path)
                heappush(ahead, (len(way) + distance[step.source], (step.source, *names), next(turn), way))
    return Paths(tuple(found), more=True)


def ancestors(graph: Graph, names: Collection[str]) -> frozenset[str]:
    """Everything from which a way leads to one of some packages, these included."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        here = ahead.pop()
        if here != WORLD and here not in found:
            found.add(here)
            ahead.extend(step.source for step in graph.into(here))
    return frozenset(found)


class _Ways:
    """The steps that may be on a way to one package."""

    def __init__(self, graph: Graph, name: str) -> None:
        self._graph = graph
        self._name = name
        self._there = graph.reached(without=[name], also=graph.unasked) | {WORLD}

    def into(self, name: str) -> Iterator[Step]:
        """What leads to a package, for reasons that hold without the one that the ways lead to."""
        for step in self._graph.into(name):
            holding = tuple(each for each in step.reasons if self._there.issuperset(asking(name, each)))
            if holding:
                yield step._replace(reasons=holding)

    def distances(self) -> dict[str, int]:
        """How many steps each package is from where ways begin, as far as it can be on one."""
        graph = self._graph
        wanted = ancestors(graph, [self._name])
        out: dict[str, list[str]] = {}
        for target in wanted:
            for step in self.into(target):
                out.setdefault(step.source, []).append(target)
        found = {WORLD: 0} | {each: 0 for each in graph.unasked if each != self._name}
        ahead = deque(found)
        while ahead:
            here = ahead.popleft()
            for target in out.get(here, ()):
                if target not in found:
                    found[target] = found[here] + 1
                    ahead.append(target)
        return found
