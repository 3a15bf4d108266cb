"""Locked packages as a solution again: nothing is searched, but what holds of a solution is checked.

The order is the lock's. Every dependency has to be met, no conflict may be, and something has to ask for
every package: so that a line taken out of a lock, or put in, is seen, and every package has its reasons.
"""

from collections.abc import Iterable, Iterator, Sequence

from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.errors import FormatError
from witchery.solver.search import by_name
from witchery.solver.solution import Cause, Reason, Selected, Solution
from witchery.solver.source import Source
from witchery.value import frozen


@frozen
class Choice:
    """A locked package.

    Attributes:
        package: As its index would describe it.
        source: Where it came from.
        place: Where it stands in the lock, for errors.
    """

    package: Package
    source: Source
    place: str


def solution(world: Iterable[Dependency], arch: Arch, choices: Sequence[Choice], place: str) -> Solution:
    """The solution that locked packages are.

    Args:
        world: What is asked for.
        arch: For which architecture.
        choices: The packages, in their order.
        place: Where they stand in the lock, for errors.

    Raises:
        FormatError: if they are none for this world.
    """
    entries = by_name(world)
    packages = [each.package for each in choices]
    reasons = _Reasons(packages, place)
    for entry in entries:
        reasons.add(entry, Reason(Cause.WORLD, (entry,)), "the world")
    for package in packages:
        for dependency in package.depends:
            reason = Reason(Cause.DEPENDS, (dependency,), (package.name,))
            reasons.add(dependency, reason, f"`{package}`", package)
    for package in packages:
        if package.install_if:
            reasons.add_triggered(package)
    for choice in choices:
        if choice.package.problem or not choice.package.fits(arch.apk):
            raise FormatError(f"cannot be installed on {arch}: `{choice.package}`", where=[choice.place])
        if not reasons.of(choice.package):
            raise FormatError(f"nothing asks for the package: `{choice.package}`", where=[choice.place])
    return Solution(
        entries,
        arch.apk,
        tuple(
            Selected(each.package, each.source, each.source.tag, reasons.of(each.package)) for each in choices
        ),
    )


class _Reasons:
    """Why each package is there."""

    def __init__(self, packages: Sequence[Package], place: str) -> None:
        self._place = place
        self._found: dict[str, list[Reason]] = {package.name: [] for package in packages}
        self._spare: dict[str, list[Reason]] = {package.name: [] for package in packages}
        self._offers: dict[str, list[tuple[Package, str]]] = {}
        for package in packages:
            for name, version in ((package.name, package.version), *package.provides):
                self._offers.setdefault(name, []).append((package, version))

    def of(self, package: Package) -> tuple[Reason, ...]:
        """Its reasons; where others meet the same dependencies before it, these all the same."""
        return tuple(self._found[package.name] or self._spare[package.name])

    def add(self, wanted: Dependency, reason: Reason, who: str, asking: Package | None = None) -> None:
        """Notes a reason for whoever meets a dependency.

        Raises:
            FormatError: if nobody does, or somebody does whom the dependency forbids.
        """
        if wanted.conflict:
            for package, version in self._offers.get(wanted.name, ()):
                if package is not asking and not wanted.is_satisfied_by(version, package.identity):
                    raise FormatError(
                        f"{who} forbids `{wanted}`, and `{package}` is locked", where=[self._place]
                    )
            return
        met = list(self._meeting(wanted))
        if not met:
            raise FormatError(f"{who} needs `{wanted}`, which nothing here provides", where=[self._place])
        if asking not in met:
            self._found[met[0].name].append(reason)
            for each in met[1:]:
                self._spare[each.name].append(reason)

    def add_triggered(self, package: Package) -> None:
        """Notes that a package is there because its `install_if` holds, if it does."""
        met = [next(self._meeting(each), None) for each in package.install_if if not each.conflict]
        names = dict.fromkeys(each.name for each in met if each)
        if None not in met:
            self._found[package.name].append(Reason(Cause.INSTALL_IF, package.install_if, tuple(names)))

    def _meeting(self, wanted: Dependency) -> Iterator[Package]:
        """Who meets a dependency: a package of that name before one that provides it."""
        offers = self._offers.get(wanted.name, ())
        for package, version in sorted(offers, key=lambda offer: offer[0].name != wanted.name):
            if wanted.is_satisfied_by(version, package.identity):
                yield package
