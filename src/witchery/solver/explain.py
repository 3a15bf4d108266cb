"""Why a world has no solution, in words that help.

First the plain causes: a name that nobody has, a version that is not there, a tag, a choice that is the
user's. Then the smallest set of constraints that collide: entries of the world and dependencies are left out
one after the other for as long as there is still no solution.
"""

from collections.abc import Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Catalogue, Offer, newest_first
from witchery.solver.complete import find_any
from witchery.solver.errors import Unsolvable
from witchery.solver.minimise import smallest
from witchery.solver.search import search
from witchery.solver.suggest import suggest

Edge = tuple[str, Dependency]
"""A dependency of a package (`name-version`); of the world, if the package is an empty string."""

MAX_EDGES = 400
"""How many dependencies are tried for leaving out; of more, those that nothing there is can meet."""


def explain(catalogue: Catalogue, world: Sequence[Dependency]) -> Unsolvable:
    """The error for a world that `search` finds no solution for."""
    unknown = sorted({entry.tag for entry in world} - catalogue.tags - {""})
    if unknown:
        known = ", ".join(f"`@{tag}`" for tag in sorted(catalogue.tags - {""})) or "none"
        return Unsolvable(
            [f"no repository is tagged `@{tag}`" for tag in unknown], hints=[f"tags in use: {known}"]
        )
    entries = smallest(list(world), lambda part: bool(search(part, catalogue).errors))
    edges = _colliding(catalogue, entries)
    if missing := _missing_together(catalogue, entries, edges):
        return missing
    constraints, hints = [], []
    for package, dependency in [*(("", entry) for entry in entries), *edges]:
        constraint, hint = _describe(catalogue, package, dependency)
        constraints.append(constraint)
        hints += [hint] if hint else []
    blunt = [each for each in constraints if " but " in each or "no such package" in each]
    alternative, additions = suggest(catalogue, world, find_any(catalogue, world))
    if alternative is not None:
        packages = ", ".join(str(each.package) for each in alternative)
        hints.append(
            f"a solution exists that apk does not find; add to the packages: {' '.join(additions)}"
            f" (it is: {packages})"
        )
    return Unsolvable(
        (blunt if len(blunt) == 1 and len(entries) <= 1 else None) or constraints,
        hints=list(dict.fromkeys(hints)),
        alternative=alternative,
        additions=additions,
    )


def _colliding(catalogue: Catalogue, world: list[Dependency]) -> list[Edge]:
    """The dependencies of packages without which the world would have a solution."""
    state = search(world, catalogue).state
    edges = [
        (str(candidate.package), dependency)
        for candidate in sorted(state.discovery.candidates(), key=lambda each: str(each.package))
        for dependency in candidate.package.depends
    ]

    def fails(kept: list[Edge]) -> bool:
        return bool(search(world, catalogue, frozenset(edges) - frozenset(kept)).errors)

    if fails([]):
        return []
    if len(edges) > MAX_EDGES:
        edges = [edge for edge in edges if not any(catalogue.agreement(edge[1]))]
        return smallest(edges, fails) if len(edges) <= MAX_EDGES and fails(edges) else []
    return smallest(edges, fails)


def _missing_together(
    catalogue: Catalogue, world: list[Dependency], edges: Sequence[Edge]
) -> Unsolvable | None:
    """The error for a package that needs several things that nobody has: all of them at once."""
    if len(edges) != 1 or _is_offered(catalogue, edges[0][1]):
        return None
    package = edges[0][0]
    needed = [
        dependency
        for candidate in search(world, catalogue).state.discovery.candidates()
        if str(candidate.package) == package
        for dependency in candidate.package.depends
        if not _is_offered(catalogue, dependency)
    ]
    names = list(dict.fromkeys(f"`{dependency.name}`" for dependency in needed))
    if len(names) < 2:
        return None
    hints = (_no_such_package(catalogue, package, dependency)[1] for dependency in needed)
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    return Unsolvable(
        [f"no such packages: {listed}, needed by {package}"], hints=list(dict.fromkeys(filter(None, hints)))
    )


def _is_offered(catalogue: Catalogue, dependency: Dependency) -> bool:
    return dependency.conflict or bool(catalogue.offers(dependency.name))


def _describe(catalogue: Catalogue, package: str, dependency: Dependency) -> tuple[str, str]:
    """One constraint in words, and what may help."""
    who = f"{package} needs `{dependency}`" if package else f"`{dependency}` is requested"
    offers = catalogue.offers(dependency.name)
    if dependency.conflict:
        return (f"{package} excludes `{dependency.name}`: `{dependency}`" if package else who), ""
    if not offers:
        return _no_such_package(catalogue, package, dependency)
    agreement = catalogue.agreement(dependency)
    fitting = [offer for offer, agrees in zip(offers, agreement, strict=True) if agrees]
    if not fitting:
        return f"{who}, but the repositories have only {_listing(catalogue, dependency.name)}", ""
    obstacle, hint = _obstacle(dependency, fitting)
    if obstacle:
        return f"{who}, but {obstacle}", hint
    if dependency.operator or package:
        return f"{who} (there is {_listing(catalogue, dependency.name)})", ""
    return who, ""


def _obstacle(dependency: Dependency, fitting: Sequence[Offer]) -> tuple[str, str]:
    """What keeps all offers that would fit from being taken, and what may help."""
    usable = [candidate for candidate, _version in fitting if not candidate.problem and not candidate.clashes]
    if not usable:
        candidate = fitting[0][0]
        problem = candidate.problem or f"it provides `{candidate.clashes}` twice"
        return f"{candidate.package} cannot be installed: {problem}", ""
    allowed = [candidate for candidate in usable if {"", dependency.tag} & candidate.tags]
    if not allowed:
        tag = min(usable[0].tags)
        return (
            f"it is only in a repository tagged `@{tag}`",
            f"request `{dependency.name}@{tag}` to allow that repository",
        )
    if all(not version and not candidate.package.provider_priority for candidate, version in fitting):
        names = ", ".join(sorted({candidate.package.name for candidate in allowed}))
        return (
            f"it is provided by {names}, and none of them by default",
            f"choose who provides `{dependency.name}`, add one of: {names}",
        )
    return "", ""


def _no_such_package(catalogue: Catalogue, package: str, dependency: Dependency) -> tuple[str, str]:
    from difflib import get_close_matches

    # The name of a library was read from a file, and is not misspelt.
    by_hand = not dependency.name.startswith("so:")
    close = get_close_matches(dependency.name, set(catalogue.names()), n=3, cutoff=0.75) if by_hand else []
    hint = f"did you mean {' or '.join(f'`{each}`' for each in close)}?" if close else ""
    needed = f", needed by {package}" if package else ""
    return f"no such package: `{dependency.name}`{needed}", hint


def _listing(catalogue: Catalogue, name: str) -> str:
    """What there is of a name: `1.24.0-r7 and 1.22.1-r0`, or with the packages where others provide it."""
    texts = []
    for candidate, version in newest_first(catalogue.offers(name)):
        package = candidate.package
        own = package.name == name
        texts.append(version if own else f"{version or 'no version'} (from {package})")
    unique = list(dict.fromkeys(texts))
    shown = unique[:4]
    if len(unique) > len(shown):
        shown.append(f"{len(unique) - len(shown)} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
