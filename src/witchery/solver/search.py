"""The search: conclusions, a decision, conclusions, a decision. Nothing is ever taken back."""

from collections.abc import Iterable, Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Catalogue
from witchery.solver.discovery import Discovery
from witchery.solver.preference import choose, next_name
from witchery.solver.propagation import Propagation
from witchery.solver.state import Name, State


def by_name(world: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """A world in the order in which it is looked at: by name, without regard to case."""
    return tuple(sorted(world, key=lambda entry: (entry.name.lower(), entry.name)))


def search(
    world: Sequence[Dependency],
    catalogue: Catalogue,
    ignored: frozenset[tuple[str, Dependency]] = frozenset(),
) -> Propagation:
    """Decides every name that the world needs.

    Args:
        world: In the order of `by_name`.
        catalogue: What there is.
        ignored: Dependencies to leave out, as pairs of package (`name-version`) and dependency.

    Returns:
        What was concluded and decided. If it has `errors`, there is no solution this way.
    """
    state = State(catalogue, Discovery(catalogue, world), ignored)
    propagation = Propagation(state)
    for entry in world:
        requested = state.name(entry.name)
        requested.requested = requested.requested or not entry.conflict
    for entry in world:
        propagation.require(entry, None)
    propagation.settle()
    while (name := next_name(propagation)) is not None:
        del propagation.undecided[name.name]
        _decide(propagation, name)
        propagation.settle()
    return propagation


def _decide(propagation: Propagation, name: Name) -> None:
    position = choose(propagation, name)
    if position is None:
        if name.requirements:
            propagation.errors.append((name.name, "nothing can be selected for it"))
        propagation.decide(name, None)
        return
    option = name.offers[position][0]
    package = option.candidate.package
    if not option.selectable or not option.tag_allowed or option.candidate.clashes:
        propagation.errors.append((str(package), "cannot be selected"))
    propagation.decide(name, position)
    for provided, version in option.candidate.names:
        other = propagation.state.name(provided)
        if other.provider is not option:
            propagation.decide(other, other.offers.index((option, version)))
    propagation.apply_dependencies(option)
