"""What files seem to use at run time, though nothing makes them state it."""

from collections.abc import Iterator

from witchery.payload import hints
from witchery.payload.findings import Suggestion
from witchery.payload.native import opened
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload


def uses(payload: Payload) -> Iterator[Suggestion]:
    """What these files mention, or say that they open, and do not hold themselves."""
    yield from hints.inspect(payload, ScanOptions()).suggestions
    names = frozenset(elf.soname or path.rpartition("/")[2] for path, elf in payload.elves.items())
    for path, elf in payload.elves.items():
        yield from opened.suggestions(names, path, elf)
