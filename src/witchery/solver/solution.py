"""The answer: which packages, in which order, where from, and why."""

from collections.abc import Iterator
from enum import Enum

from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.solver.source import Source
from witchery.value import frozen


class Cause(Enum):
    """What kind of reason a package is there for."""

    WORLD = "world"
    DEPENDS = "depends"
    INSTALL_IF = "install_if"


@frozen
class Reason:
    """One reason why a package is in a solution: an edge that leads to it.

    Attributes:
        cause: Of which kind.
        dependencies: What asks for it: one entry of the world, one dependency of a package, or all conditions
            of its own `install_if`.
        packages: The names of the packages that ask: none for the world, the one that depends on it, or those
            that meet the conditions.
    """

    cause: Cause
    dependencies: tuple[Dependency, ...]
    packages: tuple[str, ...] = ()


@frozen
class Selected:
    """A package of a solution.

    Attributes:
        package: The package.
        source: Where to take it from: the first source that has it and may be used.
        tag: The tag of that source, or an empty string.
        reasons: All reasons for it, those of the world first.
    """

    package: Package
    source: Source
    tag: str
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> str:
        """The first reason in words: `wget needs so:libssl.so.3`."""
        if not self.reasons:
            return "it was asked for"
        reason = self.reasons[0]
        named = ", ".join(f"`{each}`" for each in reason.dependencies)
        match reason.cause:
            case Cause.WORLD:
                return f"{named} was asked for"
            case Cause.DEPENDS:
                return f"`{reason.packages[0]}` needs {named}"
            case Cause.INSTALL_IF:
                return f"it goes with {named}"


@frozen
class Solution:
    """Packages that satisfy a world.

    Attributes:
        world: What was asked for, sorted by name.
        arch: For which architecture.
        packages: In the order of installation: dependencies before what needs them, where there is no cycle.
    """

    world: tuple[Dependency, ...]
    arch: str
    packages: tuple[Selected, ...]

    def __iter__(self) -> Iterator[Selected]:
        return iter(self.packages)

    def __len__(self) -> int:
        return len(self.packages)

    def named(self, name: str) -> Selected | None:
        """The package called `name`."""
        return next((each for each in self.packages if each.package.name == name), None)

    def providing(self, name: str) -> tuple[Selected, ...]:
        """The packages that are called `name` or provide it."""
        return tuple(each for each in self.packages if each.package.offers(name))
