"""What the solver says of packages when others are gone: each is asked for alone, before and after."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from enum import Enum

from witchery.apk import identity
from witchery.apk.dependency import IDENTITY, Dependency
from witchery.apk.index import Index
from witchery.apk.package import Package
from witchery.impact.breakage import Removal
from witchery.impact.universe import Universe
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.complete import find_any
from witchery.solver.search import by_name
from witchery.solver.source import Source

STEPS = 2_000
"""How far the complete search goes for one package; far more than any package of Alpine takes."""


class Verdict(Enum):
    """What became of a package.

    `FINE`: it has a solution after. `BROKEN`: it had one, and has none. `REFUSED`: it had none before.
    """

    FINE = "fine"
    BROKEN = "broken"
    REFUSED = "refused"


def confirm(
    universe: Universe,
    removal: Removal,
    positions: Iterable[int],
    world: Sequence[Dependency] = (),
    *,
    lacking: Container[int] = (),
    steps: int = STEPS,
) -> Mapping[int, Verdict]:
    """Asks the solver for some packages, each beside a world that is there anyway.

    A solution counts if apk finds it, or if there is one that apk would find with more words in its world.
    The complete search goes first, since it is quick where there is one; apk's own is asked where it found
    none.

    Args:
        universe: All packages.
        removal: What goes.
        positions: Those to ask for.
        world: What is there anyway.
        lacking: Packages that lack something after, as `breakage` shows. Of them apk is not asked.
        steps: How far the complete search goes for each.
    """
    before = _catalogue(universe, universe.packages)
    after = _catalogue(universe, _left(universe, removal))
    found = {}
    for position in positions:
        package = universe.packages[position]
        wanted = Dependency(package.name, operator=IDENTITY, version=identity.encode(package.identity))
        request = (wanted, *world)
        quick = position in lacking
        if position not in removal.packages and _has_solution(after, request, steps, quick=quick):
            found[position] = Verdict.FINE
        else:
            was = _has_solution(before, request, steps)
            found[position] = Verdict.BROKEN if was else Verdict.REFUSED
    return found


def _has_solution(
    catalogue: Catalogue, world: Sequence[Dependency], steps: int, *, quick: bool = False
) -> bool:
    if find_any(catalogue, by_name(world), steps) is not None:
        return True
    return not quick and attempt(catalogue, world) is not None


def _catalogue(universe: Universe, packages: Iterable[Package]) -> Catalogue:
    index = Index([package.stanza for package in packages])
    return Catalogue([Source("", index)], universe.arch)


def _left(universe: Universe, removal: Removal) -> Iterator[Package]:
    for position, package in enumerate(universe.packages):
        if position in removal.packages:
            continue
        kept = tuple(each for each in package.provides if each.name not in removal.names)
        if len(kept) == len(package.provides):
            yield package
        else:
            lines = [line for line in package.stanza.split("\n") if not line.startswith("p:")]
            lines += ["p:" + " ".join(map(str, kept))] if kept else []
            yield package._replace(provides=kept, stanza="\n".join(lines))
