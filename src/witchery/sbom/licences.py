"""Licences as packages state them, made into SPDX licence expressions (SPDX 2.3, annex D).

The field `L:` of apk is meant to be such an expression, and often is none: identifiers that nobody has
registered (`Public-Domain`, `custom`), exceptions that are not in the list (`WITH OpenSSL-Exception`), words
with blanks between them, as abuild once wanted it (`GPL-2.0 BSD`). Nothing is guessed here: what is not in
the list becomes a reference of its own, `LicenseRef-...`, with the text that was stated; what cannot be read
as an expression becomes one such reference as a whole.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

NOASSERTION = "NOASSERTION"
"""Nobody says anything."""

MAX_TEXT = 4096
"""A longer text is not read as an expression, in characters."""
MAX_DEPTH = 32
"""How deep parentheses may stand in each other."""
MAX_TERMS = 200
"""How many words an expression may have."""

_REF = "LicenseRef-"
_WORD = re.compile(r"\s*(?:([()])|([A-Za-z0-9.+:_-]+))")
_OUTSIDE = r"[^A-Za-z0-9.-]+"
_REFERENCE = _REF + r"[A-Za-z0-9.-]+"
_OPERATORS = ("AND", "OR", "WITH")
_SILENT = frozenset(("", "none", "unknown", "unspecified", "noassertion"))
_VAGUE = frozenset(("custom", "custom:multiple", "other", "proprietary"))
_MAX_SLUG = 64


class Licence(NamedTuple):
    """What a package says of its licence.

    Attributes:
        expression: A valid SPDX expression, or `NOASSERTION`.
        references: The references in it, `LicenseRef-...`, each with the words that it stands for.
    """

    expression: str
    references: tuple[tuple[str, str], ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all of it is one reference, so that there is nothing to evaluate."""
        return [self.expression] == [name for name, _ in self.references]


def parse(stated: str, owner: str = "") -> Licence:
    """Reads what a package states.

    Args:
        stated: The field `license`.
        owner: Whose package it is: two packages that say `custom` do not mean one licence.
    """
    text = stated.strip()
    if text.lower() in _SILENT:
        return Licence(NOASSERTION)
    if known := _licence_ids().get(text.lower()):
        return Licence(known)
    reader = _Reader(text, owner)
    expression = reader.expression() if len(text) <= MAX_TEXT else ""
    if expression:
        return Licence(expression, tuple(sorted(reader.references.items())))
    reference = _reference(text, owner)
    return Licence(reference, ((reference, text[:MAX_TEXT]),))


class _UnreadableError(Exception):
    """It is no expression."""


class _Reader:
    """Reads one text by recursive descent: `OR` binds less than `AND`, `AND` less than `WITH`."""

    def __init__(self, text: str, owner: str) -> None:
        self._text = text
        self._owner = owner
        self._words: list[str] = []
        self._at = 0
        self.references: dict[str, str] = {}

    def expression(self) -> str:
        """The expression in canonical spelling, or an empty string."""
        end = 0
        while end < len(self._text):
            found = _WORD.match(self._text, end)
            if found is None or len(self._words) >= MAX_TERMS:
                return ""
            self._words.append(found[1] or found[2])
            end = found.end()
        try:
            read = self._either(0)
        except _UnreadableError:
            return ""
        return read if self._at == len(self._words) else ""

    def _peek(self) -> str:
        word = self._words[self._at] if self._at < len(self._words) else ""
        return word.upper() if word.upper() in _OPERATORS else word

    def _next(self) -> str:
        word = self._peek()
        self._at += 1
        return word

    def _either(self, depth: int) -> str:
        return self._joined("OR", lambda: self._all(depth))

    def _all(self, depth: int) -> str:
        return self._joined("AND", lambda: self._with(depth))

    def _joined(self, operator: str, read: Callable[[], str]) -> str:
        parts = [read()]
        while self._peek() == operator:
            self._at += 1
            parts.append(read())
        return f" {operator} ".join(parts)

    def _with(self, depth: int) -> str:
        word = self._next()
        if word == "(":
            if depth >= MAX_DEPTH:
                raise _UnreadableError
            inner = self._either(depth + 1)
            if self._next() != ")":
                raise _UnreadableError
            return f"({inner})"
        if not word or word == ")" or word in _OPERATORS:
            raise _UnreadableError
        if self._peek() != "WITH":
            return _identifier(word) or self._referred(word)
        self._at += 1
        exception = self._next()
        if not exception or exception in ("(", ")") or exception in _OPERATORS:
            raise _UnreadableError
        licence, known = _identifier(word), _exception_ids().get(exception.lower(), "")
        if licence and known:
            return f"{licence} WITH {known}"
        return self._referred(f"{word} WITH {exception}")

    def _referred(self, text: str) -> str:
        reference = _reference(text, self._owner)
        self.references[reference] = text
        return reference


def _identifier(word: str) -> str:
    """A licence's identifier as the list spells it, or nothing."""
    known = _licence_ids()
    if found := known.get(word.lower()):
        return found
    base = known.get(word[:-1].lower()) if word.endswith("+") else None
    return f"{base}+" if base else ""


def _reference(text: str, owner: str) -> str:
    """A name for a licence that has none: readable, and not another text's."""
    if re.fullmatch(_REFERENCE, text):
        return text
    slug = re.sub(_OUTSIDE, "-", text).strip("-.")
    if text.lower() in _VAGUE and owner:
        slug = f"{re.sub(_OUTSIDE, '-', owner).strip('-.')}-{slug}"
    faithful = slug == ("" if "-WITH-" in text else text.replace(" WITH ", "-WITH-"))
    if not faithful or len(slug) > _MAX_SLUG:
        mark = hashlib.sha256(f"{text}\0{owner if text.lower() in _VAGUE else ''}".encode()).hexdigest()[:8]
        slug = f"{slug[:_MAX_SLUG].rstrip('-.')}-{mark}".lstrip("-")
    return _REF + slug


@cache
def _licence_ids() -> Mapping[str, str]:
    """The identifiers of the list by their lower-case form: SPDX compares them without regard to case."""
    from witchery.sbom import licence_ids

    return {each.lower(): each for each in licence_ids.LICENCES.split()}


@cache
def _exception_ids() -> Mapping[str, str]:
    from witchery.sbom import licence_ids

    return {each.lower(): each for each in licence_ids.EXCEPTIONS.split()}
