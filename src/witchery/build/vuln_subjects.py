"""What is looked up: the packages of an image, of a lock, or of a solution, and which of them are Alpine's.

A name proves nothing: whoever builds a package `curl` of their own has none of Alpine's fixes, and none of its
vulnerabilities (grype#827). So

* in a lock or a solution a package is Alpine's where one of Alpine's keys signed it, or the index that lists
  it;
* in an image the package database is all there is. It is believed as far as `os-release` says Alpine, and
  the result says that nothing proves it. A lock proves it, and `own` names what is not Alpine's.

Files of packages that are given by hand, and the application, never are.
"""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.apk import installed as database
from witchery.apk.installed import InstalledPackage
from witchery.arch import Arch
from witchery.build import image_files
from witchery.build.opening import on_disk
from witchery.build.parts import Resolution
from witchery.errors import FormatError, UsageError, located
from witchery.keys import PublicKey
from witchery.lock.model import Lock, LockedArch, LockedPackage
from witchery.oci import transport
from witchery.oci.transport import PlainFolder, RegistryImage, RootfsFolder, Transport
from witchery.repository.keyrings import embedded_keys
from witchery.value import frozen, replace
from witchery.vulns.matching import COVERED, Installed, Standing
from witchery.vulns.release import EDGE, Distribution, branch_of, place_of, read_os_release

if TYPE_CHECKING:
    from witchery.build.registries import Registries
    from witchery.payload.findings import Component

APPLICATION = "payload-"
"""How packages of applications are called; see `witchery.build.application`."""

_DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_RELEASES = ("etc/os-release", "usr/lib/os-release")
_PLAIN_RELEASE = "etc/alpine-release"
_REPOSITORIES = (*COVERED, "testing")


@frozen(kw_only=True)
class Subject:
    """What is looked up.

    Attributes:
        name: What it is called.
        arch: For which architecture.
        packages: Its packages.
        components: What its application is made of.
        digest: The digest of the image, where it is one.
        proven: Whether it is known by keys which packages are Alpine's.
        notes: What a person should know, a sentence each.
    """

    name: str
    arch: Arch
    packages: tuple[Installed, ...]
    components: "tuple[Component, ...]" = ()
    digest: str = ""
    proven: bool = True
    notes: tuple[str, ...] = ()

    @property
    def releases(self) -> tuple[str, ...]:
        """The branches of Alpine that its packages are of."""
        found = {each.release for each in self.packages if each.standing is not Standing.FOREIGN}
        return tuple(sorted(found - {""}))

    def with_own(self, patterns: Sequence[str]) -> "Subject":
        """The same, where packages of some names are not Alpine's."""
        return replace(self, packages=tuple(_own(each, patterns) for each in self.packages))


def _own(package: Installed, patterns: Sequence[str]) -> Installed:
    if not any(fnmatchcase(package.name, pattern) for pattern in patterns):
        return package
    return replace(package, standing=Standing.FOREIGN, why="said to be your own")


@cache
def _alpine_keys() -> frozenset[str]:
    return frozenset(each.fingerprint for each in embedded_keys())


def is_alpine(key: PublicKey | None) -> bool:
    """Whether a key is one of those with which Alpine signs."""
    return key is not None and key.fingerprint in _alpine_keys()


def of_resolution(name: str, arch: Arch, resolution: Resolution) -> Subject:
    """The packages of a solution; nothing but indexes has been fetched."""
    local = {each.package.identity: each for each in resolution.local}
    indexes = {each.repository.location: each for each in resolution.indexes}
    stated = resolution.releases[0].version if len(resolution.releases) == 1 else None
    packages = []
    for selected in resolution.solution:
        package, index = selected.package, indexes.get(selected.source.url)
        if (given := local.get(package.identity)) is not None:
            standing, why = Standing.FOREIGN, "the application" if given.own else "given as a file"
        elif index is not None and index.trust.key and is_alpine(index.trust.key):
            standing, why = Standing.VOUCHED, f"listed by an index that `{index.trust.key.name}` signed"
        else:
            standing, why = Standing.FOREIGN, f"no key of Alpine's signed the index of `{selected.source.url}`"
        found = _installed(package.name, package.version, package.origin, arch, standing, why)
        packages.append(_placed(found, selected.source.url, stated))
    return Subject(name=name, arch=arch, packages=tuple(packages))


def of_lock(name: str, lock: Lock, locked: LockedArch) -> Subject:
    """The packages of a lock for one architecture."""
    stated = locked.releases[0].version if len(locked.releases) == 1 else None
    judge = _judge(lock, locked)
    packages = []
    for package in locked.packages:
        standing, why = judge(package)
        found = _installed(package.name, package.version, package.origin, locked.arch, standing, why)
        packages.append(_placed(found, package.repository, stated))
    if locked.payload:
        foreign = _installed(locked.payload.name, "", "", locked.arch, Standing.FOREIGN, "the application")
        packages.append(foreign)
    return Subject(name=name, arch=locked.arch, packages=tuple(packages))


def _judge(lock: Lock, locked: LockedArch) -> Callable[[LockedPackage], tuple[Standing, str]]:
    alpine = {each.name for each in lock.keys if each.fingerprint in _alpine_keys()}
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


