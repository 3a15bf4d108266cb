"""What is looked up: the packages of a lock or of a solution, and which of them are Alpine's.

A name proves nothing: whoever builds a package `curl` of their own has none of Alpine's fixes, and none of
its vulnerabilities (grype#827). So a package is Alpine's where one of Alpine's keys signed it, or the index
that lists it. Files of packages that are given by hand, and the application, never are. For images see
`witchery.build.vulns.images`.
"""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.build.parts import Resolution
from witchery.keys import PublicKey
from witchery.lock.model import Lock, LockedArch, LockedPackage
from witchery.repository.indexes import VerifiedIndex
from witchery.repository.keyrings import embedded_keys
from witchery.value import field, frozen, replace
from witchery.vulns.matching import COVERED, Installed, Standing
from witchery.vulns.release import EDGE, branch_of, place_of

if TYPE_CHECKING:
    from witchery.payload.findings import Component

APPLICATION = "payload-"
"""How packages of applications are called; see `witchery.build.application`."""

REPOSITORIES = (*COVERED, "testing")
"""The repositories of a release; what else an address ends with is somebody's own name for a folder."""


@frozen(kw_only=True)
class Inventory:
    """What is looked up.

    Attributes:
        name: What it is called.
        arch: For which architecture.
        packages: Its packages.
        components: What its application is made of.
        digest: The digest of the image, where it is one.
        names: The names of the image, where it is one: its digest, and its package URL.
        owned: The paths that packages bring, but for the application, as the database of an image lists them.
    """

    name: str
    arch: Arch
    packages: tuple[Installed, ...]
    components: "tuple[Component, ...]" = ()
    digest: str = ""
    names: tuple[str, ...] = ()
    owned: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def releases(self) -> tuple[str, ...]:
        """The branches of Alpine that its packages are of."""
        found = {each.release for each in self.packages if each.standing is not Standing.FOREIGN}
        return tuple(sorted(found - {""}))

    @property
    def unproven(self) -> tuple[str, ...]:
        """The packages that are taken for Alpine's, and nothing proves it."""
        return tuple(each.name for each in self.packages if each.standing is Standing.STATED)

    def of_release(self, branch: str) -> "Inventory":
        """The same, where packages of an unknown release are of this one."""
        found = (each if each.release else replace(each, release=branch) for each in self.packages)
        return replace(self, packages=tuple(found))

    def with_own(self, patterns: Sequence[str]) -> "Inventory":
        """The same, where packages of some names are not Alpine's."""
        return replace(self, packages=tuple(_own(each, patterns) for each in self.packages))


def _own(package: Installed, patterns: Sequence[str]) -> Installed:
    if not any(fnmatchcase(package.name, pattern) for pattern in patterns):
        return package
    return replace(package, standing=Standing.FOREIGN, why="said to be your own")


@cache
def alpine_keys() -> frozenset[str]:
    """The fingerprints of the keys with which Alpine signs."""
    return frozenset(each.fingerprint for each in embedded_keys())


def is_alpine(key: PublicKey | None) -> bool:
    """Whether a key is one of those with which Alpine signs."""
    return key is not None and key.fingerprint in alpine_keys()


def of_resolution(name: str, arch: Arch, resolution: Resolution) -> Inventory:
    """The packages of a solution; nothing but indexes has been fetched."""
    local = {each.package.identity: each for each in resolution.local}
    indexes = {each.repository.location: each for each in resolution.indexes}
    stated = resolution.releases[0].version if len(resolution.releases) == 1 else None
    packages = []
    for selected in resolution.solution:
        package = selected.package
        index = indexes.get(selected.source.url) or _listing(package, resolution)
        location = index.repository.location if index else selected.source.url
        if (given := local.get(package.identity)) is not None:
            standing, why = Standing.FOREIGN, "the application" if given.own else "given as a file"
        elif index is not None and index.trust.key and is_alpine(index.trust.key):
            standing, why = Standing.VOUCHED, f"listed by an index that `{index.trust.key.name}` signed"
        else:
            standing, why = (
                Standing.FOREIGN,
                f"no key of Alpine's signed the index of `{location}`",
            )
        found = installed(package, arch, standing, why)
        packages.append(_placed(found, location, stated))
    return Inventory(name=name, arch=arch, packages=tuple(packages))


def _listing(package: Package, resolution: Resolution) -> VerifiedIndex | None:
    """The index of a package that was amended, which is of no source but keeps its identity."""
    return next(
        (
            each
            for each in resolution.indexes
            if any(known.identity == package.identity for known in each.index.named(package.name))
        ),
        None,
    )


def of_lock(name: str, lock: Lock, locked: LockedArch) -> Inventory:
    """The packages of a lock for one architecture."""
    stated = locked.releases[0].version if len(locked.releases) == 1 else None
    judge = judging(lock, locked)
    packages = []
    for package in locked.packages:
        standing, why = judge(package)
        found = installed(package, locked.arch, standing, why)
        packages.append(_placed(found, package.repository, stated))
    if locked.payload:
        own = Installed(
            name=locked.payload.name,
            version="",
            origin="",
            arch=locked.arch.apk,
            standing=Standing.FOREIGN,
            why="the application",
        )
        packages.append(own)
    return Inventory(name=name, arch=locked.arch, packages=tuple(packages))


def judging(lock: Lock, locked: LockedArch) -> Callable[[LockedPackage], tuple[Standing, str]]:
    """Says of the packages of a lock whether they are Alpine's, and what says so."""
    alpine = {each.name for each in lock.keys if each.fingerprint in alpine_keys()}
    indexes = {each.repository: each.key for each in locked.indexes}

    def judge(package: LockedPackage) -> tuple[Standing, str]:
        if not package.repository:
            return Standing.FOREIGN, "given as a file"
        if package.key in alpine:
            return Standing.VOUCHED, f"signed by `{package.key}`"
        if (key := indexes.get(package.repository, "")) in alpine:
            return Standing.VOUCHED, f"listed by an index that `{key}` signed"
        return Standing.FOREIGN, "no key of Alpine's vouches for it"

    return judge


def installed(package: Package | LockedPackage, arch: Arch, standing: Standing, why: str) -> Installed:
    """A package that is looked up; its release is still to be found out."""
    return Installed(
        name=package.name,
        version=package.version,
        origin=package.origin,
        arch=arch.apk,
        standing=standing,
        why=why,
    )


def _placed(package: Installed, location: str, stated: str | None) -> Installed:
    """The package with its release: what its repository's address says, or else what all of them do.

    Args:
        package: The package.
        location: Its repository.
        stated: The only release there is, empty for `edge`; None where there are several, or none.
    """
    release, repository = place_of(location)
    if repository not in REPOSITORIES:
        repository = ""
    distro = stated or ""
    if not release and stated is not None:
        release = branch_of(stated) if stated else EDGE
    elif stated is None or (stated and branch_of(stated) != release):
        distro = ""
    return replace(package, release=release, repository=repository, distro=distro)
