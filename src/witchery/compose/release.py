"""Which release of Alpine an image is made of, and how `etc/os-release` says so (os-release(5)).

Scanners choose their data by `ID` and `VERSION_ID`, and a wrong version is worse for them than none. So the
version is what a repository states, or it is left out.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_DESCRIPTION = re.compile(
    r"v?([0-9]+\.[0-9]+(?:\.[0-9]+)?(?:_(?:alpha|beta|rc)[0-9]+)?)(?:-[0-9]+-g[0-9a-f]+)?"
)
_PACKAGED = re.compile(r"([0-9]+\.[0-9]+\.[0-9]+(?:_(?:alpha|beta|rc)[0-9]+)?)-r[0-9]+")
_VARIABLE = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")
_LOCATION = re.compile(r"/(?:v([0-9]+\.[0-9]+)|(edge))(?:/|$)")


class Release(NamedTuple):
    """A release of Alpine.

    Attributes:
        version: `3.19.1`, or `3.19` where no more is known; empty for `edge`, which has no number of its own.
        evidence: What says so.
    """

    version: str
    evidence: str

    @property
    def branch(self) -> str:
        """The first two numbers: `3.19`; empty for `edge`."""
        return ".".join(re.split(r"[._]", self.version)[:2])

    def os_release(self) -> bytes:
        """The content of `etc/os-release`, as the package `alpine-release` has it."""
        lines = ['NAME="Alpine Linux"', "ID=alpine"]
        if self.version:
            lines.append(f"VERSION_ID={self.version}")
        lines += [
            f'PRETTY_NAME="Alpine Linux {f"v{self.branch}" if self.branch else "edge"}"',
            'HOME_URL="https://alpinelinux.org/"',
            'BUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"',
        ]
        return "".join(f"{line}\n" for line in lines).encode()


def read_os_release(data: bytes) -> Mapping[str, str]:
    """The variables of an `etc/os-release`; lines that are none are skipped, as os-release(5) has it."""
    found = {}
    for line in data.decode("utf-8", "replace").splitlines():
        if match := _VARIABLE.fullmatch(line.strip()):
            text = match[2]
            quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
            found[match[1]] = re.sub(r"\\(.)", r"\1", text[1:-1]) if quoted else text
    return found


def releases(
    descriptions: Iterable[str], locations: Iterable[str], offered: Iterable[str] = ()
) -> tuple[Release, ...]:
    """The releases that repositories belong to, one for each branch, the most exact statement of each.

    Args:
        descriptions: What indexes call themselves: `v3.19.1-643-gec825d20535`, `3.19.1`.
        locations: Where repositories are: `https://dl-cdn.alpinelinux.org/alpine/v3.19/main`.
        offered: Versions of the package `alpine-release` in the indexes: `3.19.1-r0`. Asked for only
            where no index says in its description what it belongs to.
    """
    found: dict[str, Release] = {}
    stated = [
        Release(m[1], f"the index `{text}`") for text in descriptions if (m := _DESCRIPTION.fullmatch(text))
    ]
    named = [
        Release(m[1] or "", f"the repository `{m[0].strip('/')}`")
        for text in locations
        if (m := _LOCATION.search(text))
    ]
    if not stated:
        stated = [
            Release(m[1], f"the package `alpine-release-{text}`")
            for text in offered
            if (m := _PACKAGED.fullmatch(text))
        ]
    for release in (*stated, *named):
        known = found.get(release.branch)
        if known is None or _exactness(release) > _exactness(known):
            found[release.branch] = release
    return tuple(found.values())


def _exactness(release: Release) -> tuple[int, ...]:
    """More numbers before fewer, then the higher ones: repositories of a branch move together."""
    numbers = tuple(int(number) for number in re.findall("[0-9]+", release.version))
    return len(numbers), *numbers
