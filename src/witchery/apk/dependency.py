"""Dependencies: what a package or a world asks for (apk-world(5), apk-package(5) "depend", "install_if").

    dependency = ["!"] name ["@" tag] [operator version]
    operator   = any sequence of "<", ">", "=", "~"; only which occur matters; "><" asks for an identity

The same syntax states what a package provides: `so:libz.so.1=1.3.1`.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from witchery.apk import identity as identities
from witchery.apk import version as versions
from witchery.errors import FormatError

_PARTS = re.compile(r"(!?)([^<>=~@\s]*)(@[^<>=~\s]*)?(?:([<>=~]+)(\S+))?")
_NAME = re.compile(r"[A-Za-z0-9._+,:/\[\]-]+")
_TAG = re.compile(r"@[A-Za-z0-9._+-]+")

IDENTITY = "><"
"""The operator that asks for one particular package by its identity."""

_BY_SET = {
    frozenset("="): "=",
    frozenset("<"): "<",
    frozenset("<="): "<=",
    frozenset(">"): ">",
    frozenset(">="): ">=",
    frozenset("~"): "~",
    frozenset("~="): "~",
    frozenset("<~"): "<~",
    frozenset("<~="): "<~",
    frozenset(">~"): ">~",
    frozenset(">~="): ">~",
    frozenset("><"): IDENTITY,
}
"""Operators by the characters that occur. A set that is not listed, such as `<=>`, accepts anything."""

_ACCEPTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda offered, wanted: versions.order(offered) == versions.order(wanted),
    "<": lambda offered, wanted: versions.order(offered) < versions.order(wanted),
    "<=": lambda offered, wanted: versions.order(offered) <= versions.order(wanted),
    ">": lambda offered, wanted: versions.order(offered) > versions.order(wanted),
    ">=": lambda offered, wanted: versions.order(offered) >= versions.order(wanted),
    "~": versions.starts_with,
    "<~": lambda offered, wanted: (
        versions.starts_with(offered, wanted) or versions.order(offered) < versions.order(wanted)
    ),
    ">~": lambda offered, wanted: (
        versions.starts_with(offered, wanted) or versions.order(offered) > versions.order(wanted)
    ),
}


class DependencyError(FormatError):
    """Text that is no dependency."""


class Dependency(NamedTuple):
    """One condition on what is installed.

    A named tuple, since a world may lead to thousands, and each is looked up many times.

    Attributes:
        name: The name of a package, or a name that packages provide.
        conflict: True for `!name`: nothing that matches may be installed.
        operator: `=`, `<`, `<=`, `>`, `>=`, `~`, `<~`, `>~` or `><`; empty where any version will do.
        version: What the operator compares with; the text of an identity (`Q1...`) for `><`.
        tag: The repository tag that `name@tag` allows and prefers, or an empty string.
    """

    name: str
    conflict: bool = False
    operator: str = ""
    version: str = ""
    tag: str = ""

    @staticmethod
    def parse(text: str) -> "Dependency":
        """Reads one entry of a world or a command line: strict about names, and `@tag` is allowed.

        Raises:
            DependencyError: if it is anything else, in the words of apk.
        """
        match = _PARTS.fullmatch(text)
        if match is not None:
            mark, name, tag, operator, version = match.groups()
            known = _BY_SET.get(frozenset(operator)) if operator else ""
            if (
                known is not None
                and _NAME.fullmatch(name)
                and (not tag or _TAG.fullmatch(tag))
                and _is_comparable(known, version)
            ):
                return Dependency(name, mark == "!", known, version or "", tag[1:] if tag else "")
        raise DependencyError(
            f"not a valid world dependency, the format is name(@tag)([<>~=]version): `{text}`"
        )

    @staticmethod
    @lru_cache(maxsize=1 << 15)
    def parse_record(text: str) -> "Dependency":
        """Reads one dependency of a package: as lenient as apk about names and operators, and without `@tag`.

        Raises:
            DependencyError: if it is malformed, or its version is invalid.
        """
        match = _PARTS.fullmatch(text)
        if match is None or match[3] is not None:
            raise DependencyError(f"invalid dependency: `{text}`")
        mark, name, _tag, operator, version = match.groups()
        known = _BY_SET.get(frozenset(operator), "") if operator else ""
        if not _is_comparable(known, version):
            raise DependencyError(f"invalid version in a dependency: `{text}`")
        return Dependency(name, mark == "!", known, version if known else "")

    def accepts(self, offered: str, identity: bytes = b"") -> bool:
        """Says whether this dependency speaks of a provider of its name, be it wanted or (`!`) unwanted.

        Args:
            offered: The version of the name that it provides; empty, and so below all others, if it states
                none.
            identity: The identity of the package, for `><`.
        """
        if not self.operator:
            return True
        if self.operator == IDENTITY:
            return _same_identity(self.version, identity)
        return _ACCEPTS[self.operator](offered, self.version)

    def is_satisfied_by(self, offered: str, identity: bytes = b"") -> bool:
        """Says whether an installed provider of the name agrees with this; arguments as in `accepts`."""
        return self.accepts(offered, identity) is not self.conflict

    def __str__(self) -> str:
        tag = f"@{self.tag}" if self.tag else ""
        return f"{'!' if self.conflict else ''}{self.name}{tag}{self.operator}{self.version}"


class Provide(NamedTuple):
    """A name that a package provides.

    Attributes:
        name: The name.
        version: The version of it, or an empty string. Not always a valid one: apk takes `pc:librtmp=v2.4`
            too.
    """

    name: str
    version: str = ""

    @staticmethod
    @lru_cache(maxsize=1 << 15)
    def parse(text: str) -> "Provide":
        """Reads one entry of `p:`. Any operator is taken for `=`, as apk does.

        Raises:
            DependencyError: if it is malformed.
        """
        match = _PARTS.fullmatch(text)
        if match is None or match[3] is not None:
            raise DependencyError(f"invalid provided name: `{text}`")
        return Provide(match[2], match[5] or "")

    def __str__(self) -> str:
        return f"{self.name}={self.version}" if self.version else self.name


def _is_comparable(operator: str, version: str | None) -> bool:
    return operator in {"", IDENTITY} or versions.is_valid(version or "")


def _same_identity(text: str, identity: bytes) -> bool:
    try:
        wanted = identities.decode(text)
    except FormatError:
        return False
    return wanted[: identities.SIZE] == identity[: identities.SIZE]
