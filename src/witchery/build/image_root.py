"""The files of a composed image as a loader sees them; contents are read from packages when asked for.

A package is a stream without an index, so what is asked of it is gathered: the first time, all libraries that
it provides (`so:`) are taken along, and no more is inflated than up to the last of them. A package is read
again only for something that it does not list, such as a program that is tried as a host.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from witchery.compose.assembly import Assembly
from witchery.compose.node import GENERATED
from witchery.compose.part import Part
from witchery.elf import file as elf_file
from witchery.elf.file import Elf
from witchery.elf.header import MAGIC
from witchery.errors import FormatError, Refused
from witchery.rootfs.entry import Kind
from witchery.rootfs.links import Links

MAX_ELF = 512 << 20
"""The largest file that is linked on paper, in bytes; a larger one counts as none that can be loaded."""
_PROVIDED = "so:"
_EXECUTABLE = 0o111


class ImageRoot:
    """A `witchery.loader.root.Root` of an image.

    Attributes:
        links: The symbolic links.
        passes: How many times a package was read.
    """

    def __init__(self, assembly: Assembly, own: Mapping[str, Elf]) -> None:
        """An image.

        Args:
            assembly: What stands where in it.
            own: The ELF files of the application by their paths in its package, read already.
        """
        self._parts = assembly.tree.parts
        self._nodes = assembly.nodes
        self._generated = assembly.generated
        self._own = own
        self._found: dict[str, str | None] = {}
        self._elves: dict[tuple[int, str], Elf | None] = {}
        self._listed: set[int] = set()
        self.links = Links(
            {path: each.entry.target for path, each in self._nodes.items() if each.entry.kind is Kind.SYMLINK}
        )
        self.passes = 0

    def locate(self, path: str) -> str | None:
        """The real path of the file that a path leads to; a hard link's is that of its file."""
        if path not in self._found:
            self._found[path] = self._real(path)
        return self._found[path]

    def _real(self, path: str) -> str | None:
        try:
            if "/../" in path and not all(map(self._is_folder, _before_parents(path))):
                return None
            real = self.links.follow(path)
        except Refused:
            return None
        node = self._nodes.get(real)
        if node is not None and node.entry.kind is Kind.HARDLINK:
            real = node.entry.target
            node = self._nodes.get(real)
        return real if node is not None and node.entry.kind is Kind.FILE else None

    def _is_folder(self, path: str) -> bool:
        real = self.links.follow(path)
        return not real or (real in self._nodes and self._nodes[real].entry.kind is Kind.DIRECTORY)

    def elf(self, path: str) -> Elf | None:
        """The ELF file at a real path, or None where it is something else.

        Raises:
            IntegrityError: if a package changed since it was checked.
        """
        node = self._nodes.get(path)
        if node is None or node.owner == GENERATED:
            return None
        if self._parts[node.owner].own and node.source in self._own:
            return self._own[node.source]
        key = node.owner, node.source
        if key not in self._elves:
            self._read(node.owner, {node.source})
        return self._elves[key]

    def fetch(self, paths: Iterable[str]) -> None:
        """Reads files that will be asked for, each package once.

        Raises:
            IntegrityError: if a package changed since it was checked.
        """
        wanted: dict[int, set[str]] = {}
        for path in paths:
            node = self._nodes.get(path)
            if node is not None and node.owner != GENERATED and node.entry.kind is Kind.FILE:
                wanted.setdefault(node.owner, set()).add(node.source)
        for owner, sources in wanted.items():
            if any((owner, source) not in self._elves for source in sources):
                self._read(owner, sources)

    def text(self, path: str, limit: int) -> str | None:
        """The content of a small file; None where there is none.

        Raises:
            FormatError: if it has more than `limit` bytes.
        """
        real = self.locate(path)
        if real is None:
            return None
        node = self._nodes[real]
        if node.entry.size > limit:
            raise FormatError(f"more than {limit} bytes", where=[path])
        if node.owner == GENERATED:
            data = b"".join(self._generated[real].content.chunks())
        else:
            data = dict(_contents(self._parts[node.owner], {node.source})).get(node.source, b"")
        return data.decode("utf-8", "surrogateescape")

    def programs(self) -> Iterator[str]:
        """The executable files of packages that are not called like libraries."""
        for path, (entry, owner, _) in self._nodes.items():
            if entry.kind is not Kind.FILE or not entry.mode & _EXECUTABLE or ".so" in entry.name:
                continue
            if owner != GENERATED and not self._parts[owner].own:
                yield path

    def owner(self, path: str) -> str:
        """The name of the package that brings a file; empty where it is the application's or nobody's."""
        node = self._nodes.get(path)
        if node is None or node.owner == GENERATED or self._parts[node.owner].own:
            return ""
        return self._parts[node.owner].name

    def named(self, name: str) -> tuple[str, ...]:
        """The paths of all files and links of a name that lead to a file, in order."""
        end = f"/{name}"
        return tuple(sorted(path for path in self._nodes if path.endswith(end) and self.locate(path)))

    def own_elves(self) -> Iterator[str]:
        """Where the application's ELF files stand."""
        for path, (entry, owner, source) in self._nodes.items():
            is_own = owner != GENERATED and self._parts[owner].own and source in self._own
            if is_own and entry.kind is Kind.FILE:
                yield path

    def libraries(self) -> Iterator[str]:
        """The real paths of the application's ELF files, and of the libraries that packages provide."""
        yield from self.own_elves()
        for owner in range(len(self._parts)):
            yield from self._libraries(owner)

    def _libraries(self, owner: int) -> Iterator[str]:
        """The libraries that a package provides and brings."""
        part = self._parts[owner]
        names = {each.name.removeprefix(_PROVIDED) for each in part.package.provides}
        for entry in part.entries:
            if entry.name in names and entry.kind in (Kind.FILE, Kind.SYMLINK):
                real = self.locate(entry.path)
                if real is not None and self._nodes[real].owner == owner:
                    yield real

    def _read(self, owner: int, sources: set[str]) -> None:
        """Reads files of one package, and the libraries that it provides the first time."""
        if owner not in self._listed:
            self._listed.add(owner)
            sources = sources | {self._nodes[path].source for path in self._libraries(owner)}
        wanted = {source for source in sources if (owner, source) not in self._elves}
        self._elves.update(((owner, source), None) for source in wanted)
        self.passes += 1
        for source, data in _contents(self._parts[owner], wanted):
            self._elves[owner, source] = _elf(data)


def _before_parents(path: str) -> Iterator[str]:
    """What stands before each `..` of a path: it leads nowhere where that is no folder."""
    parts = path.split("/")
    return ("/".join(parts[:at]) for at, part in enumerate(parts) if part == "..")


def _elf(data: bytes) -> Elf | None:
    if not data.startswith(MAGIC):
        return None
    try:
        return elf_file.read(data)
    except FormatError:
        return None


def _contents(part: Part, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """The contents of some files of one package, in one pass that ends with the last of them."""
    missing = set(paths)
    if not missing:
        return
    for member in part.archive.members(part.data.chunks()):
        path = member.entry.path
        if path in missing:
            missing.discard(path)
            if member.entry.size <= MAX_ELF:
                yield path, b"".join(member.content)
        if not missing:
            return
