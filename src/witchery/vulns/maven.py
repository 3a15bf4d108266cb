"""Versions of Maven artifacts (Maven, "POM Reference", "Version Order Specification").

A version is split at dots, hyphens, and between digits and letters, which is as good as a hyphen. What counts
for nothing (`0`, `final`, `ga`, `release`) is taken away at the end, and before each hyphen. Then parts are
compared one by one, and a version that ends earlier is filled up with nothing:

    alpha < beta < milestone < rc < snapshot < (nothing) < sp < other words < -number < .number
"""

import re
from functools import cmp_to_key
from typing import Any, NamedTuple

_TOKEN = re.compile(r"([.-]?)([0-9]+|[^0-9.-]+|(?=[.-]|$))")
_WORDS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_ALIASES = {"ga": "", "final": "", "release": "", "cr": "rc"}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}


class _Part(NamedTuple):
    """A part: whether a hyphen stands before it, and its number or its word."""

    hyphen: bool
    number: int | None
    word: str = ""

    @property
    def is_null(self) -> bool:
        return not self.number and not self.word


def key(version: str) -> Any:
    """What versions are sorted by."""
    return cmp_to_key(_compare)(_parts(version.lower()))


def _parts(version: str) -> list[_Part]:
    found: list[_Part] = []
    tokens = [match.groups() for match in _TOKEN.finditer(version)]
    if tokens and tokens[-1] == ("", ""):
        tokens.pop()
    for at, (separator, text) in enumerate(tokens):
        hyphen = bool(at) and separator != "."
        if hyphen:
            _trim(found)
        if text.isdecimal() or not text:
            found.append(_Part(hyphen, int(text or 0)))
        else:
            before_digit = at + 1 < len(tokens) and not tokens[at + 1][0] and tokens[at + 1][1].isdecimal()
            word = _SHORT.get(text, text) if before_digit else text
            found.append(_Part(hyphen, None, _ALIASES.get(word, word)))
    _trim(found)
    return found


def _trim(parts: list[_Part]) -> None:
    while parts and parts[-1].is_null:
        parts.pop()


def _compare(a: list[_Part], b: list[_Part]) -> int:
    for at in range(max(len(a), len(b))):
        one = a[at] if at < len(a) else _nothing(b[at])
        other = b[at] if at < len(b) else _nothing(a[at])
        first, second = _rank(one), _rank(other)
        if first != second:
            return -1 if first < second else 1
    return 0


def _nothing(other: _Part) -> _Part:
    """What an ended version has beside a part of another."""
    return _Part(other.hyphen, None if other.number is None else 0)


def _rank(part: _Part) -> tuple[int, int, str]:
    if part.number is not None:
        return (1 if part.hyphen else 2), part.number, ""
    return 0, _WORDS.index(part.word) if part.word in _WORDS else len(_WORDS), part.word
