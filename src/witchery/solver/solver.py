"""The door of the room."""

from collections.abc import Iterable, Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.search import by_name
from witchery.solver.solution import Solution
from witchery.solver.source import Source


def solve(world: Iterable[Dependency], sources: Sequence[Source], arch: str) -> Solution:
    """Finds the packages that apk would install into an empty root.

    Args:
        world: What is asked for. Several constraints on one name all count.
        sources: The repositories, the preferred first.
        arch: Alpine's name of the architecture.

    Raises:
        Unsolvable: if apk finds no solution; it says why, and whether there is one all the same.
        FormatError: if a package that matters is malformed in its index.
    """
    return solve_in(Catalogue(sources, arch), world)


def solve_in(catalogue: Catalogue, world: Iterable[Dependency]) -> Solution:
    """The same with a catalogue, which many worlds can share.

    Raises:
        Unsolvable: as `solve`.
        FormatError: as `solve`.
    """
    entries = by_name(world)
    solution = attempt(catalogue, entries)
    if solution is None:
        from witchery.solver.explain import explain

        raise explain(catalogue, entries)
    return solution
