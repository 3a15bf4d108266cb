"""The bytes of a file by their addresses, as `PT_LOAD` maps them (gABI chapter 5, "Program Loading").

Segments that overlap are refused: which bytes count would depend on the loader. Pages are not imitated: what
a page holds beside its segment is not seen.
"""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from struct import Struct
from typing import Any

from witchery.elf.header import Header
from witchery.elf.segments import LOAD, Segment
from witchery.elf.view import View
from witchery.errors import FormatError
from witchery.value import frozen


@frozen(eq=False)
class Memory:
    """What of a file is mapped.

    Attributes:
        view: The file.
        header: Its header.
        loads: First address, address after the last byte, and offset; in order.
    """

    view: View
    header: Header
    loads: tuple[tuple[int, int, int], ...]

    @staticmethod
    def of(view: View, header: Header, segments: Iterable[Segment]) -> "Memory":
        """The memory of a file that has these program headers.

        Raises:
            FormatError: if segments overlap.
        """
        filled = [s for s in segments if s.type == LOAD and s.file_size]
        loads = sorted((s.address, s.address + s.file_size, s.offset) for s in filled)
        for (_, end, _), (start, _, _) in pairwise(loads):
            if start < end:
                raise FormatError(f"loaded segments overlap at address `{start:#x}`")
        return Memory(view, header, tuple(loads))

    def room(self, address: int) -> int:
        """How many bytes are in the file from an address to the end of its segment; 0 where none."""
        found = self._load(address)
        return 0 if found is None else found[1] - address

    def cut(self, address: int, size: int) -> memoryview:
        """`size` bytes from an address.

        Raises:
            FormatError: if they do not all lie in one loaded segment.
        """
        if not size:
            return memoryview(b"")
        found = self._load(address)
        if found is None:
            raise FormatError(f"no loaded segment holds address `{address:#x}`")
        start, end, offset = found
        if address + size > end:
            raise FormatError(f"{size} bytes at address {address:#x} leave their segment")
        return self.view.cut(offset + address - start, size)

    def _load(self, address: int) -> tuple[int, int, int] | None:
        """The segment that holds an address."""
        below = bisect_right(self.loads, address, key=_start)
        if not below or address >= self.loads[below - 1][1]:
            return None
        return self.loads[below - 1]

    def unpack(self, struct: Struct, address: int) -> tuple[Any, ...]:
        """The fields of a structure at an address.

        Raises:
            FormatError: if it does not lie in one loaded segment.
        """
        return struct.unpack(self.cut(address, struct.size))


def _start(load: tuple[int, int, int]) -> int:
    return load[0]
