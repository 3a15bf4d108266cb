"""Looking for byte strings in what an ELF file maps into memory, in pieces of bounded size.

Only what is mapped is looked at, so debugging information does not count; and where constants stand apart
from code, the code is left out. Bytes that several segments share are read once.
"""

from collections.abc import Iterable, Iterator

from witchery.elf.file import Elf
from witchery.elf.segments import EXECUTE, LOAD, WRITE

PIECE = 1 << 20
"""How much is held at a time, in bytes."""
OVERLAP = 256
"""How many bytes a piece shares with the next one: nothing longer is found for sure."""


def first(
    elf: Elf, needles: Iterable[bytes], ranges: Iterable[tuple[int, int]] | None = None
) -> dict[bytes, int]:
    """Where each of some byte strings stands first, as an offset in the file; those that are there.

    Args:
        elf: The file.
        needles: What to look for, each at most `OVERLAP` bytes long.
        ranges: Where to look, as offsets in the file; by default its constants.

    Raises:
        StorageError: if the file cannot be read.
    """
    left = list(needles)
    found: dict[bytes, int] = {}
    for start, piece in pieces(elf, constants(elf) if ranges is None else ranges):
        for needle in tuple(left):
            at = piece.find(needle)
            if at >= 0:
                found[needle] = start + at
                left.remove(needle)
        if not left:
            break
    return found


def constants(elf: Elf) -> tuple[tuple[int, int], ...]:
    """Where constants stand: all that is mapped, without the code if some segment can only be read."""
    loads = [each for each in elf.segments if each.type == LOAD and each.file_size]
    if any(not each.flags & (EXECUTE | WRITE) for each in loads):
        loads = [each for each in loads if not each.flags & EXECUTE]
    return _joined((each.offset, each.offset + each.file_size) for each in loads)


def mapped(elf: Elf) -> tuple[tuple[int, int], ...]:
    """All that is mapped."""
    loads = (each for each in elf.segments if each.type == LOAD and each.file_size)
    return _joined((each.offset, each.offset + each.file_size) for each in loads)


def pieces(elf: Elf, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """The bytes in some ranges, each piece with its offset, as far as the file reaches."""
    for start, stop in ranges:
        end, at = min(stop, elf.view.size), start
        while at < end:
            size = min(PIECE, end - at)
            yield at, bytes(elf.view.cut(at, size))
            at += size if at + size == end else size - OVERLAP


def _joined(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
