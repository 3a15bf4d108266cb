"""Symbol versions: which a file wants from other libraries, which it defines (LSB, "Symbol Versioning").

`DT_VERNEED` and `DT_VERDEF` are lists of lists, linked by distances from one record to the next; `DT_VERSYM`
gives a number to every symbol, under which one of the lists has a name. Musl knows nothing of versions: a
file that wants `GLIBC_2.17` was made for glibc.
"""

from struct import unpack
from typing import NamedTuple

from witchery.elf import dynamic as tags
from witchery.elf.dynamic import Dynamic
from witchery.elf.memory import Memory
from witchery.elf.strings import StringTable
from witchery.errors import FormatError, located
from witchery.value import frozen

MAX_RECORDS = 1 << 14
"""How many records the two lists may have, each."""
HIDDEN = 0x8000
"""The bit of a version number by which a definition is not what new programs are linked to."""
_BASE, _WEAK = 1, 2
"""Flags: the version that stands for the file itself; a version that may be missing."""


class VersionNeed(NamedTuple):
    """A version that a library has to have.

    Attributes:
        library: The library, such as `libc.so.6`.
        version: The version, such as `GLIBC_2.17`.
        weak: Whether the program loads without it.
    """

    library: str
    version: str
    weak: bool


@frozen
class Versions:
    """The versions that a file speaks of.

    Attributes:
        needs: What it wants, in its order.
        definitions: What it defines, without the name of the file itself.
        names: Each name by its number.
    """

    needs: tuple[VersionNeed, ...] = ()
    definitions: tuple[str, ...] = ()
    names: tuple[tuple[int, str], ...] = ()


def read(memory: Memory, dynamic: Dynamic, strings: StringTable) -> Versions:
    """Reads both lists.

    Raises:
        FormatError: if one leaves its segment or is longer than `MAX_RECORDS`.
    """
    names: dict[int, str] = {}
    with located("version needs"):
        needs = _needs(memory, dynamic, strings, names)
    with located("version definitions"):
        definitions = _definitions(memory, dynamic, strings, names)
    return Versions(tuple(needs), tuple(definitions), tuple(names.items()))


def numbers(memory: Memory, dynamic: Dynamic, count: int) -> tuple[int, ...]:
    """The version number of each symbol; nothing where there are none.

    Raises:
        FormatError: if the table leaves its segment.
    """
    address = dynamic.get(tags.VERSYM)
    if address is None:
        return ()
    return unpack(f"{memory.header.layout.order}{count}H", memory.cut(address, 2 * count))


def _needs(
    memory: Memory, dynamic: Dynamic, strings: StringTable, names: dict[int, str]
) -> list[VersionNeed]:
    address, count = dynamic.get(tags.VERNEED), dynamic.get(tags.VERNEEDNUM)
    found: list[VersionNeed] = []
    steps = 0
    while address is not None and count:
        _, inner, library, first, after = memory.unpack(memory.header.layout.need, address)
        where = strings.name(library)
        steps += inner + 1
        if steps > MAX_RECORDS:
            raise FormatError(f"more than {MAX_RECORDS} records")
        place = address + first
        for _ in range(inner):
            _, flags, number, name, beyond = memory.unpack(memory.header.layout.need_version, place)
            found.append(VersionNeed(where, strings.name(name), bool(flags & _WEAK)))
            names[number & ~HIDDEN] = found[-1].version
            place += beyond
            if not beyond:
                break
        address = address + after if after else None
        count -= 1
    return found


def _definitions(memory: Memory, dynamic: Dynamic, strings: StringTable, names: dict[int, str]) -> list[str]:
    address, count = dynamic.get(tags.VERDEF), dynamic.get(tags.VERDEFNUM)
    found: list[str] = []
    steps = 0
    while address is not None and count:
        _, flags, number, inner, _, first, after = memory.unpack(memory.header.layout.definition, address)
        steps += 1
        if steps > MAX_RECORDS:
            raise FormatError(f"more than {MAX_RECORDS} records")
        if inner and not flags & _BASE:
            name, _ = memory.unpack(memory.header.layout.definition_name, address + first)
            found.append(strings.name(name))
            names[number & ~HIDDEN] = found[-1]
        address = address + after if after else None
        count -= 1
    return found
