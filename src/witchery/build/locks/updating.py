"""Moving a lock: only what was asked for moves, and it is said what else would have to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.build.image import collect, plan
from witchery.build.locks.files import Notation, demand_of
from witchery.build.locks.locked_package import mirrors_for, restated, stub
from witchery.build.parts import Resolution, sources_of
from witchery.build.request import Request
from witchery.build.workshop import Workshop
from witchery.errors import NoSolutionError, UsageError, WitcheryError
from witchery.lock.changes import Change, Changes, Held, compared
from witchery.lock.demand import differences
from witchery.lock.model import Lock, LockedPackage
from witchery.repository.access import Access
from witchery.repository.indexes import VerifiedIndex
from witchery.repository.location import Repository
from witchery.repository.packages import Wanted, fetch_packages
from witchery.solver.minimise import smallest
from witchery.solver.solution import Solution
from witchery.solver.solver import solve
from witchery.value import frozen, replace


@frozen(kw_only=True)
class Update:
    """A lock that is to be kept but for some packages.

    Attributes:
        lock: The lock.
        path: Its file.
        moving: The names of the packages that are to move.
        mirrors: Where packages may be that their repository has no more.
    """

    lock: Lock
    path: Path
    moving: tuple[str, ...] = ()
    mirrors: tuple[Repository, ...] = ()

    def check(self) -> None:
        """Refuses names that are not locked.

        Raises:
            UsageError: if one is not.
        """
        known = {name for arch in self.lock for name in arch.order}
        if unknown := [f"`{name}`" for name in self.moving if name not in known]:
            raise UsageError(
                f"not in the lock: {', '.join(unknown)}",
                hint="only what is locked can move; what the source asks for anew comes by itself",
            )

    def chosen(
        self,
        world: Sequence[Dependency],
        given: Sequence[Package],
        indexes: Sequence[VerifiedIndex],
        arch: Arch,
        access: Access,
    ) -> tuple[tuple[VerifiedIndex, ...], Solution]:
        """Solves with the packages of the lock wherever they may stay.

        Raises:
            NoSolutionError: if more would have to move; it names what.
            WorldError: if a package that is to stay can be had nowhere.
        """
        locked = self.lock.of(arch)
        packages = locked.packages if locked else ()
        kept = {each.name: each for each in packages if each.name not in self.moving and each.repository}
        held = self._held(kept, indexes, arch, access)
        kept = {name: each for name, each in kept.items() if any(_lists(index, each) for index in held)}

        def solved(names: Iterable[str]) -> Solution:
            wanted = {name: kept[name].identity for name in names}
            limited = [replace(each, index=each.index.limited(wanted)) for each in held]
            return solve(world, sources_of(given, limited), arch.apk)

        try:
            solution = solved(kept)
        except NoSolutionError as error:
            solution = solve(world, sources_of(given, indexes), arch.apk)  # not even freely: it says why
            raise self._along(list(kept), solution, solved, error) from None
        return held, solution

    def _held(
        self,
        kept: Mapping[str, LockedPackage],
        indexes: Sequence[VerifiedIndex],
        arch: Arch,
        access: Access,
    ) -> tuple[VerifiedIndex, ...]:
        """The indexes, with what they no longer list of the packages to keep."""
        notation = Notation.of(self.path)
        gone: dict[Repository, list[LockedPackage]] = {}
        for package in kept.values():
            if any(_lists(index, package) for index in indexes):
                continue
            places = (each.repository for each in indexes)
            repository = next((each for each in places if notation.means(package.repository, each)), None)
            if repository is not None:
                gone.setdefault(repository, []).append(package)
        more = {where: self._stanzas(where, each, arch, access) for where, each in gone.items()}
        return tuple(
            replace(each, index=each.index.limited({}, more[each.repository]))
            if each.repository in more
            else each
            for each in indexes
        )

    def _stanzas(
        self, repository: Repository, packages: Sequence[LockedPackage], arch: Arch, access: Access
    ) -> list[str]:
        """What an index said of packages that it lists no more."""
        wanted = [
            Wanted(
                package=stub(each),
                arch=arch,
                repositories=(*mirrors_for(each, self.mirrors), repository),
            )
            for each in packages
        ]
        try:
            fetched = fetch_packages(access, wanted)
        except WitcheryError as error:
            hint = (
                "its repository no longer lists this package, and an update keeps it: name it too, after"
                " `--update`, or give a mirror that has it with `--from`"
            )
            error.hints = (hint,)
            raise error from error.__cause__
        return [
            restated(found.archive, arch, each.stated, each.identity).stanza
            for each, found in zip(packages, fetched, strict=True)
        ]

    def _along(
        self,
        kept: list[str],
        free: Solution,
        solved: Callable[[Iterable[str]], Solution],
        error: NoSolutionError,
    ) -> NoSolutionError:
        """Names the fewest packages that would have to move as well."""

        def possible(names: Iterable[str]) -> bool:
            lifted = set(names)
            try:
                solved([name for name in kept if name not in lifted])
            except NoSolutionError:
                return False
            return True

        locked = {each.name: each for arch in self.lock for each in arch.packages}
        chosen = {each.package.name: each.package for each in free}
        suspects = [n for n in kept if n not in chosen or chosen[n].identity != locked[n].identity]
        needed = smallest(suspects if possible(suspects) else kept, possible)
        lines = [
            f"`{name}`: {locked[name].version} to {chosen[name].version if name in chosen else 'gone'}"
            for name in needed
        ]
        what = ", ".join(f"`{name}`" for name in self.moving)
        said = f"{what} cannot move alone" if what else "what the source asks for cannot be had"
        names = " ".join(dict.fromkeys((*self.moving, *needed)))
        return NoSolutionError(
            "\n  ".join((f"{said} while the rest stays as it is locked; these would move along:", *lines)),
            hint=(f"`witchery lock SOURCE --update {names}` moves them", *error.hints),
        )


def _lists(index: VerifiedIndex, package: LockedPackage) -> bool:
    return any(each.identity == package.identity for each in index.index.named(package.name))


def would_change(
    requests: Sequence[Request], workshop: Workshop, lock: Lock, path: Path, keeping: Update | None = None
) -> Changes:
    """What would be another in a new lock; nothing is fetched but indexes, as far as that can be.

    Args:
        requests: What is to be locked, for each architecture.
        workshop: Where.
        lock: The lock as it is.
        path: Its file.
        keeping: What is to stay.

    Raises:
        WitcheryError: as `make_lock`.
    """
    found: dict[Arch, tuple[Change, ...]] = {}
    for request in requests:
        planned = plan(replace(request, keeping=keeping), workshop)
        no_shell = request.config.contents.shell == "forbid"
        resolution = collect(planned).resolution if no_shell else planned.resolution
        found[request.arch] = compared(_locked(lock, request.arch), _resolved(resolution))
    for each in lock:
        if each.arch not in found:
            found[each.arch] = compared(_locked(lock, each.arch), {})
    wanted = demand_of(requests[0], Notation.of(path, requests[0]))
    return Changes(tuple(found.items()), differences(lock.demand, wanted))


def _locked(lock: Lock, arch: Arch) -> dict[str, Held]:
    locked = lock.of(arch)
    packages = locked.packages if locked else ()
    return {each.name: Held(each.version, each.size, each.identity) for each in packages}


def _resolved(resolution: Resolution) -> dict[str, Held]:
    own = {each.package.identity for each in resolution.local if each.own}
    return {
        each.package.name: Held(each.package.version, each.package.size, each.package.identity)
        for each in resolution.solution
        if each.package.identity not in own
    }
