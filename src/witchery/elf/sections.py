"""Section headers: for linkers and debuggers (gABI chapter 4, "Sections").

No loader reads them, and a file may lack them or lie in them. They serve to find what only tools look for
(`.go.buildinfo`, `.dep-v0`, `.ARM.attributes`); a table that makes no sense counts as none.
"""

from typing import NamedTuple

from witchery.elf.header import Header
from witchery.elf.strings import MAX_SIZE, StringTable
from witchery.elf.view import View
from witchery.errors import FormatError

SYMTAB, STRTAB, NOTE, NOBITS, DYNSYM = 2, 3, 7, 8, 11
"""Values of `sh_type`."""
MAX_SECTIONS = 1 << 16
_LATER = 0xFFFF
"""`SHN_XINDEX`: the number stands in the first section header."""


class Section(NamedTuple):
    """One section header.

    Attributes:
        name: Its name.
        type: `sh_type`, such as `NOBITS` where the file holds nothing of it.
        flags: `sh_flags`.
        address: Where it is mapped, or 0.
        offset: Where it stands in the file.
        size: Its size in memory, in bytes.
        link: The number of another section, by its type.
        entry_size: The size of one entry where it is a table.
    """

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    entry_size: int


def read(view: View, header: Header) -> tuple[Section, ...]:
    """Reads the section headers, the empty first one left out; nothing where they are broken."""
    try:
        return _read(view, header)
    except FormatError:
        return ()


def _read(view: View, header: Header) -> tuple[Section, ...]:
    struct = header.layout.section
    if not header.sections_at or header.section_size != struct.size:
        return ()
    first = view.unpack(struct, header.sections_at)
    count = header.section_count or first[5]
    names_in = first[6] if header.section_names == _LATER else header.section_names
    if count > MAX_SECTIONS:
        raise FormatError(f"more than {MAX_SECTIONS} sections")
    rows = list(struct.iter_unpack(view.cut(header.sections_at, count * struct.size)))
    if not 0 < names_in < len(rows):
        raise FormatError(f"no section of names: `{names_in}`")
    names = StringTable(_bytes(view, rows[names_in][4], rows[names_in][5]))
    return tuple(
        Section(name, row[1], row[2], row[3], row[4], row[5], row[6], row[9])
        for name, row in zip(names.names(row[0] for row in rows[1:]), rows[1:], strict=True)
    )


def _bytes(view: View, offset: int, size: int) -> memoryview:
    if size > MAX_SIZE:
        raise FormatError(f"string table of {size} bytes exceeds the limit of {MAX_SIZE}")
    return view.cut(offset, size)
