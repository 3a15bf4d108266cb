"""The files of all packages as one tree: every path once, where it really stands, with its owner.

Parts come in the order in which apk would install them. Links come first, whatever the order: where one
package has a folder and another a symbolic link, the link holds and what the first has in that folder stands
where the link leads (`bin -> usr/bin` on a merged `/usr`). A link that would then point to itself is left
out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from witchery.compose.conflicts import Conflict, ConflictError, Verdict, outranks, verdict
from witchery.compose.hard_links import HardLink, relink
from witchery.compose.node import GENERATED, Node
from witchery.compose.notes import Note, Topic
from witchery.compose.part import Part
from witchery.errors import Refused
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.links import Links
from witchery.value import frozen

__all__ = ["GENERATED", "WHITEOUT", "Node", "Tree", "merge"]

WHITEOUT = ".wh."
"""How the names begin by which layers delete (image-spec, layer.md, "Whiteouts"): no file can have one."""

_MAX_PASSES = 40


@frozen(kw_only=True)
class Tree:
    """The files of some packages.

    Attributes:
        parts: The packages, in the order of installation.
        nodes: What stands where, by path. The root itself is not among it.
        shared: The packages that list a folder, for every folder that several list.
        lost: For each part that brought a path which is another's now: these paths as the package has them,
            and where they stand.
        moved: For each part that has entries below, or at, links of others: their paths as the package has
            them.
        relinked: For each part whose hard links had to change: their paths as the package has them.
        hard_links: The hard links, in the order of the parts and their archives.
        links: The symbolic links.
        notes: Remarks.
    """

    parts: tuple[Part, ...]
    nodes: Mapping[str, Node]
    shared: Mapping[str, tuple[int, ...]]
    lost: Mapping[int, Mapping[str, str]]
    moved: Mapping[int, tuple[str, ...]]
    relinked: Mapping[int, tuple[str, ...]]
    hard_links: tuple[HardLink, ...]
    links: Links
    notes: tuple[Note, ...]

    def find(self, path: str) -> Node | None:
        """What stands at a path, its folders followed where they are links.

        Raises:
            Refused: if links lead in a circle.
        """
        return self.nodes.get(self.links.locate(path))

    def placed(self, position: int) -> Iterator[tuple[Entry, str]]:
        """Every entry of a part, with the path where it stands."""
        entries = self.parts[position].entries
        if position in self.moved:
            return _placed(entries, self.links)
        return ((entry, entry.path) for entry in entries)


def merge(parts: Sequence[Part]) -> Tree:
    """Makes one tree of packages in the order of their installation.

    Raises:
        ConflictError: with every conflict, if packages cannot be in one image.
        Refused: if links lead in a circle, or a name cannot stand in a layer.
    """
    return _Merge(tuple(parts)).tree()


def _placed(entries: Sequence[Entry], links: Links) -> Iterator[tuple[Entry, str]]:
    """Entries with the paths where they stand; a folder that is a link stands where the link leads."""
    folders = {"": ""}
    for entry in entries:
        base = folders[entry.parent]
        path = f"{base}/{entry.name}" if base else entry.name
        if entry.kind is Kind.DIRECTORY:
            if path in links.targets:
                path = links.follow(path)
            folders[entry.path] = path
        yield entry, path


class _Merge:
    """A tree in the making."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._parts = parts
        self._nodes: dict[str, Node] = {}
        self._shared: dict[str, list[int]] = {}
        self._lost: dict[int, dict[str, str]] = {}
        self._moved: dict[int, list[str]] = {}
        self._hard_links: list[HardLink] = []
        self._conflicts: list[Conflict] = []
        self._notes: list[Note] = []

    def tree(self) -> Tree:
        """Puts all parts together."""
        links = _links(self._parts)
        for position, part in enumerate(self._parts):
            if links.targets:
                self._add_followed(position, part, links)
            else:
                for entry in part.entries:
                    self._add(position, entry, entry.path)
            if any(entry.kind is Kind.HARDLINK for entry in part.entries):
                files = {entry.path: (entry, path) for entry, path in _placed(part.entries, links)}
                self._hard_links += [
                    HardLink(position, path, files[entry.target][1], entry, files[entry.target][0])
                    for entry, path in files.values()
                    if entry.kind is Kind.HARDLINK
                ]
        if self._conflicts:
            raise ConflictError(self._conflicts)
        relinked = relink(self._hard_links, self._nodes)
        return Tree(
            parts=self._parts,
            nodes=self._nodes,
            shared={path: tuple(owners) for path, owners in self._shared.items()},
            lost=self._lost,
            moved={position: tuple(paths) for position, paths in self._moved.items()},
            links=Links(_targets(node.entry for node in self._nodes.values())),
            relinked=relinked,
            hard_links=tuple(self._hard_links),
            notes=tuple(self._notes),
        )

    def _add_followed(self, position: int, part: Part, links: Links) -> None:
        """Adds a part to a tree in which folders may be links."""
        for entry, path in _placed(part.entries, links):
            if path != entry.path:
                self._moved.setdefault(position, []).append(entry.path)
            if entry.kind is Kind.SYMLINK and _points_to_itself(entry, path, links):
                self._lose(position, entry.path, path)
                text = "link left out, it would point to itself"
                self._notes.append(Note(Topic.SELF_LINK, str(part), entry.path, text))
            elif path:
                self._add(position, entry, path)

    def _add(self, position: int, entry: Entry, path: str) -> None:
        """Adds one entry."""
        if WHITEOUT in path and f"/{WHITEOUT}" in f"/{path}":
            raise Refused(f"a layer cannot hold this name: `{path}`", where=[str(self._parts[position])])
        old = self._nodes.get(path)
        if old is None:
            self._put(position, entry, path)
        elif (entry.kind is Kind.DIRECTORY) is not (old.entry.kind is Kind.DIRECTORY):
            problem = "need it as a folder and as something else"
            self._conflicts.append(self._conflict(old, position, path, problem))
        elif entry.kind is Kind.DIRECTORY:
            self._add_folder(old, position, entry, path)
        else:
            self._decide(old, position, entry, path)

    def _put(self, position: int, entry: Entry, path: str) -> None:
        own = entry if path == entry.path else entry._replace(path=path)
        self._nodes[path] = Node(own, position, entry.path)

    def _lose(self, position: int, source: str, path: str) -> None:
        self._lost.setdefault(position, {})[source] = path

    def _add_folder(self, old: Node, position: int, entry: Entry, path: str) -> None:
        owners = self._shared.setdefault(path, [old.owner])
        if position not in owners:
            owners.append(position)
        if old.owner != position and self._has_say(old, position, entry):
            self._put(position, entry, path)

    def _has_say(self, old: Node, position: int, entry: Entry) -> bool:
        """Whether a newcomer decides on mode and owner of a folder: not if it says nothing of it."""
        owner, newcomer = self._parts[old.owner], self._parts[position]
        if entry.path in newcomer.archive.implied:
            return False
        return old.source in owner.archive.implied or outranks(newcomer, owner)

    def _decide(self, old: Node, position: int, entry: Entry, path: str) -> None:
        owner, newcomer = self._parts[old.owner], self._parts[position]
        match verdict(owner, old.entry, newcomer, entry):
            case Verdict.TAKE:
                self._lose(old.owner, old.source, path)
                self._put(position, entry, path)
            case Verdict.SAME:
                text = f"the same as in `{owner}`, which keeps it"
                self._notes.append(Note(Topic.SAME_FILE, str(newcomer), path, text))
                self._lose(position, entry.path, path)
            case Verdict.KEEP:
                self._lose(position, entry.path, path)
            case _:
                self._conflicts.append(self._conflict(old, position, path, "bring different files"))

    def _conflict(self, old: Node, position: int, path: str, problem: str) -> Conflict:
        return Conflict(path, str(self._parts[old.owner]), str(self._parts[position]), problem)


