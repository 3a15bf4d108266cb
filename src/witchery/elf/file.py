"""An ELF file as a value: what a loader would make of it, and what its hardening is.

`read` takes any bytes and gives an `Elf` or a `FormatError`, in time and memory bounded by the size of the
file and by the limits that stand in the modules of this room. It follows the program headers. What only tools
look at (section headers, notes) is taken where it makes sense, and is no reason to refuse a file.
"""

from enum import StrEnum
from typing import NamedTuple

from witchery.arch import Arch
from witchery.elf import dynamic as tags
from witchery.elf import notes, sections, segments, symbols, versions
from witchery.elf.dynamic import Dynamic
from witchery.elf.header import DYN, EM_386, EM_ARM, EM_X86_64, EXEC, Header
from witchery.elf.memory import Memory
from witchery.elf.notes import AbiTag, Note, Properties
from witchery.elf.sections import NOBITS, Section
from witchery.elf.segments import EXECUTE, GNU_RELRO, GNU_STACK, LOAD, WRITE, Segment
from witchery.elf.symbols import Symbol
from witchery.elf.versions import VersionNeed, Versions
from witchery.elf.view import Bytes, Source, View
from witchery.errors import located
from witchery.value import field, frozen

_EXECUTABLE_STACK = {EM_386, EM_X86_64, EM_ARM}
"""Machines on which a file that says nothing may get a stack that can be executed."""


