"""JSON with its place, so that an error names the field: `architectures.x86_64.packages[3].size: ...`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from witchery.digest import Digest
from witchery.errors import FormatError

_ANY = re.compile(r"[^\x00-\x1f\x7f]*")
_MAX_TEXT = 4096
_SHOWN = 80


class Node:
    """A value of a document, and where it stands.

    Attributes:
        value: The value, as `canonical.decode` gives it.
        path: Its place: `keys[0].name`; empty for the whole document.
    """

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def refuse(self, message: str, hint: str | Sequence[str] = ()) -> FormatError:
        """An error about this value."""
        return FormatError(message, where=[self.path] if self.path else [], hint=hint)

    def members(self, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, "Node"]:
        """The members of an object with exactly these names.

        Raises:
            FormatError: if it is anything else.
        """
        if not isinstance(self.value, dict):
            raise self.refuse(f"expected an object: `{self._shown}`")
        for name in required:
            if name not in self.value:
                raise self._below(name).refuse("missing")
        for name in self.value:
            if name not in required and name not in optional:
                raise self._below(name).refuse("unknown")
        return {name: self._below(name) for name in (*required, *optional) if name in self.value}

    def named(self) -> Iterator[tuple[str, "Node"]]:
        """All members of an object, whatever their names.

        Raises:
            FormatError: if it is no object.
        """
        if not isinstance(self.value, dict):
            raise self.refuse(f"expected an object: `{self._shown}`")
        return ((name, self._below(name)) for name in self.value)

    def items(self, limit: int) -> Iterator["Node"]:
        """The items of a list.

        Raises:
            FormatError: if it is no list, or has more than `limit`.
        """
        if not isinstance(self.value, list):
            raise self.refuse(f"expected a list: `{self._shown}`")
        if len(self.value) > limit:
            raise self.refuse(f"expected at most {limit}, got {len(self.value)}")
        return (Node(item, f"{self.path}[{number}]") for number, item in enumerate(self.value))

    def text(self, pattern: re.Pattern[str] = _ANY, expected: str = "text") -> str:
        """A text that matches as a whole.

        Raises:
            FormatError: if it is anything else.
        """
        text = self.value
        if not isinstance(text, str) or len(text) > _MAX_TEXT or not pattern.fullmatch(text):
            raise self.refuse(f"expected {expected}: `{self._shown}`")
        return text

    def number(self, *, least: int = 0, most: int = 1 << 40) -> int:
        """A whole number.

        Raises:
            FormatError: if it is anything else.
        """
        if type(self.value) is not int or not least <= self.value <= most:
            raise self.refuse(f"expected a number from {least} to {most}: `{self._shown}`")
        return self.value

    def digest(self) -> Digest:
        """A SHA-256 digest.

        Raises:
            FormatError: if it is anything else.
        """
        text = self.text()
        try:
            digest = Digest.parse(text)
        except FormatError as error:
            raise self.refuse(error.message) from None
        if digest.algorithm != "sha256":
            raise self.refuse(f"expected a SHA-256: `{self._shown}`")
        return digest

    def texts(self, limit: int, pattern: re.Pattern[str] = _ANY, expected: str = "text") -> tuple[str, ...]:
        """A list of texts.

        Raises:
            FormatError: if it is anything else.
        """
        return tuple(item.text(pattern, expected) for item in self.items(limit))

    def _below(self, name: str) -> "Node":
        shown = name[:_SHOWN]
        return Node(self.value.get(name), f"{self.path}.{shown}" if self.path else shown)

    @property
    def _shown(self) -> str:
        return str(self.value)[:_SHOWN]
