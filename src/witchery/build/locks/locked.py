"""Building from a lock: no index is read, and nothing is solved.

The chain of trust without an index. A lock vouches for nothing; it only says which packages are meant:

* what is fetched has to be the package of the lock: size, segments, identity (SHA-1) and SHA-256 of the
  control segment, data hash, diff ID;
* the package's own signature has to be that of the key that the lock names, and that key has to be known
  here (Alpine's, the configuration's, `--keys`) under the fingerprint that the lock states. With an index, a
  package without a signature of its own would pass, because the signed index names it; without one it does
  not, unless `--allow-untrusted` says so;
* the data segment against the data hash in the signed control segment, every file against its checksum, as
  always.

So whoever changes a lock can choose other packages of the same keys, which a reader of the difference sees,
and nothing else. An index that nobody vouched for when the lock was made leaves the image untrusted.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from witchery.apk.dependency import Dependency
from witchery.apk.index import Index
from witchery.apk.package import Package
from witchery.apk.signature import UNTRUSTED, Trust
from witchery.arch import Arch
from witchery.build.locks.files import Notation, demand_of
from witchery.build.locks.locked_package import check, mirrors_for, restated, stub
from witchery.build.parts import Gathered, LocalPackage, Resolution, read_local
from witchery.build.request import Request
from witchery.compose import shell
from witchery.compose.part import Part
from witchery.compose.release import Release
from witchery.errors import (
    ConfigError,
    FormatError,
    IntegrityError,
    NetworkError,
    StorageError,
    TrustError,
    WorldError,
    located,
)
from witchery.lock.demand import differences
from witchery.lock.model import COMPATIBILITY, Lock, LockedArch, LockedIndex, LockedPackage
from witchery.lock.selection import Choice, solution
from witchery.repository.access import Access
from witchery.repository.indexes import VerifiedIndex
from witchery.repository.location import Repository
from witchery.repository.packages import Fetched, Wanted, fetch_packages
from witchery.solver.source import Source
from witchery.value import frozen, replace

RELOCK = "`witchery lock SOURCE --update` takes the change into the lock and moves no package that may stay"
_GONE = (
    "repositories delete superseded packages: take them from a mirror with `--from`, or lock anew;"
    " `witchery mirror` keeps the packages of a lock"
)


@frozen(kw_only=True)
class LockUse:
    """A lock that is to be built from.

    Attributes:
        lock: The lock.
        path: Its file.
        mirrors: Where to look for packages before the places that the lock names.
    """

    lock: Lock
    path: Path
    mirrors: tuple[Repository, ...] = ()

    def adjusted(self, request: Request) -> Request:
        """The request, with the lock's repositories where it names none of its own.

        Raises:
            FormatError: if the lock is another Witchery's, or a repository in it is malformed.
        """
        with located(str(self.path)):
            if self.lock.compatibility != COMPATIBILITY:
                raise FormatError(
                    f"made for other bytes: the lock is of kind {self.lock.compatibility}, this Witchery"
                    f" builds kind {COMPATIBILITY}",
                    where=["compatibility"],
                    hint=f"`witchery version` of then builds it; {RELOCK}",
                )
            if not request.unasked:
                return request
            notation = Notation.of(self.path, request)
            lines = self.lock.demand.repositories
            return replace(request, repositories=tuple(notation.repository(line) for line in lines))

    @property
    def identities(self) -> Mapping[Arch, frozenset[bytes]]:
        """What its packages are named by, for each architecture."""
        return identities_of(self.lock)

    def gather(self, request: Request, access: Access, own: Sequence[LocalPackage] = ()) -> Gathered:
        """The packages of a locked image, fetched and checked.

        Args:
            request: What is to be built, `adjusted`.
            access: How packages are reached.
            own: The application, where there is one.

        Raises:
            UsageError: if the architecture is not locked.
            ConfigError: if the lock is not for this request.
            Refused: if a package is not the one that is locked, or nobody vouches for it.
            WorldError: if a package cannot be had.
        """
        with located(str(self.path)):
            locked = self.lock.find(request.arch, hint=f"choose with `--arch`; {RELOCK}")
            return _Gathering(self, locked, request, access).gather(own)


def identities_of(lock: Lock) -> Mapping[Arch, frozenset[bytes]]:
    """What the packages of a lock are named by, for each architecture."""
    return {each.arch: frozenset(package.identity for package in each.packages) for each in lock}


class _Gathering:
    """Gathers for one architecture."""

    def __init__(self, use: LockUse, locked: LockedArch, request: Request, access: Access) -> None:
        self._use = use
        self._locked = locked
        self._request = request
        self._access = access
        self._notation = Notation.of(use.path, request)
        self._repositories = {self._notation.line(each): each for each in request.repositories}
        self._place = f"architectures.{request.arch}"

    def gather(self, own: Sequence[LocalPackage]) -> Gathered:
        local = (*(read_local(self._access, path, self._request.arch) for path in self._request.files), *own)
        self._check_demand(local)
        self._check_keys()
        indexes = tuple(self._index(n, each) for n, each in enumerate(self._locked.indexes))
        fetched = self._fetch(local)
        verdicts, packages = self._judged(fetched, own)
        choices = [
            Choice(package, self._source(package.name), self._package_place(package.name))
            for package in packages
        ]
        world = (
            *(Dependency.parse(text) for text in self._locked.world),
            *(each.dependency for each in own),
        )
        chosen = solution(world, self._request.arch, choices, f"{self._place}.packages")
        resolution = Resolution(
            world=world,
            indexes=indexes,
            local=local,
            solution=chosen,
            releases=tuple(Release(each.version, each.evidence) for each in self._locked.releases),
        )
        parts = tuple(
            self._part(selected.package, fetched[selected.package.name], selected.tag, own)
            for selected in chosen
        )
        if self._request.config.contents.shell == "forbid":
            shell.refuse_shells(parts, world, verdicts)
        vouched = all(fetched[each.name].trust for each in self._locked.packages)
        return Gathered(resolution=resolution, parts=parts, verdicts=verdicts, vouched=vouched)

    def _check_demand(self, local: Sequence[LocalPackage]) -> None:
        """Holds what is asked for against what was locked; all that differs is said at once."""
        found = [*differences(self._use.lock.demand, demand_of(self._request, self._notation))]
        found += () if found else self._world_differences(local)
        own = next((each for each in local if each.own), None)
        found += self._payload_differences(own)
        if found:
            raise ConfigError([f"the lock is for something else: {each}" for each in found], hint=RELOCK)

    def _world_differences(self, local: Sequence[LocalPackage]) -> Iterator[str]:
        place = f"{self._place}.world"
        files = {str(each.dependency) for each in local if not each.own}
        for text in self._locked.world:
            if text not in self._request.world and text not in files and text not in self._request.wished:
                yield f"{place}: locked, and not asked for: `{text}`"
        for text in sorted({*self._request.world, *files}):
            if text not in self._locked.world:
                yield f"{place}: asked for, and not locked: `{text}`"

    def _payload_differences(self, own: LocalPackage | None) -> Iterator[str]:
        place, locked = f"{self._place}.payload", self._locked.payload
        if locked is None or own is None:
            if locked is not None:
                yield f"{place}: the application is locked, and there is none: `{locked.name}`"
            if own is not None:
                yield f"{place}: there is an application, and none is locked: `{own.package.name}`"
            return
        archive = own.fetched.archive
        if own.package.name != locked.name:
            yield f"{place}.name: `{locked.name}` is locked, and this is `{own.package.name}`"
        for text in sorted({*locked.depends} ^ {*archive.info.depends}):
            needs = "needs, which is not locked" if text in archive.info.depends else "no longer needs"
            yield f"{place}.depends: what the application {needs}: `{text}`"
        if archive.diff_id != locked.diff_id:
            yield (
                f"{place}.diff_id: the files of the application are others than those that were locked (or"
                f" `SOURCE_DATE_EPOCH` is): expected {locked.diff_id}, got {archive.diff_id}"
            )

    def _check_keys(self) -> None:
        """The keys of this architecture are known here, and are the same."""
        used = {each.key for each in self._locked.indexes} | {each.key for each in self._locked.packages}
        for number, key in enumerate(self._use.lock.keys):
            known = self._access.keys.get(key.name)
            if key.name not in used or (known is None and self._access.allow_untrusted):
                continue
            if known is None:
                raise TrustError(
                    f"vouched for the lock and is not known here: `{key.name}`",
                    missing=True,
                    where=[f"keys[{number}].name"],
                    hint=f"if you trust it, add the key with `-k {key.name}`",
                )
            if known.fingerprint != key.fingerprint:
                raise IntegrityError(
                    f"the key known as `{key.name}` is another: expected {key.fingerprint},"
                    f" got {known.fingerprint}",
                    where=[f"keys[{number}].fingerprint"],
                )

    def _index(self, number: int, index: LockedIndex) -> VerifiedIndex:
        """An index that is not read: who vouched for it is what counts."""
        key = self._access.keys.get(index.key) if index.key else None
        if key is None and not self._access.allow_untrusted:
            raise TrustError(
                "nobody known vouched for the index when the lock was made",
                missing=True,
                where=[f"{self._place}.indexes[{number}].key"],
                hint="`--allow-untrusted` accepts it all the same",
            )
        return VerifiedIndex(
            repository=replace(self._repository(index.repository), names=index.names),
            arch=self._request.arch,
            index=Index([], index.description),
            trust=Trust(key) if key else UNTRUSTED,
            digest=index.digest,
        )

    def _repository(self, line: str) -> Repository:
        return self._repositories.get(line) or self._notation.repository(line)

    def _fetch(self, local: Sequence[LocalPackage]) -> dict[str, Fetched]:
        """Every package by its name, checked against the lock."""
        found = {each.package.name: each.fetched for each in local}
        fetch = [each for each in self._locked.packages if each.repository]
        wanted = [self._wanted(each) for each in fetch]
        try:
            for each, fetched in zip(fetch, fetch_packages(self._access, wanted), strict=True):
                found[each.name] = fetched
        except IntegrityError as error:
            raise self._blamed(error, fetch) from error.__cause__
        except WorldError as error:
            if isinstance(error, NetworkError | StorageError) and not self._access.offline:
                error.hints = (_GONE,)
            raise error from error.__cause__
        for number, package in enumerate(self._locked.packages):
            place = f"{self._place}.packages[{number}]"
            if package.name not in found:
                message = f"from no repository, and no such file is asked for: `{package}`"
                raise FormatError(message, where=[f"{place}.repository"])
            check(package, found[package.name], self._access, self._request.arch, place)
        return found

    def _blamed(self, error: IntegrityError, packages: Sequence[LockedPackage]) -> IntegrityError:
        """An error about what was fetched, at the field of the lock that says something else."""
        said = str(error)
        package = next((each for each in packages if each.file_name in said or str(each) in said), None)
        return error if package is None else error.at(f"{self._package_place(package.name)}.identity")

    def _wanted(self, package: LockedPackage) -> Wanted:
        meant = stub(package)
        names = next((e.names for e in self._locked.indexes if e.repository == package.repository), "")
        repository = replace(self._repository(package.repository), names=names)
        expected = self._notation.place(repository.package(meant, self._request.arch))
        if package.url != expected:
            place = f"{self._package_place(package.name)}.url"
            raise FormatError(
                f"not where its repository has it, `{expected}`: `{package.url}`", where=[place]
            )
        places = (*mirrors_for(package, self._use.mirrors), repository)
        return Wanted(package=meant, arch=self._request.arch, repositories=places)

    def _judged(
        self, fetched: dict[str, Fetched], own: Sequence[LocalPackage]
    ) -> tuple[tuple[shell.ShellVerdict, ...], list[Package]]:
        """The packages as they go into the solution: without what only wants a shell, where none may be."""
        known = {each.package.name: each.package for each in own}
        for each in self._locked.packages:
            archive = fetched[each.name].archive
            known[each.name] = restated(archive, self._request.arch, each.stated, each.identity)
        packages = [known[name] for name in self._locked.order]
        if self._request.config.contents.shell == "allow":
            return (), packages
        parts = [self._part(each, fetched[each.name], "", own) for each in packages]
        verdicts = shell.look(parts)
        amended = {each.name: each for each in shell.amended(verdicts)}
        return verdicts, [amended.get(each.name, each) for each in packages]

    def _part(self, package: Package, fetched: Fetched, tag: str, own: Sequence[LocalPackage]) -> Part:
        data = self._access.cache.blobs.content(fetched.archive.data)
        is_own = any(each.package.name == package.name for each in own)
        return Part(package, fetched.archive, data, tag, own=is_own, key=fetched.trust.key)

    def _source(self, name: str) -> Source:
        package = self._locked.named(name)
        if package is None or not package.repository:
            return Source.of(())
        repository = self._repository(package.repository)
        return Source(repository.location, Index([]), repository.tag)

    def _package_place(self, name: str) -> str:
        names = [each.name for each in self._locked.packages]
        return f"{self._place}.packages[{names.index(name)}]" if name in names else f"{self._place}.payload"
