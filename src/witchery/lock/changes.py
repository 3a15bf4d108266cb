"""What moves between two locks: versions, sizes, what is added and what is gone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from witchery.arch import Arch
from witchery.value import frozen


@frozen
class Held:
    """A package as one of the two has it.

    Attributes:
        version: Its version.
        size: Bytes of the package file.
        identity: The hash of its control segment: a package can be built anew under the same version.
        installed_size: Bytes of its files, where they matter.
    """

    version: str
    size: int
    identity: bytes
    installed_size: int = 0


@frozen
class Change:
    """A package that is not the same in both.

    Attributes:
        name: The package.
        before: As it was; None where it is added.
        after: As it is; None where it is gone.
    """

    name: str
    before: Held | None
    after: Held | None

    @property
    def kind(self) -> str:
        """`added`, `gone`, `moved`, or `rebuilt` where even the version is the same."""
        if self.before is None or self.after is None:
            return "gone" if self.after is None else "added"
        return "rebuilt" if self.before.version == self.after.version else "moved"

    @property
    def growth(self) -> int:
        """How many bytes more there are to fetch."""
        return (self.after.size if self.after else 0) - (self.before.size if self.before else 0)


@frozen
class Changes:
    """All that moves.

    Attributes:
        archs: The changes by architecture; one that is added or gone has all its packages in them.
        demand: How what was asked for differs, a sentence each.
    """

    archs: Sequence[tuple[Arch, tuple[Change, ...]]]
    demand: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.demand) or any(changes for _, changes in self.archs)

    @property
    def rows(self) -> Iterator[tuple[Change, tuple[Arch, ...]]]:
        """Each change once, with the architectures that it is the same for."""
        found: dict[tuple[str, str, str], tuple[Change, list[Arch]]] = {}
        for arch, changes in self.archs:
            for each in changes:
                versions = (
                    each.before.version if each.before else "",
                    each.after.version if each.after else "",
                )
                found.setdefault((each.name, *versions), (each, []))[1].append(arch)
        return ((change, tuple(archs)) for change, archs in found.values())


def compared(before: Mapping[str, Held], after: Mapping[str, Held]) -> tuple[Change, ...]:
    """The changes from one set of packages to another, by name."""
    names: Iterable[str] = sorted({*before, *after})
    changes = (Change(name, before.get(name), after.get(name)) for name in names)
    return tuple(each for each in changes if _differ(each))


def _differ(change: Change) -> bool:
    before, after = change.before, change.after
    if before is None or after is None:
        return True
    return (before.version, before.identity) != (after.version, after.identity)
