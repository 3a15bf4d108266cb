"""Hard links of packages, led to where their files stand.

A hard link and its file must be in one layer (Docker and containerd refuse it otherwise), and an unpacker may
set owner and mode of a link, which are its file's: so both say the same.
"""

from collections.abc import Iterable, MutableMapping
from typing import NamedTuple

from witchery.compose.node import Node
from witchery.rootfs.entry import Entry, Kind


class HardLink(NamedTuple):
    """A hard link that a package brings.

    Attributes:
        owner: The position of its package.
        path: Where it stands.
        home: Where its file stands, or stood before another took the path.
        link: The link, as the package has it.
        file: Its file, as the package has it.
    """

    owner: int
    path: str
    home: str
    link: Entry
    file: Entry

    @property
    def source(self) -> str:
        """Its path in the package."""
        return self.link.path

    @property
    def agrees(self) -> bool:
        """True where link and file state the same owner and mode."""
        file = self.file
        return (self.link.mode, self.link.uid, self.link.gid) == (file.mode, file.uid, file.gid)


def relink(hard_links: Iterable[HardLink], nodes: MutableMapping[str, Node]) -> dict[int, tuple[str, ...]]:
    """Corrects the hard links among the nodes.

    Where another took the path of the file, the first link that is left becomes the file. Every link gets
    the owner and mode of its file.

    Returns:
        Links that cannot stay as the package has them: paths in it, by its position.
    """
    changed: dict[int, dict[str, None]] = {}
    heirs: dict[tuple[int, str], str] = {}
    for link in hard_links:
        node = nodes[link.path]
        if not link.agrees:
            changed.setdefault(link.owner, {})[link.source] = None
        if (node.owner, node.source) not in ((link.owner, link.source), (link.owner, link.file.path)):
            continue  # another has the path now
        held = nodes.get(link.home)
        home = link.home
        if held is None or (held.owner, held.source) != (link.owner, link.file.path):
            home = heirs.setdefault((link.owner, link.file.path), link.path)
        settled = _file(link, node) if home == link.path else _link(node, nodes[home].entry)
        if settled != node:
            nodes[link.path] = settled
            changed.setdefault(link.owner, {})[link.source] = None
    return {owner: tuple(paths) for owner, paths in changed.items()}


def _file(link: HardLink, node: Node) -> Node:
    """The link as the file itself."""
    entry = node.entry._replace(
        kind=Kind.FILE,
        target="",
        size=link.file.size,
        checksum=link.file.checksum,
        xattrs=link.file.xattrs,
    )
    return Node(entry, link.owner, link.file.path)


def _link(node: Node, file: Entry) -> Node:
    """The link as one to `file`."""
    entry = node.entry._replace(
        target=file.path,
        mode=file.mode,
        uid=file.uid,
        gid=file.gid,
        uname=file.uname,
        gname=file.gname,
    )
    return node._replace(entry=entry)
