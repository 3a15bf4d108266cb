"""The use case: an image from one place to others, byte for byte."""

import os
from collections.abc import Iterator
from pathlib import Path

from witchery.arch import Arch
from witchery.build import deliver
from witchery.build.opening import on_disk
from witchery.build.registry.attaching import artifacts_of, attach
from witchery.build.registry.pulling import keep, pull
from witchery.build.registry.pushing import MAX_MANIFESTS, Pushed, push
from witchery.build.registry.registries import Registries
from witchery.digest import Digest
from witchery.errors import FormatError, UsageError
from witchery.oci import media, transport
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image
from witchery.oci.manifest import Index, Manifest
from witchery.oci.reference import Reference
from witchery.oci.transport import (
    LayoutFolder,
    PlainFolder,
    RegistryImage,
    RootfsFolder,
    Transport,
)
from witchery.rootfs.content import BytesContent, Content
from witchery.store import layout
from witchery.store.source import MAX_NESTING, ImageSource
from witchery.value import frozen, replace


@frozen
class Opened:
    """An image, or an image for several platforms, and where it is.

    Attributes:
        source: What can be read of it.
        root: Its manifest or its index.
        origin: The repository that it is in, where it is in a registry.
    """

    source: ImageSource
    root: Descriptor
    origin: Reference | None = None

    def image(self, arch: Arch | None) -> Image:
        """The image for one platform.

        Args:
            arch: Which, where there are several.

        Raises:
            Refused: if it is malformed, or none fits.
            WorldError: if it cannot be had.
        """
        return replace(self.source, index=Index.of([self.root])).image(arch=arch)


def open_source(place: Transport, registries: Registries, arch: Arch | None = None) -> Opened:
    """Opens what a transport names.

    Args:
        place: The transport.
        registries: How registries are reached.
        arch: The one platform that is wanted; None for all there are.

    Raises:
        UsageError: if there is no image in such a place.
        Refused: if the image is malformed, or none or several fit.
        WorldError: if it cannot be had.
    """
    if stored := on_disk(place):
        return _opened(*stored, arch)
    if isinstance(place, RegistryImage):
        return _opened(pull(place.reference, registries), "", arch, place.reference)
    raise UsageError(
        f"no image: `{place}`", hint="expected `oci:DIR`, `oci-archive:FILE` or `docker://REFERENCE`"
    )


def _opened(source: ImageSource, tag: str, arch: Arch | None, origin: Reference | None = None) -> Opened:
    return Opened(source, source.find(tag, arch) if arch else source.index.choose(tag), origin)


def copy(
    opened: Opened, target: Transport, registries: Registries, *, image_only: bool = False
) -> tuple[Pushed | None, tuple[str, ...]]:
    """Brings an image to a place. An image for several platforms goes whole, where the place can hold it.

    Args:
        opened: The image.
        target: The place.
        registries: How registries are reached.
        image_only: Whether to leave behind what is said about it.

    Returns:
        What was pushed, where the place is a registry; and what a person should know, a sentence each.

    Raises:
        UsageError: if the place holds one platform, and there are several of which none is this machine's.
        Refused: if the image is malformed.
        WorldError: if the network or the disk fails.
    """
    source, root, origin = opened.source, opened.root, opened.origin
    if isinstance(target, RegistryImage):
        return send(opened, target.reference, registries, image_only=image_only), ()
    bare = image_only or isinstance(target, RootfsFolder)
    artifacts = () if bare else tuple(artifacts_of(source, root, registries, origin))
    name = origin if origin and origin.tag else None
    if isinstance(target, LayoutFolder | PlainFolder) and root.media_type in media.INDEXES:
        tag = target.tag if isinstance(target, LayoutFolder) else ""
        found = _collected(source, root)
        if origin:
            _keep(source, found, registries)
        layout.write_index(Path(target.path), root, found, tag=tag, name=name, artifacts=artifacts)
        return None, ()
    image, contents = open_image(opened, registries)
    about = [each for each in artifacts if each.subject == image.digest]
    return None, deliver.deliver(image, contents, target, name, artifacts=about)


def send(opened: Opened, target: Reference, registries: Registries, *, image_only: bool = False) -> Pushed:
    """Brings an image to a registry, whole, and what is said about it.

    Raises:
        WitcheryError: as `push` and `attach`.
    """
    source, root = opened.source, opened.root
    artifacts = () if image_only else tuple(artifacts_of(source, root, registries, opened.origin))
    pushed = push(source, root, target, registries, origin=opened.origin)
    attached = attach(artifacts, target, registries, pushed)
    return replace(pushed, attached=attached)


def open_image(
    opened: Opened, registries: Registries, arch: Arch | None = None
) -> tuple[Image, dict[Digest, Content]]:
    """One image with its layers, which are in the cache then if they came from a registry.

    Args:
        opened: Where it is.
        registries: How registries are reached.
        arch: Which of several platforms; None for this machine's.

    Raises:
        WitcheryError: as `copy`.
    """
    source = opened.source
    image = opened.image(arch or Arch.parse(os.uname().machine))
    layers = [layer.descriptor for layer in image.layers]
    if opened.origin:
        return image, keep(source, layers, registries)
    return image, {each.digest: source.blob(each) for each in layers}


def parse_target(text: str) -> RegistryImage:
    """A place in a registry, with `docker://` or without.

    Raises:
        UsageError: if it is none.
    """
    found = transport.parse(text if text.startswith("docker://") else f"docker://{text}")
    if not isinstance(found, RegistryImage):
        raise UsageError(f"not a reference to a registry: `{text}`")
    return found


def _collected(source: ImageSource, root: Descriptor) -> dict[Descriptor, Content]:
    """All that an index comes to, its manifests in memory.

    Raises:
        FormatError: if these are too many.
    """
    found: dict[Descriptor, Content] = {}
    size = 0
    for descriptor, content in _everything(source, root, MAX_NESTING):
        found[descriptor] = content
        size += content.size if isinstance(content, BytesContent) else 0
        if size > MAX_MANIFESTS:
            raise FormatError(f"more than {MAX_MANIFESTS} bytes of manifests: `{root.digest}`")
    return found


def _everything(source: ImageSource, root: Descriptor, depth: int) -> Iterator[tuple[Descriptor, Content]]:
    """All that an index comes to: blobs before the manifests that name them, manifests before indexes."""
    if not depth:
        raise FormatError(f"more than {MAX_NESTING} indexes inside each other")
    raw = source.document(root)
    if root.media_type in media.INDEXES:
        for entry in Index.read(raw).manifests:
            yield from _everything(source, entry, depth - 1)
    elif root.media_type in media.MANIFESTS:
        manifest = Manifest.read(raw)
        for blob in (*manifest.layers, manifest.config):
            yield blob, source.blob(blob)
    yield root, BytesContent(raw)


def _keep(source: ImageSource, found: dict[Descriptor, Content], registries: Registries) -> None:
    """Fetches what is not in memory into the cache, and reads it there."""
    blobs = {each.digest: each for each, content in found.items() if not isinstance(content, BytesContent)}
    kept = keep(source, blobs.values(), registries)
    for each in list(found):
        if each.digest in kept:
            found[each] = kept[each.digest]
