"""The application as values: its files at their places in the image, each with what it is."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from witchery.arch import Arch
from witchery.elf import file as elf_file
from witchery.elf.file import Elf
from witchery.errors import FormatError, Refused
from witchery.payload.classify import HEAD, FileKind, classify
from witchery.rootfs.content import SeekableContent
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.links import Links
from witchery.value import frozen

EXECUTABLE = 0o111
"""Permission bits, any of which makes a file executable."""


class PayloadFile(NamedTuple):
    """One entry of the application.

    Attributes:
        entry: Where it stands in the image, its mode and owner.
        content: Its bytes; empty for all but regular files.
        origin: Where it came from, for messages: a path as the user would write it.
        head: Its first bytes.
        kind: What they make it.
    """

    entry: Entry
    content: SeekableContent
    origin: str
    head: bytes
    kind: FileKind

    @staticmethod
    def of(entry: Entry, content: SeekableContent, origin: str = "") -> "PayloadFile":
        """The entry, its first bytes read.

        Raises:
            StorageError: if they cannot be read.
        """
        head = content.read_at(0, min(HEAD, content.size)) if entry.kind is Kind.FILE else b""
        kind = classify(head) if entry.kind is Kind.FILE else FileKind.EMPTY
        return PayloadFile(entry, content, origin or entry.path, head, kind)

    @property
    def path(self) -> str:
        """Where it stands in the image, without the leading slash."""
        return self.entry.path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.entry.name

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.entry.kind is Kind.FILE

    @property
    def is_executable(self) -> bool:
        """Whether it is a regular file that may be executed."""
        return self.is_file and bool(self.entry.mode & EXECUTABLE)

    def read(self, limit: int) -> bytes:
        """The whole content.

        Raises:
            FormatError: if it is longer than `limit` bytes.
            StorageError: if it cannot be read.
        """
        if self.content.size > limit:
            raise FormatError(f"more than {limit} bytes", where=[self.path])
        return b"".join(self.content.chunks())


@frozen(kw_only=True, eq=False)
class Payload:
    """An application.

    Attributes:
        name: What it is called: the name of its file or folder, or what the configuration says.
        arch: What it is to run on.
        root: The folder that holds it in the image, without the leading slash: `app`.
        files: Its entries by path, parents first, in byte order.
        links: Its symbolic links.
        elves: Its ELF files by path.
        broken: What looks like ELF and is none, with the reason, by path.
    """

    name: str
    arch: Arch
    root: str
    files: Mapping[str, PayloadFile]
    links: Links
    elves: Mapping[str, Elf]
    broken: Mapping[str, str]

    @staticmethod
    def of(name: str, arch: Arch, files: Iterable[PayloadFile], root: str = "app") -> "Payload":
        """The application with these entries.

        Raises:
            FormatError: if a path stands twice.
            StorageError: if a file cannot be read.
        """
        known: dict[str, PayloadFile] = {}
        for each in sorted(files, key=lambda each: each.path.encode("utf-8", "surrogateescape")):
            if each.path in known:
                raise FormatError(f"two files at one place: `{known[each.path].origin}`", where=[each.origin])
            known[each.path] = each
        elves: dict[str, Elf] = {}
        broken: dict[str, str] = {}
        for each in known.values():
            if each.kind is FileKind.ELF:
                try:
                    elves[each.path] = elf_file.read(each.content)
                except FormatError as error:
                    broken[each.path] = str(error)
        targets = {each.path: each.entry.target for each in known.values() if each.entry.kind is Kind.SYMLINK}
        return Payload(
            name=name, arch=arch, root=root, files=known, links=Links(targets), elves=elves, broken=broken
        )

    def __iter__(self) -> Iterator[PayloadFile]:
        return iter(self.files.values())

    def locate(self, path: str) -> str | None:
        """Where a path (absolute, or relative to the root of the image) leads inside the application.

        None where it leads to nothing, or out of it, or in a circle.
        """
        try:
            real = self.links.follow(path)
        except Refused:
            return None
        return real if real in self.files else None

    def elf(self, path: str) -> Elf | None:
        """The ELF file at a path that `locate` gave; None for anything else."""
        return self.elves.get(path)

    def below(self, folder: str) -> Iterator[PayloadFile]:
        """All entries inside a folder, at any depth; of the whole for an empty path."""
        start = f"{folder}/" if folder else ""
        return (each for path, each in self.files.items() if path.startswith(start))
