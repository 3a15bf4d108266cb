"""What is looked up: the packages of an image, of a lock, or of a solution, and which of them are Alpine's.

A name proves nothing: whoever builds a package `curl` of their own has none of Alpine's fixes, and none of
its vulnerabilities (grype#827). So

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
from witchery.apk.identity import SIZE
from witchery.apk.installed import InstalledPackage
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.build import image_files
from witchery.build.opening import on_disk
from witchery.build.parts import Resolution
from witchery.errors import FormatError, UsageError, located
from witchery.keys import PublicKey
from witchery.lock.model import Lock, LockedArch, LockedPackage
from witchery.oci import transport
from witchery.oci.transport import PlainFolder, RegistryImage, RootfsFolder, Transport
from witchery.payload.purl import purl
from witchery.repository.keyrings import embedded_keys
from witchery.value import field, frozen, replace
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
        names: The names of the image, where it is one: its digest, and its package URL.
        owned: The paths that packages bring, as the package database of an image lists them.
        proven: Whether it is known by keys which packages are Alpine's.
        notes: What a person should know, a sentence each.
    """

    name: str
    arch: Arch
    packages: tuple[Installed, ...]
    components: "tuple[Component, ...]" = ()
    digest: str = ""
    names: tuple[str, ...] = ()
    owned: frozenset[str] = field(default=frozenset(), repr=False)
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
            standing, why = (
                Standing.FOREIGN,
                f"no key of Alpine's signed the index of `{selected.source.url}`",
            )
        found = _installed(package, arch, standing, why)
        packages.append(_placed(found, selected.source.url, stated))
    return Subject(name=name, arch=arch, packages=tuple(packages))


def of_lock(name: str, lock: Lock, locked: LockedArch) -> Subject:
    """The packages of a lock for one architecture."""
    stated = locked.releases[0].version if len(locked.releases) == 1 else None
    judge = _judge(lock, locked)
    packages = []
    for package in locked.packages:
        standing, why = judge(package)
        found = _installed(package, locked.arch, standing, why)
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


def _installed(package: Package | LockedPackage, arch: Arch, standing: Standing, why: str) -> Installed:
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
    reading = _Reading(distribution, image_arch, release, lock)
    return Subject(
        name=text,
        arch=image_arch,
        packages=tuple(reading.package(each.package) for each in packages),
        digest=digest,
        names=_names(place, digest),
        owned=frozenset(path for each in packages for path in each.paths),
        proven=reading.proven,
    )


class _Reading:
    """What is made of the packages of an image."""

    def __init__(self, distribution: Distribution, arch: Arch, release: str, lock: Lock | None) -> None:
        self._distribution = distribution
        self._arch = arch
        self._branch = branch_of(release) if release else distribution.branch
        self._foreign = distribution.id not in ("alpine", "") and not release
        locked = lock.of(arch) if lock else None
        if lock and locked is None:
            raise UsageError(f"not locked for {arch}")
        self._judge = _judge(lock, locked) if lock and locked else None
        self._locked = {each.identity[:SIZE]: each for each in locked.packages} if locked else {}
        self.proven = self._judge is not None

    def package(self, package: Package) -> Installed:
        """A package of the image, with its standing and its release."""
        same = self._locked.get(package.identity[:SIZE])
        standing, why = self._standing(package, same)
        branch, repository = place_of(same.repository) if same else ("", "")
        branch = branch or self._branch
        return replace(
            _installed(package, self._arch, standing, why),
            release=branch,
            repository=repository if repository in _REPOSITORIES else "",
            distro=self._distribution.version if self._distribution.branch == branch else "",
        )

    def _standing(self, package: Package, same: LockedPackage | None) -> tuple[Standing, str]:
        if package.name.startswith(APPLICATION):
            return Standing.FOREIGN, "the application"
        if self._judge is not None:
            if same is None or (same.name, same.version) != (package.name, package.version):
                return Standing.FOREIGN, "it is not in the lock"
            return self._judge(same)
        if self._foreign:
            return Standing.FOREIGN, f"the image is of `{self._distribution.id}`"
        return Standing.STATED, "the image's package database says so"


def _names(place: Transport, digest: str) -> tuple[str, ...]:
    """By which names statements may speak of an image."""
    if not digest:
        return ()
    if not isinstance(place, RegistryImage):
        return (digest,)
    name = place.reference.repository.rpartition("/")[2]
    return digest, purl("oci", name, digest)


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
    found = image_files.read_files(image, source.blob, wanted, limit=database.MAX_SIZE, enough=_is_enough)
    return found, image.config.platform.arch, str(image.digest)


def _is_enough(names: Iterable[str]) -> bool:
    names = set(names)
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
