"""The notation of an ADB block (apk-v3(5), "ADB FORMAT"): values in a heap, found by their offsets.

    block = u8 compatible version 0, u8 version, u16 zero, u32 root value, heap
    value = u32: type in the upper 4 bits; a number or the offset of a longer form in the others

An array or object is a count, itself counted, and so many values less one; those missing at its end are null.
Writers keep equal values once, so few bytes may stand for much. What is read here has a `Budget` for that
reason: hostile bytes cost no more time and memory than honest ones of their length could.

Every offset is held against the block. Nothing is followed by itself: a reader goes as deep as its schema.
"""

from collections.abc import Iterator
from struct import Struct, unpack_from

from witchery.errors import FormatError

_SPECIAL, _INT, _INT32, _INT64 = 0x0, 0x1, 0x2, 0x3
_BLOBS = {0x8: 1, 0x9: 2, 0xA: 4}  # the bytes of the length before the content
_LISTS = (0xD, 0xE)  # array and object; writers use either for both
_ERROR = 0xF
_IMMEDIATE = (1 << 28) - 1
_HEADER = 8
_U32 = Struct("<I")
_U64 = Struct("<Q")

_SHARED = 16  # how often a byte of an honest block may be spoken of, on average
_SMALL = 1 << 20
_MOST = 1 << 29
MAX_ELEMENTS = 1 << 20
"""How many values an array or object may have."""


class Budget:
    """How much may still be read, in bytes of values and texts."""

    def __init__(self, amount: int) -> None:
        self._left = amount

    def spend(self, amount: int) -> None:
        """Takes from it.

        Raises:
            FormatError: if there is not enough.
        """
        self._left -= amount
        if self._left < 0:
            raise FormatError("an ADB that says the same too often")


class Record:
    """An object: values in numbered slots, the first of which is 1. Those that it lacks are null."""

    __slots__ = ("_adb", "_slots")

    def __init__(self, adb: "Adb", slots: tuple[int, ...]) -> None:
        self._adb = adb
        self._slots = slots

    def _slot(self, number: int) -> int:
        return self._slots[number - 1] if number <= len(self._slots) else 0

    def blob(self, slot: int) -> bytes:
        """A byte string; empty for null.

        Raises:
            FormatError: if it is of another type, or does not lie in the block.
        """
        value = self._slot(slot)
        return self._adb.blob(value) if value else b""

    def text(self, slot: int) -> str:
        """A byte string as text; what is not UTF-8 as surrogates (PEP 383).

        Raises:
            FormatError: as `blob`.
        """
        value = self._slot(slot)
        return self._adb.blob(value).decode("utf-8", "surrogateescape") if value else ""

    def integer(self, slot: int) -> int | None:
        """A number, or None for null.

        Raises:
            FormatError: if it is of another type, or does not lie in the block.
        """
        value = self._slot(slot)
        return self._adb.integer(value) if value else None

    def record(self, slot: int) -> "Record":
        """An object, without slots for null.

        Raises:
            FormatError: as `integer`.
        """
        return self._adb.record(self._slot(slot))

    def records(self, slot: int) -> Iterator["Record"]:
        """The objects in an array; one without slots for null, since places count.

        Raises:
            FormatError: as `integer`.
        """
        value = self._slot(slot)
        for each in self._adb.elements(value) if value else ():
            yield self._adb.record(each)

    def blobs(self, slot: int) -> Iterator[bytes]:
        """The byte strings in an array.

        Raises:
            FormatError: as `integer`.
        """
        value = self._slot(slot)
        for each in self._adb.elements(value) if value else ():
            yield self._adb.blob(each)

    def offset_of_blob(self, slot: int) -> int:
        """Where in the block the content of a byte string begins; 0 for null.

        Raises:
            FormatError: as `blob`.
        """
        value = self._slot(slot)
        return self._adb.span(value)[0] if value else 0


class Adb:
    """An ADB block.

    Attributes:
        payload: Its content.
        root: What it says.
    """

    def __init__(self, payload: bytes) -> None:
        """Begins.

        Raises:
            FormatError: if it is no ADB that can be read.
        """
        if len(payload) < _HEADER:
            raise FormatError("truncated ADB block")
        if payload[0]:
            raise FormatError(f"an ADB of version {payload[0]}, which a newer apk may know")
        self.payload = payload
        self._budget = Budget(min(_SHARED * len(payload) + _SMALL, _MOST))
        self._blobs: dict[int, bytes] = {}
        self.root = self.record(_U32.unpack_from(payload, 4)[0])

    def blob(self, value: int) -> bytes:
        """The byte string that a value stands for; empty for null."""
        if _is_nothing(value):
            return b""
        content = self._blobs.get(value)
        if content is None:
            start, end = self.span(value)
            content = self._blobs[value] = self.payload[start:end]
        self._budget.spend(len(content) + 4)
        return content

    def span(self, value: int) -> tuple[int, int]:
        """Where the content of a byte string lies."""
        width = _BLOBS.get(value >> 28)
        if width is None:
            raise FormatError(f"not a byte string: value {value:#x}")
        offset = self._offset(value, width, width)
        start = offset + width
        end = start + int.from_bytes(self.payload[offset:start], "little")
        if end > len(self.payload):
            raise FormatError("a byte string that is longer than its ADB block")
        return start, end

    def integer(self, value: int) -> int | None:
        """The number that a value stands for; None for null."""
        kind = value >> 28
        if kind == _INT:
            return value & _IMMEDIATE
        if _is_nothing(value):
            return None
        number: int
        if kind == _INT32:
            (number,) = _U32.unpack_from(self.payload, self._offset(value, 4, 4))
        elif kind == _INT64:
            (number,) = _U64.unpack_from(self.payload, self._offset(value, 8, 4))
        else:
            raise FormatError(f"not a number: value {value:#x}")
        return number

    def record(self, value: int) -> Record:
        """The object that a value stands for; without slots for null."""
        return Record(self, self.elements(value))

    def elements(self, value: int) -> tuple[int, ...]:
        """The values of an array or object; none for null."""
        if _is_nothing(value):
            self._budget.spend(4)
            return ()
        if value >> 28 not in _LISTS:
            raise FormatError(f"not an array or object: value {value:#x}")
        offset = self._offset(value, 4, 4)
        count: int = _U32.unpack_from(self.payload, offset)[0]
        if not count or count > (len(self.payload) - offset) // 4:
            raise FormatError("an array that is longer than its ADB block")
        if count > MAX_ELEMENTS:
            raise FormatError(f"an array of more than {MAX_ELEMENTS} values")
        self._budget.spend(4 * count)
        return unpack_from(f"<{count - 1}I", self.payload, offset + 4)

    def _offset(self, value: int, size: int, alignment: int) -> int:
        offset = value & _IMMEDIATE
        if offset < _HEADER or offset % alignment or offset + size > len(self.payload):
            raise FormatError(f"an offset that does not lie in its ADB block: value {value:#x}")
        return offset


def _is_nothing(value: int) -> bool:
    """Whether a value is null, or the error that apk's own converter is known to leave in arrays."""
    return not value or value >> 28 == _ERROR
