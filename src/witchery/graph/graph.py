"""The packages of an image, and what asks for each.

A graph with two kinds of reasons. A dependency is a reason by itself: one package that asks is enough. The
conditions of an `install_if` are a reason together: where one of the packages that meet them goes, it is none
any more. What nothing asks for is in the graph all the same, since images of others have such packages.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.solver.solution import Cause, Reason, Solution

WORLD = ""
"""What asks for what was requested; no package has this name."""


class Unmet(NamedTuple):
    """A dependency that nothing in the image meets.

    Attributes:
        package: Who has it; `WORLD` where it was requested.
        dependency: The dependency.
    """

    package: str
    dependency: Dependency


class Step(NamedTuple):
    """From one package to one that it asks for, or that is there because of it.

    Attributes:
        source: The name of the one that asks; `WORLD` for what was requested.
        target: The name of the other.
        reasons: All reasons in which the first has a part.
    """

    source: str
    target: str
    reasons: tuple[Reason, ...]

    @property
    def cause(self) -> Cause:
        """Of which kind the first reason is."""
        return self.reasons[0].cause

    @property
    def dependencies(self) -> tuple[Dependency, ...]:
        """What is asked for, or the conditions that are met; each once."""
        return tuple(dict.fromkeys(each for reason in self.reasons for each in reason.dependencies))


class Graph:
    """The packages of one image, and what asks for each.

    Attributes:
        packages: The packages by name, in the order in which they were given.
        reasons: Why each is there, by name; nothing for those that nothing asks for.
        unmet: Dependencies that nothing here meets.
    """

    def __init__(
        self,
        packages: Iterable[Package],
        reasons: Mapping[str, Iterable[Reason]],
        unmet: Iterable[Unmet] = (),
    ) -> None:
        self.packages: Mapping[str, Package] = {each.name: each for each in packages}
        self.reasons: Mapping[str, tuple[Reason, ...]] = {
            name: tuple(reasons.get(name, ())) for name in self.packages
        }
        self.unmet = tuple(unmet)

    @staticmethod
    def of_solution(solution: Solution) -> "Graph":
        """The graph of what a solver found, with its reasons.

        A solver has no need of conditions for what is there anyway. They hold all the same, and would keep a
        package whose other reasons go, so they are added.
        """
        making = _Making(tuple(each.package for each in solution))
        reasons = {
            each.package.name: dict.fromkeys((*each.reasons, *making.conditions(each.package)))
            for each in solution
        }
        return Graph((each.package for each in solution), reasons)

    @staticmethod
    def of(world: Iterable[Dependency], packages: Iterable[Package]) -> "Graph":
        """The graph of packages that are together somewhere, whoever chose them.

        A dependency is met by the package of that name, or else by the first that provides it, as in a
        solution. What is missing is noted, and no error.

        Args:
            world: What was requested.
            packages: The packages, in the order of installation, as far as that is known.
        """
        return _Making(tuple(packages)).graph(tuple(world))

    def __len__(self) -> int:
        return len(self.packages)

    def __contains__(self, name: object) -> bool:
        return name in self.packages

    @cached_property
    def unasked(self) -> tuple[str, ...]:
        """The packages that nothing asks for, not even through others, and that others hang on.

        With what was requested they are where all begins: every package can be reached from one of both.
        """
        found: list[str] = []
        reached = self._spread([WORLD], set(), frozenset())
        rest = [name for name in self.packages if name not in reached]
        rest.sort(key=lambda name: len(self.reasons[name]) > 0)  # those without any reason first
        for name in rest:
            if name not in reached:
                found.append(name)
                self._spread([name], reached, frozenset())
        return tuple(found)

    def requested(self, name: str) -> tuple[Dependency, ...]:
        """By which entries of the world a package was requested."""
        reasons = self.reasons[name]
        return tuple(e for each in reasons if each.cause is Cause.WORLD for e in each.dependencies)

    @cached_property
    def _into(self) -> Mapping[str, tuple[Step, ...]]:
        return {name: tuple(_steps(name, reasons)) for name, reasons in self.reasons.items()}

    @cached_property
    def _out(self) -> Mapping[str, tuple[Step, ...]]:
        found: dict[str, list[Step]] = {WORLD: [], **{name: [] for name in self.packages}}
        for steps in self._into.values():
            for step in steps:
                found[step.source].append(step)
        return {name: tuple(sorted(steps, key=lambda each: each.target)) for name, steps in found.items()}

    def into(self, name: str) -> tuple[Step, ...]:
        """What leads to a package."""
        return self._into[name]

    def out(self, name: str) -> tuple[Step, ...]:
        """Where a package leads, or the `WORLD`; in order of name."""
        return self._out[name]

    def reached(self, *, without: Iterable[str] = (), also: Iterable[str] = ()) -> frozenset[str]:
        """What is in the image because of what was requested.

        Args:
            without: Packages to leave out.
            also: Packages to take for requested.
        """
        gone = frozenset(without)
        starts = [WORLD, *(name for name in also if name not in gone)]
        return frozenset(self._spread(starts, set(), gone) - {WORLD})

    def _spread(self, ahead: list[str], found: set[str], gone: frozenset[str]) -> set[str]:
        """Adds to what is found all that is there because of it, and of what lies ahead."""
        while ahead:
            here = ahead.pop()
            if here in found:
                continue
            found.add(here)
            ahead.extend(
                step.target
                for step in self.out(here)
                if step.target not in found and step.target not in gone and self._holds(step, found)
            )
        return found

    def leaving_with(self, names: Iterable[str]) -> frozenset[str]:
        """What is in the image only because of some packages, these included."""
        gone = frozenset(names)
        return frozenset(self.packages) - self.reached(without=gone, also=self.unasked)

    def _holds(self, step: Step, found: set[str]) -> bool:
        return any(
            reason.cause is not Cause.INSTALL_IF or all(each in found for each in asking(step.target, reason))
            for reason in step.reasons
        )


def asking(target: str, reason: Reason) -> tuple[str, ...]:
    """Who has a part in a reason for a package; `WORLD` alone where no other package has."""
    names = tuple(each for each in reason.packages if each != target)
    return names or (WORLD,)


def _steps(target: str, reasons: Iterable[Reason]) -> Iterator[Step]:
    found: dict[str, list[Reason]] = {}
    for reason in reasons:
        for source in asking(target, reason):
            found.setdefault(source, []).append(reason)
    for source, shared in found.items():
        yield Step(source, target, tuple(dict.fromkeys(shared)))


class _Making:
    """Makes a graph of packages that are together somewhere."""

    def __init__(self, packages: tuple[Package, ...]) -> None:
        self._packages = packages
        self._offers: dict[str, list[tuple[Package, str]]] = {}
        for package in packages:
            for name, version in ((package.name, package.version), *package.provides):
                self._offers.setdefault(name, []).append((package, version))
        self._found: dict[str, list[Reason]] = {package.name: [] for package in packages}
        self._spare: dict[str, list[Reason]] = {package.name: [] for package in packages}
        self._unmet: list[Unmet] = []

    def graph(self, world: tuple[Dependency, ...]) -> Graph:
        for entry in world:
            self._ask(entry, Reason(Cause.WORLD, (entry,)), WORLD)
        for package in self._packages:
            for dependency in package.depends:
                self._ask(dependency, Reason(Cause.DEPENDS, (dependency,), (package.name,)), package.name)
        for package in self._packages:
            self._found[package.name].extend(self.conditions(package))
        reasons = {name: found or self._spare[name] for name, found in self._found.items()}
        return Graph(self._packages, reasons, self._unmet)

    def _ask(self, wanted: Dependency, reason: Reason, who: str) -> None:
        if wanted.conflict:
            return
        met = [each.name for each in self._meeting(wanted)]
        if not met:
            self._unmet.append(Unmet(who, wanted))
        elif who not in met:
            self._found[met[0]].append(reason)
            for name in met[1:]:
                self._spare[name].append(reason)

    def conditions(self, package: Package) -> Iterator[Reason]:
        """The reason that the conditions of a package are, if they are all met."""
        met = [next(self._meeting(each), None) for each in package.install_if if not each.conflict]
        names = dict.fromkeys(each.name for each in met if each)
        if package.install_if and None not in met:
            yield Reason(Cause.INSTALL_IF, package.install_if, tuple(names))

    def _meeting(self, wanted: Dependency) -> Iterator[Package]:
        """Who meets a dependency: a package of that name before one that provides it."""
        offers = self._offers.get(wanted.name, ())
        for package, version in sorted(offers, key=lambda offer: offer[0].name != wanted.name):
            if wanted.is_satisfied_by(version, package.identity):
                yield package
