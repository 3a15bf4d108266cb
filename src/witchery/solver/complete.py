"""A complete search, for worlds that apk gives up.

It goes back where apk does not, and so finds a solution if there is one within its limit of steps. It takes
conditions (`install_if`) for wishes: what they trigger is not part of what it looks for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from witchery.apk import version as versions
from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Candidate, Catalogue, Offer

STEPS = 20_000
"""How many candidates are tried before the search gives up."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """A dependency to be met, and the tags that whoever asks may use."""

    dependency: Dependency
    tags: frozenset[str]


class _Selection:
    """The candidates selected on the way to a solution, and what follows from them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.selected: list[tuple[Candidate, frozenset[str]]] = []
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
        if candidate.problem or candidate.clashes:
            return False
        for name, version in candidate.names:
            if any(version or other for _candidate, other in self._providers.get(name, ())):
                return False
        depends = candidate.package.depends
        own = [(each, candidate) for each in depends if each.conflict]
        return all(self._keeps(conflict, by, (candidate,)) for conflict, by in self.conflicts) and all(
            self._keeps(conflict, by, [each for each, _tags in self.selected]) for conflict, by in own
        )

    def add(self, candidate: Candidate, tags: frozenset[str]) -> None:
        """Selects a candidate."""
        self.selected.append((candidate, tags))
        for name, version in candidate.names:
            self._providers.setdefault(name, []).append((candidate, version))
        self.conflicts += [(each, candidate) for each in candidate.package.depends if each.conflict]

    def drop(self) -> None:
        """Takes back the candidate that was selected last."""
        candidate, _tags = self.selected.pop()
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
    """Some packages that satisfy a world, or None if there are none or the limit is reached."""
    selection = _Selection(catalogue)
    selection.conflicts = [(entry, None) for entry in world if entry.conflict]
    wishes = [_Wish(entry, frozenset({"", entry.tag})) for entry in world if not entry.conflict]
    trail: list[tuple[int, list[_Wish], list[Candidate], _Wish]] = []
    while steps > 0:
        wishes = [wish for wish in wishes if not selection.meets(wish.dependency)]
        if not wishes:
            return [candidate for candidate, _tags in selection.selected]
        options, wish = min(
            ((_options(selection, wish), wish) for wish in wishes), key=lambda each: len(each[0])
        )
        trail.append((len(selection.selected), wishes, options, wish))
        while trail and not trail[-1][2]:
            trail.pop()
        if not trail:
            return None
        depth, wishes, options, wish = trail[-1]
        while len(selection.selected) > depth:
            selection.drop()
        candidate = options.pop(0)
        selection.add(candidate, wish.tags)
        wishes = wishes + [_Wish(each, wish.tags) for each in candidate.package.depends if not each.conflict]
        steps -= 1
    return None


def _options(selection: _Selection, wish: _Wish) -> list[Candidate]:
    """Who could meet a wish, the one that apk would prefer first."""
    catalogue = selection.catalogue
    agreement = catalogue.agreement(wish.dependency)
    offers = [
        offer
        for offer, agrees in zip(catalogue.offers(wish.dependency.name), agreement, strict=True)
        if agrees and not wish.tags.isdisjoint(offer[0].tags) and selection.admits(offer[0])
    ]
    offers.sort(key=lambda offer: offer[0].package.provider_priority, reverse=True)
    offers.sort(key=lambda offer: versions.order(offer[1]), reverse=True)
    return list(dict.fromkeys(candidate for candidate, _version in offers))
