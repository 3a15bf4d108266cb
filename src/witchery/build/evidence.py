"""Reading the evidence about an image from wherever the image is."""

from collections.abc import Iterator

from witchery.attest.evidence import DATA, DOCUMENT, Evidence
from witchery.build.registry.copying import Opened
from witchery.build.registry.pulling import keep
from witchery.build.registry.registries import Registries
from witchery.errors import Refused, WitcheryError
from witchery.oci import media
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image
from witchery.oci.manifest import Index
from witchery.store.source import MAX_NESTING, ImageSource
from witchery.value import frozen, replace

MAX_CANDIDATES = 4
"""How much evidence about one image is read; there should be one."""


@frozen
class Found:
    """Evidence, and the artifact that it was in, with the data segments that it holds.

    Attributes:
        evidence: The evidence.
        artifact: The artifact.
    """

    evidence: Evidence
    artifact: Artifact


def evidence_about(opened: Opened, image: Image, registries: Registries) -> Iterator[Found]:
    """The evidence about an image, the newest first.

    Anybody who may write there may list something as evidence. So what cannot be read is passed over, if
    there is something else.

    Raises:
        Refused: if all of it is malformed, or not what is listed.
        WorldError: if none of it can be had.
    """
    failure: WitcheryError | None = None
    good = False
    for entry in reversed(opened.source.artifact_entries(image.digest, DOCUMENT)[-MAX_CANDIDATES:]):
        try:
            artifact = opened.source.artifact(entry, image.digest)
            found = (
                Found(Evidence.read(_at_hand(opened, artifact, registries)), artifact) if artifact else None
            )
        except WitcheryError as error:
            failure = failure or error
            continue
        if found:
            good = True
            yield found
    if failure and not good:
        raise failure


def _at_hand(opened: Opened, artifact: Artifact, registries: Registries) -> Artifact:
    """The artifact with its heads in the cache: fetched some at a time, not one after the other."""
    if not opened.origin:
        return artifact
    small = [blob for blob in artifact.manifest.layers if blob.media_type != DATA]
    contents = keep(opened.source, small, registries)
    return replace(artifact, contents={**artifact.contents, **contents})


def images_of(source: ImageSource, root: Descriptor, depth: int = MAX_NESTING) -> Iterator[Image]:
    """The images of an index, or the one image of a manifest; attestations are passed over.

    Raises:
        Refused: if one is malformed, or indexes are nested too deeply.
    """
    if root.media_type not in media.INDEXES:
        yield replace(source, index=Index.of([root])).image()
        return
    if not depth:
        raise Refused(f"more than {MAX_NESTING} indexes inside each other")
    for entry in Index.read(source.document(root)).manifests:
        if entry.platform is None or entry.platform.os != "unknown":
            yield from images_of(source, entry, depth - 1)
