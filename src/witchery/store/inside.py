"""Opening files below a folder that someone else filled, so that no link in it leads out."""

import errno
import os
import stat
from pathlib import Path

from witchery.errors import FormatError


def open_inside(folder: Path, path: str) -> int:
    """Opens a regular file below a folder for reading; no part of `path` may be a symbolic link.

    Returns:
        A file descriptor, which the caller closes.

    Raises:
        FileNotFoundError: if it is not there.
        FormatError: if it is a link, a pipe or the like, or behind one.
        OSError: if the system refuses.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe must not stop us
    *parents, name = path.split("/")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parents:
            below = os.open(part, flags | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        file = os.open(name, flags, dir_fd=here)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise FormatError(f"a link, or not a folder, on the way: `{path}`") from error
        raise
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise FormatError(f"not a regular file: `{path}`")
    return file
