"""The tree that layers make when they are laid over each other (image-spec, layer.md), as a value in memory.

It says where an entry of a layer ends up, without asking the host's file system: symbolic links are followed
in the tree alone, and cannot lead out of it. Whoever writes the tree to disk then uses paths without links.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from witchery.errors import FormatError
from witchery.rootfs.entry import Entry, Kind

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"

MAX_LINKS = 40
"""How many symbolic links one path may lead through, as in Linux (path_resolution(7))."""

MAX_NAME = 255
"""The longest name, in bytes (NAME_MAX)."""


@dataclass(slots=True, eq=False)
class Node:
    """A place in the tree.

    Attributes:
        path: Its path; no part of it is a link. Empty at the top.
        kind: What is there.
        layer: The number of the layer that last said something about it.
        entry: What that layer said; None for a folder that no layer mentions, but others need.
        parent: The folder that holds it; None at the top.
        children: What it holds by name, if it is a folder.
    """

    path: str
    kind: Kind
    layer: int
    entry: Entry | None = None
    parent: "Node | None" = field(default=None, repr=False)
    children: dict[str, "Node"] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def below(self) -> Iterator["Node"]:
        """Everything in this folder, each folder before what it holds."""
        stack = list(self.children.values())
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.children.values())


class Tree:
    """Layers, one over the other."""

    def __init__(self) -> None:
        self.top = Node("", Kind.DIRECTORY, 0)
        self._folders: dict[str, Node] = {"": self.top}
        self.made: list[Node] = []

    def folder(self, path: str, layer: int) -> Node:
        """The folder at `path`, links followed; what is missing is made, and told in `made`.

        Raises:
            FormatError: if something on the way is no folder, or links go round in circles.
        """
        known = self._folders.get(path)
        if known is not None:
            return known
        here, links = self.top, 0
        rest = path.split("/")[::-1]
        while rest:
            name = rest.pop()
            if name in ("", "."):
                continue
            if name == "..":
                here = here.parent or here
                continue
            node = here.children.get(name) or self._missing(here, name, layer)
            if node.kind is Kind.SYMLINK and node.entry is not None:
                links += 1
                if links > MAX_LINKS:
                    raise FormatError(f"symbolic links go round in circles: `{path}`")
                here = self.top if node.entry.target.startswith("/") else here
                rest.extend(node.entry.target.split("/")[::-1])
            elif node.kind is not Kind.DIRECTORY:
                raise FormatError(f"not a folder, but something is to be put into it: `{node.path}`")
            else:
                here = node
        self._folders[path] = here
        return here

    def find(self, path: str, layer: int) -> Node | None:
        """What is at `path`; links on the way are followed, a link at its end is not."""
        parent, _, name = path.rpartition("/")
        return self.folder(parent, layer).children.get(name) if name else self.top

    def put(self, parent: Node, entry: Entry, layer: int) -> Node:
        """Puts an entry into a folder; whatever was there before has been removed, or is the same folder."""
        name = entry.name
        old = parent.children.get(name)
        if old is not None:
            old.layer, old.entry = layer, entry
            return old
        node = Node(_join(parent, name), entry.kind, layer, entry, parent)
        parent.children[name] = node
        return node

    def remove(self, node: Node) -> None:
        """Takes a place out of the tree, with all that is below it."""
        if node.parent is not None:
            del node.parent.children[node.name]
        self._folders = {"": self.top}

    def hidden(self, node: Node, layer: int) -> Iterator[Node]:
        """What a whiteout of `layer` removes at a place: all that lower layers put there, the deepest first.

        What this layer itself put there stays, and the folders it needs do.
        """
        found = [node, *node.below()]
        kept = {id(stay) for stay in found if stay.layer >= layer}
        for inner in reversed(found):  # a folder stays where something in it does
            if id(inner) in kept and inner.parent is not None:
                kept.add(id(inner.parent))
        yield from (inner for inner in reversed(found) if id(inner) not in kept)

    def _missing(self, parent: Node, name: str, layer: int) -> Node:
        if len(name.encode(errors="surrogateescape")) > MAX_NAME:
            raise FormatError(f"a name is longer than {MAX_NAME} bytes: `{name[:80]}...`")
        node = Node(_join(parent, name), Kind.DIRECTORY, layer, None, parent)
        parent.children[name] = node
        self.made.append(node)
        return node


def _join(parent: Node, name: str) -> str:
    return f"{parent.path}/{name}" if parent.path else name
