"""File contents that can be read twice: one of the few seams of the program.

A content knows its size and hands out its bytes in pieces; where they come from (memory, a package, a file)
is its own affair. One that can check itself does so while it is read.
"""

from collections.abc import Iterator
from typing import Protocol

from witchery.value import frozen


class Content(Protocol):
    """The bytes of a file."""

    @property
    def size(self) -> int:
        """How many bytes `chunks` yields in all."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in order, in pieces of any size."""
        ...


class SeekableContent(Content, Protocol):
    """The bytes of a file that can be read from any place; an `elf.view.Source`."""

    def read_at(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`, fewer where the file ends."""
        ...


@frozen
class BytesContent:
    """A content held in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        """The bytes in one piece."""
        yield self.data

    def read_at(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`, fewer at the end."""
        return self.data[offset : offset + size]
