"""What is looked up in an image: its packages, and what shows that they are Alpine's.

The package database is all that an image says of its packages, and it proves nothing. Three things do more:

* evidence beside the image has the signature of each package;
* a lock says by which key each package was signed;
* the user names packages that are not Alpine's.

What neither evidence nor a lock speaks of is believed as far as `os-release` says Alpine, since an image that
was extended elsewhere has packages of Alpine's all the same. The result says of which packages that is so.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from witchery.apk import installed as database
from witchery.apk.identity import SIZE
from witchery.apk.installed import InstalledPackage
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.attest.evidence import Proof
from witchery.build import image_files
from witchery.build.copying import Opened, open_source
from witchery.build.evidence import evidence_about, images_of
from witchery.build.opening import on_disk
from witchery.build.vuln_subjects import APPLICATION, REPOSITORIES, Subject, installed, is_alpine, judging
from witchery.errors import FormatError, UsageError, located
from witchery.keys import Keyring
from witchery.lock.model import Lock
from witchery.oci import transport
from witchery.oci.image import Image
from witchery.oci.transport import PlainFolder, RegistryImage, RootfsFolder, Transport
from witchery.payload.purl import purl
from witchery.repository.keyrings import keyring
from witchery.value import replace
from witchery.vulns.matching import Installed, Standing
from witchery.vulns.release import Distribution, branch_of, place_of, read_os_release

if TYPE_CHECKING:
    from witchery.build.registries import Registries

_DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_RELEASES = ("etc/os-release", "usr/lib/os-release")
_PLAIN_RELEASE = "etc/alpine-release"
_WANTED = (*_DATABASES, *_RELEASES, _PLAIN_RELEASE)

MAX_PLATFORMS = 64
"""How many platforms of one image are looked at."""

Verdict = tuple[Standing, str]
"""Whether a package is Alpine's, and what says so."""


class Shown(NamedTuple):
    """What is known of one package besides the package database.

    Attributes:
        verdict: Whether it is Alpine's.
        location: The repository that it is from, or an empty string.
    """

    verdict: Verdict
    location: str = ""


def of_image(
    text: str,
    arch: Arch | None,
    registries: "Registries",
    *,
    release: str = "",
    lock: Lock | None = None,
) -> tuple[Subject, ...]:
    """The packages of an image, for each platform.

    Args:
        text: The image in transport notation.
        arch: Only this platform; None for all there are.
        registries: How registries are reached, for an image in one.
        release: The branch of Alpine it is of; empty to go by `os-release`.
        lock: What it was built from.

    Raises:
        UsageError: if there is no package database in it.
        Refused: if it is malformed, or its evidence is.
        WorldError: if it cannot be had.
    """
    place = transport.parse(text)
    with located(text):
        return tuple(_subject(text, place, read, release, lock) for read in _read(place, arch, registries))


def _subject(text: str, place: Transport, read: "_Read", release: str, lock: Lock | None) -> Subject:
    stored = next((read.files[path] for path in _DATABASES if path in read.files), None)
    if stored is None:
        raise UsageError(
            "no package database is in the image, so nobody can tell which packages are",
            hint=f"expected `{_DATABASES[0]}` in it; what it was built from can be looked up instead",
        )
    with located("package database"):
        packages = database.parse(stored)
    arch = read.arch or _common_arch(packages)
    shown = _locked(lock, arch) if lock else read.evidence
    reading = _Reading(_distribution(read.files), arch, release, shown)
    return Subject(
        name=text,
        arch=arch,
        packages=tuple(reading.package(each.package) for each in packages),
        digest=read.digest,
        names=_names(place, read.digest),
        owned=frozenset(
            path for each in packages if not each.package.name.startswith(APPLICATION) for path in each.paths
        ),
    )


