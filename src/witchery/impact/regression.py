"""What broke between two snapshots: packages that lack something now and did not before."""

from collections.abc import Mapping

from witchery.impact.breakage import Loss, Removal, lost
from witchery.impact.universe import Universe
from witchery.value import field, frozen


@frozen
class Regression:
    """What broke.

    Attributes:
        universe: All packages, as they are now.
        broken: The packages that cannot be installed, though some version of them could before, or that are
            new: the nearest to the cause first.
        already: The names of the packages that could not be installed before either.
        vanished: The names that packages need now and nothing provides any more, each with who did before.
    """

    universe: Universe
    broken: Mapping[int, Loss] = field(hash=False)
    already: tuple[str, ...]
    vanished: Mapping[str, tuple[str, ...]] = field(hash=False)


def regression(before: Universe, now: Universe) -> Regression:
    """Compares what can be installed in two snapshots."""
    then, lacking = lost(before, Removal()), lost(now, Removal())
    whole = {each.name for number, each in enumerate(before.packages) if number not in then}
    already = {before.packages[each].name for each in then} - whole
    broken = {
        each: loss
        for each, loss in lacking.items()
        if loss is not None and now.packages[each].name not in already
    }
    needed = {dependency.name for dependency, _ in now.dependencies() if not now.satisfying(dependency)}
    vanished = {
        name: tuple(sorted({before.packages[each].name for each in before.providing(name)}))
        for name in sorted(needed)
        if before.providing(name) and not now.providing(name)
    }
    there = {package.name for package in now.packages}
    return Regression(now, broken, tuple(sorted(already & there)), vanished)
