"""The index of a repository (apk-index(5), version 2): what packages it holds.

`APKINDEX.tar.gz` is a signature segment and a tar of `DESCRIPTION` and `APKINDEX`, the latter a text of
stanzas with an empty line after each. Here is the text; who verified and inflated it, and where it came from,
is told elsewhere.

An index of Alpine has 5,000 to 20,000 packages, and an image needs some ten of them. So the text is only cut
into stanzas, names are found by looking at the lines that matter, and a package is decoded when it is asked
for.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import overload

from witchery.apk.package import Package
from witchery.errors import FormatError
from witchery.rootfs import tar

LIMIT = 1 << 28
"""The most bytes an inflated index may have; all of Alpine's are below 2^24."""

_UNWANTED = re.compile(" !([^ <>=~\n]+)")
_NAME_END = re.compile("[<>=~]")
_MALFORMED_LINE = re.compile("\n[^\n][^:\n]")


class Index(Sequence[Package]):
    """The packages of one repository, in the order of its index.

    Attributes:
        description: What the repository calls itself, such as `v3.19.1-32-g1a7b2c`.
    """

    def __init__(self, stanzas: Sequence[str], description: str = "") -> None:
        self.description = description
        self._stanzas = stanzas
        self._decoded: dict[int, Package] = {}

    @classmethod
    def read(cls, archive: Iterable[bytes]) -> "Index":
        """Reads the inflated tar of an index.

        Args:
            archive: Its bytes, in pieces of any size.

        Raises:
            FormatError: if it is malformed, holds no `APKINDEX`, or is larger than `LIMIT`.
        """
        found: dict[str, bytes] = {}
        for member in tar.read(archive):
            if member.entry.path in {"APKINDEX", "DESCRIPTION"}:
                if member.entry.size > LIMIT:
                    raise FormatError(f"an index of {member.entry.size} bytes exceeds the limit of {LIMIT}")
                found[member.entry.path] = b"".join(member.content)
        if "APKINDEX" not in found:
            raise FormatError("an index archive without a file `APKINDEX`")
        description = found.get("DESCRIPTION", b"").decode("utf-8", "replace").strip()
        return cls.parse(found["APKINDEX"].decode("utf-8", "surrogateescape"), description)

    @classmethod
    def parse(cls, text: str, description: str = "") -> "Index":
        """Reads the text of `APKINDEX`.

        Raises:
            FormatError: if a line is malformed.
        """
        malformed = _MALFORMED_LINE.search("\n" + text)
        if malformed is not None:
            line = text[malformed.start() :].partition("\n")[0]
            raise FormatError(f"not a line of an index: `{line[:80]}`", where=["APKINDEX"])
        stanzas = [stanza.strip("\n") for stanza in text.split("\n\n")]
        return cls([stanza for stanza in stanzas if stanza], description)

    @overload
    def __getitem__(self, position: int) -> Package: ...

    @overload
    def __getitem__(self, position: slice) -> Sequence[Package]: ...

    def __getitem__(self, position: int | slice) -> Package | Sequence[Package]:
        """The package at a position, decoded.

        Raises:
            FormatError: if its stanza is malformed.
        """
        if isinstance(position, slice):
            return [self[each] for each in range(*position.indices(len(self)))]
        package = self._decoded.get(position)
        if package is None:
            package = self._decoded[position] = Package.parse(self._stanzas[position])
        return package

    def __iter__(self) -> Iterator[Package]:
        return (self[position] for position in range(len(self)))

    def __len__(self) -> int:
        return len(self._stanzas)

    def limited(self, identities: Mapping[str, bytes], more: Sequence[str] = ()) -> "Index":
        """The index with one package only of each of some names.

        Args:
            identities: The identities of these packages by their names.
            more: Stanzas to add.
        """
        kept = [
            stanza
            for position, stanza in enumerate(self._stanzas)
            if (wanted := identities.get(self._own[position])) is None or self[position].identity == wanted
        ]
        return Index([*kept, *more], self.description)

    def providing(self, name: str) -> tuple[Package, ...]:
        """The packages that are called `name` or list it in `p:`, in the order of the index.

        One with a malformed list may not provide the name after all: `Package.offers` knows.
        """
        return tuple(self[position] for position in dict.fromkeys(self._offers.get(name, ())))

    def named(self, name: str) -> tuple[Package, ...]:
        """The packages that are called `name`, one for each version, in the order of the index."""
        return tuple(package for package in self.providing(name) if package.name == name)

    def conditioned_on(self, name: str) -> tuple[Package, ...]:
        """The packages whose `install_if` speaks of `name`, in the order of the index."""
        packages = (self[position] for position in dict.fromkeys(self._conditions.get(name, ())))
        return tuple(package for package in packages if package.install_if)

    def depending_on(self, name: str) -> Iterator[Package]:
        """The packages that have a dependency or a conflict on `name`, found one by one."""
        for mark in (" ", " !") if name in self._depends.unwanted else (" ",):
            yield from (self[position] for position in self._depends.find(mark + name))

    def offers(self) -> Iterable[str]:
        """Every name that some package has or provides."""
        return self._offers.keys()

    def linked(self, position: int) -> tuple[str, Sequence[str], Sequence[str]]:
        """What names a package speaks of, without decoding it: its own, those it needs, those it provides.

        Of a malformed list all that looks like a name is among them.
        """
        needed, provided = self._needed[position], self._provided[position]
        return self._own[position], _names(needed) if needed else (), _names(provided) if provided else ()

    def positions_offering(self, name: str) -> Iterable[int]:
        """The positions of the packages that are called `name` or list it in `p:`; some may stand twice."""
        return self._offers.get(name, ())

    def positions_conditioned_on(self, name: str) -> Iterable[int]:
        """The positions of the packages whose `install_if` speaks of `name`; some may stand twice."""
        return self._conditions.get(name, ())

    @cached_property
    def _own(self) -> list[str]:
        return _values(self._stanzas, "P")

    @cached_property
    def _needed(self) -> list[str]:
        return _values(self._stanzas, "D")

    @cached_property
    def _provided(self) -> list[str]:
        return _values(self._stanzas, "p")

    @cached_property
    def _offers(self) -> dict[str, list[int]]:
        """Where the packages are that have or provide a name."""
        offers: defaultdict[str, list[int]] = defaultdict(list)
        names = self._own
        for position, provided in enumerate(self._provided):
            offers[names[position]].append(position)
            for name in _names(provided) if provided else ():
                offers[name].append(position)
        return dict(offers)

    @cached_property
    def _depends(self) -> "_Text":
        """All dependencies, in which one can look for names."""
        return _Text(self._needed)

    @cached_property
    def _conditions(self) -> dict[str, list[int]]:
        """Where the packages are whose `install_if` speaks of a name."""
        conditions: defaultdict[str, list[int]] = defaultdict(list)
        for position, condition in enumerate(_values(self._stanzas, "i")):
            for name in _names(condition) if condition else ():
                conditions[name].append(position)
        return dict(conditions)


