"""No known vulnerability that is fixed: a condition of the solution (`--no-fixable-vulns`).

What was solved is looked up. For each package that has a finding, the versions below the fix are forbidden,
as `!NAME<FIXED` in the world would, and it is solved again, until nothing is found. So the answer is that of
apk among the packages without findings; the image's own world does not change. Where there is no such answer,
the error says what apk would have taken, and who has the fix, if anybody.

Packages that are not Alpine's are no part of it: nothing is known of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock as Mutex

from witchery.apk import version as versions
from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.build.locks.locked import LockUse
from witchery.build.parts import Resolution, sources_of
from witchery.build.request import Request
from witchery.build.vulns import examining as vulns
from witchery.build.vulns import files as vuln_files
from witchery.build.vulns import inventory as inventories
from witchery.build.vulns.data import Data
from witchery.build.vulns.examining import Sources
from witchery.build.vulns.inventory import Inventory
from witchery.errors import NoSolutionError, UsageError
from witchery.repository.access import Access
from witchery.repository.indexes import VerifiedIndex
from witchery.solver.solver import solve
from witchery.value import replace
from witchery.vulns import matching, vex
from witchery.vulns.finding import Finding, Unchecked
from witchery.vulns.identifiers import order

_ROUNDS = 100
_SHOWN = 5
_HINT = "`--vex FILE` names findings that do not count; `witchery vulns` looks them up"


class Condition:
    """The condition, for all architectures of a build; data is read once for each release."""

    def __init__(self, sources: Sources) -> None:
        """A condition.

        Args:
            sources: Where data comes from, and what does not count.
        """
        self._sources = sources
        self._statements = vuln_files.read_vex(sources.vex)
        self._data: dict[tuple[str, ...], Data] = {}
        self._reading = Mutex()

    def met(
        self, request: Request, resolution: Resolution, given: Sequence[Package], access: Access
    ) -> Resolution:
        """The resolution, or the one that apk would come to without the packages that have findings.

        Args:
            request: What is to be built.
            resolution: What apk would take.
            given: Packages that are in no index.
            access: How data is fetched.

        Raises:
            NoSolutionError: if there is no such one.
            WitcheryError: if data cannot be had, or is malformed.
        """
        forbidden: dict[str, Dependency] = {}
        blamed: dict[str, list[Finding]] = {}
        current = resolution
        for _ in range(_ROUNDS):
            inventory = inventories.of_resolution(request.name, request.arch, current)
            found, unchecked = self._findings(inventory, access)
            if not found:
                _warn(unchecked, access)
                return current
            if request.keeping:
                raise _refused(found, resolution.indexes, "", _moving(found, request))
            for name, each in found.items():
                blamed.setdefault(name, []).extend(each)
                least = _least(blamed[name])
                forbidden[name] = Dependency(name, conflict=True, operator="<", version=least)
            world = (*resolution.world, *forbidden.values())
            try:
                solution = solve(world, sources_of(given, resolution.indexes), request.arch.apk)
            except NoSolutionError as error:
                raise _refused(blamed, resolution.indexes, str(error), "") from None
            current = replace(resolution, solution=replace(solution, world=resolution.solution.world))
        raise _refused(blamed, resolution.indexes, "", "")

    def check_lock(self, request: Request, access: Access) -> None:
        """Refuses a lock whose packages have findings.

        Raises:
            NoSolutionError: if it is so.
            UsageError: if it is a lock of apko's, which does not say what packages were built from.
            WitcheryError: if data cannot be had, or is malformed.
        """
        use = request.lock
        if not isinstance(use, LockUse):
            raise UsageError(
                "a lock of apko does not say what packages were built from, so they cannot be looked up",
                hint="`witchery lock apko.yaml` writes one that does",
            )
        locked = use.lock.of(request.arch)
        if locked is None:
            return  # refused in more words by whoever builds from it
        inventory = inventories.of_lock(str(use.path), use.lock, locked)
        found, unchecked = self._findings(inventory, access)
        if found:
            raise _refused(found, (), "", _moving(found, request)).at(str(use.path))
        _warn(unchecked, access)

    def _findings(
        self, inventory: Inventory, access: Access
    ) -> tuple[dict[str, list[Finding]], tuple[Unchecked, ...]]:
        """What counts, by the name of the package; and which packages cannot be looked up."""
        data = self._load(inventory, access)
        matched = matching.match(inventory.packages, data.secdb, data.rejections)
        kept, _ = vex.apply(matched.findings, self._statements)
        found: dict[str, list[Finding]] = {}
        for each in kept:
            found.setdefault(each.package, []).append(each)
        return found, matched.unchecked

    def _load(self, inventory: Inventory, access: Access) -> Data:
        with self._reading:
            known = self._data.get(inventory.releases)
            if known is None:
                known = self._data[inventory.releases] = vulns.load([inventory], access, self._sources)
                for warning in known.warnings:
                    access.reporter.warned(warning)
            return known


def _warn(unchecked: Sequence[Unchecked], access: Access) -> None:
    """Says of which packages nothing is known; but for the application, of which nobody expects it."""
    reasons: dict[str, list[str]] = {}
    for each in unchecked:
        if not each.package.startswith(inventories.APPLICATION):
            reasons.setdefault(each.reason, []).append(each.package)
    for reason, names in reasons.items():
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        shown = ", ".join(names[:_SHOWN])
        access.reporter.warned(f"not looked up for vulnerabilities, {reason}: {shown}{more}")


def _least(findings: Sequence[Finding]) -> str:
    """The first version without any of them."""
    return max((each.fixed for each in findings), key=versions.order)


def _moving(findings: Mapping[str, Sequence[Finding]], request: Request) -> str:
    names = " ".join(findings)
    what = "is to stay as it is locked" if request.keeping else "is locked"
    return f"it {what}: `witchery lock SOURCE --update {names}` moves it"


def _refused(
    findings: Mapping[str, Sequence[Finding]], indexes: Sequence[VerifiedIndex], why: str, hint: str
) -> NoSolutionError:
    lines = []
    is_offered = False
    for name, each in findings.items():
        least = _least(each)
        ids = sorted({finding.id for finding in each}, key=order)
        names = ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
        has = list(_offering(name, least, indexes)) if indexes else []
        is_offered = is_offered or bool(has)
        who = f"; {', '.join(has)}" if has else "; no repository has it" if indexes else ""
        would = "apk would have taken" if indexes else "the lock has"
        lines.append(f"{would} {name}-{each[0].version}; {least} fixes {names}{who}")
    message = "\n  ".join(("known vulnerabilities would be in the image that are fixed:", *lines))
    if why and is_offered:
        message = f"{message}\nand with the fixes it cannot be solved: {why}"
    return NoSolutionError(message, hint=(hint, _HINT) if hint else _HINT)


def _offering(name: str, least: str, indexes: Sequence[VerifiedIndex]) -> Iterator[str]:
    """Who has a version of a package that is at least another."""
    for index in indexes:
        fixed = [
            each.version
            for each in index.index.named(name)
            if versions.compare(each.version, least) >= 0 and each.fits(index.arch.apk)
        ]
        if fixed:
            newest = max(fixed, key=versions.order)
            tag = f"@{index.repository.tag} " if index.repository.tag else ""
            yield f"`{tag}{index.repository.location}` has {newest}"
