"""Blobs on disk, named by their SHA-256.

A blob appears under its name when it is complete and its hash is known, never before, so many processes may
use one store at once and any of them may be killed. What is on disk is not believed: whoever reads a blob to
its end gets the bytes of that name or an error.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from witchery.codec import CHUNK
from witchery.digest import Digest
from witchery.errors import IntegrityError
from witchery.store import atomic
from witchery.value import frozen


@frozen
class BlobContent:
    """A stored blob as a content that checks itself; see `witchery.rootfs.content`.

    Attributes:
        path: Where it is.
        digest: What it must hash to.
        size: How long it must be, in bytes.
    """

    path: Path
    digest: Digest
    size: int

    def chunks(self) -> Iterator[bytes]:
        """The bytes.

        Raises:
            IntegrityError: at the end, if they are not those of `digest`.
            StorageError: if the file cannot be read.
        """
        hasher = hashlib.new(self.digest.algorithm)
        with atomic.storing(self.path), self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                hasher.update(chunk)
                yield chunk
        if hasher.hexdigest() != self.digest.hex:
            raise IntegrityError(
                f"expected {self.digest}, got {self.digest.algorithm}:{hasher.hexdigest()}",
                where=[str(self.path)],
                hint="the stored file was damaged: delete it, and it is fetched again",
            )


class BlobWriter:
    """A blob that is being written; its name is known at its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Adds bytes."""
        self._hash.update(data)
        self.size += len(data)
        self._file.write(data)

    @property
    def digest(self) -> Digest:
        """The name of what was written so far."""
        return Digest("sha256", self._hash.hexdigest())


@frozen
class BlobStore:
    """A folder `<root>/sha256/<hex>`, as in an OCI image layout (image-layout.md, "Blobs")."""

    root: Path

    def path(self, digest: Digest) -> Path:
        """Where a blob is, or would be."""
        return self.root / digest.algorithm / digest.hex

    def size(self, digest: Digest) -> int | None:
        """The size of a blob in bytes; None where there is none."""
        try:
            return self.path(digest).stat().st_size
        except OSError:
            return None

    def content(self, digest: Digest) -> BlobContent:
        """A blob to be read.

        Raises:
            StorageError: if there is none.
        """
        path = self.path(digest)
        with atomic.storing(path):
            return BlobContent(path, digest, path.stat().st_size)

    @contextmanager
    def writing(self) -> Iterator[BlobWriter]:
        """A blob to be written, kept under its name when the block ends without an error.

        Raises:
            StorageError: if the system refuses; nothing is kept then.
        """
        with atomic.pending(self.root / "sha256") as new:
            writer = BlobWriter(new.file)
            yield writer
            new.keep_as(self.path(writer.digest))

    def add(self, chunks: Iterable[bytes]) -> tuple[Digest, int]:
        """Stores a blob and returns its name and size.

        Raises:
            StorageError: if the system refuses.
        """
        with self.writing() as writer:
            for chunk in chunks:
                writer.write(chunk)
        return writer.digest, writer.size
