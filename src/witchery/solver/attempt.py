"""One run of apk's search, and its result as a solution."""

from collections.abc import Container, Iterable, Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Catalogue
from witchery.solver.order import Rank, installation_order
from witchery.solver.search import by_name, search
from witchery.solver.solution import Cause, Reason, Selected, Solution
from witchery.solver.state import Option, State


def attempt(catalogue: Catalogue, world: Iterable[Dependency], rank: Rank | None = None) -> Solution | None:
    """Finds what apk would install into an empty root.

    Args:
        catalogue: What there is.
        world: What is asked for.
        rank: How to order packages that are triggered at once, where apk has no order.

    Returns:
        The solution, or None where apk finds none.

    Raises:
        FormatError: if a package that matters is malformed in its index.
    """
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
        for provider in _providers(entry, state, reasons):
            reasons[provider].append(Reason(Cause.WORLD, (entry,)))
    for option in selected:
        package = option.candidate.package
        for dependency in package.depends:
            for provider in _providers(dependency, state, reasons):
                if provider is not option:
                    reasons[provider].append(Reason(Cause.DEPENDS, (dependency,), (package.name,)))
    for option in selected:
        if option.triggered:
            conditions = option.candidate.package.install_if
            met_by = [each for condition in conditions for each in _providers(condition, state, reasons)]
            names = dict.fromkeys(each.candidate.package.name for each in met_by)
            reasons[option].append(Reason(Cause.INSTALL_IF, conditions, tuple(names)))
    return reasons


def _providers(dependency: Dependency, state: State, selected: Container[Option]) -> tuple[Option, ...]:
    """Who meets a dependency: the package chosen for the name, or one that provides it besides."""
    if dependency.conflict:
        return ()
    name = state.name(dependency.name)
    if name.provider is not None and name.provider in selected:
        return (name.provider,)
    agreement = state.catalogue.agreement(dependency)
    offers = zip(name.offers, agreement, strict=True)
    return tuple(option for (option, _version), agrees in offers if agrees and option in selected)[:1]
