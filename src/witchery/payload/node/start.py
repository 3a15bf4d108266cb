"""What of a Node application could be started: `main`, `bin` and `scripts` (npm, "package.json")."""

import re
from collections.abc import Iterator

from witchery.payload.findings import Finding, Program, Severity
from witchery.payload.node.npm import NodePackage, resolved, table, text
from witchery.payload.programs import inside
from witchery.payload.tree import Payload

SYSTEM = "/usr/bin/node"
"""Where Alpine's packages have Node."""
_STARTS = ("server", "index", "app", "main")
_SOURCES = (".js", ".mjs", ".cjs")
_WORD = re.compile(r"[A-Za-z0-9_./:=@,+-]+")
_WITH_VALUE = {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"}


def programs(
    payload: Payload, root: NodePackage | None, own: str
) -> tuple[tuple[Program, ...], tuple[Finding, ...]]:
    """What could be started, and the starts that are declared and are not there.

    Args:
        payload: The application.
        root: Its own `package.json`.
        own: The Node that it brings along, or an empty string.
    """
    node = f"/{own}" if own else SYSTEM
    found: dict[tuple[str, ...], Program] = {}
    for number, (arguments, reason) in enumerate(declared(payload, root) if root else ()):
        argv = (node, *arguments)
        found.setdefault(argv, Program(argv, reason, 0 if number == 0 else 1))
    started = {argv[-1] for argv in found}
    for name in (*(f"{each}{end}" for each in _STARTS for end in _SOURCES), payload.name):
        path = inside(payload, name)
        if f"/{path}" not in started and path in payload.files and name.endswith(_SOURCES):
            argv = (node, f"/{path}")
            rank = 1 if name.rpartition(".")[0] == payload.name or name == payload.name else 2
            found.setdefault(argv, Program(argv, "a program for Node", rank))
    return tuple(found.values()), tuple(_missing(payload, root)) if root else ()


def declared(payload: Payload, root: NodePackage) -> list[tuple[tuple[str, ...], str]]:
    """The arguments of Node by which the application says that it starts, the plainest first."""
    found: list[tuple[tuple[str, ...], str]] = []
    if start := _script(payload, root):
        found.append((start, "scripts.start"))
    for name, target in _commands(root):
        if (path := resolved(payload, root.folder, target)) and path.endswith(_SOURCES):
            found.append(((f"/{path}",), f"bin `{name}`"))
    main = text(root.manifest.get("main"))
    if main and (path := resolved(payload, root.folder, main)):
        found.append(((f"/{path}",), "main"))
    return found


def is_started_by_node(payload: Payload, root: NodePackage) -> bool:
    """Whether a `package.json` belongs to something that Node runs, and not to what a browser does."""
    if declared(payload, root) or _words(root):
        return True
    page = inside(payload, "index.html") in payload.files
    names = () if page else (f"{each}{end}" for each in _STARTS for end in _SOURCES)
    return any(inside(payload, name) in payload.files for name in names)


def unmistakable(payload: Payload) -> str:
    """A file at the top that is for Node and not for a browser; an empty string where there is none."""
    named = (f"server{end}" for end in _SOURCES)
    names = (*named, payload.name) if payload.name.endswith(_SOURCES) else tuple(named)
    return next((path for name in names if (path := inside(payload, name)) in payload.files), "")


def _commands(root: NodePackage) -> Iterator[tuple[str, str]]:
    value = root.manifest.get("bin")
    if isinstance(value, str):
        yield root.name, value
    for name, target in list(table(value).items())[:100]:
        if isinstance(target, str) and name.isprintable():
            yield name, target


def _words(root: NodePackage) -> list[str]:
    """The words of the start script after `node`; none where a shell would be needed."""
    words = text(table(root.manifest.get("scripts")).get("start"))[:2000].split()
    return words[1:] if words[:1] == ["node"] and all(map(_WORD.fullmatch, words)) else []


def _split(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Node's own options, the file, and what is left to it."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _WITH_VALUE else 1
    return words[:at], words[at] if at < len(words) else "", words[at + 1 :]


def _script(payload: Payload, root: NodePackage) -> tuple[str, ...]:
    options, name, rest = _split(_words(root))
    path = resolved(payload, root.folder, name) if name else None
    return (*options, f"/{path}", *rest) if path else ()


def _missing(payload: Payload, root: NodePackage) -> Iterator[Finding]:
    _, name, _ = _split(_words(root))
    if name and not resolved(payload, root.folder, name):
        message = f"starts with `{name}`, which is not there"
        hints = ("Build the application first.",)
        yield Finding("npm-start", Severity.WARNING, root.path, message, hints)
