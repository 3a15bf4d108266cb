"""Why a layer is not the bytes that a distribution signed."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

_SHOWN = 3


class Reason(Enum):
    """What makes a package's data segment wrong as a layer; the value stands in annotations."""

    OWNER = "owner"
    LINKED_FOLDER = "linked-folder"
    CONFLICT = "conflict"
    HARD_LINK = "hard-link"
    HIDDEN = "hidden"
    HEADER = "header"
    RULE = "rule"
    ORIGIN = "origin"
    BUDGET = "budget"
    SINGLE = "single"
    V3 = "v3"

    @property
    def text(self) -> str:
        """The reason in words."""
        return _TEXTS[self]


_TEXTS = {
    Reason.OWNER: "files have owners that go by another number here",
    Reason.LINKED_FOLDER: "folders of the package are symbolic links in this image",
    Reason.CONFLICT: "another package has the paths, which the order of layers cannot say",
    Reason.HARD_LINK: "the file of a hard link is another package's here",
    Reason.HIDDEN: "names at the top that apk does not install",
    Reason.HEADER: "the archive is read differently by apk and by runtimes",
    Reason.RULE: "the configuration changes files",
    Reason.ORIGIN: "packages of one origin share a layer",
    Reason.BUDGET: "the budget of layers is spent, small packages share one",
    Reason.V3: "a package of apk version 3 is no tar archive",
    Reason.SINGLE: "the configuration asks for a single layer",
}


class Because(NamedTuple):
    """A reason with its evidence.

    Attributes:
        reason: What is wrong with the data segment.
        evidence: Paths, or what was found.
    """

    reason: Reason
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.reason.text + _listed(self.evidence)


def _listed(evidence: Sequence[str]) -> str:
    if not evidence:
        return ""
    more = f" and {len(evidence) - _SHOWN} more" if len(evidence) > _SHOWN else ""
    return ": " + ", ".join(f"`{item}`" for item in evidence[:_SHOWN]) + more
