"""Alpine's security database: which version of a source package has which fix (https://secdb.alpinelinux.org).

One document for each repository of a release, made from the `secfixes` comments of its build recipes:

    {"distroversion": "v3.19", "reponame": "main", "archs": ["x86_64", ...],
     "packages": [{"pkg": {"name": ORIGIN, "secfixes": {VERSION: [ENTRY, ...], "0": [...]}}}, ...]}

What it says, and what it does not:

* it names source packages; the packages built from one have it as their `origin`;
* it lists fixes only: that a vulnerability is not in it does not mean that a package has none;
* under the version `0` stands what never was in the package;
* a vulnerability may stand under several versions: a fix that was completed later, or the branches that a
  package went through. Only the highest counts, since no lower one is certain to be whole.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from witchery.apk import version as versions
from witchery.errors import FormatError, located
from witchery.value import frozen
from witchery.vulns.identifiers import MAX_TEXT, Issue, issues
from witchery.vulns.release import EDGE, branch_of
from witchery.vulns.written import meant

MAX_PACKAGES = 100_000
"""How many packages a document may list."""
MAX_ENTRIES = 300_000
"""How many entries they may have together."""
NEVER = "0"
"""The version under which stands what a package never had."""

_MAX_NAME = 256


class Fix(NamedTuple):
    """What is known of one vulnerability in one source package.

    Attributes:
        issue: The vulnerability.
        versions: Where it stands, as written, in the order of the document.
    """

    issue: Issue
    versions: tuple[str, ...]

    @property
    def fixed(self) -> str:
        """The version that has the whole fix; empty where the package never was affected."""
        real = [each for each in map(meant, self.versions) if each != NEVER]
        return max(real, key=versions.order) if real else ""

    def is_missing_from(self, installed: str) -> bool:
        """Whether a version of the package is still without the fix."""
        fixed = self.fixed
        return bool(fixed) and versions.compare(installed, fixed) < 0


@frozen(kw_only=True)
class Secdb:
    """One document.

    Attributes:
        release: The branch of Alpine: `3.19`, or `edge`.
        repository: `main` or `community`.
        archs: The architectures that it speaks of, by Alpine's names.
        packages: What is known of each source package.
    """

    release: str
    repository: str
    archs: frozenset[str]
    packages: Mapping[str, tuple[Fix, ...]]

    @property
    def name(self) -> str:
        """What it is called in messages: `secdb v3.19/main`."""
        release = self.release if self.release == EDGE else f"v{self.release}"
        return f"secdb {release}/{self.repository}"

    @property
    def count(self) -> int:
        """How many vulnerabilities of packages it lists."""
        return sum(map(len, self.packages.values()))

    def of(self, origin: str) -> tuple[Fix, ...]:
        """What is known of a source package."""
        return self.packages.get(origin, ())


def read(document: object) -> Secdb:
    """Reads a decoded document (JSON, or YAML as texts).

    Raises:
        FormatError: if it is something else, or exceeds a limit; the error says where in it.
    """
    top = _mapping(document)
    with located("distroversion"):
        release = branch_of(_text(top.get("distroversion"), _MAX_NAME))
    with located("reponame"):
        repository = _text(top.get("reponame"), _MAX_NAME)
    with located("archs"):
        archs = frozenset(_text(each, _MAX_NAME) for each in _list(top.get("archs"), MAX_PACKAGES))
    with located("packages"):
        if not isinstance(top.get("packages"), list):
            raise FormatError(f"expected a list: {_shown(top.get('packages'))}")
        packages = _packages(_list(top["packages"], MAX_PACKAGES))
    return Secdb(release=release, repository=repository, archs=archs, packages=packages)


def _packages(listed: list[object]) -> Mapping[str, tuple[Fix, ...]]:
    left = MAX_ENTRIES
    found: dict[str, dict[str, Fix]] = {}
    for number, each in enumerate(listed):
        with located(f"[{number}].pkg"):
            package = _mapping(_mapping(each).get("pkg"))
            with located("name"):
                name = _text(package.get("name"), _MAX_NAME)
            with located(f"secfixes ({name})"):
                fixes = found.setdefault(name, {})
                for version, issue in _entries(package.get("secfixes")):
                    left -= 1
                    if left < 0:
                        raise FormatError(f"more than {MAX_ENTRIES} entries")
                    _add(fixes, version, issue)
    return MappingProxyType({name: tuple(fixes.values()) for name, fixes in found.items()})


def _add(fixes: dict[str, Fix], version: str, issue: Issue) -> None:
    known = fixes.get(issue.id)
    if known is None:
        fixes[issue.id] = Fix(issue, (version,))
        return
    aliases = tuple(dict.fromkeys((*known.issue.aliases, *issue.aliases)))
    places = known.versions if version in known.versions else (*known.versions, version)
    fixes[issue.id] = Fix(known.issue._replace(aliases=aliases), places)


def _entries(secfixes: object) -> Iterator[tuple[str, Issue]]:
    if secfixes is None:
        return
    for version, texts in _mapping(secfixes).items():
        with located(f"`{str(version)[:40]}`"):
            for text in _list(texts, MAX_ENTRIES):
                for issue in issues(_text(text, MAX_TEXT)):
                    yield _text(version, _MAX_NAME), issue


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise FormatError(f"expected an object: {_shown(value)}")
    return value


def _list(value: object, limit: int) -> list[object]:
    """A list; none at all counts as an empty one, as recipes leave them."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise FormatError(f"expected a list: {_shown(value)}")
    if len(value) > limit:
        raise FormatError(f"expected at most {limit} items: {len(value)}")
    return value


def _text(value: object, limit: int) -> str:
    if not isinstance(value, str) or not value or len(value) > limit:
        raise FormatError(f"expected a text of at most {limit} characters: {_shown(value)}")
    return value


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else f"`{str(value)[:80]}`"
