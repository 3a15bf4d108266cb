"""All packages of some repositories, with who provides and who needs which name.

Where an image is concerned one provider of a name is chosen, and all others do not matter. Here nothing is
chosen: whoever satisfies a dependency is on the other end of it. What a package satisfies itself is no
dependency.
"""

from collections.abc import Iterable, Iterator, Sequence

from witchery.apk import identity as identities
from witchery.apk.dependency import Dependency
from witchery.apk.index import Index
from witchery.apk.package import Package

_NOBODY: tuple[int, ...] = ()


class Universe:
    """The packages of some indexes. They are spoken of by their position, which makes sets of them cheap.

    Attributes:
        packages: All packages, those of the first index first; one that several indexes hold stands once.
        arch: Alpine's name of the architecture.
    """

    def __init__(self, indexes: Iterable[Index], arch: str) -> None:
        known: dict[bytes, Package] = {}
        for index in indexes:
            for package in index:
                known.setdefault(package.identity[: identities.SIZE], package)
        self.arch = arch
        self.packages = tuple(known.values())
        self._origins = [package.origin or package.name for package in self.packages]
        self._offers: dict[str, list[tuple[int, str]]] = {}
        self._needed: dict[str, dict[Dependency, list[int]]] = {}
        self._satisfying: dict[Dependency, tuple[int, ...]] = {}
        offers, needed = self._offers, self._needed
        for position, package in enumerate(self.packages):
            offers.setdefault(package.name, []).append((position, package.version))
            for name, version in package.provides:
                offers.setdefault(name, []).append((position, version))
            own = {package.name, *(name for name, _ in package.provides)} if package.depends else ()
            for dependency in package.depends:
                if not dependency.conflict and not (
                    dependency.name in own and _satisfies(package, dependency)
                ):
                    needed.setdefault(dependency.name, {}).setdefault(dependency, []).append(position)

    def __len__(self) -> int:
        return len(self.packages)

    def origin(self, position: int) -> str:
        """The source package that a package was built from; its own name where the index does not say."""
        return self._origins[position]

    def origins(self, positions: Iterable[int]) -> frozenset[str]:
        """The source packages that some packages were built from."""
        return frozenset(self._origins[position] for position in positions)

    def names(self) -> Iterator[str]:
        """Every name that a package has, provides or needs."""
        return iter(self._offers.keys() | self._needed.keys())

    def providing(self, name: str) -> tuple[int, ...]:
        """The packages that are called `name` or provide it."""
        return tuple(dict.fromkeys(position for position, _ in self._offers.get(name, ())))

    def named(self, name: str) -> tuple[int, ...]:
        """The packages that are called `name`."""
        return tuple(each for each in self.providing(name) if self.packages[each].name == name)

    def needs(self, name: str) -> Iterable[tuple[Dependency, Sequence[int]]]:
        """The dependencies that speak of `name`, each with the packages that have it; no conflicts."""
        return self._needed.get(name, {}).items()

    def needing(self, dependency: Dependency) -> Sequence[int]:
        """The packages that have just this dependency."""
        return self._needed.get(dependency.name, {}).get(dependency, _NOBODY)

    def dependencies(self) -> Iterator[tuple[Dependency, Sequence[int]]]:
        """All dependencies, each once, with the packages that have it."""
        for needs in self._needed.values():
            yield from needs.items()

    def satisfying(self, dependency: Dependency) -> tuple[int, ...]:
        """The packages that satisfy a dependency."""
        found = self._satisfying.get(dependency)
        if found is None:
            offers = self._offers.get(dependency.name)
            found = self._satisfying[dependency] = (
                tuple(
                    dict.fromkeys(
                        position
                        for position, version in offers
                        if dependency.accepts(version, self.packages[position].identity)
                    )
                )
                if offers
                else _NOBODY
            )
        return found

    def dependents(self, position: int) -> Iterator[tuple[int, Dependency]]:
        """The packages that have a dependency which this one satisfies, with the dependency."""
        package = self.packages[position]
        for name, version in dict.fromkeys(((package.name, package.version), *package.provides)):
            for dependency, needing in self.needs(name):
                if dependency.accepts(version, package.identity):
                    for each in needing:
                        yield each, dependency


def _satisfies(package: Package, dependency: Dependency) -> bool:
    versions = package.offers(dependency.name)
    return any(dependency.accepts(version, package.identity) for version in versions)
