"""The files of an image, as its layers make them: nothing is unpacked, each is looked into as it passes."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from witchery.digest import Digest
from witchery.errors import located
from witchery.oci.image import Image
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Entry, Kind
from witchery.store.laying import USUAL, Laying, Limits
from witchery.store.overlay import Node
from witchery.store.source import content_of
from witchery.value import frozen

_Look = TypeVar("_Look")


@frozen
class Placed(Generic[_Look]):
    """Something at a place in the image.

    Attributes:
        entry: What it is, at its real place. A hard link is a file with all that its first name has.
        layer: The number of the layer that says so.
        look: What a look into a regular file gave.
        first: The path whose other name it is, where it is a hard link.
    """

    entry: Entry
    layer: int
    look: _Look | None = None
    first: str = ""


def read(
    image: Image,
    contents: Mapping[Digest, Content],
    look: Callable[[Entry, Iterator[bytes]], _Look],
    *,
    limits: Limits = USUAL,
) -> dict[str, Placed[_Look]]:
    """Everything in an image by path, in byte order.

    Args:
        image: The image.
        contents: Its layers, by the digest of their blob.
        look: Looks into a regular file, of any layer: a higher one may still hide it.
        limits: How much it may unpack to.

    Raises:
        FormatError: if a layer is malformed, leaves the tree, or is too large; the error says where.
        IntegrityError: if a layer's blob or its uncompressed tar has another digest.
    """
    laying = _Reading(look, limits)
    for number, layer in enumerate(image.layers):
        with located(f"layer {number + 1} of {len(image.layers)} ({layer.descriptor.digest})"):
            laying.layer(number, layer, content_of(layer.descriptor.digest, contents))
    return laying.result()


class _Reading(Laying, Generic[_Look]):
    """Keeps what was seen in files, and nothing of their bytes."""

    def __init__(self, look: Callable[[Entry, Iterator[bytes]], _Look], limits: Limits) -> None:
        super().__init__(limits)
        self._look = look
        self._seen: dict[str, tuple[Entry, _Look | None, int]] = {}
        self._files = 0

    def made(self, node: Node) -> None:
        """Nothing to do: the tree has it."""

    def removed(self, node: Node) -> None:
        self._seen.pop(node.path, None)

    def create(self, parent: Node, entry: Entry, content: Iterator[bytes], source: Node | None) -> bool:
        path = f"{parent.path}/{entry.name}" if parent.path else entry.name
        if source is not None:
            first, looked, number = self._seen[source.path]
            self._seen[path] = first._replace(path=path), looked, number
        elif entry.kind is not Kind.DIRECTORY:
            looked = self._look(entry, content) if entry.kind is Kind.FILE else None
            self._files += 1
            self._seen[path] = entry._replace(path=path), looked, self._files
        return True

    def result(self) -> dict[str, Placed[_Look]]:
        """Everything by path; of several names of one file the first in order is its first."""
        nodes = sorted(self.tree.top.below(), key=lambda node: node.path.encode("utf-8", "surrogateescape"))
        firsts: dict[int, str] = {}
        found: dict[str, Placed[_Look]] = {}
        for node in nodes:
            if (seen := self._seen.get(node.path)) is not None:
                entry, looked, number = seen
                first = firsts.setdefault(number, node.path)
                found[node.path] = Placed(entry, node.layer, looked, "" if first == node.path else first)
            else:
                folder = node.entry or Entry(node.path, Kind.DIRECTORY, 0o755)
                found[node.path] = Placed(folder._replace(path=node.path), node.layer)
        return found
