"""String tables: names by offset, each ended by a NUL (gABI chapter 4, "String Table")."""

from collections.abc import Iterable

from witchery.errors import FormatError

MAX_SIZE = 64 << 20
"""How large a string table may be, in bytes."""
_REUSE = 4
"""How many times its own size may be read from a table in all. Names share bytes (`printf` is the end of
`vprintf`), but in no real file by much; without a bound, overlapping names would cost its size squared."""
_GRACE = 1 << 16
"""What may be read from a table however small, in characters."""


class StringTable:
    """A string table. It counts what is read from it, so that reading stays bounded."""

    __slots__ = ("_left", "_text")

    def __init__(self, data: bytes | memoryview) -> None:
        # One byte, one character: offsets stay what they are, and cutting makes text at once.
        self._text = str(data, "latin-1")
        self._left = _REUSE * len(self._text) + _GRACE

    def name(self, offset: int) -> str:
        """The name at an offset.

        Raises:
            FormatError: see `names`.
        """
        return self.names((offset,))[0]

    def names(self, offsets: Iterable[int]) -> list[str]:
        """The names at several offsets. Bytes that are not UTF-8 become lone surrogates.

        Raises:
            FormatError: if one is outside the table or has no end in it, or the table is read too often.
        """
        text, left = self._text, self._left
        found: list[str] = []
        find, add = text.find, found.append
        for offset in offsets:
            end = find("\0", offset)
            if end < 0:
                raise FormatError(
                    f"no name that ends within the string table of {len(text)} bytes at `{offset}`"
                )
            left -= end - offset
            if left < 0:
                raise FormatError("names overlap too much in the string table")
            add(text[offset:end])
        self._left = left
        if not text.isascii():
            return [each if each.isascii() else _decoded(each) for each in found]
        return found


def _decoded(name: str) -> str:
    return name.encode("latin-1").decode("utf-8", "surrogateescape")
