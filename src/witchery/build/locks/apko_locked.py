"""Building from a lock of apko: its packages, in the order in which apk would install them.

What is in the lock is held against what is fetched: segments and their hashes, identity, name and version.
Each package's own signature has to be by a known key, since no index is read (see
`witchery.build.locks.locked`). What the lock does not say follows: the order and the reasons from solving
among its packages alone, and all of them have to be asked for.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from witchery.apk import writer
from witchery.apk.archive import Archive
from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.build.locks.files import Notation, demand_of
from witchery.build.parts import Gathered, LocalPackage, Resolution, read_local, stated_releases
from witchery.build.request import Request
from witchery.compose.part import Part
from witchery.digest import Digest
from witchery.errors import ConfigError, IntegrityError, NoSolutionError, UsageError, located
from witchery.lock.apko import ApkoPackage
from witchery.lock.model import COMPATIBILITY, Lock, LockedArch, LockedPackage
from witchery.repository.access import Access
from witchery.repository.location import Repository
from witchery.repository.packages import Fetched, Wanted, fetch_packages
from witchery.solver.solution import Solution
from witchery.solver.solver import solve
from witchery.solver.source import Source
from witchery.value import frozen

_UNKNOWN = Digest("sha256", "0" * 64)


@frozen(kw_only=True)
class ApkoUse:
    """A lock of apko that is to be built from.

    Attributes:
        packages: Its packages, of all architectures.
        path: Its file.
        mirrors: Where to look for packages before the places that it names.
    """

    packages: tuple[ApkoPackage, ...]
    path: Path
    mirrors: tuple[Repository, ...] = ()

    def adjusted(self, request: Request) -> Request:
        """The request as it is: such a lock names no repositories that could hold."""
        return request

    @property
    def identities(self) -> Mapping[Arch, frozenset[bytes]]:
        """What its packages are named by, for each architecture."""
        archs = dict.fromkeys(each.arch for each in self.packages)
        return {arch: frozenset(each.identity for each in self.of(arch)) for arch in archs}

    def of(self, arch: Arch) -> tuple[ApkoPackage, ...]:
        """The packages for an architecture.

        Raises:
            UsageError: if there are none.
        """
        found = tuple(each for each in self.packages if each.arch == arch)
        if not found:
            known = ", ".join(dict.fromkeys(each.arch.apk for each in self.packages)) or "nothing"
            raise UsageError(f"not locked for {arch}: the lock is for {known}", hint="choose with `--arch`")
        return found

    def gather(self, request: Request, access: Access, own: Sequence[LocalPackage] = ()) -> Gathered:
        """The packages of a locked image, fetched and checked.

        Raises:
            UsageError: if the architecture is not locked.
            ConfigError: if the lock has not what is asked for, or more.
            Refused: if a package is not the one that is locked, or nobody vouches for it.
            WorldError: if a package cannot be had.
        """
        if request.config.contents.shell == "forbid":
            raise UsageError(
                "`contents.shell: forbid` needs a lock that was made for it",
                hint="`witchery lock SOURCE --lock apko.lock.json --update` makes one of these packages",
            )
        with located(str(self.path)):
            locked = self.of(request.arch)
            local = (*(read_local(access, path, request.arch) for path in request.files), *own)
            fetched = self.fetch(locked, access)
            return self._gathered(request, locked, fetched, local, access)

    def fetch(self, locked: Sequence[ApkoPackage], access: Access) -> list[Fetched]:
        """The packages, checked."""
        wanted = [
            Wanted(
                package=stub(each),
                arch=each.arch,
                repositories=(*self.mirrors, repository_of(each)),
            )
            for each in locked
        ]
        found = list(fetch_packages(access, wanted))
        for each, got in zip(locked, found, strict=True):
            _check(each, got.archive)
            with located(f"{each.place}.signature"):
                got.archive.trust(access.keys, allow_untrusted=access.allow_untrusted)
        return found

    def _gathered(
        self,
        request: Request,
        locked: Sequence[ApkoPackage],
        fetched: Sequence[Fetched],
        local: Sequence[LocalPackage],
        access: Access,
    ) -> Gathered:
        arch = request.arch
        packages = [Package.parse(writer.stanza(each.archive, arch.apk).rstrip("\n")) for each in fetched]
        sources = [Source.of(each.package for each in local)] if local else []
        repositories = {repository_of(each): None for each in locked}
        tags = {each.location.rstrip("/"): each.tag for each in request.repositories}
        for repository in repositories:
            inside = [
                p for p, each in zip(packages, locked, strict=True) if repository_of(each) == repository
            ]
            location = repository.location
            sources.append(Source(location, Source.of(inside).index, tags.get(location, "")))
        world = (*map(Dependency.parse, request.world), *(each.dependency for each in local))
        solution = _solution(world, sources, arch, [*packages, *(each.package for each in local)])
        got = {p.name: each for p, each in zip(packages, fetched, strict=True)}
        got |= {each.package.name: each.fetched for each in local}
        owned = {each.package.name for each in local if each.own}
        parts = tuple(
            Part(
                each.package,
                got[each.package.name].archive,
                access.cache.blobs.content(got[each.package.name].archive.data),
                each.tag,
                own=each.package.name in owned,
                key=got[each.package.name].trust.key,
            )
            for each in solution
        )
        return Gathered(
            resolution=Resolution(
                world=world,
                indexes=(),
                local=tuple(local),
                solution=solution,
                releases=stated_releases(request, ()),
            ),
            parts=parts,
            vouched=all(each.trust for each in fetched),
        )


def _solution(
    world: Sequence[Dependency], sources: Sequence[Source], arch: Arch, packages: Sequence[Package]
) -> Solution:
    """What is asked for, made of the locked packages and of all of them."""
    try:
        solution = solve(world, sources, arch.apk)
    except NoSolutionError as error:
        hint = "lock it anew, with apko or with `witchery lock`"
        raise ConfigError([f"the lock is for something else: {error}"], hint=hint) from None
    chosen = {each.package.name for each in solution}
    if more := [f"`{each}`" for each in packages if each.name not in chosen]:
        raise ConfigError(
            [f"the lock is for something else: nothing asks for {', '.join(more)}"],
            hint="lock it anew, with apko or with `witchery lock`",
        )
    return solution


def repository_of(package: ApkoPackage) -> Repository:
    """The repository that a URL is in: what stands before the architecture and the file."""
    folder, _, file = package.url.rpartition("/")
    if file != f"{package.name}-{package.version}.apk":
        message = f"`name`, `version` and `url` do not go together: `{package.url}`"
        raise IntegrityError(message, where=[package.place])
    base, _, arch = folder.rpartition("/")
    if arch == package.arch.apk:
        return Repository.parse(base, folder=Path(), is_index=False)
    return Repository.parse(f"{folder}/APKINDEX.tar.gz", folder=Path())


def as_lock(packages: Sequence[ApkoPackage], request: Request, notation: Notation) -> Lock:
    """What an update or a comparison needs of such a lock, as a lock; it cannot be built from."""
    arches: dict[Arch, list[LockedPackage]] = {}
    for each in packages:
        signature_size = each.signature.end if each.signature else 0
        arches.setdefault(each.arch, []).append(
            LockedPackage(
                name=each.name,
                version=each.version,
                repository=notation.line(repository_of(each)),
                url=each.url,
                size=each.size,
                identity=each.identity,
                signature_size=signature_size,
                control_size=each.control.end - signature_size,
                control=_UNKNOWN,
                datahash=Digest("sha256", each.data.checksum.hex()),
                diff_id=_UNKNOWN,
                installed_size=0,
                origin="",
                key="",
            )
        )
    return Lock(
        compatibility=COMPATIBILITY,
        demand=demand_of(request, notation),
        keys=(),
        architectures=tuple(
            LockedArch(arch=arch, world=(), indexes=(), releases=(), packages=tuple(found))
            for arch, found in arches.items()
        ),
    )


def stub(package: ApkoPackage) -> Package:
    """As much of a package as fetching it needs."""
    from witchery.apk import identity

    lines = (f"C:{identity.encode(package.identity)}", f"P:{package.name}", f"V:{package.version}")
    return Package.parse("\n".join((*lines, f"S:{package.size}")))


def _check(package: ApkoPackage, archive: Archive) -> None:
    """Holds a package against its lock.

    Raises:
        IntegrityError: naming the field in which they differ.
    """
    begin = len(archive.signature_segment)
    segments = (
        ("signature", package.signature, archive.signature_segment),
        ("control", package.control, archive.control_segment),
    )
    for name, stated, found in segments:
        got = hashlib.new(stated.hash_name, found).digest() if stated else b""
        if (stated.end - stated.begin if stated else 0) != len(found) or (stated and got != stated.checksum):
            raise IntegrityError(
                "the segment is another than the one that is locked", where=[f"{package.place}.{name}"]
            )
    data = package.data
    expected = (begin + len(archive.control_segment), archive.size, bytes.fromhex(archive.data.hex))
    if (data.begin, data.end, data.checksum) != expected:
        raise IntegrityError(
            "the segment is another than the one that is locked", where=[f"{package.place}.data"]
        )
