"""The door of the room."""

from collections.abc import Iterable, Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Catalogue
from witchery.solver.order import Rank, installation_order
from witchery.solver.search import by_name, search
from witchery.solver.solution import Cause, Reason, Selected, Solution
from witchery.solver.source import Source
from witchery.solver.state import Name, Option, State


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
    """
    entries = by_name(world)
    solution = attempt(catalogue, entries)
    if solution is None:
        from witchery.solver.explain import explain

        raise explain(catalogue, entries)
    return solution


def attempt(catalogue: Catalogue, world: Iterable[Dependency], rank: Rank | None = None) -> Solution | None:
    """As `solve_in`, but None where apk finds no solution."""
    entries = by_name(world)
    if any(entry.tag not in catalogue.tags for entry in entries if entry.tag):
        return None
    found = search(entries, catalogue)
    if found.errors:
        return None
    order = installation_order(entries, found.state, rank)
    reasons = _reasons(entries, found.state, order)
    return Solution(
        entries,
        catalogue.arch,
        tuple(_selected(catalogue, option, tuple(reasons[option])) for option in order),
    )


def _selected(catalogue: Catalogue, option: Option, reasons: tuple[Reason, ...]) -> Selected:
    sources = [catalogue.sources[position] for position in option.candidate.sources]
    source = next(source for source in sources if source.tag in option.tags)
    return Selected(option.candidate.package, source, source.tag, reasons)


def _reasons(
    world: Sequence[Dependency], state: State, selected: Sequence[Option]
) -> dict[Option, list[Reason]]:
    reasons: dict[Option, list[Reason]] = {option: [] for option in selected}
    for entry in world:
        provider = state.name(entry.name).provider
        if provider is not None and not entry.conflict:
            reasons[provider].append(Reason(Cause.WORLD, (entry,)))
    for option in selected:
        package = option.candidate.package
        for dependency in package.depends:
            provider = state.name(dependency.name).provider
            if provider is not None and provider is not option and not dependency.conflict:
                reasons[provider].append(Reason(Cause.DEPENDS, (dependency,), (package.name,)))
    for option in selected:
        if option.triggered:
            names = [
                state.name(each.name) for each in option.candidate.package.install_if if not each.conflict
            ]
            reasons[option].append(
                Reason(Cause.INSTALL_IF, option.candidate.package.install_if, _provider_names(names))
            )
    return reasons


def _provider_names(names: Iterable[Name]) -> tuple[str, ...]:
    providers = (name.provider for name in names)
    return tuple(dict.fromkeys(each.candidate.package.name for each in providers if each is not None))
