"""The bytes of a file, from memory or from a reader that can seek; no access leaves them."""

from struct import Struct
from typing import Any, Protocol, runtime_checkable

from witchery.errors import FormatError
from witchery.value import frozen

Bytes = bytes | bytearray | memoryview


@runtime_checkable
class Source(Protocol):
    """A file that can be read from any place."""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        ...

    def read_at(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`; never asked for more than it has."""
        ...


@frozen(eq=False)
class View:
    """Bytes that can be read from any place.

    Attributes:
        size: How many there are.
        memory: The bytes, where they are in memory.
        source: The reader, where they are not.
    """

    size: int
    memory: memoryview
    source: Source | None = None

    @staticmethod
    def of(content: Bytes | Source) -> "View":
        """A view of bytes in memory (a mapped file too, as a `memoryview`), or of a reader."""
        if isinstance(content, bytes | bytearray | memoryview):
            memory = memoryview(content).cast("B").toreadonly()
            return View(len(memory), memory)
        return View(content.size, memoryview(b""), content)

    def cut(self, offset: int, size: int) -> memoryview:
        """`size` bytes from `offset`.

        Raises:
            FormatError: if the file does not have them.
        """
        end = offset + size
        if offset < 0 or size < 0 or end > self.size:
            raise FormatError(f"truncated: byte {end} is needed, and the file has {self.size}")
        if self.source is None:
            return self.memory[offset:end]
        got = self.source.read_at(offset, size)
        if len(got) != size:
            raise FormatError(f"truncated: {size} bytes are needed at {offset}, and there are {len(got)}")
        return memoryview(got)

    def unpack(self, struct: Struct, offset: int) -> tuple[Any, ...]:
        """The fields of a structure at `offset`.

        Raises:
            FormatError: if the file ends before it does.
        """
        return struct.unpack(self.cut(offset, struct.size))
