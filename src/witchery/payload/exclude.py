"""Patterns of files that are left out of an application.

They read like those of `.gitignore` (gitignore(5)), without its exceptions:

* `*.pyc` is a name, at any depth; `*`, `?` and `[...]` stand for characters of one name (fnmatch(7));
* `/build` and `docs/*.md` hold a slash before their end: they are paths from the source's own folder;
* `tests/` with a slash at its end is a folder only;
* `**` between slashes stands for any number of folders, none included: `**/fixtures/*.bin`, `data/**`.

A folder that is left out is not entered. No pattern takes something in again: a leading `!` is refused.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from witchery.errors import FormatError

MAX_LENGTH = 1024
"""The longest pattern, in characters."""
MAX_PATTERNS = 1000
"""How many patterns there may be."""


class _Pattern(NamedTuple):
    """One pattern.

    Attributes:
        parts: What each part of a path has to match; a single one matches a name at any depth.
        anchored: Whether it is a path from the source's folder.
        folders: Whether it is about folders only.
    """

    parts: tuple[str, ...]
    anchored: bool
    folders: bool

    def covers(self, parts: Sequence[str], *, folder: bool) -> bool:
        if self.folders and not folder:
            return False
        return _matches(self.parts, parts) if self.anchored else fnmatchcase(parts[-1], self.parts[0])


class Exclusion:
    """What is left out."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Understands patterns.

        Raises:
            FormatError: naming the first that is none, or if they are too many.
        """
        self._patterns = tuple(_pattern(each) for each in patterns)
        if len(self._patterns) > MAX_PATTERNS:
            raise FormatError(f"more than {MAX_PATTERNS} patterns")

    def covers(self, path: str, *, folder: bool) -> bool:
        """Whether something is left out.

        Args:
            path: Where it is, from the source's folder on.
            folder: Whether it is a folder.
        """
        parts = path.split("/")
        return any(each.covers(parts, folder=folder) for each in self._patterns)


def check(pattern: str) -> str:
    """The pattern, if it is one.

    Raises:
        FormatError: if it is none, saying why.
    """
    _pattern(pattern)
    return pattern


def _pattern(text: str) -> _Pattern:
    if text.startswith("!"):
        raise FormatError(f"a pattern leaves out, it takes nothing in again: `{text}`")
    if len(text) > MAX_LENGTH:
        raise FormatError(f"a pattern of more than {MAX_LENGTH} characters: `{text[:40]}...`")
    body = text.rstrip("/")
    parts = [part for part in body.split("/") if part not in ("", ".")]
    if not parts:
        raise FormatError(f"a pattern without a name: `{text}`")
    if ".." in parts:
        raise FormatError(f"a pattern does not climb out with `..`: `{text}`")
    plain = [part for i, part in enumerate(parts) if part != "**" or i == 0 or parts[i - 1] != "**"]
    return _Pattern(tuple(plain), "/" in body or plain == ["**"], text.endswith("/"))


def _matches(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether each part matches, `**` standing for any number of them; at its end for at least one."""
    reached = {0}  # how much of the pattern the parts so far may have used up
    for part in parts:
        following = set()
        for at in _past_stars(pattern, reached):
            if at < len(pattern) and pattern[at] == "**":
                following.add(at)
                if at == len(pattern) - 1:
                    following.add(at + 1)
            elif at < len(pattern) and fnmatchcase(part, pattern[at]):
                following.add(at + 1)
        reached = following
    return len(pattern) in reached


def _past_stars(pattern: Sequence[str], reached: set[int]) -> set[int]:
    """The places, and those behind a `**` that stands for nothing."""
    return reached | {at + 1 for at in reached if at < len(pattern) - 1 and pattern[at] == "**"}
