"""The layers of an image over each other, one after the other: what each adds, replaces and takes away.

`Stack` follows the tree in memory alone, and tells what stands where in the end. Who wants the tree anywhere
else overrides what happens when a folder is made, something is removed, or something is created.
"""

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator

from witchery.errors import FormatError, IntegrityError, located
from witchery.oci.image import Image, Layer
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
"""As much as any image needs."""


class Stack:
    """Layers that are put over each other.

    Attributes:
        tree: What stands where so far.
        entries: Number of tar members read.
        size: Bytes of file contents read.
    """

    def __init__(self, limits: Limits = USUAL) -> None:
        self.tree = Tree()
        self.entries = 0
        self.size = 0
        self._limits = limits

    def layer(self, number: int, layer: Layer, content: Content) -> None:
        """Puts the next layer over the others.

        Args:
            number: Its number.
            layer: What the image says of it.
            content: Its blob.

        Raises:
            FormatError: if it is malformed, leaves the tree, or is too large.
            IntegrityError: if its blob or its uncompressed tar has another digest.
        """
        hasher = hashlib.new(layer.diff_id.algorithm)
        blob = verified(content.chunks(), layer.descriptor)
        stream = _tapped(uncompressed(blob, layer.compression, self._limits.expansion), hasher.update)
        for member in tar.read(stream):
            self._count(member.entry)
            with located(f"`{member.entry.path}`"), Refusing():
                self._member(number, member)
        if hasher.hexdigest() != layer.diff_id.hex:
            found = f"{layer.diff_id.algorithm}:{hasher.hexdigest()}"
            raise IntegrityError(f"expected the diff ID `{layer.diff_id}`, found `{found}`")

    def make_folder(self, node: Node) -> None:
        """A folder that no layer mentions is needed; the tree has it."""

    def remove(self, node: Node) -> None:
        """Something goes; the tree still has it."""

    def create(
        self,
        parent: Node,  # noqa: ARG002 - for those who override this
        entry: Entry,  # noqa: ARG002
        content: Iterator[bytes],  # noqa: ARG002
        source: Node | None,  # noqa: ARG002
    ) -> bool:
        """Something comes where nothing is; False to leave it out. The tree has it afterwards.

        Args:
            parent: The folder that it comes into.
            entry: What it is.
            content: The bytes of a file.
            source: What a hard link leads to.
        """
        return True

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
            self.make_folder(node)
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
            self.remove(node)
            self.tree.remove(node)

    def _hard_link_source(self, entry: Entry, layer: int) -> Node:
        source = self.tree.find(entry.target, layer)
        if source is None or source.kind is Kind.DIRECTORY:
            raise FormatError(f"a hard link to what is not there: `{entry.target}`")
        return source


def listing(image: Image, blob: Callable[[Layer], Content], limits: Limits = USUAL) -> Stack:
    """What stands where in an image, and which layer has the last word about it; nothing is written.

    Args:
        image: The image.
        blob: Gives the bytes of a layer.
        limits: How much it may unpack to.

    Raises:
        FormatError: if a layer is malformed, leaves the tree, or is too large; the error says where.
        IntegrityError: if a layer's blob or its uncompressed tar has another digest.
        WorldError: if a layer cannot be had.
    """
    stack = Stack(limits)
    for number, layer in enumerate(image.layers):
        with located(f"layer {number + 1} of {len(image.layers)} ({layer.descriptor.digest})"):
            stack.layer(number, layer, blob(layer))
    return stack


class Refusing:
    """Turns what the system says about a hostile name into a `FormatError`; other errors of it pass."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Looks at what was raised.

        Raises:
            FormatError: if it is about a name that is too long or malformed.
        """
        if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.EILSEQ):
            raise FormatError("a name or path that the file system does not take") from error


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
