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
        sbom: The formats of bills of materials, of `witchery.build.bills`; None for the configuration's.
        provenance: Who built, for the provenance; None for no provenance.
        key: Signs the image and its provenance, where there is one.
        name: What the image is called in them, such as `example.org/app`, or an empty string.
    """

    evidence: EvidenceKind = "full"
    sbom: tuple[str, ...] | None = None
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
        found += _about(request, built, wanted)
    found += _signatures(images, wanted)
    return tuple(found)


def _about(request: "Request", built: "Built", wanted: Attached) -> Iterator[Artifact]:
    """What an image consists of, and where that is from."""
    formats = built.config.sbom.formats if wanted.sbom is None else wanted.sbom
    if not formats and wanted.provenance is None:
        return
    from witchery.build.bills import bill_of, encoded

    subject, bill = built.image.manifest.descriptor, bill_of(built)
    for document in (encoded(bill, each) for each in formats):
        yield Artifact.of_document(subject, document.media_type, document.data)
    if wanted.provenance is not None:
        from witchery.attest.artifacts import attestation
        from witchery.build.provenance import provenance_of

        said = provenance_of(built, request, bill, run=wanted.provenance, name=wanted.name)
        yield attestation(subject, said, wanted.key)


def _signatures(images: BuiltImages, wanted: Attached) -> Iterator[Artifact]:
    """Those of the image, and of each platform: who pulls one platform only has that digest."""
    if wanted.key is None:
        return
    from witchery.attest.artifacts import signatures

    subjects = [images.image.descriptor, *(built.image.descriptor for _, built in images.platforms)]
    for subject in {each.digest: each for each in subjects}.values():
        yield from signatures(subject, wanted.key, wanted.name)