class Relro(StrEnum):
    """What of the loader's tables cannot be written to once the program runs."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


@frozen(kw_only=True)
class Elf:
    """An ELF file.

    Attributes:
        header: Class, byte order, machine, type.
        segments: The program headers.
        interpreter: The loader it asks for.
        dynamic: What it tells the loader; None where it is linked statically, or no program.
        symbols: Its dynamic symbols, without the empty first one.
        versions: The versions of symbols that it wants and defines.
        notes: Its notes.
        sections: Its section headers, where they make sense.
        view: Its bytes.
    """

    header: Header
    segments: tuple[Segment, ...]
    interpreter: str | None = None
    dynamic: Dynamic | None = None
    symbols: tuple[Symbol, ...] = field(default=(), repr=False)
    versions: Versions = field(default=Versions(), repr=False)
    notes: tuple[Note, ...] = ()
    sections: tuple[Section, ...] = field(default=(), repr=False)
    view: View = field(repr=False, compare=False)

    @property
    def needed(self) -> tuple[str, ...]:
        """The libraries it wants, in order."""
        return () if self.dynamic is None else self.dynamic.needed

    @property
    def soname(self) -> str | None:
        """The name it goes by as a library."""
        return None if self.dynamic is None else self.dynamic.soname

    @property
    def version_needs(self) -> tuple[VersionNeed, ...]:
        """The versions that other libraries have to have."""
        return self.versions.needs

    @property
    def build_id(self) -> str | None:
        """The GNU build ID in hexadecimal."""
        return notes.build_id(self.notes)

    @property
    def abi_tag(self) -> AbiTag | None:
        """The oldest system it wants, where it says so."""
        return notes.abi_tag(self.notes, self.header.layout)

    @property
    def properties(self) -> Properties:
        """What its GNU properties promise."""
        return notes.properties(self.notes, self.header.layout)

    @property
    def dlopen_notes(self) -> tuple[bytes, ...]:
        """JSON texts about the libraries that it opens by itself."""
        return notes.dlopen(self.notes)

    @property
    def is_pie(self) -> bool:
        """Whether it is a program that can be loaded anywhere."""
        flagged = self.dynamic is not None and self.dynamic.flags_1 & tags.DF_1_PIE
        return self.header.type == DYN and (self.interpreter is not None or bool(flagged))

    @property
    def is_executable(self) -> bool:
        """Whether it is a program."""
        return self.header.type == EXEC or self.is_pie

    @property
    def is_shared_library(self) -> bool:
        """Whether it is a library or plugin. A library that can be started (glibc's own) is a program too."""
        return self.header.type == DYN and (self.soname is not None or not self.is_pie)

    @property
    def is_static(self) -> bool:
        """Whether it is a program that starts without a loader."""
        return self.is_executable and self.interpreter is None and not self.needed

    @property
    def relro(self) -> Relro:
        """What the loader protects. Full: all is bound at the start, or there is nothing to bind later."""
        if not any(each.type == GNU_RELRO for each in self.segments):
            return Relro.NONE
        dynamic = self.dynamic
        if dynamic is None or dynamic.bind_now or not dynamic.get(tags.PLTRELSZ):
            return Relro.FULL
        return Relro.PARTIAL

    @property
    def nx(self) -> bool:
        """Whether its stack cannot be executed."""
        stack = self._stack
        if stack is None:
            return self.header.machine not in _EXECUTABLE_STACK
        return not stack.flags & EXECUTE

    @property
    def stack_size(self) -> int:
        """The size that it asks for as its threads' stacks, in bytes (musl heeds it); 0 where it does not."""
        return 0 if self._stack is None else self._stack.memory_size

    @property
    def has_rwx_segment(self) -> bool:
        """Whether some of its memory can be both written and executed."""
        both = WRITE | EXECUTE
        return any(each.type == LOAD and each.flags & both == both for each in self.segments)

    @property
    def has_textrel(self) -> bool:
        """Whether the loader has to write into its code."""
        return self.dynamic is not None and self.dynamic.textrel

    @property
    def _stack(self) -> Segment | None:
        """The last `PT_GNU_STACK`, which is the one that Linux heeds."""
        return next((each for each in reversed(self.segments) if each.type == GNU_STACK), None)

    def fits(self, arch: Arch) -> bool:
        """Whether it is for this architecture. `armhf` and `armv7` are the same here."""
        return self.header.fits(arch)

    def section(self, name: str) -> Section | None:
        """The first section of a name."""
        return next((each for each in self.sections if each.name == name), None)

    def content(self, part: Section | Segment) -> memoryview:
        """What the file holds of a section or segment, as it is (a section may be compressed).

        Raises:
            FormatError: if the file does not hold it.
        """
        if isinstance(part, Segment):
            return self.view.cut(part.offset, part.file_size)
        return self.view.cut(part.offset, 0 if part.type == NOBITS else part.size)

    def content_at(self, address: int, size: int) -> memoryview:
        """What the file holds for addresses in memory.

        Raises:
            FormatError: if they do not all lie in one loaded segment.
        """
        return Memory.of(self.view, self.header, self.segments).cut(address, size)


def read(content: Bytes | Source) -> Elf:
    """Reads a file.

    Args:
        content: Its bytes (a mapped file as a `memoryview`), or a reader that can read from any place.

    Raises:
        FormatError: if it is not ELF, is cut off, contradicts itself, or exceeds a limit.
    """
    view = View.of(content)
    header = Header.read(view)
    with located("program headers"):
        loaded = segments.read(view, header)
    listed = sections.read(view, header)
    linking = _linking(view, header, loaded, listed) if header.loadable else _Linking()
    return Elf(
        header=header,
        segments=loaded,
        interpreter=linking.interpreter,
        dynamic=linking.dynamic,
        symbols=linking.symbols,
        versions=linking.versions,
        notes=notes.read(view, header.layout, loaded),
        sections=listed,
        view=view,
    )


class _Linking(NamedTuple):
    """What a loader reads of a file besides the program headers."""

    interpreter: str | None = None
    dynamic: Dynamic | None = None
    symbols: tuple[Symbol, ...] = ()
    versions: Versions = Versions()


def _linking(
    view: View, header: Header, loaded: tuple[Segment, ...], listed: tuple[Section, ...]
) -> _Linking:
    with located("program headers"):
        memory = Memory.of(view, header, loaded)
        interpreter = segments.interpreter(view, loaded)
    with located("dynamic section"):
        told = tags.read(memory, loaded)
        if told is None:
            return _Linking(interpreter)
        dynamic, strings = told
        known = versions.read(memory, dynamic, strings)
    with located("dynamic symbols"):
        found = symbols.read(memory, dynamic, strings, known, listed)
    return _Linking(interpreter, dynamic, found, known)
