"""Layers laid over one another, whatever they hold: what a whiteout hides, what a hard link leads to.

Where the tree goes is another's affair: `rootfs_dir` writes it to disk, `image_tree` reads what is in it.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator

from witchery.errors import FormatError, IntegrityError, located
from witchery.oci.image import Layer
from witchery.oci.layer import DEFAULT, Expansion, uncompressed
from witchery.rootfs import tar
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Entry, Kind
from witchery.store.overlay import MAX_NAME, OPAQUE, WHITEOUT, Node, Tree
from witchery.store.source import verified
from witchery.value import frozen

_TIMES = range(-(1 << 63) // 10**9 + 1, (1 << 63) // 10**9)
_ID_LIMIT = (1 << 32) - 1


@frozen(kw_only=True)
class Limits:
    """How much an image may unpack to.

    Attributes:
        entries: Number of tar members, in all layers.
        size: Bytes of file contents, in all layers.
        expansion: How far each layer may grow when it is inflated.
    """

    entries: int = 1_000_000
    size: int = 64 << 30
    expansion: Expansion = DEFAULT


USUAL = Limits()


class Laying(ABC):
    """Lays layers over one another, the lowest first.

    Attributes:
        tree: What they have made so far.
        entries: Number of tar members read.
        size: Bytes of file contents read.
    """

    def __init__(self, limits: Limits) -> None:
        self.tree = Tree()
        self.entries = 0
        self.size = 0
        self._limits = limits

    @abstractmethod
    def made(self, node: Node) -> None:
        """A folder that no layer mentions, and others need."""

    @abstractmethod
    def removed(self, node: Node) -> None:
        """Something goes; what it held has gone before."""

    @abstractmethod
    def create(self, parent: Node, entry: Entry, content: Iterator[bytes], source: Node | None) -> bool:
        """Something new, where nothing is; False where it is left out.

        Args:
            parent: The folder that it goes into.
            entry: What it is.
            content: Its bytes, where it is a file.
            source: What it is another name of, where it is a hard link.
        """

    def layer(self, number: int, layer: Layer, content: Content) -> None:
        """Lays the next layer over all before it.

        Raises:
            FormatError: if it is malformed, leaves the tree, or is too large; the error says where.
            IntegrityError: if its blob or its uncompressed tar has another digest.
        """
        hasher = hashlib.new(layer.diff_id.algorithm)
        blob = verified(content.chunks(), layer.descriptor)
        stream = _tapped(uncompressed(blob, layer.compression, self._limits.expansion), hasher.update)
        for member in tar.read(stream):
            self._count(member.entry)
            with located(f"`{member.entry.path}`"):
                self._member(number, member)
        if hasher.hexdigest() != layer.diff_id.hex:
            found = f"{layer.diff_id.algorithm}:{hasher.hexdigest()}"
            raise IntegrityError(f"expected the diff ID `{layer.diff_id}`, found `{found}`")

    def _count(self, entry: Entry) -> None:
        self.entries += 1
        self.size += entry.size
        if self.entries > self._limits.entries:
            raise FormatError(f"more than {self._limits.entries} entries")
        if self.size > self._limits.size:
            raise FormatError(f"more than {self._limits.size} bytes of files")

    def _member(self, layer: int, member: tar.Member) -> None:
        entry = _checked(member.entry)
        if not entry.path:  # the top itself: `./` in many tars
            self.tree.top.entry = entry if entry.kind is Kind.DIRECTORY else None
            return
        parent = self._folder_at(entry.parent, layer)
        if entry.name.startswith(WHITEOUT):
            self._whiteout(parent, entry.name, layer)
            return
        source = self._hard_link_source(entry, layer) if entry.kind is Kind.HARDLINK else None
        old = parent.children.get(entry.name)
        if old is not None and (old is source or (old.kind is entry.kind is Kind.DIRECTORY)):
            if old is not source:
                self.tree.put(parent, entry, layer)
            return
        if old is not None:
            self._remove([*reversed([old, *old.below()])])
            if source is not None:  # it may have been below what was there
                source = self._hard_link_source(entry, layer)
        if self.create(parent, entry, member.content, source):
            self.tree.put(parent, entry, layer)

    def _folder_at(self, path: str, layer: int) -> Node:
        folder = self.tree.folder(path, layer)
        for node in self.tree.made:
            self.made(node)
        self.tree.made.clear()
        folder.layer = max(folder.layer, layer) if folder.parent else folder.layer
        return folder

    def _whiteout(self, parent: Node, name: str, layer: int) -> None:
        if name == OPAQUE:
            for child in list(parent.children.values()):
                self._remove(list(self.tree.hidden(child, layer)))
            return
        node = parent.children.get(name.removeprefix(WHITEOUT))
        if node is not None:
            self._remove(list(self.tree.hidden(node, layer)))

    def _remove(self, nodes: Iterable[Node]) -> None:
        for node in nodes:
            self.removed(node)
            self.tree.remove(node)

    def _hard_link_source(self, entry: Entry, layer: int) -> Node:
        source = self.tree.find(entry.target, layer)
        if source is None or source.kind is Kind.DIRECTORY:
            raise FormatError(f"a hard link to what is not there: `{entry.target}`")
        return source


def _checked(entry: Entry) -> Entry:
    """Refuses what a header can say, and a system cannot do.

    Raises:
        FormatError: if a number or a name is out of range.
    """
    if any(len(part.encode(errors="surrogateescape")) > MAX_NAME for part in entry.path.split("/")):
        raise FormatError(f"a name is longer than {MAX_NAME} bytes")
    if not (entry.uid < _ID_LIMIT and entry.gid < _ID_LIMIT):
        raise FormatError(f"an owner out of range: `{entry.uid}:{entry.gid}`")
    if entry.mtime not in _TIMES:
        raise FormatError(f"a time out of range: {entry.mtime}")
    if not all(0 <= number < 1 << 20 for number in entry.device):
        raise FormatError(f"a device number out of range: `{entry.device[0]}:{entry.device[1]}`")
    if any("\0" in name or not name for name, _ in entry.xattrs):
        raise FormatError("the name of an extended attribute is malformed")
    return entry


def _tapped(chunks: Iterable[bytes], tap: Callable[[bytes], object]) -> Iterator[bytes]:
    for chunk in chunks:
        tap(chunk)
        yield chunk
