"""The image as it shall be: the packages' tree with owners in numbers, generated files and the user's rules.

What differs from the packages' own bytes is kept beside it, for `plan` to tell which data segments can be
layers.
"""

from collections.abc import Mapping, Sequence

from witchery.compose.hard_links import relink
from witchery.compose.node import GENERATED, Node
from witchery.compose.notes import Note, Topic
from witchery.compose.owners import Owners
from witchery.compose.part import Generated
from witchery.compose.reasons import Because, Reason
from witchery.compose.tree import WHITEOUT, Tree
from witchery.errors import Refused
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import Entry, Kind, directory
from witchery.rootfs.links import Links
from witchery.value import frozen


@frozen(kw_only=True)
class Assembly:
    """An image's files, and how they differ from those of its packages.

    Attributes:
        tree: The packages' files.
        nodes: What stands where in the image. Owners are numbers.
        generated: The files that no package brings, by path.
        lost: As `Tree.lost`, with the paths that the rules took.
        changed: What in a package's own files is not as the package has it, by the package's position.
        restated: Folders to be said again above all packages.
        notes: Remarks.
    """

    tree: Tree
    nodes: Mapping[str, Node]
    generated: Mapping[str, Generated]
    lost: Mapping[int, Mapping[str, str]]
    changed: Mapping[int, tuple[Because, ...]]
    restated: frozenset[str]
    notes: tuple[Note, ...]


