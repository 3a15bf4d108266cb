"""Ranges of versions as `package.json` writes them: their lower bounds (node-semver, "Ranges").

    range = alternative {"||" alternative}        alternative = version " - " version | {comparator}

`>=18`, `^20.1`, `20.x`, `18 || 20` and the like. Upper bounds are not kept, but whether all alternatives stay
within one major version each.
"""

import re
from typing import NamedTuple

Version = tuple[int, ...]

_LIMIT = 500
_COMPARATOR = re.compile(
    r"(?P<operator>>=|<=|>|<|=|\^|~>?)?\s*v?(?P<version>[0-9]{1,5}|[xX*])"
    r"(?:\.(?P<minor>[0-9]{1,5}|[xX*]))?(?:\.(?P<patch>[0-9]{1,5}|[xX*]))?(?:[-+][0-9A-Za-z.+-]*)?(?:\s+|$)"
)


class Range(NamedTuple):
    """What a range says.

    Attributes:
        least: The oldest version in it; empty where there is no bound.
        majors: The major versions in it, where they can be listed; otherwise nothing.
    """

    least: Version
    majors: frozenset[int]


class _Alternative(NamedTuple):
    least: Version
    major: int | None


def read(text: str) -> Range | None:
    """What a range says; None where it is written in a way that is not understood."""
    if len(text) > _LIMIT:
        return None
    found = [_alternative(part.strip()) for part in text.split("||")]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        return None
    majors = {each.major for each in known if each.major is not None}
    closed = all(each.major is not None for each in known)
    return Range(min(each.least for each in known), frozenset(majors) if closed else frozenset())


def _alternative(text: str) -> _Alternative | None:
    if " - " in text:
        low, _, high = text.partition(" - ")
        text = f">={low.strip()} <={high.strip()}"
    least: Version = ()
    major: int | None = None
    at = 0
    while at < len(text):
        found = _COMPARATOR.match(text, at)
        if found is None:
            return None
        at = found.end()
        version = _numbers(found)
        operator = found["operator"] or "="
        if operator.startswith("<"):
            continue
        least = max(least, version)
        if version and not operator.startswith(">"):
            major = version[0]
    return _Alternative(least, major)


def _numbers(found: "re.Match[str]") -> Version:
    """The numbers of a version up to the first that is a wildcard."""
    numbers: list[int] = []
    for name in ("version", "minor", "patch"):
        part = found[name]
        if part is None or not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
