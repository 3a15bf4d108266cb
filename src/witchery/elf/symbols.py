"""Dynamic symbols: what a file gives to others, and what it wants from them (gABI chapter 4, "Symbol Table").

`STB_GNU_UNIQUE` and `STT_GNU_IFUNC` are GNU extensions. The table has no length of its own; see `count`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from witchery.elf import dynamic as tags
from witchery.elf import hashes, versions
from witchery.elf.dynamic import Dynamic
from witchery.elf.memory import Memory
from witchery.elf.sections import DYNSYM, Section
from witchery.elf.strings import StringTable
from witchery.elf.versions import HIDDEN, Versions
from witchery.errors import FormatError


class Bind(StrEnum):
    """Who may use a symbol, and whether it may be missing."""

    LOCAL = "local"
    GLOBAL = "global"
    WEAK = "weak"
    UNIQUE = "unique"
    OTHER = "other"


class Type(StrEnum):
    """What a symbol stands for."""

    NONE = "none"
    OBJECT = "object"
    FUNCTION = "function"
    SECTION = "section"
    FILE = "file"
    COMMON = "common"
    TLS = "tls"
    IFUNC = "ifunc"
    OTHER = "other"


class Visibility(StrEnum):
    """Whether other files see a symbol."""

    DEFAULT = "default"
    INTERNAL = "internal"
    HIDDEN = "hidden"
    PROTECTED = "protected"


_BINDS = {0: Bind.LOCAL, 1: Bind.GLOBAL, 2: Bind.WEAK, 10: Bind.UNIQUE}
_TYPES = dict(enumerate(list(Type)[:7])) | {10: Type.IFUNC}
_BIND_OF = tuple(_BINDS.get(info >> 4, Bind.OTHER) for info in range(256))
_TYPE_OF = tuple(_TYPES.get(info & 15, Type.OTHER) for info in range(256))
_VISIBILITY_OF = tuple(list(Visibility)[other & 3] for other in range(256))


class Symbol(NamedTuple):
    """One dynamic symbol.

    Attributes:
        name: Its name, without a version.
        bind: Who may use it.
        type: What it stands for.
        visibility: Whether other files see it.
        section: The number of its section: 0 where it is wanted from elsewhere.
        value: Its address, mostly.
        size: How many bytes it stands for.
        version: Its version, such as `GLIBC_2.17`, where it has one.
        default: Whether it is the version that new programs are linked to.
    """

    name: str
    bind: Bind
    type: Type
    visibility: Visibility
    section: int
    value: int
    size: int
    version: str | None = None
    default: bool = True

    @property
    def defined(self) -> bool:
        """Whether this file has it."""
        return self.section != 0

    @property
    def exported(self) -> bool:
        """Whether other files can find it here."""
        return (
            self.section != 0
            and self.bind in (Bind.GLOBAL, Bind.WEAK, Bind.UNIQUE)
            and self.visibility in (Visibility.DEFAULT, Visibility.PROTECTED)
        )

    @property
    def required(self) -> bool:
        """Whether loading fails when no other file has it."""
        return self.section == 0 and self.bind in (Bind.GLOBAL, Bind.UNIQUE)


def count(memory: Memory, dynamic: Dynamic, sections: Sequence[Section]) -> int:
    """How many dynamic symbols there are, the empty first one included.

    The hash tables know (see `hashes`), but for a `DT_GNU_HASH` in which nothing is defined, or none at all.
    Then the section header of the table is asked, where there is a sane one; otherwise the table is taken to
    reach to whatever is mapped next.

    Raises:
        FormatError: if a table leaves its segment, or there are more than `hashes.MAX_SYMBOLS`.
    """
    table = dynamic.get(tags.SYMTAB)
    if table is None:
        return 0
    size = memory.header.layout.symbol.size
    sysv, gnu = dynamic.get(tags.HASH), dynamic.get(tags.GNU_HASH)
    found: int | None = None
    if sysv is not None:
        found = hashes.count_sysv(memory, sysv)
    elif gnu is not None:
        found = hashes.count_gnu(memory, gnu)
    if found is None:
        found = _by_section(table, size, sections)
    if found is None:
        found = _by_gap(memory, dynamic, table) // size
    if found > hashes.MAX_SYMBOLS:
        raise FormatError(f"{found} symbols exceed the limit of {hashes.MAX_SYMBOLS}")
    return found


def read(
    memory: Memory,
    dynamic: Dynamic,
    strings: StringTable,
    known: Versions,
    sections: Sequence[Section],
) -> tuple[Symbol, ...]:
    """Reads all dynamic symbols but the empty first one.

    Raises:
        FormatError: if a table leaves its segment, a name its string table, or a limit is exceeded.
    """
    total = count(memory, dynamic, sections)
    if total < 2:
        return ()
    header = memory.header
    struct = header.layout.symbol
    table = memory.cut(dynamic.get(tags.SYMTAB) or 0, total * struct.size)[struct.size :]
    columns = zip(*struct.iter_unpack(table), strict=True)
    if header.bits == 64:
        offsets, info, other, section, value, size = columns
    else:
        offsets, value, size, info, other, section = columns
    numbers = versions.numbers(memory, dynamic, total)[1:] or (0,) * (total - 1)
    names = dict(known.names)
    rows = zip(
        strings.names(offsets),
        map(_BIND_OF.__getitem__, info),
        map(_TYPE_OF.__getitem__, info),
        map(_VISIBILITY_OF.__getitem__, other),
        section,
        value,
        size,
        [names.get(number & ~HIDDEN) for number in numbers],
        [number < HIDDEN for number in numbers],
        strict=True,
    )
    return tuple(map(Symbol._make, rows))


def _by_section(table: int, size: int, sections: Sequence[Section]) -> int | None:
    for each in sections:
        if each.type == DYNSYM and each.address == table and each.entry_size == size and each.size:
            return each.size // size
    return None


def _by_gap(memory: Memory, dynamic: Dynamic, table: int) -> int:
    after = [value - table for tag, value in dynamic.entries if tag in tags.TABLES and value > table]
    return min([*after, memory.room(table)])