class _Reading:
    """What is made of the packages of an image."""

    def __init__(
        self, distribution: Distribution, arch: Arch, release: str, shown: Mapping[bytes, Shown]
    ) -> None:
        self._distribution = distribution
        self._arch = arch
        self._branch = branch_of(release) if release else distribution.branch
        self._foreign = distribution.id not in ("alpine", "") and not release
        self._shown = shown

    def package(self, package: Package) -> Installed:
        """A package of the image, with its standing and its release."""
        shown = self._shown.get(package.identity[:SIZE])
        standing, why = self._verdict(package, shown)
        branch, repository = place_of(shown.location) if shown else ("", "")
        branch = branch or self._branch
        return replace(
            installed(package, self._arch, standing, why),
            release=branch,
            repository=repository if repository in REPOSITORIES else "",
            distro=self._distribution.version if self._distribution.branch == branch else "",
        )

    def _verdict(self, package: Package, shown: Shown | None) -> Verdict:
        if package.name.startswith(APPLICATION):
            return Standing.FOREIGN, "the application"
        if shown is not None:
            return shown.verdict
        if self._foreign:
            return Standing.FOREIGN, f"the image is of `{self._distribution.id}`"
        return Standing.STATED, "the image's package database says so"


class _Read(NamedTuple):
    """What was read of an image."""

    files: Mapping[str, bytes]
    arch: Arch | None
    digest: str = ""
    evidence: Mapping[bytes, Shown] = {}


def _read(place: Transport, arch: Arch | None, registries: "Registries") -> Iterator[_Read]:
    limit = database.MAX_SIZE
    if isinstance(place, PlainFolder | RootfsFolder) and not on_disk(place):
        folder = Path(place.path)
        if not folder.is_dir():
            raise UsageError(f"no such image or folder: `{place}`")
        yield _Read(image_files.read_folder(folder, _WANTED, limit=limit), arch)
        return
    opened = open_source(place, registries, arch)
    for image in islice(images_of(opened.source, opened.root), MAX_PLATFORMS):
        with located(str(image.digest)):
            blob = opened.source.blob
            found = image_files.read_files(image, blob, _WANTED, limit=limit, enough=_is_enough)
            evidence = _evidence(opened, image, registries)
        yield _Read(found, image.config.platform.arch, str(image.digest), evidence)


def _is_enough(found: Iterable[str]) -> bool:
    names = set(found)
    return bool(names.intersection(_DATABASES)) and bool(names.intersection(_RELEASES))


def _evidence(opened: Opened, image: Image, registries: "Registries") -> dict[bytes, Shown]:
    """What evidence beside the image shows of each package, by its identity; nothing where there is none.

    Where there is more than one, a signature of Alpine's in any of them counts: it proves itself.
    """
    keys = keyring(())
    found: dict[bytes, Shown] = {}
    with located("evidence"):
        for each in evidence_about(opened, image, registries):
            for proof in each.evidence.packages:
                name = proof.head.identity[:SIZE]
                known = found.get(name)
                if not proof.own and (known is None or known.verdict[0] is not Standing.VOUCHED):
                    found[name] = Shown(_signed(proof, keys))
    return found


def _signed(proof: Proof, keys: Keyring) -> Verdict:
    with located(str(proof)):
        key = proof.head.trust(keys, allow_untrusted=True).key
    if key is not None and is_alpine(key):
        return Standing.VOUCHED, f"signed by `{key.name}`"
    return Standing.FOREIGN, "no key of Alpine's signed it"


def _locked(lock: Lock, arch: Arch) -> dict[bytes, Shown]:
    """What a lock says of each package, by its identity."""
    locked = lock.of(arch)
    if locked is None:
        known = ", ".join(each.arch.apk for each in lock)
        raise UsageError(f"the lock is for {known}, and the image for {arch}")
    judge = judging(lock, locked)
    return {each.identity[:SIZE]: Shown(judge(each), each.repository) for each in locked.packages}


def _names(place: Transport, digest: str) -> tuple[str, ...]:
    """By which names statements may speak of an image."""
    if not digest:
        return ()
    if not isinstance(place, RegistryImage):
        return (digest,)
    name = place.reference.repository.rpartition("/")[2]
    return digest, purl("oci", name, digest)


def _distribution(found: Mapping[str, bytes]) -> Distribution:
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
