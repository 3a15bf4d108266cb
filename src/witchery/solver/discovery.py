"""What a world can reach at all, and in which order its names are looked at."""

from collections.abc import Iterator, Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.catalogue import Candidate, Catalogue


class Discovery:
    """The names that a world may need or trigger.

    A name leads to what its packages depend on and provide, and to the packages whose `install_if` speaks of
    it or of them. It is walked depth first, and a name is ranked when all it leads to has been: so a package
    comes before what it depends on, and before names that it is only one provider of.

    Through `install_if` a small world reaches thousands of packages, so they are not decoded here: their
    names are read from the text of the index.

    Attributes:
        ranks: The rank of each name that was reached; the lowest is decided first.
    """

    def __init__(self, catalogue: Catalogue, world: Sequence[Dependency]) -> None:
        self.ranks: dict[str, int] = {}
        self._catalogue = catalogue
        self._seen = tuple(set[int]() for _ in catalogue.sources)
        for entry in world:
            if entry.name not in self.ranks:
                self._walk(entry.name)

    def candidates(self) -> set[Candidate]:
        """The candidates that were reached."""
        return {candidate for name in self.ranks for candidate, _version in self._catalogue.offers(name)}

    def _walk(self, start: str) -> None:
        ranks = self.ranks
        ranks[start] = 0
        path = [(start, self._successors(start))]
        done = -len(ranks)
        while path:
            name, successors = path[-1]
            for successor in successors:
                if successor not in ranks:
                    ranks[successor] = 0
                    path.append((successor, self._successors(successor)))
                    break
            else:
                path.pop()
                ranks[name] = done
                done -= 1

    def _successors(self, name: str) -> Iterator[str]:
        catalogue = self._catalogue
        for source, seen in zip(catalogue.sources, self._seen, strict=True):
            for position in source.index.positions_offering(name):
                if position not in seen:
                    seen.add(position)
                    own, needed, provided = source.index.linked(position)
                    yield from needed
                    yield from provided
                    yield from catalogue.conditioned_on(own)
        yield from catalogue.conditioned_on(name)
