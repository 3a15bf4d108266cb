"""From what git says of a source to a version that apk orders rightly.

    v1.2.3            1.2.3
    v1.2.3-rc.1       1.2.3_rc1
    1.2.3a2           1.2.3_alpha2
    hello-1.2.3+x86   1.2.3              (what follows `+` is no part of the order)
    4 commits later   1.2.3_p4           after 1.2.3, before 1.2.3.1 and 1.2.4
    changed files     1.2.3_git          after 1.2.3, before 1.2.3_p1
    no tag            0_git20260822      the day of the commit, below every release

`1.2.3_rc1_p4` lies between `1.2.3_rc1` and `1.2.3_rc2` (apk-package(5), "Version").
"""

import re

from witchery.apk import version as versions

_DESCRIBED = re.compile(r"(?P<tag>.+)-(?P<distance>[0-9]{1,9})-g[0-9a-f]{4,64}")
_DIRTY = "-dirty"
_MAX_TAG = 100
_START = re.compile(r"(?:^|[-_/])v?(?=[0-9])")
_PRE = "alpha|beta|preview|pre|rc|dev|a|b|c"
_POST = "post|patch|pl|p"
_TAG = re.compile(
    rf"(?P<numbers>[0-9]+(?:[._-][0-9]+)*)(?P<letter>[a-z](?![a-z0-9]))?"
    rf"(?:[._~-]?(?P<pre>{_PRE})(?:[._-]?(?P<pre_number>[0-9]+))?)?"
    rf"(?:[._~-]?(?P<post>{_POST})(?:[._-]?(?P<post_number>[0-9]+))?)?(?:\+.*)?"
)
_SUFFIX = {"a": "alpha", "b": "beta", "c": "rc", "preview": "pre", "dev": "alpha"}


def from_git(described: str, day: str) -> str:
    """A version, without the release.

    Args:
        described: What `git describe --tags --long --always --dirty` says.
        day: The day of the commit in UTC, as `YYYYMMDD`.
    """
    found = _DESCRIBED.fullmatch(described.removesuffix(_DIRTY))
    version = from_tag(found["tag"]) if found else ""
    if not version:
        version = f"0_git{day}"
    elif found and int(found["distance"]):
        version += f"_p{int(found['distance'])}"
    return f"{version}_git" if described.endswith(_DIRTY) else version


def from_tag(tag: str) -> str:
    """The version that a tag names, or an empty string where it names none."""
    start = _START.search(tag.lower())
    if start is None or len(tag) > _MAX_TAG:
        return ""
    found = _TAG.fullmatch(tag.lower()[start.end() :])
    if found is None:
        return ""
    version = re.sub("[_-]", ".", found["numbers"]) + (found["letter"] or "")
    if found["pre"]:
        version += f"_{_SUFFIX.get(found['pre'], found['pre'])}{found['pre_number'] or ''}"
    if found["post"]:
        version += f"_p{found['post_number'] or ''}"
    return version if versions.is_valid(version) else ""