def _links(parts: tuple[Part, ...]) -> Links:
    """The links of the tree if any of them stands where a package has a folder; else none.

    What stands below a link moves, and links may be among it, so this is repeated until nothing moves.

    Raises:
        Refused: if that has no end.
    """
    folders, targets = set(), set()
    for part in parts:
        for entry in part.entries:
            if entry.kind is Kind.DIRECTORY:
                folders.add(entry.path)
            elif entry.kind is Kind.SYMLINK:
                targets.add(entry.path)
    links = Links({})
    if folders.isdisjoint(targets):
        return links
    for _ in range(_MAX_PASSES):
        found = Links(_winning_links(parts, links))
        if found.targets == links.targets:
            return links
        links = found
    raise Refused(f"symbolic links and folders do not settle: `{min(folders & targets)}`")


def _winning_links(parts: tuple[Part, ...], links: Links) -> dict[str, str]:
    """The targets of the links that win their paths, if folders lead where `links` says."""
    held: dict[str, tuple[int, Entry]] = {}
    for position, part in enumerate(parts):
        for entry, path in _placed(part.entries, links):
            if entry.kind is Kind.DIRECTORY or _points_to_itself(entry, path, links):
                continue
            old = held.get(path)
            if old is None or verdict(parts[old[0]], old[1], part, entry) is Verdict.TAKE:
                held[path] = position, entry
    return _targets(entry._replace(path=path) for path, (_, entry) in held.items())


def _targets(entries: Iterable[Entry]) -> dict[str, str]:
    return {entry.path: entry.target for entry in entries if entry.kind is Kind.SYMLINK}


def _points_to_itself(entry: Entry, path: str, links: Links) -> bool:
    """True for a link that names its own place, though in its package it names another."""
    if entry.kind is not Kind.SYMLINK:
        return False
    try:
        return links.beside(path, entry.target) == path and (
            Links({}).beside(entry.path, entry.target) != entry.path
        )
    except Refused:  # its target lies behind a circle: a dangling link, as good as any
        return False
