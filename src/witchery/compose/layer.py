"""Layers that are written: folders first, then files as the packages hold them, each package read once.

Every path stands once, parents before what is in them, hard links after their files; owners are numbers
(image-spec, layer.md). Only one piece of one file is in memory at a time.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from witchery.codec import GzipWriter
from witchery.compose.part import Generated, Part
from witchery.digest import Digest, Hashing
from witchery.errors import IntegrityError, located
from witchery.rootfs.entry import Entry
from witchery.rootfs.tar_writer import TarWriter
from witchery.value import frozen

FORMAT = 1
"""Raised when the same recipe gives other bytes than before."""


class Written(NamedTuple):
    """A layer that was written.

    Attributes:
        digest: Digest of the blob, gzip.
        size: Its size, in bytes.
        diff_id: Digest of the tar in it.
    """

    digest: Digest
    size: int
    diff_id: Digest


class Copy(NamedTuple):
    """What a layer takes from one package.

    Attributes:
        part: The package.
        entries: What to write when a path of the package passes, by that path.
    """

    part: Part
    entries: Mapping[str, Entry]


@frozen(kw_only=True)
class Recipe:
    """All that decides the bytes of a layer.

    Attributes:
        directories: The folders, parents first.
        copies: What is taken from packages.
        generated: Files and links that no package brings.
        links: Hard links that no package brings, to files of this layer.
    """

    directories: tuple[Entry, ...] = ()
    copies: tuple[Copy, ...] = ()
    generated: tuple[Generated, ...] = ()
    links: tuple[Entry, ...] = ()

    @property
    def empty(self) -> bool:
        """True where there is nothing to write."""
        return not (self.directories or self.copies or self.generated or self.links)

    def key(self) -> Digest:
        """A name for the bytes: equal keys, equal tar; equal gzip where the compressor is the same."""
        hasher = hashlib.sha256(b"layer %d\n" % FORMAT)
        for line in self._lines():
            hasher.update(line.encode("utf-8", "surrogateescape") + b"\n")
        return Digest("sha256", hasher.hexdigest())

    def _lines(self) -> Iterator[str]:
        yield from (repr(tuple(entry)) for entry in self.directories)
        for copy in self.copies:
            yield f"from {copy.part.archive.data}"
            yield from (repr((source, *entry)) for source, entry in copy.entries.items())
        for entry, content, _ in self.generated:
            yield f"made {Hashing(content.chunks()).digest().hex} {tuple(entry)!r}"
        yield from (f"link {tuple(entry)!r}" for entry in self.links)

    def write(self, sink: Callable[[bytes], object]) -> Written:
        """Writes the layer.

        Args:
            sink: Takes the blob.

        Raises:
            IntegrityError: if a package is not what it was when it was checked.
        """
        blob, tar = hashlib.sha256(), hashlib.sha256()
        size = 0

        def compressed(data: bytes) -> None:
            nonlocal size
            size += len(data)
            blob.update(data)
            sink(data)

        gzip = GzipWriter(compressed)

        def plain(data: bytes) -> None:
            tar.update(data)
            gzip.write(data)

        self._write_tar(TarWriter(plain))
        gzip.close()
        return Written(Digest("sha256", blob.hexdigest()), size, Digest("sha256", tar.hexdigest()))

    def _write_tar(self, tar: TarWriter) -> None:
        for entry in self.directories:
            tar.add(numeric(entry))
        for copy in self.copies:
            with located(str(copy.part)):
                _write_copy(tar, copy)
        for entry, content, _ in self.generated:
            tar.add(numeric(entry), content.chunks())
        for entry in self.links:
            tar.add(numeric(entry))
        tar.close()


def numeric(entry: Entry) -> Entry:
    """The entry with its numbers for the truth: a name only where all systems agree on it."""
    return entry._replace(uname="" if entry.uid else "root", gname="" if entry.gid else "root")


def _write_copy(tar: TarWriter, copy: Copy) -> None:
    """Copies from a package, whose data segment is held against its digest once more."""
    segment = Hashing(copy.part.data.chunks())
    missing = len(copy.entries)
    for member in copy.part.archive.members(segment):
        entry = copy.entries.get(member.entry.path)
        if entry is not None:
            tar.add(numeric(entry), member.content)
            missing -= 1
    expected, found = copy.part.archive.data, segment.digest()
    if found != expected:
        raise IntegrityError(f"expected a data segment of {expected}, got {found}")
    if missing:
        raise IntegrityError("holds other files than when it was checked")
