"""The files of a root file system on disk, each looked into; links in it lead nowhere outside."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from witchery.errors import FormatError
from witchery.rootfs.entry import Entry, Kind
from witchery.store.atomic import storing
from witchery.store.file_content import FileContent
from witchery.store.image_tree import Placed
from witchery.store.laying import USUAL, Limits

_Look = TypeVar("_Look")
_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFCHR: Kind.CHARACTER,
    stat.S_IFBLK: Kind.BLOCK,
    stat.S_IFIFO: Kind.FIFO,
}


def read(
    root: Path, look: Callable[[Entry, Iterator[bytes]], _Look], *, limits: Limits = USUAL
) -> dict[str, Placed[_Look]]:
    """Everything below a folder by path, in byte order; sockets are left out.

    Raises:
        FormatError: if there is more than the limits allow.
        StorageError: if something cannot be read.
    """
    found: dict[str, Placed[_Look]] = {}
    names: dict[tuple[int, int], str] = {}
    size = 0
    for path, inside in _walk(root, root):
        with storing(path):
            about = path.lstat()
        entry = _entry(path, inside, about)
        if entry is None:
            continue
        if len(found) >= limits.entries:
            raise FormatError(f"more than {limits.entries} entries")
        if entry.kind is not Kind.FILE:
            found[inside] = Placed(entry, 0)
            continue
        first = names.setdefault((about.st_dev, about.st_ino), inside) if about.st_nlink > 1 else inside
        if first != inside:
            found[inside] = Placed(entry, 0, found[first].look, first)
            continue
        size += entry.size
        if size > limits.size:
            raise FormatError(f"more than {limits.size} bytes of files")
        content = FileContent.of(os.fspath(path), about)
        found[inside] = Placed(entry, 0, look(entry, content.chunks()))
    return dict(sorted(found.items(), key=lambda each: each[0].encode("utf-8", "surrogateescape")))


def _walk(root: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        with storing(here), os.scandir(here) as entries:
            inside = sorted(entries, key=lambda each: os.fsencode(each.name))
        for each in inside:
            path = Path(each.path)
            yield path, str(path.relative_to(root))
            if each.is_dir(follow_symlinks=False):
                waiting.append(path)


def _entry(path: Path, inside: str, about: os.stat_result) -> Entry | None:
    kind = _KINDS.get(stat.S_IFMT(about.st_mode))
    if kind is None:
        return None
    with storing(path):
        target = os.readlink(path) if kind is Kind.SYMLINK else ""  # noqa: PTH115 - as written
    return Entry(
        inside,
        kind,
        stat.S_IMODE(about.st_mode),
        about.st_uid,
        about.st_gid,
        "",
        "",
        int(about.st_mtime),
        about.st_size if kind is Kind.FILE else 0,
        target,
        _xattrs(path),
        b"",
        (os.major(about.st_rdev), os.minor(about.st_rdev))
        if kind in (Kind.CHARACTER, Kind.BLOCK)
        else (0, 0),
    )


def _xattrs(path: Path) -> tuple[tuple[str, bytes], ...]:
    """The extended attributes that an image can have; a file system without them has none."""
    found: list[tuple[str, bytes]] = []
    with suppress(OSError):
        names = sorted(os.listxattr(path, follow_symlinks=False))
        kept = (name for name in names if name.startswith(("security.capability", "user.")))
        found.extend((name, os.getxattr(path, name, follow_symlinks=False)) for name in kept)
    return tuple(found)
