"""What a solution would be without one of its packages, the long way: nobody asks for it any more."""

from collections.abc import Iterable, Sequence

from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.solver.catalogue import Catalogue
from witchery.solver.solution import Cause, Solution
from witchery.solver.solver import solve_in
from witchery.solver.source import Source


def solved_without(solution: Solution, name: str, sources: Sequence[Source]) -> frozenset[str]:
    """The names of the packages that the solver takes when nobody may ask for one of them.

    Every dependency that it meets in the solution is struck out of the package that has it, every entry of
    the world that it meets goes, and it is forbidden, so that no condition can bring it back.

    Args:
        solution: The solution.
        name: The package.
        sources: What the solution was made from.
    """
    selected = solution.named(name)
    assert selected is not None
    struck: dict[str, set[Dependency]] = {}
    entries: set[Dependency] = set()
    for reason in selected.reasons:
        if reason.cause is Cause.WORLD:
            entries.update(reason.dependencies)
        elif reason.cause is Cause.DEPENDS:
            struck.setdefault(reason.packages[0], set()).update(reason.dependencies)
    amended = [
        _without(each.package, struck[each.package.name]) for each in solution if each.package.name in struck
    ]
    world = [each for each in solution.world if each not in entries]
    forbidden = Dependency.parse(f"!{name}")
    catalogue = Catalogue([Source.of(amended), *sources], solution.arch)
    return frozenset(each.package.name for each in solve_in(catalogue, [*world, forbidden]))


def _without(package: Package, gone: Iterable[Dependency]) -> Package:
    """A package that lacks some dependencies."""
    unwanted = set(gone)
    lines = []
    for line in package.stanza.split("\n"):
        if line.startswith("D:"):
            kept = [each for each in line[2:].split() if Dependency.parse_record(each) not in unwanted]
            lines.append(f"D:{' '.join(kept)}")
        else:
            lines.append(line)
    return Package.parse("\n".join(lines))
