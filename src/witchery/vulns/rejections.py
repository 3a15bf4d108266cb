"""What Alpine's security team has judged not to be a vulnerability of a package (security-rejections).

One YAML file for each repository, `{SOURCE PACKAGE: [CVE, ...]}`, in force for every release and stronger
than what secdb says (https://gitlab.alpinelinux.org/alpine/security/security-rejections).
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from witchery.errors import FormatError, located
from witchery.vulns.identifiers import MAX_TEXT, issues

MAX_REJECTIONS = 300_000
"""How many rejections are read."""

Rejections = Mapping[str, frozenset[str]]
"""The rejected vulnerabilities of each source package."""

NONE: Rejections = MappingProxyType({})
"""Nothing is rejected."""


def read(document: object) -> Rejections:
    """Reads a decoded document.

    Raises:
        FormatError: if it is something else, or exceeds a limit.
    """
    if document is None:
        return NONE
    if not isinstance(document, dict):
        raise FormatError("expected a mapping of packages to lists of vulnerabilities")
    left = MAX_REJECTIONS
    found: dict[str, frozenset[str]] = {}
    for package, texts in document.items():
        with located(f"`{str(package)[:80]}`"):
            if not isinstance(texts, list | None):
                raise FormatError("expected a list of vulnerabilities")
            left -= len(texts or ())
            if left < 0:
                raise FormatError(f"more than {MAX_REJECTIONS} rejections")
            found[str(package)] = frozenset(_names(texts or ()))
    return MappingProxyType(found)


def _names(texts: Iterable[object]) -> Iterable[str]:
    for text in texts:
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise FormatError("expected the name of a vulnerability")
        for issue in issues(text):
            yield issue.id


def together(all_of_them: Iterable[Rejections]) -> Rejections:
    """Several documents as one."""
    found: dict[str, frozenset[str]] = {}
    for each in all_of_them:
        for package, names in each.items():
            found[package] = found.get(package, frozenset()) | names
    return MappingProxyType(found)
