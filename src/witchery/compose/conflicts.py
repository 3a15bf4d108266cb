"""Whose file it is when several packages bring the same path; the rules of apk.

A newcomer N meets the owner O of a path. "x replaces y" means that one of x's `replaces` names y and accepts
its version; its weight is then `replaces_priority` (0 where not stated), else -1. The first line that holds
decides:

    weight(O) > weight(N)            O keeps the path
    N replaces O                     N takes it
    same origin, not empty           N takes it
    same content, mode and owner     O keeps it; apk would refuse
    otherwise                        a conflict

A folder is never in conflict with a folder. Its mode and owner come from the package with the highest
`replaces_priority`, else, of packages of one origin, the one that is named like it, else from the one whose
name comes first in byte order.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from witchery.apk.dependency import Dependency, DependencyError
from witchery.compose.part import Part
from witchery.errors import Refused
from witchery.rootfs.entry import Entry, Kind

_SHOWN = 20

ADVICE = "leave one of the packages out, or have the one that should win state `replaces`"


class Verdict(Enum):
    """What becomes of a path that a newcomer brings and another owns."""

    KEEP = "the owner keeps it"
    TAKE = "the newcomer takes it"
    SAME = "both are the same; the owner keeps it"
    CONFLICT = "neither may have it"


class Conflict(NamedTuple):
    """Packages that cannot be in one image.

    Attributes:
        path: The path that they disagree on.
        owner: The package that had it.
        newcomer: The package that brings it too.
        problem: What is wrong, in a few words.
    """

    path: str
    owner: str
    newcomer: str
    problem: str

    def __str__(self) -> str:
        return f"`{self.owner}` and `{self.newcomer}` {self.problem}: `{self.path}`"


class ConflictError(Refused):
    """Packages that cannot be in one image; carries every conflict.

    Attributes:
        conflicts: All of them, in the order in which they were met.
    """

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        lines = [str(conflict) for conflict in conflicts[:_SHOWN]]
        if len(conflicts) > _SHOWN:
            lines.append(f"and {len(conflicts) - _SHOWN} more")
        super().__init__("\n".join(lines), hint=ADVICE)
        self.conflicts = tuple(conflicts)


def verdict(owner: Part, owned: Entry, newcomer: Part, brought: Entry) -> Verdict:
    """Decides between two files, links or one of each at the same path."""
    if owner is newcomer:
        return Verdict.SAME if _alike(owned, brought) else Verdict.CONFLICT
    weight = _weight(newcomer, owner)
    if _weight(owner, newcomer) > weight:
        return Verdict.KEEP
    if weight >= 0 or (owner.package.origin and owner.package.origin == newcomer.package.origin):
        return Verdict.TAKE
    return Verdict.SAME if _alike(owned, brought) else Verdict.CONFLICT


def outranks(newcomer: Part, owner: Part) -> bool:
    """Says whether a folder gets its mode and owner from the newcomer."""
    ours, theirs = _priority(newcomer), _priority(owner)
    if ours != theirs:
        return ours > theirs
    origin = newcomer.package.origin
    if origin and origin == owner.package.origin and origin in (newcomer.name, owner.name):
        return newcomer.name == origin
    return newcomer.name.encode() < owner.name.encode()


def replaces(part: Part, other: Part) -> bool:
    """Says whether a package may take over files of the other one."""
    for text in part.archive.info.replaces:
        try:
            wanted = Dependency.parse_record(text)
        except DependencyError:
            continue
        if wanted.name == other.name and not wanted.conflict and wanted.accepts(other.package.version):
            return True
    return False


def _weight(part: Part, other: Part) -> int:
    return _priority(part) if replaces(part, other) else -1


def _priority(part: Part) -> int:
    return part.archive.info.replaces_priority or 0


def _alike(one: Entry, other: Entry) -> bool:
    """True where it makes no difference which of the two is taken."""
    if one.kind is not other.kind or one.kind is Kind.HARDLINK:
        return False
    fields = ("mode", "size", "target", "xattrs", "uname", "gname")
    return all(getattr(one, field) == getattr(other, field) for field in fields) and (
        one.kind is Kind.SYMLINK or (bool(one.checksum) and one.checksum == other.checksum)
    )
