"""Artifacts: what is said about an image, and kept beside it.

(Image-spec, manifest.md, "Guidelines for Artifact Usage"; distribution-spec, "Listing Referrers".)

An artifact is a manifest that names the image as its `subject`. Whoever has the image's digest finds it: in a
registry by asking for the referrers of the digest, or, where the registry cannot be asked, by a tag that is
made of the digest; on disk in a file of that name. What is listed in the three places has the same form, an
index.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Self

from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.oci import media
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import NOTHING
from witchery.oci.manifest import Index, Manifest
from witchery.rootfs.content import BytesContent, Content
from witchery.value import field, frozen, replace

EMPTY_CONFIG: Final = Descriptor.of(media.EMPTY, b"{}")
"""The configuration of artifacts, which have none (manifest.md, "Guidance for an Empty Descriptor")."""

_MAX_TAG_DIGEST: Final = 64


@frozen
class Artifact:
    """An artifact with what it is made of.

    Attributes:
        manifest: Its manifest.
        contents: Its blobs, by their digest.
    """

    manifest: Manifest
    contents: Mapping[Digest, Content] = field(repr=False, hash=False)

    @classmethod
    def of(
        cls,
        subject: Descriptor,
        artifact_type: str,
        blobs: Iterable[tuple[Descriptor, Content]],
        annotations: Mapping[str, str] = NOTHING,
    ) -> Self:
        """Makes an artifact; the same arguments always give the same bytes.

        Args:
            subject: The manifest or the index that it is about.
            artifact_type: What it is.
            blobs: What it is made of, in order; one that stands twice is kept once.
            annotations: Free text by name; listed with the artifact.
        """
        found = {blob.digest: (blob, content) for blob, content in blobs}
        about = Descriptor(media_type=subject.media_type, digest=subject.digest, size=subject.size)
        manifest = Manifest.of(
            EMPTY_CONFIG,
            (blob for blob, _ in found.values()),
            annotations,
            artifact_type=artifact_type,
            subject=about,
        )
        contents: dict[Digest, Content] = {digest: content for digest, (_, content) in found.items()}
        contents[EMPTY_CONFIG.digest] = BytesContent(b"{}")
        return cls(manifest, MappingProxyType(contents))

    @classmethod
    def of_document(
        cls, subject: Descriptor, media_type: str, data: bytes, annotations: Mapping[str, str] = NOTHING
    ) -> Self:
        """Makes an artifact of one document, whose type is the artifact's."""
        return cls.of(
            subject, media_type, [(Descriptor.of(media_type, data), BytesContent(data))], annotations
        )

    @property
    def subject(self) -> Digest:
        """What it is about.

        Raises:
            FormatError: if it does not say.
        """
        if self.manifest.subject is None:
            raise FormatError("an artifact about nothing", where=("subject",))
        return self.manifest.subject.digest

    @property
    def descriptor(self) -> Descriptor:
        """What lists it: with its type and its annotations (distribution-spec, "Listing Referrers")."""
        return listed(self.manifest)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """All that its manifest points to."""
        return (*self.manifest.layers, self.manifest.config)

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return len(self.manifest.raw) + sum(blob.size for blob in self.blobs)


def listed(manifest: Manifest) -> Descriptor:
    """How a list of referrers names an artifact, by its manifest."""
    kind = manifest.artifact_type or manifest.config.media_type
    return replace(manifest.descriptor, artifact_type=kind, annotations=manifest.annotations)


def tag_of(subject: Digest) -> str:
    """The tag under which a registry without a list of its own keeps it ("Referrers Tag Schema")."""
    return f"{subject.algorithm[:32]}-{subject.hex[:_MAX_TAG_DIGEST]}"


def by_subject(artifacts: Iterable[Artifact]) -> Mapping[Digest, Sequence[Artifact]]:
    """The artifacts about each manifest.

    Raises:
        FormatError: if one does not say what it is about.
    """
    found: dict[Digest, list[Artifact]] = {}
    for artifact in artifacts:
        found.setdefault(artifact.subject, []).append(artifact)
    return found


def with_artifacts(index: Index, artifacts: Iterable[Artifact]) -> Index:
    """A list of referrers with more of them at its end; what is in it already stays where it is."""
    present = {entry.digest for entry in index.manifests}
    for artifact in artifacts:
        if artifact.manifest.digest not in present:
            index = index.with_entry(artifact.descriptor)
    return index
