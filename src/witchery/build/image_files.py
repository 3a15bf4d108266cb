"""A few files of an image, read from its layers from the top down: no more layers than hold them.

A path counts as it stands in the layers: a link is not followed, and what a higher layer removed is gone
(image-spec, layer.md, "Whiteouts").
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from witchery.errors import FormatError, located
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image
from witchery.oci.layer import uncompressed
from witchery.rootfs import tar
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Kind
from witchery.store import atomic
from witchery.store.overlay import OPAQUE, WHITEOUT

Enough = Callable[[Mapping[str, bytes]], bool]
"""Says whether what was found will do, so that no lower layer has to be read."""


def read_files(
    image: Image,
    blob: Callable[[Descriptor], Content],
    wanted: Collection[str],
    *,
    limit: int,
    enough: Enough,
) -> dict[str, bytes]:
    """The contents of some files.

    Args:
        image: The image.
        blob: Gives the bytes of a layer, which verify themselves.
        wanted: Paths, without a leading slash.
        limit: The largest file that is read, in bytes.
        enough: Whether lower layers need not be read any more.

    Raises:
        FormatError: if a layer is malformed, or a file too large.
        IntegrityError: if a layer is not what the image says.
        WorldError: if a layer cannot be had.
    """
    found: dict[str, bytes] = {}
    left = set(wanted)
    for number in reversed(range(len(image.layers))):
        layer = image.layers[number]
        with located(f"layer {number + 1} of {len(image.layers)} ({layer.descriptor.digest})"):
            stream = uncompressed(blob(layer.descriptor).chunks(), layer.compression)
            settled, contents = _in_layer(stream, left, limit)
        found |= contents
        left -= settled
        if not left or enough(found):
            break
    return found


def _in_layer(stream: Iterator[bytes], wanted: set[str], limit: int) -> tuple[set[str], dict[str, bytes]]:
    """Which of the paths a layer says something about, and the files among them."""
    settled: set[str] = set()
    contents: dict[str, bytes] = {}
    for member in tar.read(stream):  # to its end, so that the layer is verified
        path, name = member.entry.path, member.entry.name
        if name.startswith(WHITEOUT):
            place = (
                member.entry.parent if name == OPAQUE else f"{path.removesuffix(name)}{name[len(WHITEOUT) :]}"
            )
            settled.update(each for each in wanted if each == place or _is_below(each, place))
        elif path in wanted:
            settled.add(path)
            contents.pop(path, None)
            if member.entry.kind is Kind.FILE:
                contents[path] = _whole(member, limit)
        elif member.entry.kind is not Kind.DIRECTORY:
            settled.update(each for each in wanted if _is_below(each, path))
    return settled, contents


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _whole(member: tar.Member, limit: int) -> bytes:
    if member.entry.size > limit:
        raise FormatError(f"larger than {limit} bytes: `{member.entry.path}`")
    return b"".join(member.content)


def read_folder(root: Path, wanted: Collection[str], *, limit: int) -> dict[str, bytes]:
    """The same from a root file system on disk; links lead nowhere here either.

    Raises:
        StorageError: if a file cannot be read.
    """
    found = {}
    for path in wanted:
        place = root
        for part in path.split("/"):
            place /= part
            if place.is_symlink():
                break
        else:
            if place.is_file():
                found[path] = atomic.read(place, limit)
    return found
