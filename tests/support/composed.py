"""Compositions as images on disk, for other tools to judge."""

from support.images import X86_64, Made
from support.unpacked import blobs
from witchery.codec import gunzip
from witchery.compose.composition import Composition, annotations, created_by
from witchery.digest import Digest
from witchery.oci import media
from witchery.oci.config import Execution, History
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Layer, build
from witchery.rootfs.content import BytesContent, Content


def image_of(composition: Composition, *argv: str) -> Made:
    """The image of a composition, that runs `argv`."""
    layers = []
    contents: dict[Digest, Content] = {}
    for plan, blob in zip(composition.layers, blobs(composition), strict=True):
        descriptor = Descriptor.of(media.LAYER_GZIP, blob, annotations(plan))
        history = History(created_by=created_by(plan))
        layers.append(Layer(descriptor, Digest.sha256(gunzip(blob, 1 << 31)), history))
        contents[descriptor.digest] = BytesContent(blob)
    execution = Execution(entrypoint=argv, env=("PATH=/usr/sbin:/usr/bin:/sbin:/bin",), working_dir="/")
    image = build(layers, arch=X86_64, execution=execution)
    return Made(image, contents)
