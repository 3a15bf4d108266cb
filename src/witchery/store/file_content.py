"""Files of the machine as contents: opened while they are read, and sure to be the same each time."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from witchery.codec import CHUNK
from witchery.errors import StorageError
from witchery.store.atomic import storing
from witchery.value import frozen

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe in its place must not stop us


@frozen
class FileContent:
    """The bytes of a regular file; a `SeekableContent` that keeps no file open.

    Attributes:
        path: The file; its last part is no symbolic link.
        size: How long it was when it was found, in bytes.
        mtime_ns: When it was last written to then, in nanoseconds since 1970.
        inode: Its number on its file system.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int

    @staticmethod
    def of(path: str, found: os.stat_result) -> "FileContent":
        """The file as `lstat` found it."""
        return FileContent(path, found.st_size, found.st_mtime_ns, found.st_ino)

    def chunks(self) -> Iterator[bytes]:
        """The bytes.

        Raises:
            StorageError: if they cannot be read, or are no longer those that were found.
        """
        with self._open() as file:
            left = self.size
            while left:
                with storing(self.path):
                    chunk = os.read(file, min(left, CHUNK))
                if not chunk:
                    raise self._changed()
                left -= len(chunk)
                yield chunk
            self._check(file)

    def read_at(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`, fewer where the file ends.

        Raises:
            StorageError: if they cannot be read, or are no longer those that were found.
        """
        size = max(0, min(size, self.size - offset))
        found = b""
        with self._open() as file, storing(self.path):
            while len(found) < size:
                piece = os.pread(file, size - len(found), offset + len(found))
                if not piece:
                    raise self._changed()
                found += piece
        return found

    @contextmanager
    def _open(self) -> Iterator[int]:
        with storing(self.path):
            file = os.open(self.path, _FLAGS)
        try:
            self._check(file)
            yield file
        finally:
            os.close(file)

    def _check(self, file: int) -> None:
        now = os.fstat(file)
        known = (self.size, self.mtime_ns, self.inode)
        if not stat.S_ISREG(now.st_mode) or (now.st_size, now.st_mtime_ns, now.st_ino) != known:
            raise self._changed()

    def _changed(self) -> StorageError:
        return StorageError(
            "changed while it was read", where=[self.path], hint="wait until nothing writes to it"
        )
