"""A package as an index describes it (apk-index(5), version 2): one stanza of lines `X:value`.

The text of the stanza is kept, and what a solver needs is decoded from it; the rest is read when asked for.

Indexes in use contain broken data, and a package with some is not simply refused. As apk does:

* a bad entry in `D:`, or an unknown letter that is not lower-case, makes the package uninstallable
  (`problem`);
* a bad entry in `p:` ends the list there, but an odd version is kept;
* a bad entry in `i:` drops the whole list;
* an unknown lower-case letter, and every letter of the installed database, is ignored;
* a bad number is the number its leading digits make, or 0.
"""

import re
from typing import NamedTuple

from witchery.apk import identity as identities
from witchery.apk.dependency import Dependency, DependencyError, Provide
from witchery.errors import FormatError, located

NOARCH = "noarch"
"""The architecture of packages that fit every one."""

_MANDATORY = (("C", "identity"), ("P", "name"), ("V", "version"))
_INSTALLED_ONLY = frozenset("FMRaZrqsfg")
_KNOWN = frozenset("CPVASITULomtckDpi") | _INSTALLED_ONLY
_PLAIN = re.compile("(?:[CPVASITULomtckDpiFMRaZrqsfg]:[^\n]*\n?)+")
_DIGITS = re.compile("[0-9]*")


class Package(NamedTuple):
    """One version of a package.

    A named tuple, since a world may lead to thousands.

    Attributes:
        name: Its name.
        version: Its version; real indexes hold some that are not valid.
        identity: The hash of its control segment: 20 bytes (SHA-1), or 32.
        arch: The architecture that it is for, `noarch`, or an empty string.
        size: Bytes of the package file.
        installed_size: Bytes of its files together; a package with 0 has none and is never downloaded.
        provider_priority: Which provider of an unversioned name is taken by default: the highest, and none
            with 0.
        depends: What it needs, in the order of the index.
        provides: The further names it provides.
        install_if: The conditions under which it is installed unasked; empty if it never is.
        problem: Why it cannot be installed, or an empty string.
        stanza: The lines of the index, without the empty line at their end.
    """

    name: str
    version: str
    identity: bytes
    arch: str
    size: int
    installed_size: int
    provider_priority: int
    depends: tuple[Dependency, ...]
    provides: tuple[Provide, ...]
    install_if: tuple[Dependency, ...]
    problem: str
    stanza: str

    @staticmethod
    def parse(stanza: str) -> "Package":
        """Reads a stanza.

        Raises:
            FormatError: if a line is malformed, or the identity, the name or the version is missing.
        """
        fields, problem = _fields(stanza)
        for letter, meaning in _MANDATORY:
            if letter not in fields:
                raise FormatError(f"a package without {meaning} (`{letter}:`)", where=[fields.get("P", "")])
        with located(fields["P"]):
            identity = identities.decode(fields["C"])
        depends, broken = _dependencies(fields.get("D", ""))
        install_if, broken_condition = _dependencies(fields.get("i", ""))
        return Package(
            name=fields["P"],
            version=fields["V"],
            identity=identity,
            arch=fields.get("A", ""),
            size=_number(fields.get("S", "")),
            installed_size=_number(fields.get("I", "")),
            provider_priority=_number(fields.get("k", "")) & 0xFFFF,
            depends=depends,
            provides=_provides(fields.get("p", "")),
            install_if=() if broken_condition else install_if,
            problem=problem or broken,
            stanza=stanza,
        )

    @property
    def description(self) -> str:
        """What it is, in a line."""
        return self.field("T")

    @property
    def url(self) -> str:
        """Where its home is."""
        return self.field("U")

    @property
    def license(self) -> str:
        """Its licence, usually an SPDX expression."""
        return self.field("L")

    @property
    def origin(self) -> str:
        """The source package that it was built from, or an empty string."""
        return self.field("o")

    @property
    def maintainer(self) -> str:
        """Who maintains it."""
        return self.field("m")

    @property
    def commit(self) -> str:
        """The commit of the build recipes, or an empty string."""
        return self.field("c")

    @property
    def build_time(self) -> int:
        """When it was built, in seconds since 1970, or 0."""
        return _number(self.field("t"))

    @property
    def filename(self) -> str:
        """The name of its file beside a version 2 index."""
        return f"{self.name}-{self.version}.apk"

    def field(self, letter: str) -> str:
        """The value of the line that starts with `letter`, or an empty string."""
        for line in self.stanza.split("\n"):
            if line.startswith(letter) and line[1:2] == ":":
                return line[2:]
        return ""

    def fits(self, arch: str) -> bool:
        """Says whether it may be installed on `arch` (Alpine's name)."""
        return not self.arch or self.arch in {arch, NOARCH}

    def offers(self, name: str) -> tuple[str, ...]:
        """The versions of `name` that it provides, as a package or besides; empty if it does not."""
        own = (self.version,) if name == self.name else ()
        return (*own, *(version for provided, version in self.provides if provided == name))

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


def _fields(stanza: str) -> tuple[dict[str, str], str]:
    """The values by letter, those of a repeated list joined; and why the package is uninstallable."""
    lines = stanza.split("\n")
    fields = {line[:1]: line[2:] for line in lines}
    if len(fields) == len(lines) and _PLAIN.fullmatch(stanza):
        return fields, ""
    fields, problem = {}, ""
    for line in lines:
        letter = line[:1]
        if line[1:2] not in {":", ""} or not letter:
            raise FormatError(f"not a line of an index: `{line[:80]}`", where=[fields.get("P", "")])
        if letter not in _KNOWN and not letter.islower():
            problem = f"unknown field `{letter}:`, which a newer apk may know"
        elif letter in fields and letter in "Dpi":
            fields[letter] += " " + line[2:]
        else:
            fields[letter] = line[2:]
    return fields, problem


def _entries(text: str) -> list[str]:
    return [entry for entry in text.split(" ") if entry] if text else []


def _dependencies(text: str) -> tuple[tuple[Dependency, ...], str]:
    """All that can be read of a list, and what is wrong with the rest."""
    read, problem = [], ""
    for entry in _entries(text):
        try:
            read.append(Dependency.parse_record(entry))
        except DependencyError as error:
            problem = error.message
    return tuple(read), problem


def _provides(text: str) -> tuple[Provide, ...]:
    read = []
    for entry in _entries(text):
        try:
            read.append(Provide.parse(entry))
        except DependencyError:
            break
    return tuple(read)


def _number(text: str) -> int:
    match = _DIGITS.match(text)
    return int(match[0][:20]) if match and match[0] else 0
