"""What the packages of an image put where, as the declared effects need to see it."""

from collections.abc import Collection, Iterable, Mapping

from witchery.compose.part import Part
from witchery.compose.tree import GENERATED, Tree
from witchery.errors import FormatError
from witchery.rootfs.entry import Entry, Kind

MAX_FILE = 16 << 20
"""The largest file that is read into memory, in bytes."""


class Files:
    """The files of a merged tree, with their contents."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def entry(self, path: str) -> Entry | None:
        """What stands at a path; links are not followed."""
        node = self._tree.nodes.get(path)
        return node.entry if node else None

    def owner(self, path: str) -> str:
        """The name of the package whose file, link or folder it is, or an empty string."""
        node = self._tree.nodes.get(path)
        return self._tree.parts[node.owner].name if node and node.owner != GENERATED else ""

    def paths(self) -> Iterable[str]:
        """All paths."""
        return self._tree.nodes

    def read(self, paths: Collection[str]) -> Mapping[str, bytes]:
        """The contents of those paths that are regular files; each package is read at most once.

        Raises:
            FormatError: if a file is too large to be one that composing has to read.
            IntegrityError: if a package changed since it was checked.
        """
        wanted: dict[int, dict[str, list[str]]] = {}
        for path in paths:
            node = self._tree.nodes.get(path)
            if node and node.owner != GENERATED and node.entry.kind in (Kind.FILE, Kind.HARDLINK):
                stored = _stored(self._tree.parts[node.owner], node.source)
                wanted.setdefault(node.owner, {}).setdefault(stored, []).append(path)
        found: dict[str, bytes] = {}
        for owner, places in wanted.items():
            for stored, data in read_from(self._tree.parts[owner], places).items():
                found.update(dict.fromkeys(places[stored], data))
        return found


def _stored(part: Part, path: str) -> str:
    """Where in a package the bytes of a file are: elsewhere for a hard link."""
    return next((e.target for e in part.entries if e.path == path and e.kind is Kind.HARDLINK), path)


def read_from(part: Part, paths: Collection[str]) -> dict[str, bytes]:
    """The contents of some regular files of one package, in one pass that ends with the last of them.

    Raises:
        FormatError: if a file is too large.
        IntegrityError: if the package changed since it was checked.
    """
    found: dict[str, bytes] = {}
    missing = set(paths)
    if not missing:
        return found
    for member in part.archive.members(part.data.chunks()):
        if member.entry.path not in missing:
            continue
        if member.entry.size > MAX_FILE:
            raise FormatError(f"more than {MAX_FILE} bytes", where=[part.name, member.entry.path])
        found[member.entry.path] = b"".join(member.content)
        missing.discard(member.entry.path)
        if not missing:
            break
    return found
