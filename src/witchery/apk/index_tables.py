"""What is looked up in an index, found out once: where each stanza lies, and who offers or awaits a name.

Finding that out takes longer than all else that is done with an index, and follows from its text alone. So
it can be kept beside it: `encode` gives a form that is read back in a tenth of the time. The form is Python's
own (`marshal`), of one version of Python and of this module: whoever keeps it names it (`FORMAT`), and guards
it against damage.
"""

import marshal
import re
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, Self, overload

from witchery.errors import FormatError

FORMAT = f"1.{marshal.version}"
"""Raised when the meaning of what is kept changes, here or in Python."""

Positions = int | tuple[int, ...]
"""The positions of some packages in their index; of one, this alone."""

_UNWANTED = re.compile(" !([^ <>=~\n]+)")
_NAME_END = re.compile("[<>=~]")


class Tables(NamedTuple):
    """What is looked up in one index.

    Attributes:
        offers: Where the packages are that have or provide a name; a package may stand twice.
        conditions: Where the packages are whose `install_if` speaks of a name; likewise.
        own: What each package is called.
        needed: What each needs.
        provided: What each provides.
        unwanted: The names that some dependency forbids.
    """

    offers: Mapping[str, Positions]
    conditions: Mapping[str, Positions]
    own: "Lines"
    needed: "Lines"
    provided: "Lines"
    unwanted: frozenset[str]

    @classmethod
    def of(cls, stanzas: Sequence[str]) -> Self:
        """Finds them out."""
        own, provided = values(stanzas, "P"), values(stanzas, "p")
        needed = Lines.of(values(stanzas, "D"))
        return cls(
            offers=_offers(own, provided),
            conditions=_conditions(values(stanzas, "i")),
            own=Lines.of(own),
            needed=needed,
            provided=Lines.of(provided),
            unwanted=frozenset(_UNWANTED.findall(needed.text)),
        )


class Lines(NamedTuple):
    """A line of each package, as one text: it is made faster than a table, and read back at once.

    Attributes:
        text: The lines, with a space before every entry.
        starts: Where each begins, and behind them where the text ends.
    """

    text: str
    starts: Sequence[int]

    @classmethod
    def of(cls, lines: Sequence[str]) -> Self:
        """Puts lines together."""
        starts = accumulate((len(each) + 2 for each in lines), initial=0)
        return cls(" " + "\n ".join(lines) + "\n", array("I", starts))

    def at(self, position: int) -> str:
        """The line of a package."""
        return self.text[self.starts[position] + 1 : self.starts[position + 1] - 1]

    def find(self, entry: str) -> Iterator[int]:
        """The positions of the lines with an entry that starts with this and ends with it or a version."""
        at = self.text.find(entry)
        while at >= 0:
            if self.text[at + len(entry)] in " \n<>=~":
                yield bisect_right(self.starts, at) - 1
            at = self.text.find(entry, at + 1)


class Stanzas(Sequence[str]):
    """The stanzas of an index, cut out of its text when they are asked for."""

    def __init__(self, text: bytes, starts: Sequence[int], ends: Sequence[int]) -> None:
        """Takes them as they lie.

        Args:
            text: The text of the index.
            starts: Where each stanza begins, in bytes.
            ends: Where each ends, likewise.
        """
        self.text = text
        self._starts = starts
        self._ends = ends

    @classmethod
    def cut(cls, text: bytes) -> Self:
        """Finds where they lie: between empty lines."""
        starts, ends = array("I"), array("I")
        at = 0
        for piece in text.split(b"\n\n"):
            stanza = piece.strip(b"\n")
            if stanza:
                start = at + piece.index(stanza)
                starts.append(start)
                ends.append(start + len(stanza))
            at += len(piece) + 2
        return cls(text, starts, ends)

    @overload
    def __getitem__(self, position: int) -> str: ...

    @overload
    def __getitem__(self, position: slice) -> Sequence[str]: ...

    def __getitem__(self, position: int | slice) -> str | Sequence[str]:
        """A stanza, decoded; bytes that are not UTF-8 as surrogates (PEP 383)."""
        if isinstance(position, slice):
            return [self[each] for each in range(*position.indices(len(self)))]
        return self.text[self._starts[position] : self._ends[position]].decode("utf-8", "surrogateescape")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def places(self) -> tuple[Sequence[int], Sequence[int]]:
        """Where they begin and end."""
        return self._starts, self._ends