def _installed(
    name: str, version: str, origin: str, arch: Arch, standing: Standing, why: str
) -> Installed:
    return Installed(
        name=name, version=version, origin=origin, arch=arch.apk, standing=standing, why=why
    )


def _placed(package: Installed, location: str, stated: str | None) -> Installed:
    """The package with its release: what its repository's address says, or else what all of them do.

    Args:
        package: The package.
        location: Its repository.
        stated: The only release there is, empty for `edge`; None where there are several, or none.
    """
    release, repository = place_of(location)
    if repository not in _REPOSITORIES:
        repository = ""
    distro = stated or ""
    if not release and stated is not None:
        release = branch_of(stated) if stated else EDGE
    elif stated is None or (stated and branch_of(stated) != release):
        distro = ""
    return replace(package, release=release, repository=repository, distro=distro)


def of_image(
    text: str,
    arch: Arch | None,
    registries: "Callable[[], Registries]",
    *,
    release: str = "",
    lock: Lock | None = None,
) -> Subject:
    """The packages of an image, as its package database lists them.

    Args:
        text: The image in transport notation.
        arch: Which one of several platforms; None for this machine's.
        registries: How registries are reached, for an image in one.
        release: The branch of Alpine it is of; empty to go by `os-release`.
        lock: What it was built from: a package that is in it is who it says.

    Raises:
        UsageError: if there is no package database in it.
        Refused: if it is malformed.
        WorldError: if it cannot be had.
    """
    place = transport.parse(text)
    with located(text):
        found, image_arch, digest = _image_files(place, arch, registries)
        stored = next((found[path] for path in _DATABASES if path in found), None)
        if stored is None:
            raise UsageError(
                "no package database is in the image, so nobody can tell which packages are",
                hint=f"expected `{_DATABASES[0]}`; an image with `base.package-database: false` has none,"
                " but its lock can be looked up",
            )
        packages = database.parse(stored)
    distribution = _distribution(found)
    if image_arch is None:
        image_arch = _common_arch(packages)
    return _subject_of(text, packages, distribution, image_arch, release, lock, digest)


def _subject_of(
    name: str,
    packages: Iterable[InstalledPackage],
    distribution: Distribution,
    arch: Arch,
    release: str,
    lock: Lock | None,
    digest: str,
) -> Subject:
    locked = lock.of(arch) if lock else None
    judge = _judge(lock, locked) if lock and locked else None
    known = {each.identity[:20]: each for each in locked.packages} if locked else {}
    branch = branch_of(release) if release else distribution.branch
    foreign = distribution.id not in ("alpine", "") and not release
    found = []
    for each in packages:
        package = each.package
        standing, why = Standing.STATED, "its package database says so"
        repository = branch_here = ""
        same = known.get(package.identity[:20])
        if package.name.startswith(APPLICATION):
            standing, why = Standing.FOREIGN, "the application"
        elif judge is not None:
            if same is not None and (same.name, same.version) == (package.name, package.version):
                standing, why = judge(same)
                branch_here, repository = place_of(same.repository)
            else:
                standing, why = Standing.FOREIGN, "it is not in the lock"
        elif foreign:
            standing, why = Standing.FOREIGN, f"the image is of `{distribution.id}`"
        placed = _installed(package.name, package.version, package.origin, arch, standing, why)
        found.append(
            replace(
                placed,
                release=branch_here or branch,
                repository=repository if repository in _REPOSITORIES else "",
                distro=distribution.version if distribution.branch == (branch_here or branch) else "",
            )
        )
    return Subject(
        name=name, arch=arch, packages=tuple(found), digest=digest, proven=judge is not None
    )


def _image_files(
    place: Transport, arch: Arch | None, registries: "Callable[[], Registries]"
) -> tuple[dict[str, bytes], Arch | None, str]:
    wanted = (*_DATABASES, *_RELEASES, _PLAIN_RELEASE)
    if stored := on_disk(place):
        source, tag = stored
    elif isinstance(place, RegistryImage):
        from witchery.build.copying import open_source

        source, tag = open_source(place, registries(), arch).source, ""
    elif isinstance(place, PlainFolder | RootfsFolder) and Path(place.path).is_dir():
        return image_files.read_folder(Path(place.path), wanted, limit=database.MAX_SIZE), arch, ""
    else:
        raise UsageError(f"no such image or folder: `{place}`")
    from witchery.build.opening import host

    image = source.image(tag, arch or host())
    found = image_files.read_files(
        image, source.blob, wanted, limit=database.MAX_SIZE, enough=lambda files: _is_enough(files)
    )
    return found, image.config.platform.arch, str(image.digest)


def _is_enough(files: "dict[str, bytes] | Iterable[str]") -> bool:
    names = set(files)
    return bool(names.intersection(_DATABASES)) and bool(names.intersection(_RELEASES))


def _distribution(found: dict[str, bytes]) -> Distribution:
    for path in _RELEASES:
        if path in found:
            return read_os_release(found[path])
    if _PLAIN_RELEASE in found:
        return Distribution("alpine", found[_PLAIN_RELEASE].decode("utf-8", "replace").strip())
    return Distribution("", "")


def _common_arch(packages: Iterable[InstalledPackage]) -> Arch:
    """The architecture of packages, where a root file system does not say."""
    for each in packages:
        if each.package.arch not in ("", "noarch"):
            return Arch.parse(each.package.arch)
    raise FormatError("no package says for which architecture it is")