class _Text:
    """Lists of dependencies as one text. It is made faster than a table, and few names are ever looked up.

    Attributes:
        unwanted: The names that some entry forbids.
    """

    def __init__(self, lists: Sequence[str]) -> None:
        self._text = " " + "\n ".join(lists) + "\n"
        self._starts = list(accumulate((len(each) + 2 for each in lists), initial=0))
        self.unwanted = frozenset(_UNWANTED.findall(self._text))

    def find(self, entry: str) -> Iterator[int]:
        """The positions of the lists with an entry that starts with this and ends with it or a version."""
        at = self._text.find(entry)
        while at >= 0:
            if self._text[at + len(entry)] in " \n<>=~":
                yield bisect_right(self._starts, at) - 1
            at = self._text.find(entry, at + 1)


def _values(stanzas: Sequence[str], letter: str) -> list[str]:
    """The value of one line of each stanza, or an empty string. A list on several lines is joined."""
    values = []
    start = f"\n{letter}:"
    for stanza in stanzas:
        at = stanza.find(start)
        if at < 0:
            values.append(stanza[2:].partition("\n")[0] if stanza.startswith(start[1:]) else "")
            continue
        end = stanza.find("\n", at + 3)
        if end < 0:
            values.append(stanza[at + 3 :])
        elif stanza.find(start, end) < 0:
            values.append(stanza[at + 3 : end])
        else:
            values.append(" ".join(line[2:] for line in stanza.split("\n") if line.startswith(start[1:])))
    return values


def _names(entries: str) -> list[str]:
    """The names in a list of dependencies; without the versions, and without a `!`."""
    if "<" in entries or ">" in entries or "~" in entries or "!" in entries:
        return [_NAME_END.split(entry, 1)[0].removeprefix("!") for entry in entries.split(" ")]
    return [entry.partition("=")[0] for entry in entries.split(" ")]
