"""Images that are read, and what is said about them: one value for all places, trusting nothing."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError, NetworkError, Refused, WitcheryError
from witchery.oci import media
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.image import Image
from witchery.oci.manifest import EMPTY_INDEX, Index, Manifest
from witchery.rootfs.content import Content
from witchery.value import frozen

MAX_NESTING = 3
"""How many indexes may stand inside each other."""

MAX_ARTIFACTS = 256
"""How many artifacts about one image are looked at."""


def verified(chunks: Iterable[bytes], descriptor: Descriptor) -> Iterator[bytes]:
    """The same chunks; at their end it is certain that they are what the descriptor names.

    Raises:
        IntegrityError: if they are longer, shorter or others.
    """
    hasher, size = hashlib.new(descriptor.digest.algorithm), 0
    for chunk in chunks:
        size += len(chunk)
        if size > descriptor.size:
            break
        hasher.update(chunk)
        yield chunk
    if size != descriptor.size:
        found = "more" if size > descriptor.size else f"{size}"
        raise IntegrityError(f"expected {descriptor.size} bytes, found {found}: `{descriptor.digest}`")
    if hasher.hexdigest() != descriptor.digest.hex:
        found = f"{descriptor.digest.algorithm}:{hasher.hexdigest()}"
        raise IntegrityError(f"expected the digest `{descriptor.digest}`, found `{found}`")


def content_of(digest: Digest, contents: Mapping[Digest, Content]) -> Content:
    """The content of a layer that has to be there.

    Raises:
        IntegrityError: if it is not.
    """
    found = contents.get(digest)
    if found is None:
        raise IntegrityError(f"the image names a layer that was not given: `{digest}`")
    return found


@frozen
class Blob:
    """A blob of an image on disk; a `Content` that verifies itself while it is read.

    Attributes:
        descriptor: What it should be.
        open: Yields what is there.
    """

    descriptor: Descriptor
    open: Callable[[], Iterator[bytes]]

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.descriptor.size

    def chunks(self) -> Iterator[bytes]:
        """The bytes.

        Raises:
            IntegrityError: at the end, if they are not what the descriptor says.
            StorageError: if they cannot be read.
        """
        return verified(self.open(), self.descriptor)


class Artifacts(NamedTuple):
    """What is said about an image.

    Attributes:
        found: The artifacts, the newest last.
        unreadable: Why what is listed besides is none.
    """

    found: tuple[Artifact, ...]
    unreadable: tuple[WitcheryError, ...]


def no_referrers(_: Digest) -> Index:
    """The list of the artifacts about an image, where none are kept."""
    return EMPTY_INDEX


@frozen
class ImageSource:
    """Something that holds images.

    Attributes:
        index: What it holds.
        read: Yields the bytes that are stored for a descriptor, unverified.
        referrers: Lists the artifacts about a manifest, by its digest, as far as a list of them is kept.
    """

    index: Index
    read: Callable[[Descriptor], Iterator[bytes]]
    referrers: Callable[[Digest], Index] = no_referrers

    def blob(self, descriptor: Descriptor) -> Content:
        """The bytes that a descriptor names."""
        return Blob(descriptor, lambda: self.read(descriptor))

    def document(self, descriptor: Descriptor) -> bytes:
        """The bytes of a manifest, index or configuration, verified.

        Raises:
            FormatError: if they are more than a document may have.
            IntegrityError: if they are not what the descriptor says.
        """
        if descriptor.size > MAX_DOCUMENT:
            raise FormatError(f"expected at most {MAX_DOCUMENT} bytes of JSON: {descriptor.size}")
        return b"".join(self.blob(descriptor).chunks())

    def artifacts(self, subject: Digest, artifact_type: str = "") -> Artifacts:
        """The artifacts about a manifest, the newest last.

        Their blobs are read, and verified, when they are asked for. Anybody who may write there may list
        something, so what is listed and is not there, or is malformed, does not hide the others.

        Args:
            subject: The digest of the manifest.
            artifact_type: Which of them; empty for all.

        Raises:
            FormatError: if there are too many, or the list is malformed.
            WorldError: if they cannot be had.
        """
        entries = self.artifact_entries(subject, artifact_type)
        if len(entries) > MAX_ARTIFACTS:
            raise FormatError(f"more than {MAX_ARTIFACTS} artifacts are about: `{subject}`")
        found: list[Artifact] = []
        unreadable: list[WitcheryError] = []
        for entry in entries:
            try:
                each = self.artifact(entry, subject)
            except WitcheryError as error:
                if not isinstance(error, Refused) and not (isinstance(error, NetworkError) and error.absent):
                    raise
                unreadable.append(error)
                continue
            if each and artifact_type in ("", each.descriptor.artifact_type):
                found.append(each)
        return Artifacts(tuple(found), tuple(unreadable))

    def artifact_entries(self, subject: Digest, artifact_type: str = "") -> tuple[Descriptor, ...]:
        """What is listed as about a manifest, the newest last.

        That is the list of referrers, and before it what stands beside the image in its own index, as other
        tools write it.

        Raises:
            FormatError: if the list is malformed.
        """
        entries = {entry.digest: entry for entry in self.index.manifests if _may_be_artifact(entry)}
        entries |= {entry.digest: entry for entry in self.referrers(subject).manifests}
        return tuple(each for each in entries.values() if artifact_type in ("", each.artifact_type))

    def artifact(self, entry: Descriptor, subject: Digest) -> Artifact | None:
        """What is listed, or None where it is about something else.

        Raises:
            FormatError: if it is malformed.
            IntegrityError: if it is not what the list says.
        """
        manifest = Manifest.read(self.document(entry))
        if manifest.subject is None or manifest.subject.digest != subject:
            return None
        blobs = (*manifest.layers, manifest.config)
        return Artifact(manifest, {blob.digest: self.blob(blob) for blob in blobs})

    def find(self, tag: str = "", arch: Arch | None = None) -> Descriptor:
        """The descriptor of an image's manifest, through nested indexes.

        Raises:
            Refused: if none or several fit.
        """
        index = self.index
        for _ in range(MAX_NESTING):
            found = index.choose(tag, arch)
            if found.media_type not in media.INDEXES:
                return found
            index, tag = Index.read(self.document(found)), ""
        raise Refused(f"more than {MAX_NESTING} indexes inside each other")

    def image(self, tag: str = "", arch: Arch | None = None) -> Image:
        """An image, with manifest and configuration verified.

        Raises:
            Refused: if none or several fit, or what is found is not a valid image.
        """
        manifest = self.document(self.find(tag, arch))
        return Image.read(manifest, self.document(Image.config_of(manifest)))


def _may_be_artifact(entry: Descriptor) -> bool:
    return entry.media_type == media.MANIFEST and entry.artifact_type not in {"", media.CONFIG}
