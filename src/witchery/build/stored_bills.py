"""The use case: the bill of materials that is kept beside an image."""

import re

from witchery.build import bills
from witchery.build.bills import Document
from witchery.build.subjects.image_subject import ImageSubject
from witchery.digest import Digest
from witchery.errors import FormatError, UsageError, located
from witchery.oci.artifact import Artifact
from witchery.store.source import ImageSource

MAX_DOCUMENT = 64 << 20
"""The longest document that is read, in bytes; one with 2,800 files of 88 packages has 850 kB."""


def stored_bill(subject: ImageSubject, form: str) -> Document:
    """The bill of materials of an image, as whoever built it attached it; of several the newest.

    Nothing vouches for it but the place that it is in: it names the image, and the image does not name it.

    Args:
        subject: The image.
        form: One of `bills.FORMATS`.

    Raises:
        UsageError: if there is no image, or none in this format beside it.
        Refused: if the image or the document is malformed, or not what its digest says.
        WorldError: if it cannot be read.
    """
    source, opened = subject.held.source, subject.opened
    with located(subject.name):
        digest = Digest.parse(opened.digest)
        media_type = bills.MEDIA_TYPES[form]
        found, unreadable = source.artifacts(digest, media_type)
        if not found:
            raise unreadable[0] if unreadable else _missing(source, digest, subject.name, form)
        return Document(media_type, _document(found[-1], media_type))


def _document(artifact: Artifact, media_type: str) -> bytes:
    blobs = [blob for blob in artifact.manifest.layers if blob.media_type == media_type]
    if len(blobs) != 1:
        raise FormatError(f"an artifact of one document has {len(blobs)} of them")
    if blobs[0].size > MAX_DOCUMENT:
        raise FormatError(f"a document of more than {MAX_DOCUMENT} bytes")
    data = b"".join(artifact.contents[blobs[0].digest].chunks())
    _check_text(data)
    return data


def _check_text(data: bytes) -> None:
    """Refuses what is no plain text: it may go to a terminal, and anyone may have written it.

    It is not decoded as JSON, which takes many times its size of memory.

    Raises:
        FormatError: if it is none.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"the bill of materials is not UTF-8 at byte {error.start}") from None
    if found := re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text):
        raise FormatError(f"the bill of materials has a control character at {found.start()}")


def _missing(source: ImageSource, digest: Digest, name: str, form: str) -> UsageError:
    others = [
        other
        for other in bills.FORMATS
        if other != form and source.artifact_entries(digest, bills.MEDIA_TYPES[other])
    ]
    if others:
        hint = f"there is one as {', '.join(others)}: `witchery sbom {name} --format {others[0]}`"
    else:
        hint = (
            f"`witchery build --sbom {form}` keeps one beside the image, and `witchery sbom SOURCE` writes"
            " one from what the image is built of"
        )
    return UsageError(f"no bill of materials is kept beside the image as {form}", hint=hint)
