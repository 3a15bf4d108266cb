"""From a tree of texts to the values of the model, as the kinds say."""

import re
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from witchery.config import tree
from witchery.config.faults import Fault
from witchery.config.kinds import (
    Choice,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Mode,
    Number,
    Record,
    Setting,
    Text,
    Words,
    settings,
)
from witchery.config.problems import Problems, below
from witchery.errors import WitcheryError

# Compiled at first use.
_NUMBER = r"0|[1-9][0-9]{0,18}"
_MODE = r"(?:0o|0)?([0-7]{1,4})"
_SPACES = r"[ \t\r\n]+"
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_YES_AND_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}

_Scalar: TypeAlias = Text | Number | Mode | Flag | Choice | Words

INVALID: Final = object()
"""In place of a value that could not be decoded; the reason is among the problems."""


def decode(kind: Kind, node: tree.Node, path: str, problems: Problems) -> Any:
    """The value of a node, or `INVALID` after noting why."""
    match kind:
        case ListOf():
            return _list(kind, node, path, problems)
        case MapOf():
            return _map(kind, node, path, problems)
        case Record():
            return _record(kind, node, path, problems)
        case Words() if isinstance(node, tree.Sequence):
            return _list(ListOf(Text("a text", empty=True)), node, path, problems)
        case _:
            return _single(kind, node, path, problems)


def _single(kind: _Scalar, node: tree.Node, path: str, problems: Problems) -> Any:
    if not isinstance(node, tree.Scalar):
        problems.add(node.place, path, f"expected {_wanted(kind)}, found {_found(node)}")
        return INVALID
    try:
        return _scalar(kind, node)
    except WitcheryError as error:
        problems.add(node.place, path, error.message)
    except _Unfit as error:
        problems.add(node.place, path, str(error))
    return INVALID


class _Unfit(Exception):  # noqa: N818 - never leaves this module
    """A scalar that is not what the kind wants."""


def _scalar(kind: _Scalar, node: tree.Scalar) -> Any:
    if isinstance(kind, Text) and kind.empty and node.null:
        return ""
    if node.null:
        raise _Unfit(f"expected {_wanted(kind)}, found nothing")
    value: Any
    match kind:
        case Text():
            value = _text(kind, node.text)
        case Number():
            value = _number(kind, node)
        case Mode():
            value = node.text if node.text in kind.words else _mode(kind, node.text)
        case Flag():
            value = _flag(kind, node)
        case Choice():
            value = _choice(kind, node.text)
        case _:
            value = _words(node.text)
    return value


def _text(kind: Text, text: str) -> Any:
    if not text and not kind.empty:
        raise _Unfit(f"expected {kind.what}, found an empty text")
    if kind.pattern and not re.fullmatch(kind.pattern, text):
        raise _Unfit(f"expected {kind.what}: `{_short(text)}`")
    return kind.parse(text)


def _number(kind: Number, node: tree.Scalar) -> int:
    if not re.fullmatch(_NUMBER, node.text) or not kind.low <= int(node.text) <= kind.high:
        raise _Unfit(f"expected {kind.what}: `{_short(node.text)}`")
    if not node.plain:
        raise _Unfit(f'expected {kind.what}, without quotes: `"{node.text}"`')
    return int(node.text)


def _mode(kind: Mode, text: str) -> int:
    found = re.fullmatch(_MODE, text)
    if found is not None:
        return int(found[1], 8)
    if re.fullmatch(_NUMBER, text) and int(text) <= 0o7777:
        raise _Unfit(f"permissions are octal, and this is a decimal number for `{int(text):#o}`: `{text}`")
    raise _Unfit(f"expected {kind.what}: `{_short(text)}`")


def _flag(kind: Flag, node: tree.Scalar) -> bool:
    value = _FLAGS.get(node.text)
    if value is None:
        meant = _YES_AND_NO.get(node.text.lower())
        also = f"; did you mean `{meant}`?" if meant else ""
        raise _Unfit(f"expected {kind.what}: `{_short(node.text)}`{also}")
    if not node.plain:
        raise _Unfit(f'expected {kind.what}, without quotes: `"{node.text}"`')
    return value


def _choice(kind: Choice, text: str) -> str:
    if text in kind.values:
        return text
    if text in kind.refused:
        raise _Unfit(f"`{text}` is {kind.refused[text]}")
    raise _Unfit(f"expected {_wanted(kind)}: `{_short(text)}`{_did_you_mean(text, kind.values)}")


def _words(text: str) -> tuple[str, ...]:
    if not set(text) & set("'\"\\"):
        return tuple(word for word in re.split(_SPACES, text) if word)
    import shlex

    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise _Unfit(f"not a command line, {str(error).lower()}: `{_short(text)}`") from None


