"""What goes beside an image that was built: all that others can check it by."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from witchery.build.images import BuiltImages
from witchery.oci.artifact import Artifact
from witchery.value import frozen

if TYPE_CHECKING:
    from witchery.attest.provenance import Run
    from witchery.build.image import Built
    from witchery.build.request import Request
    from witchery.signing_keys import SigningKey

EvidenceKind = Literal["full", "heads", "none"]
"""How much evidence is kept; see `witchery.attest.gathering.evidence_of`."""


@frozen(kw_only=True)
class Attached:
    """What is wanted beside an image.

    Attributes:
        evidence: How much evidence: `full`, only `heads`, or `none`.
        provenance: Who built, for the provenance; None for no provenance.
        key: Signs the image and its provenance, where there is one.
        name: What the image is called in them, such as `example.org/app`, or an empty string.
    """

    evidence: EvidenceKind = "full"
    provenance: "Run | None" = None
    key: "SigningKey | None" = None
    name: str = ""


def attachments(images: BuiltImages, wanted: Attached) -> tuple[Artifact, ...]:
    """The artifacts about an image, and about each of its platforms."""
    found: list[Artifact] = []
    for request, built in images.platforms:
        if wanted.evidence != "none":
            from witchery.attest.gathering import evidence_of

            with_data = wanted.evidence == "full"
            found.append(evidence_of(built.image, built.composition, request.arch, with_data=with_data))
        if wanted.provenance is not None:
            found.append(_provenance(request, built, wanted, wanted.provenance))
    found += _signatures(images, wanted)
    return tuple(found)


def _provenance(request: "Request", built: "Built", wanted: Attached, run: "Run") -> Artifact:
    from witchery.attest.artifacts import attestation
    from witchery.build.bills import bill_of
    from witchery.build.provenance import provenance_of

    said = provenance_of(built, request, bill_of(built), run=run, name=wanted.name)
    return attestation(built.image.manifest.descriptor, said, wanted.key)


def _signatures(images: BuiltImages, wanted: Attached) -> Iterator[Artifact]:
    """Those of the image, and of each platform: who pulls one platform only has that digest."""
    if wanted.key is None:
        return
    from witchery.attest.artifacts import signatures

    subjects = [images.image.descriptor, *(built.image.descriptor for _, built in images.platforms)]
    for subject in {each.digest: each for each in subjects}.values():
        yield from signatures(subject, wanted.key, wanted.name)
