"""Files that appear whole or not at all.

A file is written under a temporary name in the folder it is meant for and renamed when it is complete, so a
killed process, a full disk or a failed check leaves nothing under the final name (POSIX.1-2017, `rename`: a
reader sees the old file or the new one). Temporary names begin with `.tmp-`; whoever looks after a folder may
delete those that are old.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from witchery.errors import StorageError

PREFIX = ".tmp-"
"""How temporary names begin."""

_ADVICE = {
    errno.ENOSPC: "free some space, or choose another folder",
    errno.EDQUOT: "free some of your quota, or choose another folder",
    errno.EACCES: "choose a folder that you may write to",
    errno.EPERM: "choose a folder that you may write to",
    errno.EROFS: "choose a folder that you may write to",
}


@contextmanager
def storing(path: Path | str) -> Iterator[None]:
    """Turns what the operating system says about `path` into a `StorageError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            reason[:1].lower() + reason[1:], where=[str(path)], hint=_ADVICE.get(error.errno or 0, ())
        ) from error


class PendingFile:
    """A file that is being written under a temporary name; it goes with the block unless it is kept."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self.file = file

    def keep_as(self, path: Path, mode: int = 0o644) -> None:
        """Ends writing and gives the file its name."""
        self.file.close()
        self._path.chmod(mode)
        self._path.replace(path)


@contextmanager
def pending(folder: Path) -> Iterator[PendingFile]:
    """A file in `folder` that has no name yet.

    Raises:
        StorageError: if the system refuses.
    """
    temporary = folder / f"{PREFIX}{os.urandom(8).hex()}"
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                yield PendingFile(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A file to write to that takes the place of `path` when the block ends without an error.

    Raises:
        StorageError: if the system refuses; `path` is then as it was.
    """
    with storing(path), pending(path.parent) as new:
        yield new.file
        new.keep_as(path, mode)


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Writes a small file whole.

    Raises:
        StorageError: if the system refuses.
    """
    with replacing(path, mode) as file:
        file.write(data)


def read(path: Path, limit: int) -> bytes:
    """Reads a small file whole.

    Raises:
        StorageError: if the system refuses, or the file is longer than `limit` bytes.
    """
    with storing(path), path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise StorageError(f"longer than the limit of {limit} bytes", where=[str(path)])
    return data
