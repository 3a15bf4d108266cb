"""From a request to packages: indexes, a solution, and the packages themselves, checked."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from witchery.apk.dependency import IDENTITY, Dependency
from witchery.apk.identity import encode
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.build.request import Request
from witchery.compose import shell
from witchery.compose.part import Part
from witchery.compose.release import Release, releases
from witchery.compose.shell import ShellVerdict
from witchery.errors import UsageError, WitcheryError, located
from witchery.repository.access import Access
from witchery.repository.indexes import VerifiedIndex, fetch_index
from witchery.repository.location import Repository
from witchery.repository.packages import Fetched, Wanted, fetch_packages, read_package
from witchery.solver.solution import Cause, Selected, Solution
from witchery.solver.solver import solve
from witchery.solver.source import Source
from witchery.value import frozen

_INDEX_JOBS = 8


@frozen
class LocalPackage:
    """A package given as a file, or the application.

    Attributes:
        package: As an index would describe it.
        fetched: The package, checked by its own signature; the application is signed by nobody.
        own: Whether it is the application.
    """

    package: Package
    fetched: Fetched
    own: bool = False

    @staticmethod
    def of(fetched: Fetched, arch: Arch, *, own: bool = False) -> "LocalPackage":
        """The package, as an index would describe it.

        Raises:
            UsageError: if it is for another architecture.
        """
        from witchery.apk import writer

        package = Package.parse(writer.stanza(fetched.archive).rstrip("\n"))
        if not package.fits(arch.apk):
            raise UsageError(f"a package for {package.arch}, and the image is for {arch}")
        return LocalPackage(package, fetched, own)

    @property
    def dependency(self) -> Dependency:
        """What requests this package and no other: `name><identity`."""
        return Dependency(self.package.name, operator=IDENTITY, version=encode(self.package.identity))


@frozen(kw_only=True)
class Resolution:
    """What a request comes to.

    Attributes:
        world: All that is requested.
        indexes: The indexes that were searched, each with the key that vouches for it.
        local: The packages given as files.
        solution: The packages that satisfy the world, in the order in which apk would install them.
        releases: The releases of Alpine that the repositories belong to.
    """

    world: tuple[Dependency, ...]
    indexes: tuple[VerifiedIndex, ...]
    local: tuple[LocalPackage, ...]
    solution: Solution
    releases: tuple[Release, ...] = ()


@frozen(kw_only=True)
class Gathered:
    """The packages of an image, checked.

    Attributes:
        resolution: How they were chosen.
        parts: The packages, in the order of the solution.
        verdicts: Where a shell is forbidden: what a look into the packages that ask for one has shown.
        vouched: False where a package was taken that no known key signed, and no index was read.
    """

    resolution: Resolution
    parts: tuple[Part, ...]
    verdicts: tuple[ShellVerdict, ...] = ()
    vouched: bool = True

    @property
    def trusted(self) -> bool:
        """Whether a known key vouches for every index searched and every package given as a file.

        The application is its author's affair.
        """
        searched, given = self.resolution.indexes, self.resolution.local
        return (
            self.vouched
            and all(index.trust for index in searched)
            and all(local.own or local.fetched.trust for local in given)
        )


def gather(
    request: Request,
    access: Access,
    own: Sequence[LocalPackage] = (),
    *,
    resolution: Resolution | None = None,
) -> Gathered:
    """Solves, fetches and checks; without a shell where the configuration forbids one.

    Args:
        request: What is to be built.
        access: How repositories are reached.
        own: The application, where there is one.
        resolution: What `resolve` gave for the same, where that is known.

    Raises:
        NoSolutionError: if the world cannot be satisfied, or only with a shell.
        WitcheryError: whatever fetching and checking raises.
    """
    resolution = resolution or resolve(request, access, own)
    parts = fetch_parts(resolution, access, request.arch)
    if request.config.contents.shell == "allow":
        return Gathered(resolution=resolution, parts=parts)
    verdicts: dict[bytes, ShellVerdict] = {}
    while True:
        found = {each.package.identity: each for each in shell.look(parts)}
        if not found.keys() - verdicts.keys():
            break
        verdicts |= found
        resolution = resolve(request, access, own, instead=shell.amended(verdicts.values()))
        parts = fetch_parts(resolution, access, request.arch)
    identities = [part.package.identity for part in parts]
    seen = tuple(verdicts[each] for each in identities if each in verdicts)
    shell.refuse_shells(parts, resolution.world, seen)
    return Gathered(resolution=resolution, parts=parts, verdicts=seen)


def resolve(
    request: Request, access: Access, own: Sequence[LocalPackage] = (), *, instead: Sequence[Package] = ()
) -> Resolution:
    """Fetches the indexes and solves.

    Args:
        request: What is to be built.
        access: How repositories are reached.
        own: The application, where there is one.
        instead: Packages that take the place of those with the same identity.

    Raises:
        UsageError: if there is nothing to build from.
        NoSolutionError: if the world cannot be satisfied.
        WitcheryError: whatever fetching and checking raises.
    """
    if not request.repositories and not request.files and not own:
        raise UsageError(
            "no repository is named",
            hint="name one under `contents.repositories`, or with `-X https://dl-cdn.alpinelinux.org/alpine/...`",
        )
    local = (*(read_local(access, path, request.arch) for path in request.files), *own)
    # Where nothing needs a package, and nobody named a repository, no network is needed.
    needed = request.world or request.wished or any(each.package.depends for each in local)
    idle = request.by_default and not needed
    indexes = () if idle else fetch_indexes(access, request.repositories, request.arch)
    world = (
        *(Dependency.parse(text) for text in request.world),
        *(each.dependency for each in local),
        *_offered(request.wished, indexes),
    )
    # Of packages with one identity the first definition counts, so what is amended comes before all else.
    given = (*instead, *(each.package for each in local))
    if request.keeping:
        indexes, solution = request.keeping.chosen(world, given, indexes, request.arch, access)
    else:
        solution = solve(world, sources_of(given, indexes), request.arch.apk)
    resolution = Resolution(
        world=world,
        indexes=indexes,
        local=local,
        solution=solution,
        releases=stated_releases(request, indexes),
    )
    return request.condition.met(request, resolution, given, access) if request.condition else resolution


def sources_of(given: Sequence[Package], indexes: Sequence[VerifiedIndex]) -> tuple[Source, ...]:
    """What is solved from: packages given by hand, and the indexes after them."""
    listed = tuple(Source(each.repository.location, each.index, each.repository.tag) for each in indexes)
    return (Source.of(given), *listed) if given else listed


def stated_releases(request: Request, indexes: Sequence[VerifiedIndex]) -> tuple[Release, ...]:
    """The releases that the repositories belong to, but for those that only tags lead to."""
    untagged = [each for each in indexes if not each.repository.tag]
    return releases(
        (each.index.description for each in untagged),
        (each.location for each in request.repositories if not each.tag),
        (found.version for each in untagged for found in each.index.named("alpine-release")),
    )


def _offered(wished: Sequence[str], indexes: Sequence[VerifiedIndex]) -> Iterator[Dependency]:
    """Those wishes that a repository meets, if only by the name."""
    for wish in map(Dependency.parse, wished):
        if any(True for each in indexes for _ in each.index.positions_offering(wish.name)):
            yield wish


def fetch_parts(resolution: Resolution, access: Access, arch: Arch) -> tuple[Part, ...]:
    """Fetches and checks the packages of a solution, in its order.

    Raises:
        WitcheryError: whatever fetching and checking raises.
    """
    given = {each.package.identity: each.fetched for each in resolution.local}
    own = {each.package.identity for each in resolution.local if each.own}
    wanted = [
        Wanted(
            package=selected.package, arch=arch, repositories=_holding(selected.package, resolution.indexes)
        )
        for selected in resolution.solution
        if selected.package.identity not in given
    ]
    try:
        found = fetch_packages(access, wanted)
    except WitcheryError as error:
        error.hints += _wanted_by(resolution.solution, str(error))
        raise
    fetched = {each.package.identity: got for each, got in zip(wanted, found, strict=True)} | given
    parts = []
    for selected in resolution.solution:
        got = fetched[selected.package.identity]
        data = access.cache.blobs.content(got.archive.data)
        is_own = selected.package.identity in own
        parts.append(Part(selected.package, got.archive, data, selected.tag, own=is_own, key=got.trust.key))
    return tuple(parts)


def _wanted_by(solution: Solution, said: str) -> tuple[str, ...]:
    """Why the packages are wanted that an error speaks of, back to what was asked for; a sentence each."""
    return tuple(
        f"`{selected.package}` is there because {', '.join(_chain(solution, selected))}"
        for selected in solution
        if selected.package.filename in said
    )


def _chain(solution: Solution, selected: Selected) -> tuple[str, ...]:
    """The shortest way from a package to the world: who needs it, who needs that, and so on."""
    known = {each.package.name: each for each in solution}
    ways: dict[str, tuple[str, ...]] = {selected.package.name: ()}
    todo = [selected]
    for each in todo:
        way = ways[each.package.name]
        if not each.reasons or each.reasons[0].cause is Cause.WORLD:
            # That the application is asked for goes without saying.
            return way or (each.why,)
        for reason in each.reasons:
            asked = ", ".join(f"`{dependency}`" for dependency in reason.dependencies)
            for name in reason.packages:
                if name not in ways:
                    conditional = reason.cause is Cause.INSTALL_IF
                    ways[name] = (*way, f"it goes with {asked}" if conditional else f"`{name}` needs {asked}")
                    todo.append(known[name])
    return (selected.why,)


def _holding(package: Package, indexes: Sequence[VerifiedIndex]) -> tuple[Repository, ...]:
    """The repositories that list a package, in order of preference: one package is the same in all."""
    return tuple(
        each.repository
        for each in indexes
        if any(known.identity == package.identity for known in each.index.named(package.name))
    )


def fetch_indexes(
    access: Access, repositories: Sequence[Repository], arch: Arch
) -> tuple[VerifiedIndex, ...]:
    """The indexes of several repositories, those on the network at once.

    Raises:
        WitcheryError: whatever fetching and checking raises.
    """
    if sum(not each.is_local for each in repositories) < 2:
        return tuple(fetch_index(access, each, arch) for each in repositories)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=_INDEX_JOBS) as pool:
        return tuple(pool.map(lambda each: fetch_index(access, each, arch), repositories))


def read_local(access: Access, path: Path, arch: Arch) -> LocalPackage:
    """A package that is given as a file.

    Raises:
        UsageError: if it is for another architecture.
        WitcheryError: as `read_package`.
    """
    fetched = read_package(access, path)
    with located(str(path)):
        return LocalPackage.of(fetched, arch)
