"""What packages and indexes of version 3 say of a package (apk-v3(5), "SCHEMAS"): the same as a `.PKGINFO`.

Numbers of slots are the schema's. What would be a line or a word of its own in version 2, and must not be,
is an error here: a name with a space in it, say. Descriptions of version 3 may have several lines; they are
joined, since version 2, and so the installed database, knows one line only.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from witchery.apk.adb.values import Record
from witchery.apk.pkginfo import PackageInfo
from witchery.errors import FormatError, located

_WORD = re.compile(r"[^\x00-\x20\x7f]+")
_NAME = re.compile(r"[^\x00-\x20\x7f<>=~!@]+")
_CONTROL = re.compile(r"\s*[\x00-\x1f\x7f]+\s*")

_EQUAL, _LESS, _GREATER, _FUZZY, _CONFLICT = 1, 2, 4, 8, 16
_OPERATORS = {
    _EQUAL: "=",
    _LESS: "<",
    _LESS | _EQUAL: "<=",
    _GREATER: ">",
    _GREATER | _EQUAL: ">=",
    _FUZZY: "~",
    _FUZZY | _EQUAL: "~",
    _FUZZY | _LESS: "<~",
    _FUZZY | _LESS | _EQUAL: "<~",
    _FUZZY | _GREATER: ">~",
    _FUZZY | _GREATER | _EQUAL: ">~",
    _LESS | _GREATER: "><",
}
_ANY = _EQUAL | _LESS | _GREATER
MANDATORY = (1, 2, 3)
"""Without name, version and identity nothing in an index can be asked for."""
_HASH_SIZES = (20, 32)


class Described(NamedTuple):
    """A package as its own file or an index describes it.

    Attributes:
        info: What a `.PKGINFO` would say.
        identity: In an index what names the package: the SHA-256 of its ADB block, the first 20 bytes of
            that, or the SHA-1 of a version 2 control segment. In a package its unique id.
        size: Bytes of its file; 0 in a package.
    """

    info: PackageInfo
    identity: bytes
    size: int


def described(record: Record) -> Described:
    """Reads the description of a package.

    Raises:
        FormatError: if it is malformed.
    """
    name = _word(record, 1, "name")
    with located(name):
        if record.integer(20):
            raise FormatError("a package for another layer than the root file system")
        identity = record.blob(3)
        if identity and len(identity) not in _HASH_SIZES:
            raise FormatError(f"an identity of {len(identity)} bytes")
        info = PackageInfo(
            name=name,
            version=_word(record, 2, "version"),
            description=line(record, 4),
            arch=line(record, 5),
            license=line(record, 6),
            origin=line(record, 7),
            maintainer=line(record, 8),
            url=line(record, 9),
            commit=record.blob(10).hex(),
            build_time=record.integer(11) or 0,
            installed_size=record.integer(12) or 0,
            provider_priority=record.integer(14),
            depends=tuple(_dependencies(record, 15)),
            provides=tuple(_dependencies(record, 16)),
            replaces=tuple(_dependencies(record, 17)),
            install_if=tuple(_dependencies(record, 18)),
            tags=tuple(words(record, 21)),
        )
        return Described(info, identity, record.integer(13) or 0)


def words(record: Record, slot: int) -> Iterator[str]:
    """The words in an array, without empty ones.

    Raises:
        FormatError: if one is no word.
    """
    for each in record.blobs(slot):
        text = each.decode("utf-8", "surrogateescape")
        if text:
            yield _checked(text, _WORD)


def _dependencies(record: Record, slot: int) -> Iterator[str]:
    """Dependencies as version 2 writes them; what has no name is none."""
    for each in record.records(slot):
        name = each.text(1)
        if name:
            yield _dependency(_checked(name, _NAME), each.text(2), each.integer(3))


def _dependency(name: str, version: str, match: int | None) -> str:
    """One dependency: `[!]name[operator version]`."""
    match = _EQUAL if match is None else match
    negated, match = "!" if match & _CONFLICT else "", match & ~_CONFLICT
    if not version:
        if match not in (_EQUAL, _ANY, 0):
            raise FormatError(f"a comparison with nothing: `{name}`")
        return negated + name
    operator = _OPERATORS.get(match)
    if operator is None:
        raise FormatError(f"an unknown comparison: `{name}`, {match}")
    return negated + name + operator + _checked(version, _WORD)


def _word(record: Record, slot: int, meaning: str) -> str:
    text = record.text(slot)
    if not text:
        raise FormatError(f"a package without {meaning}")
    return _checked(text, _WORD)


def _checked(text: str, form: re.Pattern[str]) -> str:
    if not form.fullmatch(text):
        raise FormatError(f"expected a word: `{text[:80]!r}`")
    return text


def line(record: Record, slot: int) -> str:
    """A text in one line.

    Raises:
        FormatError: if it is none.
    """
    text = record.text(slot)
    return _CONTROL.sub(" ", text).strip() if _CONTROL.search(text) else text
