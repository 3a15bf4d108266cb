"""The shapes that a value in the configuration can have.

A kind is data: it says what is accepted and in which words, and does nothing. Each use of it (decoding, JSON
schema, reference page, printing) is one function over all kinds in a module of its own.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from witchery.config.faults import Fault
from witchery.value import MISSING, Field, field, fields

EMPTY: Mapping[str, Any] = MappingProxyType({})
"""The mapping without entries that fields start with."""


class Text(NamedTuple):
    """Any scalar, read as the text that was written: `3.10` and `on` stay what they are.

    Attributes:
        what: What is expected, as a noun phrase.
        pattern: What the whole text matches, in the common ground of Python's and ECMA's expressions.
        parse: Makes the value; raises `WitcheryError` with the reason where a pattern cannot say it.
        empty: True where an empty text, or none, is a value.
        examples: Values that an editor offers.
    """

    what: str
    pattern: str = ""
    parse: Callable[[str], Any] = str
    empty: bool = False
    examples: tuple[str, ...] = ()


class Number(NamedTuple):
    """A whole decimal number, without quotes, sign or leading zeros."""

    what: str
    low: int
    high: int


class Mode(NamedTuple):
    """Permission bits, always octal: `0o755`, `0755` and `755` are one value.

    Attributes:
        what: What is expected, as a noun phrase.
        words: Words that may stand for them.
    """

    what: str = "octal permissions such as `0o755`"
    words: tuple[str, ...] = ()


class Flag(NamedTuple):
    """`true` or `false`; the other words of YAML 1.1 (`yes`, `on`) are not guessed at."""

    what: str = "`true` or `false`"


class Choice(NamedTuple):
    """One of a few words.

    Attributes:
        values: The words.
        refused: Words that other tools know, with the reason why they are turned away.
    """

    values: tuple[str, ...]
    refused: Mapping[str, str] = EMPTY


class Words(NamedTuple):
    """A command line: a list of words, or one text that is split at spaces and quotes as a shell does it."""

    what: str = "a command line: a text or a list of words"


class ListOf(NamedTuple):
    """A list; lists of an included file come first.

    Attributes:
        item: What it is a list of.
        short: Whether a bare word may stand for a list of it.
    """

    item: "Kind"
    short: bool = False


class MapOf(NamedTuple):
    """Names of the user's choice, each with a value; of an included file, those that are not named again."""

    key: Text
    value: "Kind"


class Record(NamedTuple):
    """A mapping with known keys: one of the classes of `model`.

    Attributes:
        type: The class.
        short: The key that a bare word stands for, if a bare word may stand here.
        refused: Keys that other tools know, with the reason why they are turned away.
    """

    type: type[Any]
    short: str = ""
    refused: Mapping[str, str] = EMPTY


Kind: TypeAlias = Text | Number | Mode | Flag | Choice | Words | ListOf | MapOf | Record


class Setting(NamedTuple):
    """One key of the configuration.

    Attributes:
        name: The field of the class.
        key: The key in the file.
        kind: What its value looks like.
        doc: What it means, in Markdown; one sentence or a few.
        required: True where the key must be given.
        default: What holds when it is not.
        own: True for a key that apko does not have.
        whole: True where an included file's value is replaced as a whole, not added to.
    """

    name: str
    key: str
    kind: Kind
    doc: str
    required: bool
    default: Any
    own: bool
    whole: bool


def setting(
    kind: Kind,
    doc: str,
    *,
    key: str = "",
    default: Any = MISSING,
    own: bool = False,
    whole: bool = False,
) -> Any:
    """Declares a field of a class as a key of the configuration (see `Setting`).

    Maps and records start empty, and lists and command lines without a default; anything else without one is
    required.
    """
    metadata = {"setting": (kind, doc, key, own, whole)}
    match kind:
        case MapOf():
            return field(default_factory=lambda: EMPTY, metadata=metadata)
        case Record():
            default = kind.type()
        case ListOf() | Words() if default is MISSING:
            default = ()
        case _:
            pass
    return field(default=default, metadata=metadata)


class Model:
    """Base of the values whose fields are settings."""

    __slots__ = ()

    def faults(self) -> Iterable[Fault]:
        """What is wrong between values that are right one by one."""
        return ()


_TABLES: dict[type[Any], Mapping[str, Setting]] = {}


def settings(record: type[Any]) -> Mapping[str, Setting]:
    """The keys of a class of the model, in their order."""
    table = _TABLES.get(record)
    if table is None:
        found = (_setting(each) for each in fields(record))
        table = _TABLES[record] = MappingProxyType({each.key: each for each in found})
    return table


def _setting(declared: Field) -> Setting:
    kind, doc, key, own, whole = declared.metadata["setting"]
    required = declared.default is MISSING and declared.default_factory is None
    default = EMPTY if isinstance(kind, MapOf) else None if required else declared.default
    return Setting(declared.name, key or declared.name, kind, doc, required, default, own, whole)
