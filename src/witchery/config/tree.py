"""YAML as a tree of texts, each with its place in the file (YAML 1.1 as libyaml parses it).

The parser's events are read, never its values: a scalar arrives as the text that was written, so that
`3.10`, `0o755`, `on` and `1:30` mean what the schema says. Aliases and merge keys (`<<`) are resolved here.
Two documents, a key given twice, keys that are no scalars, and tags are problems. Size, depth and count (with
aliases expanded) have limits.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn, TypeAlias

from witchery.config.problems import Place, Problems, below
from witchery.errors import ConfigError

MAX_BYTES = 1 << 20
MAX_DEPTH = 24
MAX_NODES = 20_000
MAX_KEY = 1024


class Limits(NamedTuple):
    """How much a file may hold.

    Attributes:
        size: Bytes.
        nodes: Values, with aliases expanded.
        what: What to call it.
    """

    size: int = MAX_BYTES
    nodes: int = MAX_NODES
    what: str = "a configuration"


CONFIGURATION = Limits()

_TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep"
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_UNPRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_CORE = "tag:yaml.org,2002:"
_CORE_TAGS = frozenset(_CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))
_RESERVED = {
    "\t": "a tab cannot indent YAML; use spaces",
    "@": "a text that begins with `@` is written in quotes",
    "`": "a text that begins with a backtick is written in quotes",
    "%": "a text that begins with `%` is written in quotes",
}


class Scalar(NamedTuple):
    """A text; `plain` if it was written without quotes, or comes from a variable."""

    place: Place
    text: str
    plain: bool
    null: bool


class Sequence(NamedTuple):
    """A list."""

    place: Place
    items: tuple["Node", ...]


class Mapping(NamedTuple):
    """Keys and values, in their order."""

    place: Place
    entries: dict[str, "Entry"]


class Entry(NamedTuple):
    """A key's place, and its value."""

    place: Place
    value: "Node"


Node: TypeAlias = Scalar | Sequence | Mapping


def parse(data: bytes, file: str, problems: Problems, limits: Limits = CONFIGURATION) -> Node | None:
    """Reads a YAML file; None if it holds nothing. What is wrong but can be passed over goes to `problems`.

    Raises:
        ConfigError: if the file is not YAML, or exceeds a limit.
    """
    text = _decoded(data, file, limits)
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    reader = _Reader(file, yaml.parse(text, Loader=loader), problems, limits)
    try:
        return reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        _refuse(
            Place(file, line + 1, column + 1),
            f"not YAML: {error.problem}",
            _hint(text, error.problem, line, column),
        )


def _decoded(data: bytes, file: str, limits: Limits) -> str:
    start = Place(file, 1, 1)
    if len(data) > limits.size:
        _refuse(start, f"{limits.what} holds at most {limits.size} bytes, and this holds {len(data)}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        _refuse(
            Place(file, line, column),
            f"{limits.what} is UTF-8, and this byte is not",
            "save the file as UTF-8",
        )
    odd = None if text.replace("\n", "").isprintable() else re.search(_UNPRINTABLE, text)
    if odd is not None:
        line, column = text.count("\n", 0, odd.start()) + 1, odd.start() - text.rfind("\n", 0, odd.start())
        _refuse(Place(file, line, column), f"YAML holds no such character: U+{ord(odd[0]):04X}")
    return text


def _hint(text: str, problem: str | None, line: int, column: int) -> str:
    lines = text.splitlines()
    written = lines[line] if line < len(lines) else ""
    if "${" in written and "{" in written.replace("${", ""):
        return "inside `{}` and `[]`, a text with `${NAME}` is written in quotes"
    if problem and "alphabetic or numeric" in problem and written[column - 1 : column] == "*":
        return "a text that begins with `*` is written in quotes"
    if problem and "mapping values" in problem:
        return "a text that contains `: ` is written in quotes"
    indented = written[: len(written) - len(written.lstrip())]
    return _RESERVED["\t"] if "\t" in indented else _RESERVED.get(written[column : column + 1], "")


