"""Java archives: what starts in them, for which Java they were compiled, what they are made of.

Sources: the JAR File Specification ("JAR Manifest", "Multi-release JAR files"); the Java Virtual Machine
Specification 4.1 (a class file's version stands in its bytes 6 and 7, and Java 8 is 52); Maven writes
`META-INF/maven/GROUP/ARTIFACT/pom.properties`. An archive may hold others, as those of Spring Boot do
(`BOOT-INF/lib`); these are looked into too, but no deeper.
"""

from collections.abc import Iterator
from typing import NamedTuple

from witchery.elf import file as elf_file
from witchery.elf.file import Elf
from witchery.errors import FormatError
from witchery.payload.zips import Zip
from witchery.rootfs.content import BytesContent, SeekableContent
from witchery.value import frozen

MANIFEST = "META-INF/MANIFEST.MF"
MAX_MANIFEST = 1 << 20
MAX_PROPERTIES = 1 << 16
MAX_NESTED = 1 << 26
"""How long an archive in an archive may be, in bytes."""
MAX_NATIVE = 1 << 25
"""How long a library in an archive may be, in bytes."""
MAX_INFLATED = 1 << 29
"""How much is inflated for one application in all, in bytes."""
MAX_CLASSES = 5_000
"""How many class files of one archive are looked at."""
MAX_PARTS = 5_000
"""How many libraries, archives and descriptions in one archive are looked at."""
_PER_FOLDER = 4
_CLASS = b"\xca\xfe\xba\xbe"
_LATER = "META-INF/versions/"  # classes that only a newer Java loads
_MODULE = "module-info.class"  # which Java 8 never loads


class Native(NamedTuple):
    """A library for a machine, in an archive: the archive's member, and what it is."""

    member: str
    elf: Elf


class Artifact(NamedTuple):
    """A Maven artifact, and the member that names it."""

    group: str
    name: str
    version: str
    member: str


@frozen(kw_only=True)
class Jar:
    """An archive.

    Attributes:
        manifest: The manifest's main attributes, names in lower case.
        level: The highest version of class files in it, or 0.
        natives: ELF files in it.
        artifacts: What Maven says that is in it.
        unread: Members that could not be read, each with the reason.
    """

    manifest: dict[str, str]
    level: int = 0
    natives: tuple[Native, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


class Budget:
    """How much may still be inflated, in bytes."""

    def __init__(self, left: int = MAX_INFLATED) -> None:
        self.left = left


def read(content: SeekableContent, budget: Budget) -> Jar:
    """Reads an archive, and those in it.

    Args:
        content: The archive.
        budget: What all archives of an application share.

    Raises:
        FormatError: if it is no zip archive.
        StorageError: if it cannot be read.
    """
    reader = _Reader(budget)
    archive = Zip.of(content)
    manifest: dict[str, str] = {}
    if MANIFEST in archive.members:
        try:
            manifest = attributes(reader.taken(archive, MANIFEST, MAX_MANIFEST))
        except FormatError as error:
            reader.unread.append((MANIFEST, str(error)))
    reader.look(archive, "", deeper=True)
    return Jar(
        manifest=manifest,
        level=reader.level,
        natives=tuple(reader.natives),
        artifacts=tuple(dict.fromkeys(reader.artifacts)),
        unread=tuple(reader.unread),
    )


def attributes(raw: bytes) -> dict[str, str]:
    """The main attributes of a manifest; a line that begins with a space continues the one before it."""
    text = raw.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    found: dict[str, str] = {}
    for line in text.partition("\n\n")[0].replace("\n ", "").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


class _Reader:
    """Looks through an archive and those in it, within the limits of this module."""

    def __init__(self, budget: Budget) -> None:
        self.level = 0
        self.natives: list[Native] = []
        self.artifacts: list[Artifact] = []
        self.unread: list[tuple[str, str]] = []
        self._classes = 0
        self._parts = 0
        self._budget = budget

    def look(self, archive: Zip, inside: str, *, deeper: bool) -> None:
        for name in _sampled(archive):
            if self._classes == MAX_CLASSES:
                break
            self._classes += 1
            try:
                self.level = max(self.level, level(archive.head(name, 8)))
            except FormatError as error:
                self.unread.append((inside + name, str(error)))
        for name in archive.members:
            try:
                self._part(archive, name, inside, deeper=deeper)
            except FormatError as error:
                self.unread.append((inside + name, str(error)))

    def taken(self, archive: Zip, name: str, limit: int) -> bytes:
        size = archive.members[name].size
        limit = min(limit, self._budget.left)
        self._budget.left -= min(limit, size)  # also where it turns out to be broken
        return archive.read(name, min(limit, size))  # a member that is longer than it says is broken

    def _part(self, archive: Zip, name: str, inside: str, *, deeper: bool) -> None:
        if not (name.endswith((".so", ".jar", "/pom.properties")) or ".so." in name):
            return
        self._parts += 1
        if self._parts > MAX_PARTS:
            return
        if name.endswith("/pom.properties"):
            self.artifacts += _artifact(self.taken(archive, name, MAX_PROPERTIES), inside + name)
        elif name.endswith(".jar"):
            if deeper:
                nested = Zip.of(BytesContent(self.taken(archive, name, MAX_NESTED)))
                self.look(nested, f"{inside}{name}!/", deeper=False)
        elif archive.head(name, 4) == b"\x7fELF":
            self.natives.append(Native(inside + name, elf_file.read(self.taken(archive, name, MAX_NATIVE))))


def level(head: bytes) -> int:
    """The version of a class file, or 0 if it is none."""
    return int.from_bytes(head[6:8], "big") if head.startswith(_CLASS) and len(head) >= 8 else 0


def _sampled(archive: Zip) -> Iterator[str]:
    """Some class files of each folder: those of one folder are mostly compiled in one go."""
    seen: dict[str, int] = {}
    for name in archive.members:
        if not name.endswith(".class") or _LATER in name or name.endswith(_MODULE):
            continue
        folder = name.rpartition("/")[0]
        count = seen.get(folder, 0)
        if count < _PER_FOLDER:
            seen[folder] = count + 1
            yield name


def _artifact(raw: bytes, member: str) -> Iterator[Artifact]:
    lines = (
        line.partition("=") for line in raw.decode(errors="replace").splitlines() if line[:1] not in "#!"
    )
    said = {key.strip(): value.strip() for key, _, value in lines}
    group, name, version = (said.get(key, "") for key in ("groupId", "artifactId", "version"))
    if group and name:
        yield Artifact(group, name, version, member)
