"""Making a lock: what was gathered for each architecture, written down with every digest."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.apk.package import Package
from witchery.build.image import Planned, collect
from witchery.build.images import each_arch, plan_all
from witchery.build.locks.files import Notation, demand_of
from witchery.build.locks.locked_package import differing, own_arch, restated, segments
from witchery.build.parts import Gathered, Resolution
from witchery.build.request import Request
from witchery.build.workshop import Workshop
from witchery.compose.part import Part
from witchery.digest import Digest
from witchery.keys import PublicKey
from witchery.lock.model import (
    COMPATIBILITY,
    Lock,
    LockedArch,
    LockedIndex,
    LockedKey,
    LockedPackage,
    LockedPayload,
    LockedRelease,
)
from witchery.repository.access import Access
from witchery.repository.indexes import VerifiedIndex
from witchery.repository.location import Repository
from witchery.value import frozen, replace

if TYPE_CHECKING:
    from witchery.build.locks.updating import Update


@frozen(kw_only=True)
class MadeLock:
    """A lock that was made, not yet written.

    Attributes:
        lock: It.
        unsigned: Packages that no known key signed, so that building from the lock will not trust them.
    """

    lock: Lock
    unsigned: tuple[str, ...]


def make_lock(
    requests: Sequence[Request],
    workshop: Workshop,
    path: Path,
    *,
    keeping: "Update | None" = None,
    allow_skew: bool = False,
) -> MadeLock:
    """Solves, fetches and checks, as for building, and writes down what was found.

    Args:
        requests: One for each architecture; they differ in nothing else.
        workshop: Where it happens.
        path: The lock file that is to be.
        keeping: A lock whose packages are to stay.
        allow_skew: Whether a package may have different versions on different architectures.

    Raises:
        WitcheryError: as `build`.
    """
    notation = Notation.of(path, requests[0])
    keys: dict[str, PublicKey] = {}
    arches = []
    gathered = gather_all(requests, workshop, keeping=keeping, allow_skew=allow_skew)
    for planned, found in gathered:
        recorder = _Recorder(planned.request, found, planned.access, notation)
        arches.append(recorder.arch())
        keys |= recorder.keys
    lock = Lock(
        compatibility=COMPATIBILITY,
        demand=demand_of(requests[0], notation),
        keys=tuple(LockedKey(name, key.fingerprint) for name, key in sorted(keys.items())),
        architectures=tuple(sorted(arches, key=lambda each: each.arch.apk)),
    )
    unsigned = {str(each): None for arch in lock for each in arch.packages if not each.key}
    return MadeLock(lock=lock, unsigned=tuple(unsigned))


def gather_all(
    requests: Sequence[Request], workshop: Workshop, *, keeping: "Update | None", allow_skew: bool
) -> list[tuple[Planned, Gathered]]:
    """The packages for all architectures; nothing is fetched where these do not agree."""
    wanted = [replace(request, keeping=keeping) for request in requests]
    plans = plan_all(wanted, workshop, allow_skew=allow_skew)
    found = each_arch(lambda _, planned: collect(planned), wanted, plans)
    return list(zip(plans, found, strict=True))


class _Recorder:
    """Writes down what was gathered for one architecture.

    Attributes:
        keys: The keys that vouched for something.
    """

    def __init__(self, request: Request, found: Gathered, access: Access, notation: Notation) -> None:
        self._request = request
        self._found = found
        self._access = access
        self._notation = notation
        self.keys: dict[str, PublicKey] = {}

    def arch(self) -> LockedArch:
        resolution = self._found.resolution
        own = {str(each.dependency) for each in resolution.local if each.own}
        return LockedArch(
            arch=self._request.arch,
            world=tuple(sorted({str(each) for each in resolution.world} - own)),
            indexes=tuple(self._index(each) for each in resolution.indexes),
            releases=tuple(LockedRelease(each.version, each.evidence) for each in resolution.releases),
            packages=tuple(self._package(part) for part in self._found.parts if not part.own),
            payload=_payload(self._found.parts),
        )

    def _index(self, index: VerifiedIndex) -> LockedIndex:
        return LockedIndex(
            repository=self._notation.line(index.repository),
            digest=index.digest,
            key=self._known(index.trust.key),
            description=index.index.description,
            names=index.repository.names,
        )

    def _package(self, part: Part) -> LockedPackage:
        archive = part.archive
        stated, repository = _origin(part, self._found.resolution)
        signature_size, control_size = segments(archive)
        lines = differing(stated, archive, self._request.arch)
        trust = archive.trust(self._access.keys, allow_untrusted=True)
        return LockedPackage(
            name=part.name,
            version=part.package.version,
            repository=self._notation.line(repository) if repository else "",
            url=self._url(part, repository),
            size=archive.size,
            identity=stated.identity,
            signature_size=signature_size,
            control_size=control_size,
            control=Digest.sha256(archive.control_segment),
            datahash=archive.data,
            diff_id=archive.diff_id,
            installed_size=stated.installed_size,
            origin=stated.origin,
            key=self._known(trust.key),
            stated=lines,
            form=archive.form,
            arch=own_arch(archive, restated(archive, self._request.arch, lines, stated.identity)),
        )

    def _url(self, part: Part, repository: Repository | None) -> str:
        if repository is not None:
            return self._notation.place(repository.package(part.package, self._request.arch))
        sources = {each.package.identity: each.fetched.source for each in self._found.resolution.local}
        return self._notation.path(sources[part.package.identity])

    def _known(self, key: PublicKey | None) -> str:
        if key is None:
            return ""
        self.keys[key.name] = key
        return key.name


def _origin(part: Part, resolution: Resolution) -> tuple[Package, Repository | None]:
    """What an index says of a package, and the repository it is taken from; none for a file.

    A package that is taken without a shell is in the solution with a dependency less; here it is as it was.
    """
    for local in resolution.local:
        if local.package.identity == part.package.identity:
            return local.package, None
    holding = [
        (known, index.repository)
        for index in resolution.indexes
        for known in index.index.named(part.name)
        if known.identity == part.package.identity
    ]
    return next((each for each in holding if each[1].tag == part.tag), holding[0])


def _payload(parts: Iterable[Part]) -> LockedPayload | None:
    for position, part in enumerate(parts):
        if part.own:
            return LockedPayload(
                name=part.name,
                before=position,
                diff_id=part.archive.diff_id,
                depends=tuple(part.archive.info.depends),
            )
    return None
