"""Which symbols an object's relocations speak of (gABI chapter 4, "Relocation").

The loader looks up a symbol only where a relocation wants it. A symbol of the table that none wants may be
missing. A copy relocation (of programs) takes a variable's first value from the library that has it.
"""

from collections.abc import Iterator
from struct import iter_unpack

from witchery.elf import dynamic as tags
from witchery.elf.file import Elf
from witchery.elf.header import EM_386, EM_AARCH64, EM_ARM, EM_PPC64, EM_S390, EM_X86_64

_RELASZ, _RELSZ, _PLTREL = 8, 18, 20
"""Sizes of `DT_RELA` and `DT_REL` in bytes; which of the two `DT_JMPREL` is."""
_COPY = {EM_X86_64: 5, EM_386: 5, EM_AARCH64: 1024, EM_ARM: 20, EM_PPC64: 19, EM_S390: 9, 243: 4, 258: 4}
"""`R_*_COPY` of each machine (the psABI of each)."""


def wanted(elf: Elf) -> frozenset[str]:
    """The names that relocations speak of.

    Raises:
        FormatError: if a table does not lie in loaded segments.
    """
    return _names(elf, {number for number, _ in _rows(elf)})


def copied(elf: Elf) -> frozenset[str]:
    """The names of variables of which a program has its own copy.

    Raises:
        FormatError: if a table does not lie in loaded segments.
    """
    copy = _COPY.get(elf.header.machine)
    return _names(elf, {number for number, kind in _rows(elf) if kind == copy and number})


def _names(elf: Elf, numbers: set[int]) -> frozenset[str]:
    """The names of symbols by number; the table in `elf` lacks the empty first one."""
    count = len(elf.symbols)
    return frozenset(elf.symbols[number - 1].name for number in numbers if 0 < number <= count)


def _rows(elf: Elf) -> Iterator[tuple[int, int]]:
    """The number of the symbol, and the type, of every relocation."""
    dynamic = elf.dynamic
    if dynamic is None:
        return
    told = dict(dynamic.entries)
    tables = (
        (told.get(tags.RELA), told.get(_RELASZ), True),
        (told.get(tags.REL), told.get(_RELSZ), False),
        (told.get(tags.JMPREL), told.get(tags.PLTRELSZ), told.get(_PLTREL) == tags.RELA),
    )
    word, shift, mask = ("Q", 32, 0xFFFFFFFF) if elf.header.bits == 64 else ("I", 8, 0xFF)
    size = 8 if elf.header.bits == 64 else 4
    order = "<" if elf.header.little else ">"
    for address, length, has_addend in tables:
        if address is None or not length:
            continue
        width = 3 if has_addend else 2
        content = elf.content_at(address, length - length % (width * size))
        skipped = f"{size}x" if has_addend else ""
        for (info,) in iter_unpack(f"{order}{size}x{word}{skipped}", content):
            yield info >> shift, info & mask
