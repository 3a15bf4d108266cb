"""OCI layouts on disk: folders of `oci-layout`, `index.json` and `blobs` (image-spec, image-layout.md)."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from witchery.digest import Digest
from witchery.errors import FormatError, StorageError, located
from witchery.oci import layout as form
from witchery.oci.artifact import Artifact, by_subject, with_artifacts
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.image_index import AnyImage
from witchery.oci.manifest import EMPTY_INDEX, Index
from witchery.oci.reference import Reference
from witchery.rootfs.content import BytesContent, Content
from witchery.store.atomic import PREFIX, replacing, storing
from witchery.store.inside import open_inside
from witchery.store.source import ImageSource, content_of, verified

_CHUNK = 1 << 20


def write(
    folder: Path,
    image: AnyImage,
    contents: Mapping[Digest, Content],
    *,
    tag: str = "",
    name: Reference | None = None,
    artifacts: Sequence[Artifact] = (),
) -> Descriptor:
    """Writes an image into a layout, which is made if it is not there.

    Images under other tags stay; one under the same tag is replaced (its blobs stay). Blobs that are there
    are verified and kept. Writers of the same layout wait for each other. If it fails, what was written is
    removed.

    Args:
        folder: The layout.
        image: The image, for one platform or several.
        contents: The layers, by the digest of their blob.
        tag: The tag; by default that of `name`, or `latest`.
        name: The full name for runtimes that load the layout.
        artifacts: What is said about the image.

    Returns:
        The entry that now stands in the index.

    Raises:
        IntegrityError: if a layer is not what the image says.
        FormatError: if the folder holds a layout that cannot be read.
        StorageError: if something cannot be written.
    """
    entry = form.entry(image, tag=tag or ("" if name else "latest"), name=name)
    _write(folder, entry, lambda: _blobs(image, contents), artifacts)
    return entry


def write_index(
    folder: Path,
    root: Descriptor,
    blobs: Mapping[Descriptor, Content],
    *,
    tag: str = "",
    name: Reference | None = None,
    artifacts: Sequence[Artifact] = (),
) -> Descriptor:
    """Writes an image for several platforms into a layout; as `write` in all else.

    Args:
        folder: The layout.
        root: The index.
        blobs: Everything that it comes to, itself included, what is named before what names it.
        tag: The tag; by default that of `name`, or `latest`.
        name: The full name for runtimes that load the layout.
        artifacts: What is said about the image.
    """
    entry = form.named(root, tag=tag or ("" if name else "latest"), name=name)
    _write(folder, entry, lambda: dict(blobs), artifacts)
    return entry


def attach(folder: Path, artifacts: Sequence[Artifact]) -> None:
    """Adds artifacts about images to a layout; those that are there stay.

    Raises:
        IntegrityError: if a blob is not what its artifact says.
        FormatError: if the folder holds no layout, or one that cannot be read.
        StorageError: if something cannot be written.
    """
    read(folder)
    _write(folder, None, dict, artifacts)


def _write(
    folder: Path,
    entry: Descriptor | None,
    collect: Callable[[], dict[Descriptor, Content]],
    artifacts: Sequence[Artifact],
) -> None:
    """Writes blobs, and then what names them; undone if it fails."""
    with storing(folder), _locked(folder) as made, located(str(folder)):
        try:
            index = _existing_index(folder)
            for descriptor, content in collect().items():
                _write_blob(folder, descriptor, content, made)
            for subject, about in by_subject(artifacts).items():
                _write_artifacts(folder, subject, about, made)
            _write_small(folder / form.LAYOUT_FILE, form.LAYOUT, made)
            if entry:
                _write_small(folder / form.INDEX_FILE, index.with_entry(entry).raw, made)
        except BaseException:
            made.undo()
            raise


def _write_artifacts(folder: Path, subject: Digest, artifacts: Sequence[Artifact], made: "_Made") -> None:
    for artifact in artifacts:
        for blob in artifact.blobs:
            _write_blob(folder, blob, content_of(blob.digest, artifact.contents), made)
        _write_blob(folder, artifact.manifest.descriptor, BytesContent(artifact.manifest.raw), made)
    path = folder / form.referrers_path(subject)
    _make_folder(path.parent, made)
    index = with_artifacts(_referrers(folder, subject), artifacts)
    _write_small(path, index.raw, made)


def read(folder: Path) -> ImageSource:
    """Opens a layout.

    Nothing is read through a symbolic link, and nothing but regular files.

    Raises:
        FormatError: if it is not a layout, or a malformed one.
        StorageError: if it cannot be read.
    """
    with located(str(folder)):
        with located(form.LAYOUT_FILE):
            form.check(_small(folder, form.LAYOUT_FILE))
        with located(form.INDEX_FILE):
            index = Index.read(_small(folder, form.INDEX_FILE))
    return ImageSource(
        index,
        lambda descriptor: _read(folder, form.blob_path(descriptor.digest)),
        lambda subject: _referrers(folder, subject),
    )


def is_layout(folder: Path) -> bool:
    """True for a folder that says it is a layout.

    Raises:
        StorageError: if we may not look.
    """
    with storing(folder):
        return (folder / form.LAYOUT_FILE).is_file()


def _referrers(folder: Path, subject: Digest) -> Index:
    """The list of the artifacts about an image."""
    path = form.referrers_path(subject)
    with storing(folder):
        if not (folder / path).is_file():
            return EMPTY_INDEX
    with located(path):
        return Index.read(_small(folder, path))


class _Made:
    """What a writer has made so far, to be undone if it fails."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def undo(self) -> None:
        for path in reversed(self.paths):
            with suppress(OSError):
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[_Made]:
    """The folder, made if needed, for this writer alone."""
    import fcntl

    while True:
        made = _Made()
        try:
            _make_folder(folder, made)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # another writer failed in this very moment, and removed the folder that it had made
        except BaseException:
            made.undo()
            raise
        try:
            with suppress(OSError):  # file systems without locks: then only the renames protect
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _same(descriptor, folder):
                continue
            for stale in (*folder.glob(f"{PREFIX}*"), *folder.glob(f"{form.BLOBS}/*/{PREFIX}*")):
                with suppress(OSError):
                    stale.unlink()
            yield made
        finally:
            os.close(descriptor)
        return


