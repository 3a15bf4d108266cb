"""What a library promises to those that are linked with it: its ABI, as far as symbols tell.

Counted are dynamic symbols that others can find and bind to, with their version where they have one. Of data
the size is part of the promise: a program that is not position-independent holds a copy of it, as large as it
was when the program was linked (gABI chapter 5; `R_*_COPY` of the psABIs). The size of a function is not.

What the linker itself defines (`_init`, `_end` and the like) is nobody's interface.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from witchery.elf.file import Elf
from witchery.elf.symbols import Symbol, Type

_LINKERS = frozenset({"_init", "_fini", "_edata", "_end", "_etext", "edata", "end", "etext", "__bss_start"})
_SIZED = (Type.OBJECT, Type.TLS, Type.COMMON)
_CODE = (Type.FUNCTION, Type.IFUNC, Type.NONE)
_ABSOLUTE = 0xFFF1
"""`SHN_ABS`: so the nodes of versions themselves are defined."""


class Export(NamedTuple):
    """One symbol.

    Attributes:
        kind: `function`, `object`, `tls`, or what else it is.
        size: How many bytes of data it stands for; 0 for all else.
    """

    kind: str
    size: int = 0

    def __str__(self) -> str:
        return f"{self.kind} of {self.size} bytes" if self.size else self.kind


def exports(elf: Elf) -> Mapping[str, Export]:
    """The symbols by name, with `@VERSION` where they have one."""
    nodes = set(elf.versions.definitions)
    return MappingProxyType(
        {
            f"{each.name}@{each.version}" if each.version else each.name: _export(each)
            for each in elf.symbols
            if each.exported
            and each.name not in _LINKERS
            and not (each.section == _ABSOLUTE and each.name in nodes)
        }
    )


def _export(symbol: Symbol) -> Export:
    if symbol.type in _CODE:
        return Export("function" if symbol.type is not Type.NONE else "untyped symbol")
    return Export(symbol.type.value, symbol.size if symbol.type in _SIZED else 0)
