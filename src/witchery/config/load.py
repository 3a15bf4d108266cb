"""From a file, those that it includes, and variables, to a configuration.

Files are read through a function that is handed in: the room opens none.
"""

import posixpath
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from witchery.config import tree
from witchery.config.decode import decode
from witchery.config.dialect import Dialect
from witchery.config.kinds import EMPTY
from witchery.config.merge import merged
from witchery.config.model import IMAGE, ImageConfig
from witchery.config.problems import Problems
from witchery.config.variables import Substitution
from witchery.errors import ConfigError, located

MAX_INCLUDES = 16

_START = (
    "a configuration begins with, for example,"
    " `contents: {repositories: [https://dl-cdn.alpinelinux.org/alpine/v3.22/main], packages: [wget]}`"
)


class Loaded(NamedTuple):
    """A configuration and where it came from.

    Attributes:
        config: The configuration, with everything included merged into it.
        dialect: Whose file it is.
        notes: What a person should know, a sentence each.
        files: The bytes of each file read, by path: the file itself first, then what it includes.
    """

    config: ImageConfig
    dialect: Dialect
    notes: tuple[str, ...]
    files: Mapping[str, bytes]


def load(path: str, read: Callable[[str], bytes], variables: Mapping[str, str] = EMPTY) -> Loaded:
    """Reads a configuration.

    A file in apko's dialect knows no variables: `${NAME}` stays what it is, unless `variables` holds any.

    Args:
        path: The file; errors name it so, and `include:` is relative to its folder.
        read: Gives the bytes of a file.
        variables: The values of `${NAME}`.

    Raises:
        ConfigError: with every problem of all the files.
        WitcheryError: whatever `read` raises.
    """
    problems = Problems()
    files = {path: read(path)}
    top = _mapping(tree.parse(files[path], path, problems), path)
    dialect = Dialect.of(path, top)
    substitution = Substitution(variables, problems) if variables or dialect is Dialect.WITCHERY else None
    document = _whole(top, files, read, substitution, problems)
    config = decode(IMAGE, document, "", problems)
    problems.raise_if_any()
    unused = sorted(set(variables) - (substitution.used if substitution else set()))
    notes = tuple(f"no value uses the variable `{name}`" for name in unused)
    return Loaded(config, dialect, notes, MappingProxyType(files))


def _mapping(node: tree.Node | None, path: str) -> tree.Mapping:
    if node is None:
        raise ConfigError([f"{path}:1:1: the file is empty"], hint=_START)
    if not isinstance(node, tree.Mapping):
        raise ConfigError([f"{node.place}: expected a mapping with keys such as `contents`"], hint=_START)
    return node


def _whole(
    top: tree.Mapping,
    files: dict[str, bytes],
    read: Callable[[str], bytes],
    substitution: Substitution | None,
    problems: Problems,
) -> tree.Mapping:
    """The tree of a file on the trees of those that it includes."""
    chain: list[tree.Mapping] = []
    following: tree.Mapping | None = top
    while following is not None:
        replaced = substitution.apply(following) if substitution else following
        current = replaced if isinstance(replaced, tree.Mapping) else following
        chain.append(current)
        following = _included(current, files, read, problems)
    document = chain.pop()
    while chain:
        document = merged(IMAGE, document, chain.pop())
    return document


def _included(
    document: tree.Mapping, files: dict[str, bytes], read: Callable[[str], bytes], problems: Problems
) -> tree.Mapping | None:
    """Takes the key `include` out of the document, and reads the file that it names."""
    entry = document.entries.get("include")
    if entry is None or not isinstance(entry.value, tree.Scalar) or not entry.value.text or entry.value.null:
        return None
    place, name = entry.value.place, entry.value.text
    del document.entries["include"]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(place.file), name))
    fault = _not_includable(name, path, list(files))
    if fault:
        problems.add(place, "include", fault)
        return None
    with located(f"{place}: include"):
        files[path] = read(path)
    return _mapping(tree.parse(files[path], path, problems), path)


def _not_includable(name: str, path: str, chain: list[str]) -> str:
    if "://" in name:
        return f"only a local file can be included: `{name}`"
    seen = [posixpath.normpath(each) for each in chain]
    if path in seen:
        circle = " → ".join((*chain[seen.index(path) :], path))
        return f"the files include each other in a circle: {circle}"
    if len(chain) > MAX_INCLUDES:
        return f"more than {MAX_INCLUDES} files include one another"
    return ""
