"""What somebody asks about: a package, a name that packages provide, a file, a shell, or a vulnerability."""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from enum import Enum
from typing import NamedTuple

from witchery.graph.graph import Graph

MAX_HINTS = 5
"""How many names are offered where there is none of the one asked about."""

_LIBRARY = re.compile(r"[^/:]+\.so(\.[0-9A-Za-z_]+)*")
_VULNERABILITY = re.compile(r"(CVE|GHSA|ALPINE|OSV|GO|PYSEC|RUSTSEC)-[0-9A-Za-z][0-9A-Za-z-]+", re.IGNORECASE)
_KINDS = ("so:", "cmd:")


class Kind(Enum):
    """What a text is taken for."""

    PACKAGE = "package"
    NAME = "name"
    FILE = "file"
    SHELL = "shell"
    VULNERABILITY = "vulnerability"


class Match(NamedTuple):
    """A package that is meant.

    Attributes:
        name: Its name.
        how: Why it is, in a few words: `provides so:libz.so.1`; empty where it is called so.
    """

    name: str
    how: str = ""


def kind_of(text: str, graph: Graph) -> Kind:
    """What a text is taken for: a package of that name before all else."""
    if text in graph:
        return Kind.PACKAGE
    if _VULNERABILITY.fullmatch(text):
        return Kind.VULNERABILITY
    if text.startswith("/"):
        return Kind.FILE
    return Kind.SHELL if text == "shell" else Kind.NAME


def named(text: str, graph: Graph) -> tuple[Match, ...]:
    """The packages that are called so, or provide such a name, library or command."""
    if text in graph:
        return (Match(text),)
    for name in _names(text):
        if found := tuple(providing(name, graph)):
            return found
    return ()


def providing(name: str, graph: Graph) -> Iterator[Match]:
    """The packages that provide a name."""
    for package in graph.packages.values():
        stated = next((each for each in package.provides if each.name == name), None)
        if stated is not None:
            yield Match(package.name, f"provides {stated}")


def library(text: str) -> str:
    """The file name of the library that a text names, or an empty string."""
    name = text.removeprefix("so:")
    return name if _LIBRARY.fullmatch(name) else ""


def similar(text: str, graph: Graph, more: Iterable[str] = ()) -> tuple[str, ...]:
    """Names in the image that look like one that is not, the closest first."""
    plain = text.rpartition("/")[2] or text
    for kind in _KINDS:
        plain = plain.removeprefix(kind)
    known: dict[str, str] = {name: name for name in graph.packages}
    for package in graph.packages.values():
        for each in package.provides:
            if each.name.startswith(_KINDS):
                known.setdefault(each.name.partition(":")[2], each.name)
    known |= {path.rpartition("/")[2]: f"/{path}" for path in more}
    found = get_close_matches(plain, known, MAX_HINTS, 0.7)
    found += [name for name in known if len(plain) > 2 and plain in name and name not in found]
    return tuple(dict.fromkeys(known[name] for name in found[:MAX_HINTS]))


def _names(text: str) -> Iterator[str]:
    yield text
    if ":" not in text:
        yield from (kind + text for kind in _KINDS)
