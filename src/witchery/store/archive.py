"""Images as one tar file that docker, podman, containerd, skopeo, trivy and syft all load.

It holds an OCI layout and Docker's `manifest.json`, with plain names (a leading `./` is refused by some), in
order of name, with no trace of when or by whom it was written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from witchery.codec import CHUNK
from witchery.digest import Digest
from witchery.errors import FormatError, located
from witchery.oci import layout as form
from witchery.oci.artifact import Artifact, by_subject, with_artifacts
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.image import Image
from witchery.oci.image_index import AnyImage
from witchery.oci.manifest import EMPTY_INDEX, Index
from witchery.oci.reference import Reference
from witchery.rootfs import entry as entries
from witchery.rootfs import tar
from witchery.rootfs.content import BytesContent, Content
from witchery.rootfs.entry import Kind
from witchery.rootfs.tar_writer import TarWriter
from witchery.store.atomic import replacing, storing
from witchery.store.source import ImageSource, content_of, verified
from witchery.value import frozen

MAX_MEMBERS = 10_000
"""How many files an archive may hold."""


def write(
    path: Path,
    image: AnyImage,
    contents: Mapping[Digest, Content],
    *,
    tag: str = "",
    name: Reference | None = None,
    mtime: int = 0,
    artifacts: Sequence[Artifact] = (),
) -> Descriptor:
    """Writes an image as an archive, which takes the place of `path` when it is complete.

    Args:
        path: The file.
        image: The image; for several platforms it has no `manifest.json`, which knows only one.
        contents: The layers, by the digest of their blob.
        tag: The tag; by default that of `name`, or `latest`.
        name: The full name for runtimes that load the archive; without it Docker loads it nameless.
        mtime: The time of all members, in seconds since 1970.
        artifacts: What is said about the image.

    Returns:
        The entry that stands in the index.

    Raises:
        IntegrityError: if a layer is not what the image says.
        StorageError: if the file cannot be written.
    """
    with replacing(path) as file:
        return _stream(file.write, image, contents, tag, name, mtime, artifacts)


def stream(
    write: Callable[[bytes], object],
    image: AnyImage,
    contents: Mapping[Digest, Content],
    *,
    tag: str = "",
    name: Reference | None = None,
    mtime: int = 0,
    artifacts: Sequence[Artifact] = (),
) -> Descriptor:
    """Writes an archive piece by piece, for instance to standard output; as `write` in all else.

    If it fails, what was written until then has no end mark, so that no reader takes it for complete.
    """
    with storing("the output"):
        return _stream(write, image, contents, tag, name, mtime, artifacts)


def _stream(  # noqa: PLR0917 - private
    write: Callable[[bytes], object],
    image: AnyImage,
    contents: Mapping[Digest, Content],
    tag: str,
    name: Reference | None,
    mtime: int,
    artifacts: Sequence[Artifact],
) -> Descriptor:
    listed = form.entry(image, tag=tag or ("" if name else "latest"), name=name)
    blobs = [(layer, content_of(layer.digest, contents)) for layer in image.layer_blobs]
    blobs += [(descriptor, BytesContent(raw)) for descriptor, raw in image.documents]
    for each in artifacts:
        blobs += [(blob, content_of(blob.digest, each.contents)) for blob in each.blobs]
        blobs.append((each.manifest.descriptor, BytesContent(each.manifest.raw)))
    members = {form.blob_path(descriptor.digest): (descriptor, content) for descriptor, content in blobs}
    small = {form.LAYOUT_FILE: form.LAYOUT, form.INDEX_FILE: EMPTY_INDEX.with_entry(listed).raw}
    if isinstance(image, Image):
        small[form.DOCKER_FILE] = form.docker_manifest(image, name)
    for subject, about in by_subject(artifacts).items():
        small[form.referrers_path(subject)] = with_artifacts(EMPTY_INDEX, about).raw
    for member, data in small.items():
        members[member] = (Descriptor.of("application/json", data), BytesContent(data))
    writer = TarWriter(write)
    folders = {parent for member in members for parent in _parents(member)}
    for member in sorted({*members, *folders}):
        if member in folders:
            writer.add(entries.directory(member, mtime=mtime))
            continue
        descriptor, content = members[member]
        writer.add(entries.file(member, descriptor.size, mtime=mtime), verified(content.chunks(), descriptor))
    writer.close()
    return listed


def read(path: Path) -> ImageSource:
    """Opens an archive: its members are found, none is unpacked.

    Raises:
        FormatError: if it is not a tar file, or not an archive that holds an OCI layout.
        StorageError: if it cannot be read.
    """
    with located(str(path)):
        members = _members(path)
        archive = _Archive(path, members)
        if form.LAYOUT_FILE not in members or form.INDEX_FILE not in members:
            hint = (
                f"skopeo copy docker-archive:{path} oci-archive:NEW.tar"
                if form.DOCKER_FILE in members
                else ()
            )
            raise FormatError(f"an archive without `{form.INDEX_FILE}` is not read", hint=hint)
        with located(form.LAYOUT_FILE):
            form.check(archive.small(form.LAYOUT_FILE))
        with located(form.INDEX_FILE):
            index = Index.read(archive.small(form.INDEX_FILE))
    return ImageSource(
        index, lambda descriptor: archive.chunks(form.blob_path(descriptor.digest)), archive.referrers
    )


@frozen
class _Archive:
    """The members of a tar file, to be read where they lie."""

    path: Path
    members: Mapping[str, tuple[int, int]]

    def chunks(self, member: str) -> Iterator[bytes]:
        found = self.members.get(member)
        if found is None:
            raise FormatError(f"missing from the archive: `{member}`", where=(str(self.path),))
        offset, size = found
        with storing(self.path), self.path.open("rb") as file:
            file.seek(offset)
            while size:
                chunk = file.read(min(size, CHUNK))
                if not chunk:
                    raise FormatError(f"truncated: `{member}`", where=(str(self.path),))
                size -= len(chunk)
                yield chunk

    def referrers(self, subject: Digest) -> Index:
        path = form.referrers_path(subject)
        if path not in self.members:
            return EMPTY_INDEX
        with located(str(self.path)), located(path):
            return Index.read(self.small(path))

    def small(self, member: str) -> bytes:
        size = self.members[member][1]
        if size > MAX_DOCUMENT:
            raise FormatError(f"expected at most {MAX_DOCUMENT} bytes: {size}")
        return b"".join(self.chunks(member))


def _members(path: Path) -> dict[str, tuple[int, int]]:
    """Where each regular file begins, and how long it is. Links and all else are not looked at."""
    members: dict[str, tuple[int, int]] = {}
    with storing(path), path.open("rb") as file:
        for number, member in enumerate(tar.read(_chunks(file))):
            if number >= MAX_MEMBERS:
                raise FormatError(f"more than {MAX_MEMBERS} members")
            if member.entry.kind is not Kind.FILE:
                continue
            if member.entry.path in members:
                raise FormatError(f"a member stands twice: `{member.entry.path}`")
            members[member.entry.path] = (member.offset, member.entry.size)
    return members


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _parents(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
