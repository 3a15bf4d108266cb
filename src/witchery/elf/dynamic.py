"""The dynamic section: what the loader is told (gABI chapter 5, "Dynamic Section").

It is read from its address to `DT_NULL`, as loaders read it; the size in the program header plays no part.
Where a tag that has one value stands twice the last one counts, as in glibc and musl. `DT_FLAGS_1`,
`DT_GNU_HASH` and the version tags are extensions of Solaris and GNU (LSB, "Dynamic Section").
"""

from witchery.elf.memory import Memory
from witchery.elf.segments import DYNAMIC, Segment
from witchery.elf.strings import MAX_SIZE, StringTable
from witchery.errors import FormatError
from witchery.value import field, frozen

NULL, NEEDED, PLTRELSZ, PLTGOT, HASH, STRTAB, SYMTAB, RELA = 0, 1, 2, 3, 4, 5, 6, 7
STRSZ, SYMENT, INIT, FINI, SONAME, RPATH, REL = 10, 11, 12, 13, 14, 15, 17
TEXTREL, JMPREL, BIND_NOW, INIT_ARRAY, FINI_ARRAY, RUNPATH, FLAGS = 22, 23, 24, 25, 26, 29, 30
PREINIT_ARRAY, RELR = 32, 36
GNU_HASH, VERSYM, FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
VERDEF, VERDEFNUM, VERNEED, VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF

TABLES = (
    *(PLTGOT, HASH, STRTAB, RELA, INIT, FINI, REL, JMPREL, INIT_ARRAY, FINI_ARRAY, PREINIT_ARRAY, RELR),
    *(GNU_HASH, VERSYM, VERDEF, VERNEED),
)
"""Tags whose value is the address of something other than the symbol table."""

DF_TEXTREL, DF_BIND_NOW = 4, 8
"""Bits of `DT_FLAGS`."""
DF_1_NOW, DF_1_PIE = 1, 0x08000000
"""Bits of `DT_FLAGS_1`."""

MAX_ENTRIES = 1 << 16
_BLOCK = 64
"""How many entries are looked at in one go."""


@frozen(kw_only=True)
class Dynamic:
    """What the dynamic section says.

    Attributes:
        entries: Every tag and value, in order, without `DT_NULL`.
        needed: The libraries it wants, in order, as written: names, or paths where there is a slash.
        soname: The name it goes by as a library.
        rpath: Folders to look into for libraries, separated by colons; the older tag.
        runpath: The same; the newer tag. Where there are both, the older one is ignored.
        flags: `DT_FLAGS`.
        flags_1: `DT_FLAGS_1`.
    """

    entries: tuple[tuple[int, int], ...] = field(repr=False)
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: str | None = None
    runpath: str | None = None
    flags: int = 0
    flags_1: int = 0

    @property
    def search_path(self) -> tuple[str, ...]:
        """The folders of `runpath`, or else `rpath`, as written: `$ORIGIN` and empty ones are kept."""
        text = self.rpath if self.runpath is None else self.runpath
        return () if text is None else tuple(text.split(":"))

    @property
    def textrel(self) -> bool:
        """Whether the loader has to write into code."""
        return bool(self.flags & DF_TEXTREL) or self.get(TEXTREL) is not None

    @property
    def bind_now(self) -> bool:
        """Whether every function is to be found before the program starts."""
        asked = self.flags & DF_BIND_NOW or self.flags_1 & DF_1_NOW
        return bool(asked) or self.get(BIND_NOW) is not None

    def get(self, tag: int) -> int | None:
        """The value of a tag, the last one where there are several."""
        return next((value for each, value in reversed(self.entries) if each == tag), None)


def read(memory: Memory, segments: tuple[Segment, ...]) -> tuple[Dynamic, StringTable] | None:
    """Reads the dynamic section, and the string table that belongs to it.

    Raises:
        FormatError: if it or its strings do not lie in loaded segments, or it has no end.
    """
    header = next((each for each in segments if each.type == DYNAMIC), None)
    if header is None:
        return None
    if not header.file_size and not memory.room(header.address):
        return None  # a file with debugging information keeps the header alone
    entries = _entries(memory, header.address)
    last = dict(entries)
    strings = _strings(memory, last)

    def text(tag: int) -> str | None:
        return strings.name(last[tag]) if tag in last else None

    dynamic = Dynamic(
        entries=entries,
        needed=tuple(strings.names([value for tag, value in entries if tag == NEEDED])),
        soname=text(SONAME),
        rpath=text(RPATH),
        runpath=text(RUNPATH),
        flags=last.get(FLAGS, 0),
        flags_1=last.get(FLAGS_1, 0),
    )
    return dynamic, strings


def _entries(memory: Memory, address: int) -> tuple[tuple[int, int], ...]:
    struct = memory.header.layout.dynamic
    size = struct.size
    found: list[tuple[int, int]] = []
    while len(found) < MAX_ENTRIES:
        count = min(_BLOCK, memory.room(address) // size)
        if not count:
            raise FormatError("no end within its segment")
        for tag, value in struct.iter_unpack(memory.cut(address, count * size)):
            if tag == NULL:
                return tuple(found)
            found.append((tag, value))
        address += count * size
    raise FormatError(f"more than {MAX_ENTRIES} entries")


def _strings(memory: Memory, last: dict[int, int]) -> StringTable:
    if STRTAB not in last:
        return StringTable(b"")
    if STRSZ not in last:
        raise FormatError("a string table without its size")
    if last[STRSZ] > MAX_SIZE:
        raise FormatError(f"string table of {last[STRSZ]} bytes exceeds the limit of {MAX_SIZE}")
    return StringTable(memory.cut(last[STRTAB], last[STRSZ]))
