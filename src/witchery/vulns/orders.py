"""The orders of versions in the worlds that applications are made of: each a key to sort by.

A key is None where a text is no version of that world; then nothing can be said about it.
"""

import re
from collections.abc import Callable
from typing import Any

Key = tuple[Any, ...]
Order = Callable[[str], Key | None]
"""Gives the key of a version."""

_MAX = 256
"""The longest version that is read, in characters."""

_SEMVER = re.compile(
    r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?"
)
_PEP440 = re.compile(
    r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>[0-9]*))?"
    r"(?P<post>-(?P<post_n1>[0-9]+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_n2>[0-9]*))?"
    r"(?P<dev>[-_.]?dev[-_.]?(?P<dev_n>[0-9]*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?"
)
_PRE = {"alpha": 0, "a": 0, "beta": 1, "b": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_GEM = re.compile(r"[0-9]+(?:\.[0-9a-zA-Z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")


def semver(version: str) -> Key | None:
    """Semantic Versioning 2.0.0, section 11; a leading `v` and missing numbers are let pass.

    A fourth number is taken too, as NuGet does.
    """
    match = _SEMVER.fullmatch(version) if len(version) <= _MAX else None
    if match is None:
        return None
    *numbers, pre = match.groups()
    parts = tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in (pre or "").split(".") if p)
    return (*(int(number or 0) for number in numbers), not parts, parts)


def nuget(version: str) -> Key | None:
    """As semver, but letters are compared without their case (NuGet, "Package versioning")."""
    return semver(version.lower())


def pep440(version: str) -> Key | None:
    """Versions of Python packages (https://packaging.python.org/en/latest/specifications/version-specifiers/)."""
    match = _PEP440.fullmatch(version.strip().lower()) if len(version) <= _MAX else None
    if match is None:
        return None
    release = [int(number) for number in match["release"].split(".")]
    while release and release[-1] == 0:
        release.pop()
    pre = (_PRE[match["pre"]], int(match["pre_n"] or 0)) if match["pre"] else None
    post = int(match["post_n1"] or match["post_n2"] or 0) if match["post"] else -1
    dev = int(match["dev_n"] or 0) if match["dev"] else None
    # Without any of them it stands above its pre-releases; a development release of it below them.
    stage = (0, pre) if pre else (1, ()) if post >= 0 or dev is None else (-1, ())
    parts = re.split(r"[-_.]", match["local"]) if match["local"] else []
    local = tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts)
    return (int(match["epoch"] or 0), tuple(release), stage, post, dev is None, dev or 0, local)


def gem(version: str) -> Key | None:
    """Versions of Ruby gems (`Gem::Version`): a part with letters makes a pre-release, below any number."""
    if len(version) > _MAX or not _GEM.fullmatch(version):
        return None
    key: list[tuple[int, int, str]] = []
    for part in re.findall(r"[0-9]+|[a-zA-Z]+", version.replace("-", ".pre.")):
        if not part.isdecimal() and not any(not number for number, _, _ in key):
            _without(key, _GEM_END)
        key.append((1, int(part), "") if part.isdecimal() else (0, 0, part))
    _without(key, _GEM_END)
    return (*key, _GEM_END)


_GEM_END = (1, 0, "")
"""Where nothing more comes: as good as a zero."""


def maven(version: str) -> Key | None:
    """Versions of Maven artifacts; see `witchery.vulns.maven`."""
    if not version or len(version) > _MAX or version.strip() != version:
        return None
    from witchery.vulns.maven import key

    return (key(version),)


def _without(parts: list[Any], end: Any) -> None:
    """Takes away at the end of a key what counts for nothing."""
    while parts and parts[-1] == end:
        parts.pop()
