"""Libraries that a program opens by itself, as it says in its notes.

The format is the UAPI group's "ELF dlopen metadata" specification: a JSON list of objects with `soname` (a
list, the one to be preferred first), and optionally `feature`, `description` and `priority` (`required`,
`recommended` or `suggested`).
"""

from collections.abc import Iterator
from typing import Any

from witchery import canonical
from witchery.elf.file import Elf
from witchery.errors import FormatError
from witchery.payload.findings import Evidence, Suggestion
from witchery.payload.native import libc
from witchery.payload.native.sonames import is_name

MAX_NOTE = 1 << 16
"""The longest note that is read, in bytes."""
MAX_SUGGESTIONS = 256
"""How many libraries of one file are suggested."""
_MAX_TEXT = 200
_PRIORITIES = ("required", "recommended", "suggested")


def suggestions(names: frozenset[str], path: str, elf: Elf) -> tuple[Suggestion, ...]:
    """What one file says it opens, without what the application has.

    Args:
        names: The names of the application's libraries.
        path: The file.
        elf: The same.
    """
    found: dict[Suggestion, None] = {}
    for note in elf.dlopen_notes:
        for each in _entries(note):
            sonames = each.get("soname")
            if not isinstance(sonames, list) or not sonames:
                continue
            usable = [name for name in sonames if isinstance(name, str) and is_name(name)]
            have = names.union(elf.needed)
            if not usable or any(name in have or libc.is_libc(name) for name in usable):
                continue
            if len(found) == MAX_SUGGESTIONS:
                return tuple(found)
            evidence = (Evidence(path, f"says that it opens {' or '.join(usable)[:_MAX_TEXT]}"),)
            found[Suggestion(f"so:{usable[0]}", _reason(each), evidence)] = None
    return tuple(found)


def _entries(note: bytes) -> Iterator[dict[str, Any]]:
    if len(note) > MAX_NOTE:
        return
    try:
        listed = canonical.decode(note)
    except FormatError:
        return  # a note is for tools; no loader minds a broken one
    if isinstance(listed, list):
        yield from (each for each in listed if isinstance(each, dict))


def _reason(entry: dict[str, Any]) -> str:
    """A sentence from the description, the feature's name and the priority."""
    told = [each for key in ("description", "feature") if isinstance(each := entry.get(key), str) and each]
    text = " ".join(told[0].split())[:_MAX_TEXT].rstrip(".") if told else "a library that it opens by itself"
    text = "".join(each for each in text if each.isprintable())
    priority = entry.get("priority")
    return f"{text} ({priority})" if priority in _PRIORITIES else text
