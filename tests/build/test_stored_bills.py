"""Bills of materials beside images: whoever wrote them, what is handed out is plain text of some length."""

from pathlib import Path

import pytest

from support import subjects
from support.images import image_of_tars, member, tar_of
from witchery.build import stored_bills
from witchery.build.bills import MEDIA_TYPES, Document
from witchery.build.registry.registries import Registries
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError, UsageError
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.transport import LayoutFolder, Transport
from witchery.repository.cache import Cache
from witchery.rootfs.content import BytesContent
from witchery.store import layout

SPDX = MEDIA_TYPES["spdx"]


@pytest.fixture
def registries(tmp_path: Path) -> Registries:
    return Registries(environ={}, cache=Cache(tmp_path / "cache"))


def stored_bill(place: Transport, form: str, registries: Registries) -> Document:
    return stored_bills.stored_bill(subjects.image(place, registries), form)


def stored(folder: Path, *documents: bytes, media_type: str = SPDX) -> LayoutFolder:
    """An image with some documents beside it."""
    one = image_of_tars(tar_of(member("file", b"content")))
    subject = one.image.manifest.descriptor
    artifacts = [Artifact.of_document(subject, media_type, each) for each in documents]
    layout.write(folder / "image", one.image, one.contents, artifacts=artifacts)
    return LayoutFolder(str(folder / "image"))


def test_a_document_is_handed_out_as_it_is(tmp_path: Path, registries: Registries) -> None:
    data = '{"name": "größe"}\r\n\t'.encode()
    assert stored_bill(stored(tmp_path, data), "spdx", registries).data == data


def test_of_several_the_newest_counts(tmp_path: Path, registries: Registries) -> None:
    place = stored(tmp_path, b'{"version": 1}', b'{"version": 2}')
    assert stored_bill(place, "spdx", registries).data == b'{"version": 2}'


@pytest.mark.parametrize("data", [b"\xff", b'"\x1b[31m"', b"\x00", '"\x9b31m"'.encode(), b"\x7f"])
def test_what_a_terminal_would_obey_is_refused(data: bytes, tmp_path: Path, registries: Registries) -> None:
    with pytest.raises(FormatError, match=r"control character|not UTF-8"):
        stored_bill(stored(tmp_path, data), "spdx", registries)


def test_a_document_beyond_all_measure_is_not_read(
    tmp_path: Path, registries: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_bills, "MAX_DOCUMENT", 100)
    with pytest.raises(FormatError, match="more than 100 bytes"):
        stored_bill(stored(tmp_path, b" " * 101), "spdx", registries)


def test_a_document_that_was_changed_is_refused(tmp_path: Path, registries: Registries) -> None:
    place = stored(tmp_path, b'{"name": 1}')
    (tmp_path / "image/blobs/sha256" / Digest.sha256(b'{"name": 1}').hex).write_bytes(b'{"name": 2}')
    with pytest.raises(IntegrityError):
        stored_bill(place, "spdx", registries)


def test_an_artifact_of_several_documents_is_refused(tmp_path: Path, registries: Registries) -> None:
    one = image_of_tars(tar_of(member("file", b"content")))
    blobs = [(Descriptor.of(SPDX, data), BytesContent(data)) for data in (b"{}\n", b"{}\t")]
    artifact = Artifact.of(one.image.manifest.descriptor, SPDX, blobs)
    layout.write(tmp_path / "image", one.image, one.contents, artifacts=[artifact])
    with pytest.raises(FormatError, match="has 2 of them"):
        stored_bill(LayoutFolder(str(tmp_path / "image")), "spdx", registries)


def test_another_format_is_named(tmp_path: Path, registries: Registries) -> None:
    place = stored(tmp_path, b"{}\n", media_type=MEDIA_TYPES["cyclonedx"])
    with pytest.raises(UsageError) as error:
        stored_bill(place, "spdx", registries)
    assert "--format cyclonedx" in error.value.hints[0]
