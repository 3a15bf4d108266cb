"""What all sources together offer: packages by the names they provide. Many worlds can share it."""

from collections.abc import Iterable, Iterator, Sequence

from witchery.apk import identity as identities
from witchery.apk import version as versions
from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.solver.source import Source


class Candidate:
    """One package that could be selected; it may be in several sources.

    Attributes:
        package: The package, as the first source describes it.
        names: Its own name and all names it provides, as often as it does, with the versions.
        versions: The versions of each of these names.
        sources: Positions of the sources that have it, ascending.
        tags: The tags of these sources, an empty string for ordinary ones.
        problem: Why it can never be selected, or an empty string.
        clashes: A name that it provides twice, so that it conflicts with itself, or an empty string.
    """

    __slots__ = ("clashes", "names", "package", "problem", "sources", "tags", "versions")

    def __init__(self, package: Package, arch: str) -> None:
        self.package = package
        self.names = ((package.name, package.version), *package.provides)
        self.versions: dict[str, list[str]] = {}
        for name, version in self.names:
            self.versions.setdefault(name, []).append(version)
        self.sources: list[int] = []
        self.tags: set[str] = set()
        self.problem = package.problem
        if not package.fits(arch):
            self.problem = f"it is for {package.arch}, not for {arch}"
        self.clashes = _provided_twice(self.versions) if len(self.versions) < len(self.names) else ""

    def __repr__(self) -> str:
        return f"<{self.package}>"


Offer = tuple[Candidate, str]
"""A candidate, and the version of a name that it provides."""


class Catalogue:
    """The candidates of some sources for one architecture."""

    def __init__(self, sources: Sequence[Source], arch: str) -> None:
        self.sources = tuple(sources)
        self.arch = arch
        self.tags = frozenset(source.tag for source in sources)
        self._candidates: dict[bytes, Candidate] = {}
        self._offers: dict[str, tuple[Offer, ...]] = {}
        self._conditioned: dict[str, tuple[str, ...]] = {}
        self._fits: dict[Dependency, tuple[bool, ...]] = {}

    def offers(self, name: str) -> tuple[Offer, ...]:
        """Who provides `name`, in the order of sources and indexes. A package may occur more than once."""
        offers = self._offers.get(name)
        if offers is None:
            candidates = dict.fromkeys(
                self._candidate(package, position)
                for position, source in enumerate(self.sources)
                for package in source.index.providing(name)
            )
            offers = self._offers[name] = tuple(
                (candidate, version)
                for candidate in candidates
                for version in candidate.versions.get(name, ())
            )
        return offers

    def conditioned_on(self, name: str) -> tuple[str, ...]:
        """The names of all packages whose `install_if` speaks of `name`, and the names that those provide."""
        names = self._conditioned.get(name)
        if names is None:
            found: dict[str, None] = {}
            for source in self.sources:
                for position in source.index.positions_conditioned_on(name):
                    own, _needed, provided = source.index.linked(position)
                    found[own] = None
                    found.update(dict.fromkeys(provided))
            names = self._conditioned[name] = tuple(found)
        return names

    def depending_on(self, name: str) -> Iterator[Package]:
        """All packages that depend on a name, whatever the world can reach."""
        for source in self.sources:
            yield from source.index.depending_on(name)

    def agreement(self, dependency: Dependency) -> tuple[bool, ...]:
        """For each of `offers(dependency.name)`, whether selecting it agrees with the dependency."""
        fits = self._fits.get(dependency)
        if fits is None:
            fits = self._fits[dependency] = tuple(
                dependency.is_satisfied_by(version, candidate.package.identity)
                for candidate, version in self.offers(dependency.name)
            )
        return fits

    def names(self) -> Iterator[str]:
        """Every name that some package has or provides."""
        for source in self.sources:
            yield from source.index.offers()

    def _candidate(self, package: Package, position: int) -> Candidate:
        key = package.identity[: identities.SIZE]
        candidate = self._candidates.get(key)
        if candidate is None:
            candidate = self._candidates[key] = Candidate(package, self.arch)
        if position not in candidate.sources:
            candidate.sources = sorted([*candidate.sources, position])
            candidate.tags.add(self.sources[position].tag)
        return candidate


def newest_first(offers: Iterable[Offer]) -> list[Offer]:
    """Offers from the highest version of the name to the lowest."""
    return sorted(offers, key=lambda offer: versions.order(offer[1]), reverse=True)


def _provided_twice(versions: dict[str, list[str]]) -> str:
    """A name that occurs twice; several times without a version is no clash."""
    return next((name for name, stated in versions.items() if len(stated) > 1 and any(stated)), "")
