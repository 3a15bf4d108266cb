"""Which symbols musl's loader does not find; observed with musl 1.2.3 and 1.2.4.

A symbol that a relocation wants is looked up by its name in all loaded objects, in their order; versions do
not count, except that a version which is not the default one is not found. Nor is found what has the address
0 without being thread-local, or what is of a type that musl does not know (`STT_GNU_IFUNC`). Visibility does
not count. Libc is asked only where something needs it.
"""

from collections.abc import MutableMapping
from typing import NamedTuple

from witchery.elf.file import Elf
from witchery.elf.symbols import Bind, Symbol, Type
from witchery.errors import FormatError
from witchery.loader import relocations
from witchery.loader.loading import Loading
from witchery.value import field, frozen

_BINDS = (Bind.GLOBAL, Bind.WEAK, Bind.UNIQUE)
_TYPES = (Type.NONE, Type.OBJECT, Type.FUNCTION, Type.COMMON, Type.TLS)


class Unresolved(NamedTuple):
    """A symbol that an object needs and no other has.

    Attributes:
        path: The real path of the object.
        symbol: Its name.
    """

    path: str
    symbol: str


@frozen
class Names:
    """The symbols of one object, by name.

    Attributes:
        exports: What others find in it.
        wants: What it has to find, in the order of its table; its own exports are left out.
        copied: Variables that it copies from others.
    """

    exports: frozenset[str] = field(repr=False)
    wants: tuple[str, ...] = field(repr=False)
    copied: frozenset[str] = frozenset()

    @staticmethod
    def of(elf: Elf) -> "Names":
        """The names of an object."""
        exports = frozenset([each.name for each in elf.symbols if each.section and is_found(each)])
        wants = tuple(
            [
                each.name
                for each in elf.symbols
                if (each.bind in _BINDS if each.section else each.required) and each.name not in exports
            ]
        )
        copied: frozenset[str] = frozenset()
        if elf.interpreter is not None:
            try:
                copied = relocations.copied(elf)
            except FormatError:
                copied = frozenset()  # the loader would end before it looks anything up
        return Names(exports, wants, copied)


Known = MutableMapping[str, Names]
"""The names of objects by path, to find each object's once."""


def is_found(symbol: Symbol) -> bool:
    """Whether musl finds a symbol in the object that has it."""
    return (
        symbol.section != 0
        and symbol.bind in _BINDS
        and symbol.type in _TYPES
        and (symbol.value != 0 or symbol.type is Type.TLS)
        and symbol.default
    )


def names(path: str, elf: Elf, known: Known) -> Names:
    """The names of an object."""
    found = known.get(path)
    if found is None:
        found = known[path] = Names.of(elf)
    return found


def unresolved(loading: Loading, known: Known | None = None) -> tuple[Unresolved, ...]:
    """The symbols that are not found: object by object as loaded, each in the order of its table.

    Those of the host are not asked for again.

    Args:
        loading: What is loaded.
        known: What is known already of objects of the same root.
    """
    known = {} if known is None else known
    tables = [names(each.path, each.elf, known) for each in loading.objects]
    missing = []
    for position, each in enumerate(loading.objects[loading.hosted :], loading.hosted):
        own = tables[position]
        rest = set(own.wants)
        for table in tables:
            if not rest:
                break
            rest -= table.exports
        copied = set(own.copied)
        for table in tables[:position] + tables[position + 1 :]:
            if not copied:
                break
            copied -= table.exports
        if rest := rest and _relocated(each.elf, rest):
            missing += [Unresolved(each.path, name) for name in dict.fromkeys(own.wants) if name in rest]
        missing += [Unresolved(each.path, name) for name in sorted(copied)]
    return tuple(missing)


def _relocated(elf: Elf, symbols: set[str]) -> set[str]:
    """Those symbols that the loader really looks up."""
    try:
        return symbols & relocations.wanted(elf)
    except FormatError:
        return symbols