class Assembler:
    """An assembly in the making.

    Attributes:
        tree: The packages' files.
        nodes: What stands where.
        links: The symbolic links among it.
    """

    def __init__(self, tree: Tree, mtime: int) -> None:
        """Begins with the packages' files.

        Args:
            tree: These files.
            mtime: Time of what is generated without a time, in seconds since 1970.
        """
        self.tree = tree
        self.nodes: dict[str, Node] = dict(tree.nodes)
        self._targets = dict(tree.links.targets)
        self.links = Links(self._targets)
        self._mtime = mtime
        self._generated: dict[str, Generated] = {}
        self._lost = {position: dict(paths) for position, paths in tree.lost.items()}
        self._changed: dict[tuple[int, Reason], dict[str, None]] = {}
        self._restated = set(tree.shared)
        self._notes = list(tree.notes)

    def settle_owners(self, owners: Owners) -> None:
        """Gives every entry its owner in numbers."""
        unknown: dict[tuple[int, str], list[str]] = {}
        for path, node in self.tree.nodes.items():
            entry = node.entry
            if entry.uname == "root" == entry.gname and not entry.uid and not entry.gid:
                continue
            uid, gid, names = owners.of(entry)
            for name in names:
                unknown.setdefault((node.owner, name), []).append(path)
            if (uid, gid) != (entry.uid, entry.gid):
                self.change(path, entry._replace(uid=uid, gid=gid), Reason.OWNER)
        self._notes += [self._unknown_owner(*key, paths) for key, paths in unknown.items()]

    def _unknown_owner(self, position: int, name: str, paths: list[str]) -> Note:
        kind, _, account = name.partition(" ")
        owned = self.tree.nodes[paths[0]].entry
        number = owned.uid if kind == "user" else owned.gid
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        text = f"no {kind} `{account}` in the image, the package's number {number} is used{more}"
        return Note(Topic.UNKNOWN_OWNER, str(self.tree.parts[position]), paths[0], text)

    def change(self, path: str, entry: Entry, reason: Reason) -> None:
        """Gives what a package brought another owner or mode."""
        node = self.nodes[path]
        self.nodes[path] = node._replace(entry=entry)
        if entry.kind is Kind.DIRECTORY:
            self._restated.add(path)
        elif node.owner != GENERATED:
            self.mark(node.owner, reason, node.source)
        else:
            self._generated[path] = self._generated[path]._replace(entry=entry)

    def mark(self, position: int, reason: Reason, evidence: str) -> None:
        """Notes why a package's data segment cannot be its layer."""
        self._changed.setdefault((position, reason), {})[evidence] = None

    def place(self, generated: Generated) -> None:
        """Adds what no package brings, in place of what stands there.

        Raises:
            Refused: naming who asks for it, if a folder stands where a file shall be, or the reverse.
        """
        entry = generated.entry
        path = self.links.locate(entry.path)
        if not path:
            raise Refused("nothing can take the place of the root", where=[generated.why])
        if entry.name.startswith(WHITEOUT):
            raise Refused(f"a layer cannot hold this name: `{path}`", where=[generated.why])
        entry = entry._replace(path=path, mtime=entry.mtime or self._mtime)
        old = self.nodes.get(path)
        if old is not None and (old.entry.kind is Kind.DIRECTORY) is not (entry.kind is Kind.DIRECTORY):
            is_folder = old.entry.kind is Kind.DIRECTORY
            what = "a folder is" if is_folder else "something other than a folder is"
            raise Refused(f"{what} there already: `{path}`", where=[generated.why])
        self._make_parents(path, generated.why)
        if entry.kind is Kind.SYMLINK:
            self._targets[path] = entry.target
        else:
            self._targets.pop(path, None)
        self.nodes[path] = Node(entry, GENERATED, "")
        self._generated[path] = generated._replace(entry=entry)

    def _make_parents(self, path: str, why: str) -> None:
        """Adds the folders that are missing above a path."""
        parent = path.rpartition("/")[0]
        while parent and parent not in self.nodes:
            entry = directory(parent, mtime=self._mtime)
            self.nodes[parent] = Node(entry, GENERATED, "")
            self._generated[parent] = Generated(entry, BytesContent(b""), why)
            parent = parent.rpartition("/")[0]
        if parent and self.nodes[parent].entry.kind is not Kind.DIRECTORY:
            raise Refused(f"not a folder: `{parent}`", where=[why])

    def link(self, path: str, target: str, why: str) -> None:
        """Adds a hard link to a file, into the layer of that file.

        Raises:
            Refused: if a folder stands at `path`.
        """
        file = self.nodes[target]
        entry = file.entry._replace(path=path, kind=Kind.HARDLINK, target=target, size=0, checksum=b"")
        old = self.nodes.get(path)
        self.place(Generated(entry, BytesContent(b""), why))
        if file.owner == GENERATED:
            return
        del self._generated[path]
        self.nodes[path] = Node(self.nodes[path].entry, file.owner, "")
        self.mark(file.owner, Reason.RULE, path)
        if old is not None and old.owner not in (GENERATED, file.owner):
            self._lost.setdefault(old.owner, {})[old.source] = path

    def finish(self) -> Assembly:
        """The assembly.

        Raises:
            Refused: if a rule's hard link lost its file to a later rule.
        """
        for position, paths in relink(self.tree.hard_links, self.nodes).items():
            for path in paths:
                if path not in self.tree.relinked.get(position, ()):
                    self.mark(position, Reason.HARD_LINK, path)
        for path, node in self.nodes.items():
            if node.entry.kind is Kind.HARDLINK:
                file = self.nodes.get(node.entry.target)
                if file is None or file.owner != node.owner or file.entry.kind is not Kind.FILE:
                    raise Refused(f"the file of a hard link was replaced: `{path}`")
        changed: dict[int, list[Because]] = {}
        for (position, reason), evidence in self._changed.items():
            changed.setdefault(position, []).append(Because(reason, tuple(evidence)))
        return Assembly(
            tree=self.tree,
            nodes=self.nodes,
            generated=self._generated,
            lost=self._lost,
            changed={position: tuple(reasons) for position, reasons in changed.items()},
            restated=frozenset(self._restated),
            notes=tuple(self._notes),
        )


def below(nodes: Mapping[str, Node], folder: str) -> Sequence[str]:
    """The paths below a folder, parents first."""
    return sorted(path for path in nodes if path.startswith(f"{folder}/"))