def _refuse(place: Place, message: str, hint: str = "") -> NoReturn:
    raise ConfigError([f"{place}: {message}"], hint=hint or ())


def _height(node: Node) -> int:
    match node:
        case Scalar():
            return 0
        case Sequence(_, items):
            return 1 + max(map(_height, items), default=0)
        case _:
            return 1 + max((_height(entry.value) for entry in node.entries.values()), default=0)


class _Reader:
    """Builds the tree from the events of one file."""

    def __init__(self, file: str, events: Iterable[Any], problems: Problems, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._events: Iterator[Any] = iter(events)
        self._problems = problems
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._count = 0

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                if root is not None:
                    what = self._limits.what
                    _refuse(self._place(event), f"{what} is one document, and here a second begins")
                root = self._node(next(self._events), "", 0)
        return None if isinstance(root, Scalar) and root.null else root

    def _place(self, event: Any) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _node(self, event: Any, path: str, depth: int) -> Node:
        place, before = self._place(event), self._count
        self._count += 1
        name = type(event).__name__
        if name == "AliasEvent":
            node = self._alias(event, place, depth)
        elif depth > MAX_DEPTH:
            _refuse(place, _TOO_DEEP)
        elif name == "ScalarEvent":
            plain = not event.style and event.tag != _CORE + "str"
            node = Scalar(place, event.value, plain, plain and event.value in _NULLS)
            if "\0" in node.text:
                self._problems.add(place, path, "a text must not hold the character U+0000")
        elif name == "SequenceStartEvent":
            node = Sequence(place, tuple(self._items(path, depth)))
        else:
            node = Mapping(place, self._entries(path, depth))
        if self._count > self._limits.nodes:
            most = f"{self._limits.what} holds at most {self._limits.nodes} values"
            _refuse(place, f"{most}, with aliases expanded")
        if name != "AliasEvent":
            self._check_tag(event, place, path)
            if event.anchor:
                self._anchors[event.anchor] = (node, self._count - before, _height(node))
        return node

    def _alias(self, event: Any, place: Place, depth: int) -> Node:
        if event.anchor not in self._anchors:
            _refuse(place, f"no value before this is anchored as `&{event.anchor}`")
        node, size, height = self._anchors[event.anchor]
        if depth + height > MAX_DEPTH:
            _refuse(place, _TOO_DEEP)
        self._count += size
        return node

    def _items(self, path: str, depth: int) -> Iterator[Node]:
        position = 0
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            yield self._node(event, below(path, position), depth + 1)
            position += 1

    def _entries(self, path: str, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: list[tuple[Place, Node]] = []
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            key = self._node(event, path, depth + 1)
            text = key.text if isinstance(key, Scalar) else ""
            if len(text) > MAX_KEY:
                _refuse(key.place, f"a key is longer than {MAX_KEY} characters")
            value = self._node(next(self._events), below(path, text), depth + 1)
            if not isinstance(key, Scalar):
                self._problems.add(key.place, path, "a key is a plain text")
            elif text == "<<" and key.plain:
                merged.append((key.place, value))
            elif text in entries:
                first = entries[text].place.line
                self._problems.add(
                    key.place, path, f"the key is given twice, first in line {first}: `{text}`"
                )
            else:
                entries[text] = Entry(key.place, value)
        for place, source in merged:
            self._merge(place, source, path, entries)
        return entries

    def _merge(self, place: Place, source: Node, path: str, entries: dict[str, Entry]) -> None:
        for each in source.items if isinstance(source, Sequence) else (source,):
            if isinstance(each, Mapping):
                for key, entry in each.entries.items():
                    entries.setdefault(key, entry)
            else:
                self._problems.add(place, path, "`<<` merges a mapping, or a list of them")

    def _check_tag(self, event: Any, place: Place, path: str) -> None:
        tag: str | None = event.tag
        if tag is None or tag in _CORE_TAGS:
            return
        short = tag.replace(_CORE, "!!")
        message = f'this is a YAML tag; a text that begins with `!` is written in quotes: `"{short}"`'
        self._problems.add(place, path, message)
