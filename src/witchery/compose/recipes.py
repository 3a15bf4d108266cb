"""What goes into each layer that is written."""

from collections.abc import Iterable

from witchery.compose.assembly import Assembly
from witchery.compose.layer import Copy, Recipe
from witchery.compose.node import GENERATED, Node
from witchery.rootfs.entry import Entry, Kind, directory


class Recipes:
    """Makes the recipes for the layers of one image."""

    def __init__(self, assembly: Assembly, created: int) -> None:
        """Begins.

        Args:
            assembly: The image.
            created: Time of folders that only stand above others, in seconds since 1970.
        """
        self._assembly = assembly
        self._created = created
        self._owned: dict[int, list[Node]] | None = None

    def of(self, positions: Iterable[int], *, with_top: bool = False) -> Recipe:
        """The recipe of a layer for some packages.

        Args:
            positions: The packages; only what shows of them is taken.
            with_top: Whether what no package brings is in it, and the folders that have to be said again.
        """
        positions = sorted(positions)
        tree = self._assembly.tree
        folders: set[str] = set(self._assembly.restated) if with_top else set()
        copies: list[Copy] = []
        links: list[Entry] = []
        for position in positions:
            placed = tree.placed(position)
            folders.update(path for entry, path in placed if entry.kind is Kind.DIRECTORY and path)
            entries: dict[str, Entry] = {}
            for node in self._nodes(position):
                if node.source:
                    entries[node.source] = node.entry
                else:
                    links.append(node.entry)
            if entries:
                copies.append(Copy(tree.parts[position], entries))
        generated = []
        if with_top:
            for path, made in sorted(self._assembly.generated.items()):
                if made.entry.kind is Kind.DIRECTORY:
                    folders.add(path)
                else:
                    generated.append(made)
        generated.sort(key=lambda made: made.entry.kind is Kind.HARDLINK)
        inside = [entry.path for copy in copies for entry in copy.entries.values()]
        inside += [made.entry.path for made in generated] + [entry.path for entry in links]
        return Recipe(
            directories=tuple(self._folder(path) for path in sorted(_with_parents(folders, inside))),
            copies=tuple(copies),
            generated=tuple(generated),
            links=tuple(links),
        )

    def _nodes(self, position: int) -> list[Node]:
        """What shows of a package, without folders."""
        if self._owned is None:
            self._owned = {}
            for node in self._assembly.nodes.values():
                if node.owner != GENERATED and node.entry.kind is not Kind.DIRECTORY:
                    self._owned.setdefault(node.owner, []).append(node)
        return self._owned.get(position, [])

    def _folder(self, path: str) -> Entry:
        node = self._assembly.nodes.get(path)
        return node.entry if node else directory(path, mtime=self._created)


def _with_parents(folders: set[str], paths: Iterable[str]) -> set[str]:
    """The folders, those that the paths are in, and all above them."""
    found = set(folders)
    for path in (*folders, *paths):
        parent = path.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found
