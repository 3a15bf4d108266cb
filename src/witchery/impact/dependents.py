"""Who depends on something: directly, and through others."""

from collections.abc import Iterable, Iterator, Sequence

from witchery.apk.dependency import Dependency
from witchery.impact.asked import Asked
from witchery.impact.universe import Universe
from witchery.value import frozen


@frozen
class Dependent:
    """A package that depends on what was asked for.

    Attributes:
        position: The package.
        level: 1 if it depends on it itself, 2 through one other, and so on: the shortest way.
        dependencies: The dependencies that make it so, in its own order.
        through: The packages of the level below that satisfy these; on level 1 those asked for.
        others: Further packages that satisfy them, where each of them has one: it is not bound to `through`.
    """

    position: int
    level: int
    dependencies: tuple[Dependency, ...]
    through: tuple[int, ...]
    others: tuple[int, ...]


@frozen
class Dependents:
    """Everything that depends on what was asked for.

    Attributes:
        universe: All packages.
        targets: The packages that were asked for, or that provide a name that was.
        packages: The dependents: by level, and in the order of the indexes.
    """

    universe: Universe
    targets: tuple[int, ...]
    packages: tuple[Dependent, ...]

    def __iter__(self) -> Iterator[Dependent]:
        return iter(self.packages)

    def __len__(self) -> int:
        return len(self.packages)

    def level(self, number: int) -> tuple[Dependent, ...]:
        """The dependents of a level."""
        return tuple(each for each in self.packages if each.level == number)

    @property
    def levels(self) -> int:
        """The number of the last level."""
        return self.packages[-1].level if self.packages else 0


def dependents(universe: Universe, asked: Sequence[Asked]) -> Dependents:
    """Finds who depends on what was asked for.

    A word that names packages means all that they provide. Any other is a provided name, and means the
    dependencies on that name, whoever provides it. Packages that were asked for are not among the result.
    """
    named = dict.fromkeys(each for word in asked for each in word.packages(universe))
    dependencies = dict.fromkeys(
        dependency
        for word in asked
        if not word.origin and not word.packages(universe)
        for dependency in word.binding(universe)
    )
    providers = dict.fromkeys(each for dependency in dependencies for each in universe.satisfying(dependency))
    for word in asked:
        if not word.origin and not word.packages(universe):
            providers |= dict.fromkeys(
                each for name in word.names(universe) for each in universe.providing(name)
            )
    found = dict.fromkeys(named, 0)
    bound: dict[int, dict[Dependency, None]] = {}
    for dependency in dependencies:
        for each in universe.needing(dependency):
            if each not in found:
                bound.setdefault(each, {})[dependency] = None
    _collect(universe, named, found, bound)
    targets = frozenset(named) | frozenset(providers)
    rows: list[Dependent] = []
    below: frozenset[int] = targets
    level = 0
    while bound:
        level += 1
        found |= dict.fromkeys(bound, level)
        rows += [_row(universe, each, level, frozenset(bound[each]), below) for each in sorted(bound)]
        reached, bound = bound, {}
        _collect(universe, reached, found, bound)
        below = frozenset(reached)
    return Dependents(universe, tuple(sorted(targets)), tuple(rows))


def _collect(
    universe: Universe,
    positions: Iterable[int],
    found: dict[int, int],
    bound: dict[int, dict[Dependency, None]],
) -> None:
    """Adds to `bound` who depends on some packages, and was not found yet."""
    for position in positions:
        for each, dependency in universe.dependents(position):
            if each not in found:
                bound.setdefault(each, {})[dependency] = None


def _row(
    universe: Universe, position: int, level: int, bound: frozenset[Dependency], below: frozenset[int]
) -> Dependent:
    ordered = tuple(each for each in dict.fromkeys(universe.packages[position].depends) if each in bound)
    satisfying = [universe.satisfying(each) for each in ordered]
    through = sorted({each for providers in satisfying for each in providers if each in below})
    outside = [frozenset(providers) - below for providers in satisfying]
    others = sorted(frozenset().union(*outside)) if all(outside) else ()
    return Dependent(position, level, ordered, tuple(through), tuple(others))
