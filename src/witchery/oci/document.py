"""Decoding JSON of unknown origin into typed members, with the place of each problem.

Stricter than JSON where parsers disagree with each other, because a manifest that two programs read
differently is an attack (image-spec, GHSA-77vh-xpmg-72qh): no repeated members, no members that differ only
in case (Go's decoder takes either), no NaN, no floating-point sizes.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self, TypeVar

from witchery import canonical
from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.value import frozen

MAX_DOCUMENT = 4 << 20
"""Bytes of the largest document that is read: what registries take at least (distribution-spec, 4 MB)."""

MAX_ITEMS = 10_000
"""The longest list that is read. Runtimes stop at about 125 layers."""

NOTHING: Mapping[str, str] = MappingProxyType({})
"""No annotations, no labels."""

_T = TypeVar("_T")


@frozen
class Fields:
    """The members of one JSON object. A member that is `null` counts as absent, as in Go's decoder."""

    members: Mapping[str, Any]

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Reads a document that is one object.

        Raises:
            FormatError: if it is too large, not UTF-8, not JSON, ambiguous or not an object.
        """
        if len(data) > MAX_DOCUMENT:
            raise FormatError(f"expected at most {MAX_DOCUMENT} bytes of JSON: {len(data)}")
        return cls.of(canonical.decode(data))

    @classmethod
    def of(cls, value: object) -> Self:
        """Takes a decoded value that has to be an object with fixed members."""
        if not isinstance(value, dict):
            raise FormatError(f"expected an object: {_show(value)}")
        seen: dict[str, str] = {}
        for name in value:
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                raise FormatError(f"two members differ only in case: `{other}` and `{name}`")
        return cls(value)

    def has(self, name: str) -> bool:
        """True where the member is there and not null."""
        return self.members.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without `default` it has to be there."""
        return self._member(name, default, _text)

    def integer(self, name: str, default: int | None = None) -> int:
        """A number of bytes or the like: whole, not negative, below 2**63."""
        return self._member(name, default, _integer)

    def flag(self, name: str) -> bool:
        """A truth value; absent means false."""
        return self._member(name, default=False, decode=_flag)

    def digest(self, name: str) -> Digest:
        """A digest, which has to be there."""
        return self._member(name, None, lambda value: Digest.parse(_text(value)))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; absent means none."""
        return tuple(self._each(name, _text))

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of whole numbers, not negative; absent means none."""
        return tuple(self._each(name, _integer))

    def digests(self, name: str) -> tuple[Digest, ...]:
        """A list of digests; absent means none."""
        return tuple(self._each(name, lambda value: Digest.parse(_text(value))))

    def objects(self, name: str, read: Callable[["Fields"], _T]) -> tuple[_T, ...]:
        """A list of objects, each read by `read`; absent means none."""
        return tuple(self._each(name, lambda value: read(Fields.of(value))))

    def nested(self, name: str) -> "Fields":
        """An object; absent means empty."""
        return self._member(name, Fields({}), Fields.of)

    def text_map(self, name: str) -> Mapping[str, str]:
        """An object of strings, such as annotations; absent means empty."""
        return self._member(name, NOTHING, _text_map)

    def names(self, name: str) -> tuple[str, ...]:
        """The member names of an object that is used as a set, such as `Volumes`, in order."""
        return self._member(name, (), lambda value: tuple(sorted(map(_text, _dictionary(value)))))

    def _member(self, name: str, default: _T | None, decode: Callable[[object], _T]) -> _T:
        value = self.members.get(name)
        if value is None:
            if default is None:
                raise FormatError(f"missing member: `{name}`")
            return default
        try:
            return decode(value)
        except FormatError as error:
            raise error.at(name) from None

    def _each(self, name: str, decode: Callable[[object], _T]) -> Iterator[_T]:
        values = self.members.get(name)
        if values is None:
            return
        if not isinstance(values, list):
            raise FormatError(f"expected a list: {_show(values)}", where=(name,))
        if len(values) > MAX_ITEMS:
            raise FormatError(f"expected at most {MAX_ITEMS} items: {len(values)}", where=(name,))
        for number, value in enumerate(values):
            try:
                yield decode(value)
            except FormatError as error:
                raise error.at(f"{name}[{number}]") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise FormatError(f"expected a string: {_show(value)}")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise FormatError("expected Unicode text: half of a surrogate pair stands alone")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise FormatError(f"expected a whole number, not negative: {_show(value)}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise FormatError(f"expected true or false: {_show(value)}")
    return value


def _dictionary(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise FormatError(f"expected an object: {_show(value)}")
    return value


def _text_map(value: object) -> Mapping[str, str]:
    return MappingProxyType({_text(name): _text(item) for name, item in _dictionary(value).items()})


def _show(value: object) -> str:
    """A short form of any decoded value, for messages."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return f"`{str(value)[:80].encode(errors='replace').decode()}`"
