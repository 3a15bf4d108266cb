"""Unpacking an image into a folder (transport `rootfs:`), whatever its layers hold.

The tree grows in a folder beside the target that only this user can enter, and takes the target's place at
the end. Paths that are given to the system hold no symbolic link: `overlay` has resolved them.
"""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from witchery.digest import Digest
from witchery.errors import FormatError, StorageError, located
from witchery.oci.image import Image
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Entry, Kind
from witchery.store.atomic import PREFIX, storing
from witchery.store.laying import USUAL, Laying, Limits
from witchery.store.overlay import Node
from witchery.store.source import content_of
from witchery.value import frozen

_REFUSED = frozenset({errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.ENOSYS})


@frozen
class Unpacked:
    """What became of an image.

    Attributes:
        entries: Number of tar members read.
        size: Bytes of file contents written.
        notes: What could not be done as the image says, for a person to read.
    """

    entries: int
    size: int
    notes: tuple[str, ...]


def unpack(
    image: Image,
    contents: Mapping[Digest, Content],
    target: Path,
    *,
    privileged: bool,
    limits: Limits = USUAL,
) -> Unpacked:
    """Unpacks an image into a folder that is not there yet, or empty.

    Args:
        image: The image.
        contents: The layers, by the digest of their blob.
        target: The folder.
        privileged: True to set owners and make device nodes, which takes root. Modes, setuid included, and
            times are always set.
        limits: How much it may unpack to.

    Returns:
        How much there was, and what could not be done.

    Raises:
        FormatError: if a layer is malformed, leaves the tree, or is too large; the error says where.
        IntegrityError: if a layer's blob or its uncompressed tar has another digest.
        StorageError: if something cannot be written, or the folder is not empty.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - links in it stay
    with storing(target):
        if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
            raise StorageError(f"expected an empty folder, or none: `{target}`")
        target.parent.mkdir(parents=True, exist_ok=True)
        growing = target.with_name(f"{PREFIX}{os.urandom(8).hex()}")
        growing.mkdir(mode=0o700)
        try:
            writer = _Writer(growing, privileged, limits)
            for number, layer in enumerate(image.layers):
                with located(f"layer {number + 1} of {len(image.layers)} ({layer.descriptor.digest})"):
                    writer.layer(number, layer, content_of(layer.descriptor.digest, contents))
            writer.finish()
            growing.rename(target)
        except BaseException:
            remove_tree(growing)
            raise
    return Unpacked(writer.entries, writer.size, writer.notes.lines())


def remove_tree(path: Path) -> None:
    """Removes a folder and all below it, also where folders are not writable by their owner.

    Links are not followed. What cannot be removed is left.
    """
    import shutil

    with suppress(OSError):
        path.chmod(0o700)
    for parent, folders, _ in os.walk(path):
        for folder in folders:
            inner = Path(parent, folder)
            if not inner.is_symlink():
                with suppress(OSError):
                    inner.chmod(0o700)
    shutil.rmtree(path, ignore_errors=True)


@dataclass(slots=True)
class _Notes:
    """What was not done: how often, and where first."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, path: str) -> None:
        self.counts[what] += 1
        self.first.setdefault(what, path)

    def lines(self) -> tuple[str, ...]:
        return tuple(
            f"{what}: `{self.first[what]}`" + (f" and {count - 1} more" if count > 1 else "")
            for what, count in self.counts.items()
        )


class _Writer(Laying):
    """Puts layers into one folder, which is empty and reached by no one else."""

    def __init__(self, folder: Path, privileged: bool, limits: Limits) -> None:  # noqa: FBT001 - private
        super().__init__(limits)
        self._folder = folder
        self._privileged = privileged
        self.notes = _Notes()

    def made(self, node: Node) -> None:
        with _Refusing():
            self._path(node).mkdir(mode=0o700)

    def removed(self, node: Node) -> None:
        path = self._path(node)
        if node.kind is Kind.DIRECTORY:
            path.rmdir()
        else:
            with suppress(FileNotFoundError):  # a device node that was left out
                path.unlink()

    def finish(self) -> None:
        """Gives folders their modes, owners and times, which no longer change now; the deepest first."""
        for node in reversed([self.tree.top, *self.tree.top.below()]):
            if node.kind is Kind.DIRECTORY:
                entry = node.entry or Entry(node.path, Kind.DIRECTORY, 0o755)
                with located(f"`{node.path}`"), _Refusing():
                    self._set(self._path(node), entry)

    def create(self, parent: Node, entry: Entry, content: Iterator[bytes], source: Node | None) -> bool:
        with _Refusing():
            return self._create(parent, entry, content, source)

    def _create(self, parent: Node, entry: Entry, content: Iterator[bytes], source: Node | None) -> bool:
        path = self._folder / parent.path / entry.name
        match entry.kind:
            case Kind.FILE:
                self._file(path, content)
            case Kind.DIRECTORY:
                path.mkdir(mode=0o700)
                return True  # its attributes come at the end
            case Kind.SYMLINK:
                path.symlink_to(entry.target)
            case Kind.HARDLINK:
                if source is not None:
                    os.link(self._path(source), path, follow_symlinks=False)
                return True  # it shares the attributes of its source
            case Kind.FIFO:
                os.mkfifo(path, 0o600)
            case Kind.CHARACTER | Kind.BLOCK:
                if not self._device(path, entry):
                    return False
        self._set(path, entry)
        return True

    def _file(self, path: Path, content: Iterator[bytes]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        try:
            for chunk in content:
                view = memoryview(chunk)
                while view:
                    view = view[os.write(file, view) :]
        finally:
            os.close(file)

    def _device(self, path: Path, entry: Entry) -> bool:
        if not self._privileged:
            self.notes.add("device nodes were left out, since only root can make them", entry.path)
            return False
        kind = 0o020000 if entry.kind is Kind.CHARACTER else 0o060000
        try:
            os.mknod(path, kind | 0o600, os.makedev(*entry.device))
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            self.notes.add("device nodes were left out, since the system refused them", entry.path)
            return False
        return True

    def _set(self, path: Path, entry: Entry) -> None:
        """Owner first, since setting it clears setuid; time last."""
        if self._privileged:
            self._allowed(
                "owners were not set, since the system refused",
                entry,
                partial(os.chown, path, entry.uid, entry.gid, follow_symlinks=False),
            )
        elif (entry.uid, entry.gid) != (0, 0):
            self.notes.add("owners other than root were not set, which takes root", entry.path)
        for name, value in entry.xattrs:
            self._allowed(
                f"the attribute `{name}` was not set, since the system refused",
                entry,
                partial(os.setxattr, path, name, value, follow_symlinks=False),
            )
        if entry.kind is not Kind.SYMLINK:
            path.chmod(entry.mode)
        os.utime(path, ns=(entry.mtime * 10**9, entry.mtime * 10**9), follow_symlinks=False)

    def _allowed(self, what: str, entry: Entry, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            self.notes.add(what, entry.path)

    def _path(self, node: Node) -> Path:
        return self._folder / node.path


class _Refusing:
    """Turns what the system says about a hostile name into a `FormatError`; other errors of it pass."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and error.errno in (errno.ENAMETOOLONG, errno.EILSEQ):
            raise FormatError("a name or path that the file system does not take") from error
