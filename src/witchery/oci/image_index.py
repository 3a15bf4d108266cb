"""An image for several platforms: an index, and the images that it lists (image-spec, image-index.md)."""

from collections.abc import Iterable

from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image
from witchery.oci.manifest import Index
from witchery.value import frozen

_CREATED = "org.opencontainers.image.created"


@frozen
class ImageIndex:
    """An image for several platforms; it has the properties of an `Image` that whoever stores it needs.

    Attributes:
        index: The index, with its bytes.
        images: The image of each entry, in the same order.
    """

    index: Index
    images: tuple[Image, ...]

    @property
    def digest(self) -> Digest:
        """The digest of the index: the name of them all."""
        return self.index.digest

    @property
    def descriptor(self) -> Descriptor:
        """What points to the index."""
        return self.index.descriptor

    @property
    def layer_blobs(self) -> tuple[Descriptor, ...]:
        """The layers of all platforms, each blob once."""
        found = {blob.digest: blob for image in self.images for blob in image.layer_blobs}
        return tuple(found.values())

    @property
    def documents(self) -> tuple[tuple[Descriptor, bytes], ...]:
        """Configurations, manifests and index with their bytes, nothing before what it points to."""
        inner = [each for image in self.images for each in image.documents]
        return (*inner, (self.descriptor, self.index.raw))

    @property
    def size(self) -> int:
        """Bytes to transfer: everything once."""
        sizes = {blob.digest: blob.size for blob in self.layer_blobs}
        sizes |= {descriptor.digest: descriptor.size for descriptor, _ in self.documents}
        return sum(sizes.values())


AnyImage = Image | ImageIndex
"""What can be stored, pushed and named by one digest."""


def index_of(images: Iterable[Image]) -> ImageIndex:
    """Puts images for several platforms together; the same images in the same order give the same bytes.

    The index has the annotations in which all images agree, and the newest of their times.

    Raises:
        FormatError: if two images are for one platform, or there is none.
    """
    images = tuple(images)
    if not images:
        raise FormatError("an index of no image")
    platforms = [str(image.config.platform) for image in images]
    for platform in platforms:
        if platforms.count(platform) > 1:
            raise FormatError(f"two images are for one platform: `{platform}`")
    annotations = [image.manifest.annotations for image in images]
    common = {
        name: text
        for name, text in annotations[0].items()
        if all(each.get(name) == text for each in annotations)
    }
    created = max(each.get(_CREATED, "") for each in annotations)  # one form, in UTC: text sorts as time
    if created:
        common[_CREATED] = created
    return ImageIndex(Index.of((image.descriptor for image in images), common), images)
