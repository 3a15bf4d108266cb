"""Where musl's loader looks for a library; observed with musl 1.2.4.

A name with a slash is a path. Any other is looked for in the run path of the object that needs it, then of
the object which had that one loaded, and so on up to the program, then in the default path. `DT_RPATH` and
`DT_RUNPATH` are one and the same; where there are both, the latter holds. The first file of that name is
taken: if it cannot be loaded, the search does not go on.

Paths are those in the image, without the leading slash. Relative ones would depend on the working directory,
and are taken to lead nowhere.
"""

from collections.abc import Iterable
from typing import NamedTuple

from witchery.elf.file import Elf
from witchery.loader.root import Root

DEFAULT_PATH = ("lib", "usr/local/lib", "usr/lib")
"""Where libraries are looked for unless `/etc/ld-musl-ARCH.path` says otherwise."""

_LIBC = ("libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet.")
_MAX_NAME = 255
"""The longest name of a library, in bytes (`NAME_MAX`)."""
_MAX_PATH = 511
"""The longest path that is tried in a search, in bytes; longer ones are passed over."""
_MAX_NAMED_PATH = 4096
"""Paths that are this long cannot be opened (`PATH_MAX`)."""
_ORIGINS = ("${ORIGIN}", "$ORIGIN")


class Found(NamedTuple):
    """A file that a name led to.

    Attributes:
        name: Its path as the loader has it: not simplified, links not followed. `$ORIGIN` depends on it.
        path: Its real path.
    """

    name: str
    path: str


def is_libc(name: str) -> bool:
    """Whether musl takes itself for a needed library: `libc.so`, `libm.so.6`, `libpthread.so.0`, ..."""
    return name.startswith(_LIBC)


def runpath(elf: Elf, name: str) -> tuple[str, ...]:
    """The folders that an object wants searched.

    Args:
        elf: The object.
        name: Its path as the loader has it, for `$ORIGIN`; that of a program has no links in it.

    Returns:
        Absolute folders, without the leading slash and not simplified. Where a `$` stands for anything but
        `$ORIGIN`, musl ignores them all.
    """
    dynamic = elf.dynamic
    text = None if dynamic is None else dynamic.rpath if dynamic.runpath is None else dynamic.runpath
    if not text:
        return ()
    if "$" in text:
        origin = "/" + name.rpartition("/")[0] if "/" in name else ""
        for variable in _ORIGINS:
            text = text.replace(variable, "\0")
        if "$" in text:
            return ()
        text = text.replace("\0", origin)
    return path_file(text)


def path_file(text: str) -> tuple[str, ...]:
    """The folders of a search path, such as `/etc/ld-musl-ARCH.path` holds one.

    They are separated by colons or line ends. Empty ones are passed over. A file without any leaves no
    default path.
    """
    entries = text.replace("\n", ":").split(":")
    return tuple(entry[1:] for entry in entries if entry.startswith("/"))


def find(
    name: str, paths: Iterable[tuple[str, ...]], root: Root, default_path: tuple[str, ...] = DEFAULT_PATH
) -> Found | None:
    """What the loader takes for a needed library; not for one of libc's names.

    Args:
        name: The name, as in `DT_NEEDED`.
        paths: The run paths of the object that needs it, of the one that loaded that, and so on.
        root: The image.
        default_path: Where it looks at last.
    """
    if "/" in name:
        path = root.locate(name) if name.startswith("/") and len(name) < _MAX_NAMED_PATH else None
        return None if path is None else Found(name[1:], path)
    if not name or len(name.encode("utf-8", "surrogateescape")) > _MAX_NAME:
        return None
    for folders in (*paths, default_path):
        for folder in folders:
            candidate = f"{folder}/{name}"
            if len(candidate.encode("utf-8", "surrogateescape")) >= _MAX_PATH:
                continue
            path = root.locate(candidate)
            if path is not None:
                return Found(candidate, path)
    return None