def _same(descriptor: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False


def _make_folder(folder: Path, made: _Made) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        with suppress(FileExistsError):
            path.mkdir()
            made.paths.append(path)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def _existing_index(folder: Path) -> Index:
    if is_layout(folder):
        return read(folder).index
    if (folder / form.INDEX_FILE).exists():
        raise FormatError(f"there is an `{form.INDEX_FILE}`, but no `{form.LAYOUT_FILE}`")
    return EMPTY_INDEX


def _blobs(image: AnyImage, contents: Mapping[Digest, Content]) -> dict[Descriptor, Content]:
    """Every blob once: layers first, so that whoever finds the manifest finds all it names."""
    layers = {layer: content_of(layer.digest, contents) for layer in image.layer_blobs}
    return layers | {descriptor: BytesContent(raw) for descriptor, raw in image.documents}


def _write_blob(folder: Path, descriptor: Descriptor, content: Content, made: _Made) -> None:
    path = folder / form.blob_path(descriptor.digest)
    if _is_good(path, descriptor):
        return
    _make_folder(path.parent, made)
    existed = path.exists()
    with replacing(path) as file:
        for chunk in verified(content.chunks(), descriptor):
            file.write(chunk)
    if not existed:
        made.paths.append(path)


def _is_good(path: Path, descriptor: Descriptor) -> bool:
    """True where the blob is there, whole and right."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_size != descriptor.size:
            return False
        hasher = hashlib.new(descriptor.digest.algorithm)
        while chunk := os.read(file, _CHUNK):
            hasher.update(chunk)
        return hasher.hexdigest() == descriptor.digest.hex
    finally:
        os.close(file)


def _write_small(path: Path, data: bytes, made: _Made) -> None:
    existed = path.exists()
    if existed and path.read_bytes() == data:
        return
    with replacing(path) as file:
        file.write(data)
    if not existed:
        made.paths.append(path)


def _small(folder: Path, path: str) -> bytes:
    data = bytearray()
    for chunk in _read(folder, path):
        data += chunk
        if len(data) > MAX_DOCUMENT:
            raise FormatError(f"expected at most {MAX_DOCUMENT} bytes")
    return bytes(data)


def _read(folder: Path, path: str) -> Iterator[bytes]:
    """A file of the layout, in pieces; no part of `path` may be a link."""
    with storing(folder):
        there = folder.is_dir()
    if not there:
        raise StorageError(f"no such folder: `{folder}`")
    with storing(folder / path):
        try:
            file = open_inside(folder, path)
        except FileNotFoundError:
            raise FormatError(f"missing from the layout: `{path}`") from None
    try:
        while True:
            with storing(folder / path):
                chunk = os.read(file, _CHUNK)
            if not chunk:
                return
            yield chunk
    finally:
        os.close(file)
