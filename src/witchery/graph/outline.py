"""The graph as an indented tree: what follows from each package once, and from then on only its name."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from witchery.graph.graph import WORLD, Graph, Step


class Line(NamedTuple):
    """A package in the tree.

    Attributes:
        name: The package.
        step: What led to it from the line above it; None at the top, where nothing that asks is shown.
        last: For each level from the top to its own, whether nothing else follows there; empty at the top.
        again: Whether what follows from it stands further up already.
        cut: Whether what follows from it is left out, being too deep.
    """

    name: str
    step: Step | None
    last: tuple[bool, ...]
    again: bool = False
    cut: bool = False

    @property
    def depth(self) -> int:
        """How deep it stands; 0 at the top."""
        return len(self.last)


def downward(graph: Graph, depth: int | None = None) -> Iterator[Line]:
    """From what was requested, and what nothing asks for, to what they ask for.

    Args:
        graph: The packages.
        depth: How deep to go; None for all the way.
    """
    tops: list[tuple[str, Step | None]] = [(step.target, step) for step in graph.out(WORLD)]
    tops += [(name, None) for name in graph.unasked]
    yield from _Outline(graph, depth, reverse=False).lines(tops)


def upward(graph: Graph, name: str, depth: int | None = None) -> Iterator[Line]:
    """From a package to those that ask for it, and on to what was requested.

    Args:
        graph: The packages.
        name: The package.
        depth: How deep to go; None for all the way.
    """
    yield from _Outline(graph, depth, reverse=True).lines([(name, None)])


class _Outline:
    """A tree while it is told."""

    def __init__(self, graph: Graph, depth: int | None, *, reverse: bool) -> None:
        self._graph = graph
        self._depth = depth
        self._reverse = reverse
        self._told: set[str] = set()

    def lines(self, tops: Sequence[tuple[str, Step | None]]) -> Iterator[Line]:
        ahead = [Line(name, step, ()) for name, step in reversed(tops)]
        while ahead:
            line = ahead.pop()
            below = self._below(line.name)
            if below and line.name in self._told:
                yield line._replace(again=True)
            elif below and line.depth == self._depth:
                yield line._replace(cut=True)
            else:
                self._told.add(line.name)
                yield line
                ends = range(len(below), 0, -1)
                ahead.extend(
                    Line(name, step, (*line.last, end == len(below)))
                    for end, (name, step) in zip(ends, reversed(below), strict=True)
                )

    def _below(self, name: str) -> list[tuple[str, Step]]:
        if not self._reverse:
            return [(step.target, step) for step in self._graph.out(name)]
        return sorted((step.source, step) for step in self._graph.into(name) if step.source != WORLD)
