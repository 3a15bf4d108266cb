"""What goes beside an image that was built: all that others can check it by."""

from typing import Literal

from witchery.build.images import BuiltImages
from witchery.oci.artifact import Artifact
from witchery.value import frozen

EvidenceKind = Literal["full", "heads", "none"]
"""How much evidence is kept; see `witchery.attest.gathering.evidence_of`."""


@frozen(kw_only=True)
class Attached:
    """What is wanted beside an image.

    Attributes:
        evidence: How much evidence: `full`, only `heads`, or `none`.
    """

    evidence: EvidenceKind = "full"


def attachments(images: BuiltImages, wanted: Attached) -> tuple[Artifact, ...]:
    """The artifacts about an image, and about each of its platforms."""
    found: list[Artifact] = []
    for request, built in images.platforms:
        if wanted.evidence != "none":
            from witchery.attest.gathering import evidence_of

            with_data = wanted.evidence == "full"
            found.append(evidence_of(built.image, built.composition, request.arch, with_data=with_data))
    return tuple(found)
