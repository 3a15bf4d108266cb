"""The index of a repository (apk-index(5), version 2): what packages it holds.

`APKINDEX.tar.gz` is a signature segment and a tar of `DESCRIPTION` and `APKINDEX`, the latter a text of
stanzas with an empty line after each. Here is the text; who verified and inflated it, and where it came from,
is told elsewhere.

An index of Alpine has 5,000 to 20,000 packages, and an image needs some ten of them. So the text is only cut
into stanzas, names are found by looking at the lines that matter, and a package is decoded when it is asked
for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import overload

from witchery.apk import index_tables
from witchery.apk.index_tables import Stanzas, Tables, names, positions
from witchery.apk.package import Package
from witchery.errors import FormatError
from witchery.rootfs import tar

LIMIT = 1 << 28
"""The most bytes an inflated index may have; all of Alpine's are below 2^24."""

_MALFORMED_LINE = re.compile("\n[^\n][^:\n]")


class Index(Sequence[Package]):
    """The packages of one repository, in the order of its index.

    Attributes:
        description: What the repository calls itself, such as `v3.19.1-32-g1a7b2c`.
    """

    def __init__(self, stanzas: Sequence[str], description: str = "", tables: Tables | None = None) -> None:
        """Begins; nothing is decoded yet.

        Args:
            stanzas: The stanzas.
            description: What the repository calls itself.
            tables: What is looked up in it, where that is known of before.
        """
        self.description = description
        self._stanzas = stanzas
        self._decoded: dict[int, Package] = {}
        self._given = tables

    @classmethod
    def read(cls, archive: Iterable[bytes], kept: bytes | None = None) -> "Index":
        """Reads the inflated tar of an index.

        Args:
            archive: Its bytes, in pieces of any size.
            kept: What `compiled` gave for the same index, unharmed.

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
        text = found["APKINDEX"]
        if kept is not None:
            tables, stanzas = index_tables.decode(kept, text)
            return cls(stanzas, description, tables)
        _check_lines(text.decode("utf-8", "surrogateescape"))
        return cls(Stanzas.cut(text), description)

    def compiled(self) -> bytes:
        """What makes reading the same index faster, see `read`; not of one that was put together here."""
        if not isinstance(self._stanzas, Stanzas):
            raise TypeError("an index without a text of its own")
        return index_tables.encode(self._tables, self._stanzas)

    @classmethod
    def parse(cls, text: str, description: str = "") -> "Index":
        """Reads the text of `APKINDEX`.

        Raises:
            FormatError: if a line is malformed.
        """
        _check_lines(text)
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
        own = index_tables.values(self._stanzas, "P")
        kept = [
            stanza
            for position, stanza in enumerate(self._stanzas)
            if (wanted := identities.get(own[position])) is None or self[position].identity == wanted
        ]
        return Index([*kept, *more], self.description)

    def providing(self, name: str) -> tuple[Package, ...]:
        """The packages that are called `name` or list it in `p:`, in the order of the index.

        One with a malformed list may not provide the name after all: `Package.offers` knows.
        """
        return tuple(self[position] for position in dict.fromkeys(self.positions_offering(name)))

    def named(self, name: str) -> tuple[Package, ...]:
        """The packages that are called `name`, one for each version, in the order of the index."""
        return tuple(package for package in self.providing(name) if package.name == name)

    def conditioned_on(self, name: str) -> tuple[Package, ...]:
        """The packages whose `install_if` speaks of `name`, in the order of the index."""
        packages = (self[position] for position in dict.fromkeys(self.positions_conditioned_on(name)))
        return tuple(package for package in packages if package.install_if)

    def depending_on(self, name: str) -> Iterator[Package]:
        """The packages that have a dependency or a conflict on `name`, found one by one."""
        for mark in (" ", " !") if name in self._tables.unwanted else (" ",):
            yield from (self[position] for position in self._tables.needed.find(mark + name))

    def offers(self) -> Iterable[str]:
        """Every name that some package has or provides."""
        return self._tables.offers.keys()

    def linked(self, position: int) -> tuple[str, Sequence[str], Sequence[str]]:
        """What names a package speaks of, without decoding it: its own, those it needs, those it provides.

        Of a malformed list all that looks like a name is among them.
        """
        tables = self._tables
        needed, provided = tables.needed.at(position), tables.provided.at(position)
        return (
            tables.own.at(position),
            names(needed) if needed else (),
            names(provided) if provided else (),
        )

    def positions_offering(self, name: str) -> Iterable[int]:
        """The positions of the packages that are called `name` or list it in `p:`; some may stand twice."""
        return positions(self._tables.offers.get(name))

    def positions_conditioned_on(self, name: str) -> Iterable[int]:
        """The positions of the packages whose `install_if` speaks of `name`; some may stand twice."""
        return positions(self._tables.conditions.get(name))

    @cached_property
    def _tables(self) -> Tables:
        """What is looked up."""
        if self._given is not None:
            return self._given
        stanzas = self._stanzas
        return Tables.of(list(stanzas) if isinstance(stanzas, Stanzas) else stanzas)


def _check_lines(text: str) -> None:
    malformed = _MALFORMED_LINE.search("\n" + text)
    if malformed is not None:
        line = text[malformed.start() :].partition("\n")[0]
        raise FormatError(f"not a line of an index: `{line[:80]}`", where=["APKINDEX"])
