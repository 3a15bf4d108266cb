"""What is looked up in an image: its packages, and what shows that they are Alpine's.

The package database is all that an image says of its packages, and it proves nothing. Three things do more:

* evidence beside the image has the signature of each package;
* a lock says by which key each package was signed;
* the user names packages that are not Alpine's.

What neither evidence nor a lock speaks of is believed as far as `os-release` says Alpine, since an image that
was extended elsewhere has packages of Alpine's all the same. The result says of which packages that is so.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from witchery.apk import installed as database
from witchery.apk.identity import SIZE
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.attest.evidence import Proof
from witchery.build.subjects.open_root import OpenRoot, arch_of, read_packages
from witchery.build.vulns.inventory import APPLICATION, REPOSITORIES, Inventory, installed, is_alpine, judging
from witchery.errors import UsageError, located
from witchery.keys import Keyring
from witchery.lock.model import Lock
from witchery.oci.transport import RegistryImage, Transport
from witchery.payload.purl import purl
from witchery.repository.keyrings import keyring
from witchery.survey.survey import DATABASES
from witchery.value import replace
from witchery.vulns.matching import Installed, Standing
from witchery.vulns.release import Distribution, branch_of, place_of, read_os_release

_RELEASES = ("etc/os-release", "usr/lib/os-release")
_PLAIN_RELEASE = "etc/alpine-release"
_WANTED = (*DATABASES, *_RELEASES, _PLAIN_RELEASE)

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


def of_root(opened: OpenRoot, place: Transport, *, release: str = "", lock: Lock | None = None) -> Inventory:
    """The packages of an image for one platform.

    Args:
        opened: The image.
        place: Where it is.
        release: The branch of Alpine it is of; empty to go by `os-release`.
        lock: What it was built from.

    Raises:
        UsageError: if there is no package database in it.
        Refused: if it is malformed, or its evidence is.
        WorldError: if it cannot be had.
    """
    files = opened.files(_WANTED, database.MAX_SIZE, _is_enough)
    with located(opened.name):
        read = read_packages(files)
        if not read.has_database:
            raise UsageError(
                "no package database is in the image, so nobody can tell which packages are",
                hint=f"expected `{DATABASES[0]}` in it; what it was built from can be looked up instead",
            )
        arch = opened.arch or arch_of(read.packages)
        shown = _locked(lock, arch) if lock else _evidence(opened)
        reading = _Reading(_distribution(files), arch, release, shown)
        return Inventory(
            name=opened.name,
            arch=arch,
            packages=tuple(reading.package(each.package) for each in read.packages),
            digest=opened.digest,
            names=_names(place, opened.digest),
            owned=frozenset(
                path
                for each in read.packages
                if not each.package.name.startswith(APPLICATION)
                for path in each.paths
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


def _is_enough(found: Iterable[str]) -> bool:
    names = set(found)
    return bool(names.intersection(DATABASES)) and bool(names.intersection(_RELEASES))


def _evidence(opened: OpenRoot) -> dict[bytes, Shown]:
    """What evidence beside the image shows of each package, by its identity; nothing where there is none.

    Where there is more than one, a signature of Alpine's in any of them counts: it proves itself.
    """
    keys = keyring(())
    found: dict[bytes, Shown] = {}
    with located("evidence"):
        for evidence in opened.proofs():
            for proof in evidence.packages:
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
    locked = lock.find(arch)
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
