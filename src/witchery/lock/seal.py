"""Marks by which a change by hand is seen where nothing else would show it.

Most of a lock is checked when it is used: against the packages that are fetched, against the configuration,
or against the rest of the lock. What is left (the digest of an index that nobody reads again, the order of
the packages) carries a mark for each of its members. This is no protection: whoever edits a lock on purpose
can write the marks anew. It tells an accident, a bad merge or a hasty edit from a lock that a tool wrote.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from witchery import canonical

_DIGITS = 8


def mark(name: str, content: Any) -> str:
    """The mark of one member: a few hexadecimal digits."""
    return hashlib.sha256(canonical.encode([name, content])).hexdigest()[:_DIGITS]


def seal(members: Mapping[str, Any]) -> str:
    """The marks of members, in the order of their names."""
    return "-".join(mark(name, members[name]) for name in sorted(members))


def broken(stated: str, members: Mapping[str, Any]) -> str | None:
    """The first member whose mark is another, or None; empty where there are not even so many marks."""
    marks = stated.split("-")
    if len(marks) != len(members):
        return ""
    for name, expected in zip(sorted(members), marks, strict=True):
        if mark(name, members[name]) != expected:
            return name
    return None
