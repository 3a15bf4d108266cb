"""What was fetched and checked once, on disk; safe for many processes and for a kill at any instant.

    <root>/blobs/sha256/<hex>          data segments of packages, under the digest of their bytes
    <root>/packages/<xx>/<identity>    all else about a package, guarded by its own SHA-256
    <root>/documents/<key>             indexes and keys, with the validator of the server
    <root>/layers/<key>                what a recipe gave; the layer is among the blobs
    <root>/indexes/<key>               what is looked up in an index, guarded by its own SHA-256

Every file appears whole, by renaming. A file is believed only if it proves itself when it is read; one that
does not is as if it were not there. The time of a file is the last time it was of use.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from witchery import canonical
from witchery.apk import archive_record
from witchery.apk.archive import Archive
from witchery.digest import Digest
from witchery.errors import IntegrityError, Refused, StorageError
from witchery.store import atomic
from witchery.store.blobs import BlobStore
from witchery.value import frozen

DAY = 86400.0
"""Temporary files, and blobs that no package names, are left alone for so long, in seconds."""
IN_USE = 3600.0
"""What was of use so recently is not pruned, in seconds: another process may be about to read it."""
_KINDS = ("blobs", "packages", "layers", "indexes", "documents")
_MAX_RECORD = 1 << 28
_MAX_DOCUMENT = 1 << 28


@frozen(kw_only=True)
class Document:
    """A file of a server, as it was fetched.

    Attributes:
        url: Where it came from, for a person.
        etag: Its ETag, or an empty string.
        modified: Its `Last-Modified`, or an empty string.
        fetched: When the server last said that this is it, in seconds since 1970.
        data: The bytes.
    """

    url: str
    etag: str
    modified: str
    fetched: float
    data: bytes


@frozen(kw_only=True)
class Layer:
    """A layer that was written here.

    Attributes:
        digest: Digest of the blob.
        size: Its size, in bytes.
        diff_id: Digest of the tar in it.
    """

    digest: Digest
    size: int
    diff_id: Digest


@frozen
class Share:
    """How much of one kind is in the cache: number of files, and their bytes together."""

    kind: str
    count: int
    size: int


@frozen
class Pruned:
    """What pruning took away."""

    count: int
    size: int


@frozen
class Cache:
    """A folder of fetched things.

    Attributes:
        root: The folder; made when something is kept.
    """

    root: Path

    @property
    def blobs(self) -> BlobStore:
        """The data segments."""
        return BlobStore(self.root / "blobs")

    def package(self, identity: bytes) -> Archive | None:
        """What is known of a package, where it and its data segment are there and whole.

        The data segment itself is checked by whoever reads it.
        """
        path = self._package_path(identity)
        try:
            archive = archive_record.decode(_unguarded(atomic.read(path, _MAX_RECORD)))
        except (StorageError, Refused):
            return None
        if self.blobs.size(archive.data) != archive.data_size:
            return None
        _used(path)
        return archive

    def keep_package(self, identity: bytes, archive: Archive) -> None:
        """Keeps what is known of a checked package whose data segment is among the blobs.

        Raises:
            StorageError: if the system refuses.
        """
        atomic.write(self._package_path(identity), _guarded(archive_record.encode(archive)))

    def layer(self, recipe: Digest) -> Layer | None:
        """The layer that a recipe gave, where it is there.

        Args:
            recipe: A name for all that decides the layer's bytes.
        """
        path = self.root / "layers" / recipe.hex
        try:
            fields = canonical.decode(_unguarded(atomic.read(path, _MAX_RECORD)), "layer record")
            layer = Layer(
                digest=Digest.parse(fields["digest"]),
                size=int(fields["size"]),
                diff_id=Digest.parse(fields["diff_id"]),
            )
        except (StorageError, Refused, KeyError, TypeError, ValueError):
            return None
        if self.blobs.size(layer.digest) != layer.size:
            return None
        _used(path)
        return layer

    def keep_layer(self, recipe: Digest, layer: Layer) -> None:
        """Keeps what a recipe gave; the layer itself is among the blobs.

        Raises:
            StorageError: if the system refuses.
        """
        fields = {"digest": str(layer.digest), "size": layer.size, "diff_id": str(layer.diff_id)}
        atomic.write(self.root / "layers" / recipe.hex, _guarded(canonical.encode(fields)))

    def index(self, digest: Digest, form: str) -> bytes | None:
        """What is looked up in an index, where it is there and whole; see `witchery.apk.index_tables`.

        Args:
            digest: The digest of the index as it was fetched.
            form: The form that can be read.
        """
        path = self.root / "indexes" / f"{digest.hex}-{form}"
        try:
            found = _unguarded(atomic.read(path, _MAX_DOCUMENT))
        except (StorageError, IntegrityError):
            return None
        _used(path)
        return found

    def keep_index(self, digest: Digest, form: str, tables: bytes) -> None:
        """Keeps what is looked up in an index.

        Raises:
            StorageError: if the system refuses.
        """
        atomic.write(self.root / "indexes" / f"{digest.hex}-{form}", _guarded(tables))

    def document(self, key: str) -> Document | None:
        """A document, where it is there and whole.

        Args:
            key: What it was kept under: a URL without credentials.
        """
        path = self._document_path(key)
        try:
            stored = atomic.read(path, _MAX_DOCUMENT)
            fetched = path.stat().st_mtime
        except (StorageError, OSError):
            return None
        head, _, data = stored.partition(b"\n")
        try:
            fields = canonical.decode(head)
            if fields["sha256"] != hashlib.sha256(data).hexdigest():
                return None
            return Document(
                url=str(fields["url"]),
                etag=str(fields["etag"]),
                modified=str(fields["modified"]),
                fetched=fetched,
                data=data,
            )
        except (Refused, KeyError, TypeError):
            return None

    def keep_document(self, key: str, document: Document) -> None:
        """Keeps a document.

        Raises:
            StorageError: if the system refuses.
        """
        head = {
            "url": document.url,
            "etag": document.etag,
            "modified": document.modified,
            "sha256": hashlib.sha256(document.data).hexdigest(),
        }
        path = self._document_path(key)
        with atomic.replacing(path) as file:
            file.write(canonical.encode(head) + b"\n")
            file.write(document.data)

    def confirm_document(self, key: str) -> None:
        """Notes that the server still has the document that is kept."""
        _used(self._document_path(key))

    def info(self) -> tuple[Share, ...]:
        """How much of what is there."""
        shares: dict[str, list[int]] = {kind: [] for kind in (*_KINDS, "temporary")}
        for file in self._files():
            shares[file.kind].append(file.size)
        return tuple(Share(kind, len(sizes), sum(sizes)) for kind, sizes in shares.items())

    def prune(
        self,
        *,
        now: float,
        unused_for: float | None = None,
        max_size: int | None = None,
        in_use: float = IN_USE,
    ) -> Pruned:
        """Takes away what is left over, what is old, and the longest unused of what is too much.

        Other processes may go on using the cache meanwhile.

        Args:
            now: The time, in seconds since 1970.
            unused_for: Take away what was not used for so many seconds.
            max_size: Then take away the longest unused until no more than so many bytes are left.
            in_use: Leave alone what was used in the last so many seconds; 0 only where nobody else is there.

        Raises:
            StorageError: if the system refuses.
        """
        files = list(self._files())
        left_over = [file for file in files if file.kind == "temporary" and now - file.used > DAY]
        gone = [_Unit((file,), file.used) for file in left_over]
        units = self._units([file for file in files if file.kind != "temporary"], now, in_use)
        units.sort(key=lambda unit: (unit.used, unit.files[0].path))
        left = sum(unit.size for unit in units)
        for unit in units:
            old = unused_for is not None and now - unit.used >= unused_for
            too_much = max_size is not None and left > max_size
            if (old or too_much or unit.orphan) and now - unit.used >= in_use:
                gone.append(unit)
                left -= unit.size
        removed = [file for unit in gone if unit.still_unused() for file in unit.files if _remove(file.path)]
        return Pruned(len(removed), sum(file.size for file in removed))

    def _package_path(self, identity: bytes) -> Path:
        name = identity.hex()
        return self.root / "packages" / name[:2] / name

    def _document_path(self, key: str) -> Path:
        return self.root / "documents" / hashlib.sha256(key.encode()).hexdigest()[:40]

    def _files(self) -> Iterator["_File"]:
        for kind in _KINDS:
            for folder, _, names in os.walk(self.root / kind):
                for name in names:
                    path = Path(folder, name)
                    with suppress(FileNotFoundError):  # another process prunes, too
                        found = path.stat()
                        temporary = name.startswith(atomic.PREFIX)
                        yield _File(path, "temporary" if temporary else kind, found.st_size, found.st_mtime)

    def _units(self, files: list["_File"], now: float, in_use: float) -> list["_Unit"]:
        """Files that go together: a record first, so that no record outlives its blob.

        Of several records of one blob, the one that was used last keeps it.
        """
        blobs = {file.path.name: file for file in files if file.kind == "blobs"}
        units: list[_Unit] = []
        for file in sorted(files, key=lambda each: each.used, reverse=True):
            if file.kind in ("documents", "indexes"):
                units.append(_Unit((file,), file.used))
            elif file.kind in ("packages", "layers"):
                data = self._blob_of(file)
                blob = blobs.pop(data.hex, None) if data else None
                units.append(_Unit((file, blob) if blob else (file,), file.used, orphan=data is None))
        spare = max(in_use, DAY if in_use else 0.0)
        spares = [blob for blob in blobs.values() if now - blob.used >= spare]
        return units + [_Unit((blob,), blob.used, orphan=True) for blob in spares]

    def _blob_of(self, file: "_File") -> Digest | None:
        """The blob that a record names, or None where it is no record."""
        try:
            record = _unguarded(atomic.read(file.path, _MAX_RECORD))
            if file.kind == "packages":
                return archive_record.decode(record).data
            return Digest.parse(canonical.decode(record, "layer record")["digest"])
        except (StorageError, Refused, KeyError, TypeError):
            return None


@frozen
class _File:
    path: Path
    kind: str
    size: int
    used: float


@frozen
class _Unit:
    files: tuple[_File, ...]
    used: float
    orphan: bool = False

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def still_unused(self) -> bool:
        """Whether nobody used it since it was looked at."""
        try:
            return self.files[0].path.stat().st_mtime == self.used
        except FileNotFoundError:
            return False


def _guarded(record: bytes) -> bytes:
    """A record behind its own SHA-256."""
    return hashlib.sha256(record).digest() + record


def _unguarded(stored: bytes) -> bytes:
    """The record again.

    Raises:
        IntegrityError: if it was damaged.
    """
    guard, record = stored[:32], stored[32:]
    if hashlib.sha256(record).digest() != guard:
        raise IntegrityError("a damaged record")
    return record


def _used(path: Path) -> None:
    with suppress(OSError):  # a cache that can only be read is still a cache
        os.utime(path)


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(f"cannot delete, {error.strerror}", where=[str(path)]) from error
    return True
