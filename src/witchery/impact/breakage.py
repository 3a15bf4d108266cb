"""What breaks when packages go, or no longer provide what they did, such as a library under its old SONAME.

A package can be installed only if every dependency of it is satisfied by a package that can be installed.
What is left when this is applied until nothing changes may still be refused, because of conflicts:
`confirmation` asks the solver. What is not left cannot be installed by any solver.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from witchery.apk.dependency import Dependency
from witchery.impact.asked import Asked
from witchery.impact.universe import Universe
from witchery.value import field, frozen


class Loss(NamedTuple):
    """Why a package cannot be installed any more.

    Attributes:
        dependency: What it needs and nothing provides any more.
        providers: Who did; each was removed, or no longer provides it, or cannot be installed either.
    """

    dependency: Dependency
    providers: tuple[int, ...]


@frozen
class Removal:
    """What goes.

    Attributes:
        packages: Packages that go.
        names: Names that are provided no more, though the packages that provide them stay.
    """

    packages: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()


@frozen
class Breakage:
    """What a removal means.

    Attributes:
        universe: All packages.
        removal: What goes.
        broken: The packages that cannot be installed then, and could before: the nearest first.
        already: The packages that could not be installed before, of those that stay.
        kept: Packages that need what goes and can do with something else: the dependency, and who satisfies
            it.
        untriggered: Packages that install themselves beside others, and never will again.
    """

    universe: Universe
    removal: Removal
    broken: Mapping[int, Loss] = field(hash=False)
    already: frozenset[int]
    kept: Mapping[int, Loss] = field(hash=False)
    untriggered: tuple[int, ...]


def removal_of(universe: Universe, asked: Iterable[Asked]) -> Removal:
    """What goes where some words are removed: packages that are so called, else provided names."""
    packages: set[int] = set()
    names: set[str] = set()
    for word in asked:
        found = word.packages(universe)
        packages.update(found)
        if not found and not word.origin:
            names.update(word.names(universe))
    return Removal(frozenset(packages), frozenset(names))


def breakage(universe: Universe, removal: Removal) -> Breakage:
    """Finds what breaks."""
    before = lost(universe, Removal())
    after = lost(universe, removal)
    broken = {each: loss for each, loss in after.items() if each not in before and loss is not None}
    gone = after.keys() | removal.packages

    def alive(dependency: Dependency) -> tuple[int, ...]:
        return tuple(each for each in _satisfying(universe, removal, dependency) if each not in gone)

    kept: dict[int, Loss] = {}
    for dependency, needing in universe.dependencies():
        if _concerns(universe, removal, dependency):
            left = alive(dependency)
            for each in needing if left else ():
                if each not in gone:
                    kept.setdefault(each, Loss(dependency, left))
    untriggered = tuple(
        position
        for position, package in enumerate(universe.packages)
        if package.install_if
        and position not in gone
        and _never(package.install_if, alive)
        and not _never(package.install_if, universe.satisfying)
    )
    already = frozenset(before) - removal.packages
    return Breakage(universe, removal, broken, already, dict(sorted(kept.items())), untriggered)


def _never(condition: Sequence[Dependency], satisfying: Callable[[Dependency], Sequence[int]]) -> bool:
    return any(not each.conflict and not satisfying(each) for each in condition)


def lost(universe: Universe, removal: Removal) -> dict[int, Loss | None]:
    """The packages that cannot be installed, and why; None where it is not for want of a dependency."""
    lost: dict[int, Loss | None] = {
        position: None
        for position, package in enumerate(universe.packages)
        if package.problem or not package.fits(universe.arch)
    }
    needs = tuple(universe.dependencies())
    left: list[int] = []
    satisfied: dict[int, list[int]] = {}
    for number, (dependency, _) in enumerate(needs):
        providers = _satisfying(universe, removal, dependency)
        left.append(len(providers))
        for each in providers:
            satisfied.setdefault(each, []).append(number)
    down = removal.packages | lost.keys()
    fallen = deque(sorted(down))
    unmet = deque(number for number, count in enumerate(left) if not count)
    seen = set(down)
    while fallen or unmet:
        if not unmet:
            for number in satisfied.get(fallen.popleft(), ()):
                left[number] -= 1
                if not left[number]:
                    unmet.append(number)
            continue
        dependency, needing = needs[unmet.popleft()]
        for each in needing:
            if each not in seen:
                seen.add(each)
                lost[each] = Loss(dependency, universe.satisfying(dependency))
                fallen.append(each)
    return lost


def _satisfying(universe: Universe, removal: Removal, dependency: Dependency) -> tuple[int, ...]:
    """Who satisfies a dependency after names are gone; packages that went still count."""
    if dependency.name not in removal.names:
        return universe.satisfying(dependency)
    return tuple(each for each in universe.named(dependency.name) if each in universe.satisfying(dependency))


def _concerns(universe: Universe, removal: Removal, dependency: Dependency) -> bool:
    return dependency.name in removal.names or not removal.packages.isdisjoint(
        universe.satisfying(dependency)
    )