def encode(tables: Tables, stanzas: Stanzas) -> bytes:
    """What can be kept of an index, without its text."""
    places = tuple(array("I", each).tobytes() for each in stanzas.places)
    lines = tuple(
        (each.text, array("I", each.starts).tobytes())
        for each in (tables.own, tables.needed, tables.provided)
    )
    return marshal.dumps(
        (places, dict(tables.offers), dict(tables.conditions), lines, tuple(sorted(tables.unwanted)))
    )


def decode(kept: bytes, text: bytes) -> tuple[Tables, Stanzas]:
    """Reads what was kept, for the text that it was made of.

    Args:
        kept: What `encode` gave, unharmed.
        text: The text of the same index.

    Raises:
        FormatError: if it is of another form, or of another text.
    """
    try:
        (starts, ends), offers, conditions, lines, unwanted = marshal.loads(kept)  # noqa: S302 - guarded
        stanzas = Stanzas(text, array("I", starts), array("I", ends))
        own, needed, provided = (Lines(each, array("I", places)) for each, places in lines)
        last = stanzas.places[1][-1] if len(stanzas) else 0
    except (ValueError, TypeError, EOFError, IndexError) as error:
        raise FormatError("not the tables of an index") from error
    if last > len(text) or len(stanzas.places[0]) != len(stanzas.places[1]):
        raise FormatError("the tables of another index")
    return Tables(offers, conditions, own, needed, provided, frozenset(unwanted)), stanzas


def values(stanzas: Sequence[str], letter: str) -> list[str]:
    """The value of one line of each stanza, or an empty string. A list on several lines is joined."""
    found = []
    start = f"\n{letter}:"
    for stanza in stanzas:
        at = stanza.find(start)
        if at < 0:
            found.append(stanza[2:].partition("\n")[0] if stanza.startswith(start[1:]) else "")
            continue
        end = stanza.find("\n", at + 3)
        if end < 0:
            found.append(stanza[at + 3 :])
        elif stanza.find(start, end) < 0:
            found.append(stanza[at + 3 : end])
        else:
            found.append(" ".join(line[2:] for line in stanza.split("\n") if line.startswith(start[1:])))
    return found


def names(entries: str) -> list[str]:
    """The names in a list of dependencies; without the versions, and without a `!`."""
    if "<" in entries or ">" in entries or "~" in entries or "!" in entries:
        return [_NAME_END.split(entry, 1)[0].removeprefix("!") for entry in entries.split(" ")]
    return [entry.partition("=")[0] for entry in entries.split(" ")]


def positions(found: Positions | None) -> tuple[int, ...]:
    """The positions as a tuple."""
    if found is None:
        return ()
    return (found,) if isinstance(found, int) else found


def _offers(own: Sequence[str], provided: Sequence[str]) -> dict[str, Positions]:
    offers: defaultdict[str, list[int]] = defaultdict(list)
    for position, entries in enumerate(provided):
        offers[own[position]].append(position)
        for name in names(entries) if entries else ():
            offers[name].append(position)
    return _packed(offers)


def _conditions(lists: Sequence[str]) -> dict[str, Positions]:
    conditions: defaultdict[str, list[int]] = defaultdict(list)
    for position, entries in enumerate(lists):
        for name in names(entries) if entries else ():
            conditions[name].append(position)
    return _packed(conditions)


def _packed(found: Mapping[str, list[int]]) -> dict[str, Positions]:
    return {name: each[0] if len(each) == 1 else tuple(each) for name, each in found.items()}
