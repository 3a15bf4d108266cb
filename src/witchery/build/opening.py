"""Opening an image, wherever it is; of several platforms the host's, unless another is wanted."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import UsageError
from witchery.oci.image import Image
from witchery.oci.reference import is_tag
from witchery.oci.transport import (
    ArchiveFile,
    LayoutFolder,
    PlainFolder,
    RegistryImage,
    RootfsFolder,
    Transport,
)
from witchery.rootfs.content import Content
from witchery.store import archive, layout
from witchery.store.source import ImageSource
from witchery.value import frozen

if TYPE_CHECKING:
    from witchery.build.registry.registries import Registries


@frozen
class Found:
    """An image to run.

    Attributes:
        image: The image.
        contents: Its layers, by the digest of their blob.
    """

    image: Image
    contents: Mapping[Digest, Content]


def open_image(
    source: Transport, arch: Arch | None = None, registries: "Registries | None" = None
) -> Found | Path:
    """Opens what a transport names: an image, or the path of a root file system.

    Args:
        source: The transport.
        arch: The architecture to take, where there are several; None for the host's.
        registries: How registries are reached, for an image in one.

    Raises:
        UsageError: if the transport cannot be run from.
        Refused: if there is no such image, or it is malformed.
        StorageError: if it cannot be read.
    """
    arch = arch or host()
    if stored := on_disk(source):
        return _found(*stored, arch)
    match source:
        case PlainFolder(path) | RootfsFolder(path):
            if not Path(path).is_dir():
                raise UsageError(f"no such image or folder: `{path}`")
            return Path(path)
        case RegistryImage():
            if registries is None:
                raise UsageError(f"images are not run from a registry: `{source}`", hint="pull it first")
            from witchery.build.registry import copying

            opened = copying.open_source(source, registries, arch)
            return Found(*copying.open_image(opened, registries, arch))
    raise UsageError(f"no image: `{source}`")


def on_disk(place: Transport) -> tuple[ImageSource, str] | None:
    """What holds images on disk, and the tag of the one that is meant; None where the place is no such thing.

    Raises:
        Refused: if it is malformed.
        StorageError: if it cannot be read.
    """
    match place:
        case LayoutFolder(path, tag):
            return layout.read(Path(path)), tag
        case ArchiveFile(path, name):
            return archive.read(Path(path)), name if is_tag(name) else ""
        case PlainFolder(path) if layout.is_layout(Path(path)):
            return layout.read(Path(path)), ""
    return None


def _found(source: ImageSource, tag: str, arch: Arch | None) -> Found:
    image = source.image(tag, arch)
    contents = {layer.descriptor.digest: source.blob(layer.descriptor) for layer in image.layers}
    return Found(image, contents)


def host() -> Arch | None:
    """The architecture of this machine; None where Alpine does not know it."""
    with suppress(UsageError):
        return Arch.parse(os.uname().machine)
    return None
