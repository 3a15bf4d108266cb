"""How to lead apk's search to a solution that it does not find by itself."""

from collections.abc import Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Candidate, Catalogue
from witchery.solver.minimise import smallest
from witchery.solver.solution import Solution


def suggest(
    catalogue: Catalogue, world: Sequence[Dependency], candidates: Sequence[Candidate] | None
) -> tuple[Solution | None, tuple[str, ...]]:
    """The lines to add to a world so that apk's search finds a solution, and that solution.

    Every answer was tried: it is what `attempt` gives for the world with the lines added.

    Args:
        catalogue: What there is.
        world: What was asked for.
        candidates: Packages that satisfy it, or None if there are none.
    """
    if candidates is None:
        return None, ()
    lines = [Dependency.parse(_pin(candidate)) for candidate in candidates]
    lines += _unwanted(catalogue, [*world, *lines], candidates)
    if attempt(catalogue, [*world, *lines]) is None:
        return None, ()
    needed = smallest(lines, lambda part: attempt(catalogue, [*world, *part]) is not None)
    for position, line in enumerate(needed):
        plain = Dependency(line.name, line.conflict, tag=line.tag)
        plainer = [*needed[:position], plain, *needed[position + 1 :]]
        if attempt(catalogue, [*world, *plainer]) is not None:
            needed = plainer
    return attempt(catalogue, [*world, *needed]), tuple(str(line) for line in needed)


def _pin(candidate: Candidate) -> str:
    package = candidate.package
    tag = "" if "" in candidate.tags else f"@{min(candidate.tags)}"
    return f"{package.name}{tag}={package.version}"


def _unwanted(
    catalogue: Catalogue, world: Sequence[Dependency], candidates: Sequence[Candidate]
) -> list[Dependency]:
    """Packages that are only triggered, and must be kept out since they do not fit."""
    names = {name for candidate in candidates for name, _version in candidate.names}
    triggered = {
        conditioned: Dependency(conditioned, conflict=True)
        for name in sorted(names)
        for conditioned in catalogue.conditioned_on(name)
        if conditioned not in names
        and any(
            candidate.package.name == conditioned for candidate, _version in catalogue.offers(conditioned)
        )
    }
    return [] if attempt(catalogue, world) is not None else list(triggered.values())
