"""Which release of Alpine a package belongs to, and how long a release gets fixes.

A secdb speaks of one branch, such as `3.19`, or of `edge`; a fix in one says nothing about another.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from witchery.errors import FormatError

EDGE = "edge"
"""The branch that is developed; it has no number."""

SUPPORTED_UNTIL: Mapping[str, str] = {
    "3.8": "2020-05-01",
    "3.9": "2020-11-01",
    "3.10": "2021-05-01",
    "3.11": "2021-11-01",
    "3.12": "2022-05-01",
    "3.13": "2022-11-01",
    "3.14": "2023-05-01",
    "3.15": "2023-11-01",
    "3.16": "2024-05-23",
    "3.17": "2024-11-22",
    "3.18": "2025-05-09",
    "3.19": "2025-11-01",
    "3.20": "2026-04-01",
    "3.21": "2026-11-01",
    "3.22": "2027-05-01",
    "3.23": "2027-11-01",
}
"""The last day of security support, of those branches that are known (https://alpinelinux.org/releases/)."""

_BRANCH = re.compile(r"v?([0-9]{1,4}\.[0-9]{1,4})(?:\.[0-9]{1,4})?")
_IN_DEVELOPMENT = re.compile(r"[0-9.]+_alpha[0-9]*")
_PLACE = re.compile(r"/(?:v([0-9]+\.[0-9]+)|(edge))/([a-z]+)(?:/|$)")
_ASSIGNMENT = re.compile(r"""^(ID|VERSION_ID)=["']?([^"'\n]*)["']?\s*$""", re.MULTILINE)


class Distribution(NamedTuple):
    """What an image says that it is (os-release(5)).

    Attributes:
        id: `alpine`, or another; empty where nothing says.
        version: `3.19.1`; empty where nothing says.
    """

    id: str
    version: str

    @property
    def branch(self) -> str:
        """The branch, or an empty string where none can be told from the version."""
        if _IN_DEVELOPMENT.fullmatch(self.version):
            return EDGE
        match = _BRANCH.match(self.version)
        return match[1] if match else ""


def branch_of(text: str) -> str:
    """The branch that `v3.19`, `3.19.1` or `edge` belongs to.

    Raises:
        FormatError: if it is none of these.
    """
    if text == EDGE:
        return EDGE
    match = _BRANCH.fullmatch(text)
    if match is None:
        raise FormatError(f"expected a release such as `v3.19` or `edge`: `{text[:80]}`")
    return match[1]


def place_of(location: str) -> tuple[str, str]:
    """The branch and the repository that the address of a repository names; empty texts where it does not."""
    match = _PLACE.search(location)
    return (match[1] or EDGE, match[3]) if match else ("", "")


def read_os_release(data: bytes) -> Distribution:
    """Reads `etc/os-release` as far as it names the distribution; of a name given twice the last counts."""
    found = dict(_ASSIGNMENT.findall(data.decode("utf-8", "replace")))
    return Distribution(found.get("ID", ""), found.get("VERSION_ID", ""))
