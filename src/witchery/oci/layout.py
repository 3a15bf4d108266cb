"""What stands in an OCI image layout, and in the archive that runtimes load (image-spec, image-layout.md).

An image for one platform is listed flat: `index.json` points to the manifest itself, since some tools (umoci,
syft) do not look through an index inside the index. One for several platforms is an index of its own, to
which `index.json` points, as skopeo and BuildKit write it. The archive is the same layout, with Docker's
`manifest.json` beside it where there is one platform.
"""

from typing import Final

from witchery import canonical
from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.oci.artifact import tag_of
from witchery.oci.descriptor import CONTAINERD_NAME, REF_NAME, Descriptor
from witchery.oci.document import Fields
from witchery.oci.image import Image
from witchery.oci.image_index import AnyImage
from witchery.oci.reference import Reference
from witchery.value import replace

LAYOUT_FILE: Final = "oci-layout"
INDEX_FILE: Final = "index.json"
DOCKER_FILE: Final = "manifest.json"
BLOBS: Final = "blobs"
REFERRERS: Final = "referrers"

LAYOUT: Final = canonical.encode({"imageLayoutVersion": "1.0.0"})
"""The content of `oci-layout`."""


def blob_path(digest: Digest) -> str:
    """The path of a blob in a layout."""
    return f"{BLOBS}/{digest.algorithm}/{digest.hex}"


def check(layout: bytes) -> None:
    """Checks the content of `oci-layout`.

    Raises:
        FormatError: if the version of the layout is not 1.
    """
    version = Fields.decode(layout).text("imageLayoutVersion")
    if not version.startswith("1."):
        raise FormatError(f"expected version 1 of the image layout: `{version[:20]}`")


def entry(image: AnyImage, *, tag: str = "", name: Reference | None = None) -> Descriptor:
    """The entry of `index.json` for an image.

    Args:
        image: The image, for one platform or several.
        tag: The tag; by default that of `name`.
        name: The full name, which containerd and Docker give the image when they load it.
    """
    return named(image.descriptor, tag=tag, name=name)


def named(descriptor: Descriptor, *, tag: str = "", name: Reference | None = None) -> Descriptor:
    """The entry of `index.json` for any manifest or index; `tag` and `name` as for `entry`."""
    name = name.tagged() if name else None
    annotations = {REF_NAME: tag or (name.tag if name else "")}
    if name:
        annotations[CONTAINERD_NAME] = str(name)
    return replace(descriptor, annotations={key: value for key, value in annotations.items() if value})


def docker_manifest(image: Image, name: Reference | None = None) -> bytes:
    """`manifest.json`, as `docker load` reads it (Docker image specification v1.2, "Combined image JSON")."""
    item = {
        "Config": blob_path(image.manifest.config.digest),
        "RepoTags": [str(name.tagged())] if name else [],
        "Layers": [blob_path(layer.descriptor.digest) for layer in image.layers],
    }
    return canonical.encode([item])


def referrers_path(subject: Digest) -> str:
    """The path of the list of artifacts about an image.

    In a folder of its own: tools that expect one image in `index.json` (Syft; skopeo, where no tag is given)
    refuse a layout that lists more, and all pass over what they do not know.
    """
    return f"{REFERRERS}/{tag_of(subject)}.json"
