"""The words of a question: names, patterns of names, source packages.

    asked = "origin:" source package | name [operator version]

In a name `*` and `?` stand for any characters and for one.
"""

import re
from collections.abc import Callable, Iterable

from witchery.apk import version as versions
from witchery.apk.dependency import Dependency, DependencyError
from witchery.errors import FormatError
from witchery.impact.universe import Universe
from witchery.value import frozen

_ORIGIN = "origin:"
_WILD = re.compile(r"[*?]")
_STAND_INS = {"*": "-any-", "?": "-one-"}  # letters that a name may have, while the rest is checked
_LOWER = (">", ">=")
_UPPER = ("<", "<=")


@frozen
class Asked:
    """One word of a question.

    Attributes:
        text: The word, as it was given.
        dependency: The name or pattern, and the condition on its version.
        origin: The pattern of source packages, or an empty string.
    """

    text: str
    dependency: Dependency
    origin: str = ""

    @classmethod
    def parse(cls, text: str) -> "Asked":
        """Reads a word.

        Raises:
            FormatError: if it is none.
        """
        origin = text.removeprefix(_ORIGIN) if text.startswith(_ORIGIN) else ""
        plain = _WILD.sub(lambda match: _STAND_INS[match[0]], origin or text)
        try:
            checked = Dependency.parse(plain)
        except DependencyError:
            checked = Dependency("", conflict=True)
        unsaid = text.startswith(_ORIGIN) and (not origin or checked.operator)
        if checked.conflict or checked.tag or unsaid:
            raise FormatError(
                f"expected a name, such as `so:libssl.so.3`, `openssl-dev>3` or `origin:openssl`: `{text}`"
            )
        name = re.split("[<>=~]", origin or text, maxsplit=1)[0]
        return cls(text, checked._replace(name=name), origin)

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for several names."""
        return bool(_WILD.search(self.dependency.name))

    def names(self, universe: Universe) -> tuple[str, ...]:
        """The names that it stands for, sorted; a name without wildcards is itself, known or not."""
        if not self.is_pattern:
            return (self.dependency.name,)
        fits = _pattern(self.dependency.name)
        return tuple(sorted(name for name in universe.names() if fits(name)))

    def packages(self, universe: Universe) -> tuple[int, ...]:
        """The packages that it means: those so called, or built from the source package."""
        if self.origin:
            fits = _pattern(self.origin)
            return tuple(each for each in range(len(universe)) if fits(universe.origin(each)))
        return tuple(
            each
            for name in self.names(universe)
            for each in universe.named(name)
            if self.dependency.accepts(universe.packages[each].version, universe.packages[each].identity)
        )

    def binding(self, universe: Universe) -> tuple[Dependency, ...]:
        """The dependencies of packages that speak of it: all that they accept, it accepts, too."""
        return tuple(
            dependency
            for name in self.names(universe)
            for dependency, _ in universe.needs(name)
            if entails(dependency, self.dependency)
        )


def entails(dependency: Dependency, wanted: Dependency) -> bool:
    """Says whether whatever satisfies a dependency also satisfies `wanted`; of the same name they are.

    So `python3~3.10` and `python3=3.10.5-r0` entail `python3~3.10`, while `python3` and `python3>=3.9` leave
    open what they get.
    """
    if not wanted.operator or dependency[2:4] == wanted[2:4]:
        return True
    if dependency.operator == "=":
        return wanted.accepts(dependency.version)
    if dependency.operator == "~" == wanted.operator:
        return versions.starts_with(dependency.version, wanted.version)
    for strict, loose in (_LOWER, _UPPER):
        if dependency.operator in (strict, loose) and wanted.operator in (strict, loose):
            order = versions.compare(dependency.version, wanted.version)
            stricter = order > 0 if strict == ">" else order < 0
            return stricter or (order == 0 and (dependency.operator == strict or wanted.operator == loose))
    return False


def all_binding(words: Iterable[Asked], universe: Universe) -> frozenset[Dependency]:
    """The dependencies that speak of any of some words."""
    return frozenset(dependency for word in words for dependency in word.binding(universe))


def _pattern(text: str) -> Callable[[str], object]:
    parts = re.split(r"([*?])", text)
    regex = "".join(".*" if part == "*" else "." if part == "?" else re.escape(part) for part in parts)
    return re.compile(regex).fullmatch