def _list(kind: ListOf, node: tree.Node, path: str, problems: Problems) -> Any:
    node = listed(kind, node)
    if not isinstance(node, tree.Sequence):
        problems.add(node.place, path, f"expected a list, found {_found(node)}")
        return INVALID
    values = []
    for position, item in enumerate(node.items):
        if isinstance(item, tree.Scalar) and item.null:
            problems.add(item.place, below(path, position), "an item of a list without a value")
            values.append(INVALID)
        else:
            values.append(decode(kind.item, item, below(path, position), problems))
    return INVALID if INVALID in values else tuple(values)


def listed(kind: ListOf, node: tree.Node) -> tree.Node:
    """The node, as a list of one where a bare word may stand for a list."""
    if kind.short and isinstance(node, tree.Scalar) and not node.null:
        return tree.Sequence(node.place, (node,))
    return node


def _map(kind: MapOf, node: tree.Node, path: str, problems: Problems) -> Any:
    if not isinstance(node, tree.Mapping):
        problems.add(node.place, path, f"expected a mapping of names to values, found {_found(node)}")
        return INVALID
    found: dict[Any, Any] = {}
    for name, entry in node.entries.items():
        key = decode(kind.key, tree.Scalar(entry.place, name, plain=True, null=False), path, problems)
        found[key] = decode(kind.value, entry.value, below(path, name), problems)
    return INVALID if INVALID in found or INVALID in found.values() else MappingProxyType(found)


def _record(kind: Record, node: tree.Node, path: str, problems: Problems) -> Any:
    if kind.short and isinstance(node, tree.Scalar):
        node = tree.Mapping(node.place, {kind.short: tree.Entry(node.place, node)})
    if not isinstance(node, tree.Mapping):
        problems.add(node.place, path, f"expected a mapping, found {_found(node)}")
        return INVALID
    table = settings(kind.type)
    given: dict[str, Any] = {}
    for key, entry in node.entries.items():
        if key not in table:
            given[key] = INVALID
            problems.add(entry.place, path, _unknown(kind, key))
        elif not is_absent(table[key], entry.value):
            given[table[key].name] = decode(table[key].kind, entry.value, below(path, key), problems)
    for key, each in table.items():
        if each.required and each.name not in given:
            given[each.name] = INVALID
            problems.add(
                node.place, path, f"a value is required for `{key}`: {each.doc[0].lower()}{each.doc[1:-1]}"
            )
    if INVALID in given.values():
        return INVALID
    value = kind.type(**given)
    for fault in value.faults():
        _report(fault, node, path, problems)
    return value


def is_absent(setting: Setting, node: tree.Node) -> bool:
    """True for a key without a value, which counts as a key that is not there."""
    if not isinstance(node, tree.Scalar):
        return False
    return node.null or (
        not node.text and not setting.required and isinstance(setting.kind, Text | Choice | Words)
    )


def _report(fault: Fault, node: tree.Node, path: str, problems: Problems) -> None:
    for step in fault.path:
        path = below(path, step)
        node = _child(node, step)
    problems.add(node.place, path, fault.message)


def _child(node: tree.Node, step: str | int) -> tree.Node:
    if isinstance(node, tree.Sequence):
        return node.items[int(step)]
    return node.entries[str(step)].value if isinstance(node, tree.Mapping) and step in node.entries else node


def _unknown(kind: Record, key: str) -> str:
    if key in kind.refused:
        return f"`{key}` is {kind.refused[key]}"
    table = settings(kind.type)
    deeper = {
        inner: f"{outer}.{inner}"
        for outer, each in table.items()
        if isinstance(each.kind, Record)
        for inner in settings(each.kind.type)
        if inner not in table
    }
    close = _did_you_mean(key, (*table, *deeper), deeper)
    return f"unknown key: `{key}`{close}"


def _did_you_mean(text: str, known: tuple[str, ...], shown: dict[str, str] | None = None) -> str:
    from difflib import get_close_matches

    close = (
        get_close_matches(text.lower().replace("_", "-"), known, 1)
        or get_close_matches(text, known, 1)
        or [each for each in known if len(text) > 2 and each.startswith(text)]
    )
    return f"; did you mean `{(shown or {}).get(close[0], close[0])}`?" if close else ""


def _wanted(kind: _Scalar) -> str:
    if isinstance(kind, Choice):
        return " or ".join(f"`{value}`" for value in kind.values)
    return kind.what


def _found(node: tree.Node) -> str:
    match node:
        case tree.Sequence():
            return "a list"
        case tree.Mapping():
            return "a mapping"
        case _:
            return "nothing" if node.null else f"a text: `{_short(node.text)}`"


def _short(text: str) -> str:
    line = text.split("\n", 1)[0]
    return line if line == text and len(line) <= 72 else line[:72] + "…"
