"""A complete search, for worlds that apk gives up.

It goes back where apk does not, and so finds a solution if there is one within its limit of steps. It takes
conditions (`install_if`) for wishes: what they trigger is not part of what it looks for.
"""

from collections.abc import Iterable, Sequence

from witchery.apk import version as versions
from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Candidate, Catalogue, Offer

STEPS = 20_000
"""How many candidates are tried before the search gives up."""


class _Selection:
    """The candidates selected on the way to a solution, and what follows from them."""

    def __init__(self, catalogue: Catalogue, tags: frozenset[str]) -> None:
        self.catalogue = catalogue
        self.tags = tags
        self.selected: list[Candidate] = []
        self.conflicts: list[tuple[Dependency, Candidate | None]] = []
        self._providers: dict[str, list[Offer]] = {}

    def meets(self, dependency: Dependency) -> bool:
        """Says whether something selected meets a dependency."""
        return any(
            dependency.is_satisfied_by(version, candidate.package.identity)
            for candidate, version in self._providers.get(dependency.name, ())
        )

    def admits(self, candidate: Candidate) -> bool:
        """Says whether a candidate can be added to what is selected."""
        if candidate.problem or candidate.clashes or self.tags.isdisjoint(candidate.tags):
            return False
        for name, version in candidate.names:
            if any(version or other for _candidate, other in self._providers.get(name, ())):
                return False
        depends = candidate.package.depends
        own = [(each, candidate) for each in depends if each.conflict]
        return all(self._keeps(conflict, by, (candidate,)) for conflict, by in self.conflicts) and all(
            self._keeps(conflict, by, self.selected) for conflict, by in own
        )

    def add(self, candidate: Candidate) -> None:
        """Selects a candidate."""
        self.selected.append(candidate)
        for name, version in candidate.names:
            self._providers.setdefault(name, []).append((candidate, version))
        self.conflicts += [(each, candidate) for each in candidate.package.depends if each.conflict]

    def drop(self) -> None:
        """Takes back the candidate that was selected last."""
        candidate = self.selected.pop()
        for name, _version in candidate.names:
            self._providers[name].pop()
        own = sum(each.conflict for each in candidate.package.depends)
        if own:
            del self.conflicts[-own:]

    @staticmethod
    def _keeps(conflict: Dependency, by: Candidate | None, candidates: Iterable[Candidate]) -> bool:
        return all(
            conflict.is_satisfied_by(version, candidate.package.identity)
            for candidate in candidates
            if candidate is not by
            for name, version in candidate.names
            if name == conflict.name
        )


def find_any(catalogue: Catalogue, world: Sequence[Dependency], steps: int = STEPS) -> list[Candidate] | None:
    """Some packages that satisfy a world, or None if there are none or the limit is reached.

    Every tag that the world speaks of is allowed for all packages.
    """
    selection = _Selection(catalogue, frozenset(["", *(entry.tag for entry in world)]))
    selection.conflicts = [(entry, None) for entry in world if entry.conflict]
    wishes = [entry for entry in world if not entry.conflict]
    forks: list[tuple[int, list[Dependency], list[Candidate]]] = []
    for _step in range(steps):
        wishes = [wish for wish in wishes if not selection.meets(wish)]
        if not wishes:
            return list(selection.selected)
        options = min((_options(selection, wish) for wish in wishes), key=len)
        forks.append((len(selection.selected), wishes, options))
        while forks and not forks[-1][2]:
            forks.pop()
        if not forks:
            return None
        selected, wishes, options = forks[-1]
        while len(selection.selected) > selected:
            selection.drop()
        candidate = options.pop(0)
        selection.add(candidate)
        wishes = [*wishes, *(each for each in candidate.package.depends if not each.conflict)]
    return None


def _options(selection: _Selection, wish: Dependency) -> list[Candidate]:
    """Who could meet a wish, the one that apk would prefer first."""
    catalogue = selection.catalogue
    agreement = catalogue.agreement(wish)
    offers = [
        offer
        for offer, agrees in zip(catalogue.offers(wish.name), agreement, strict=True)
        if agrees and selection.admits(offer[0])
    ]
    offers.sort(key=lambda offer: offer[0].package.provider_priority, reverse=True)
    offers.sort(key=lambda offer: versions.order(offer[1]), reverse=True)
    return list(dict.fromkeys(candidate for candidate, _version in offers))
