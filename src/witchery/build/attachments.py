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
        sbom: The formats of bills of materials, of `witchery.build.bills`; None for the configuration's.
    """

    evidence: EvidenceKind = "full"
    sbom: tuple[str, ...] | None = None


def attachments(images: BuiltImages, wanted: Attached) -> tuple[Artifact, ...]:
    """The artifacts about an image, and about each of its platforms."""
    found: list[Artifact] = []
    for request, built in images.platforms:
        if wanted.evidence != "none":
            from witchery.attest.gathering import evidence_of

            with_data = wanted.evidence == "full"
            found.append(evidence_of(built.image, built.composition, request.arch, with_data=with_data))
        formats = built.config.sbom.formats if wanted.sbom is None else wanted.sbom
        if formats:
            from witchery.build.bills import documents

            subject = built.image.manifest.descriptor
            found += [
                Artifact.of_document(subject, each.media_type, each.data)
                for each in documents(built, formats)
            ]
    return tuple(found)
