"""What is asked about: the packages of a source, a lock or an image, and what asks for each."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from witchery.apk import identity as identities
from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.build.vuln_subjects import APPLICATION
from witchery.compose.node import GENERATED
from witchery.compose.shell import without_shell
from witchery.errors import FormatError, Refused, UsageError, located
from witchery.graph.graph import Graph
from witchery.graph.remarks import Use
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.links import Links

if TYPE_CHECKING:
    from witchery.build.application import Application
    from witchery.build.image import Planned
    from witchery.build.request import Request
    from witchery.build.workshop import Workshop
    from witchery.payload.findings import Evidence, Suggestion


class Placed(NamedTuple):
    """What a path leads to.

    Attributes:
        path: Where it is.
        package: Whose it is; empty where no package brings it.
        target: Where it points, if it is a link; otherwise empty.
    """

    path: str
    package: str
    target: str = ""


class Files:
    """Which package each file is of.

    Attributes:
        owners: The package by path; an empty string for what no package brings.
    """

    def __init__(self, owners: Mapping[str, str], links: Mapping[str, str]) -> None:
        self.owners = owners
        self._links = Links(links)

    def find(self, path: str) -> tuple[Placed, ...]:
        """What a path leads to: the entry itself, and where it is a link also what that leads to."""
        found: dict[Placed, None] = {}
        try:
            for place in (path.strip("/"), self._links.locate(path), self._links.follow(path)):
                if place in self.owners:
                    found[self._placed(place)] = None
        except Refused:
            pass  # links in a circle lead nowhere
        return tuple(found)

    def called(self, name: str) -> tuple[Placed, ...]:
        """All files of a name."""
        end = f"/{name}"
        return tuple(self._placed(path) for path in self.owners if f"/{path}".endswith(end))

    def _placed(self, path: str) -> Placed:
        return Placed(path, self.owners[path], self._links.targets.get(path, ""))


class Look(NamedTuple):
    """What a look into files has shown.

    Attributes:
        needs: What shows each need of the application, by dependency.
        uses: What files seem to use.
        unseen: Why the files of packages were not looked into for that; empty where they were.
    """

    needs: "Mapping[str, tuple[Evidence, ...]]" = MappingProxyType({})
    uses: tuple[Use, ...] = ()
    unseen: str = ""


NOT_FETCHED = "only the image has the files of packages"
"""Why the files of packages were not looked into before there is an image."""


def nothing() -> Look:
    """The look where there are no files to look into."""
    return Look(unseen=NOT_FETCHED)


class Subject:
    """Packages that are together, and what asks for each.

    Attributes:
        name: What the user called it.
        kind: `source`, `lock` or `image`.
        arch: For which architecture.
        graph: The packages.
        digest: Of an image, the digest of its manifest.
        warnings: What one has to know to judge an answer, a sentence each.
    """

    def __init__(
        self,
        *,
        name: str,
        kind: str,
        arch: Arch,
        graph: Graph,
        files: Callable[[], Files],
        digest: str = "",
        look: Callable[[], Look] = nothing,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.kind = kind
        self.arch = arch
        self.graph = graph
        self.digest = digest
        self.warnings = warnings
        self._read_files = files
        self._look = look

    @cached_property
    def files(self) -> Files:
        """Whose file is what; may have to fetch packages, or read layers.

        Raises:
            WitcheryError: if that fails.
        """
        return self._read_files()

    @cached_property
    def look(self) -> Look:
        """What a look into the application, and the files of packages where they are at hand, shows.

        Raises:
            WitcheryError: if they cannot be read.
        """
        return self._look()

    @cached_property
    def application(self) -> str:
        """The name of the application's package, or an empty string."""
        return next((name for name in self.graph.packages if name.startswith(APPLICATION)), "")


def of_request(request: "Request", workshop: "Workshop") -> Subject:
    """What a source comes to; nothing is fetched but indexes, unless files are asked about.

    Raises:
        WitcheryError: as `witchery.build.image.build`.
    """
    from witchery.build.image import plan

    planned = plan(request, workshop)
    return Subject(
        name=request.name,
        kind="source",
        arch=request.arch,
        graph=Graph.of_solution(planned.resolution.solution),
        files=lambda: _composed(planned, workshop),
        look=lambda: _reported(planned.application),
    )


def _reported(application: "Application | None") -> Look:
    """What is known of the application; packages are not looked into before they are fetched."""
    if application is None:
        return nothing()
    name, report = application.package.package.name, application.report
    return Look(
        needs={need.dependency: need.evidence for need in report.needs},
        uses=tuple(uses_of(name, report.suggestions)),
        unseen=NOT_FETCHED,
    )


def uses_of(package: str, suggestions: "Iterable[Suggestion]") -> Iterator[Use]:
    """What files of a package seem to use."""
    for each in suggestions:
        for shown in each.evidence if each.dependency else ():
            yield Use(package, shown.path, shown.what, each.dependency)


def _composed(planned: "Planned", workshop: "Workshop") -> Files:
    """The files of the image that it would become."""
    from witchery.build.image import complete

    assembly = complete(planned, workshop).composition.assembly
    names = {position: part.name for position, part in enumerate(assembly.tree.parts)} | {GENERATED: ""}
    return files_of({path: (node.entry, names[node.owner]) for path, node in assembly.nodes.items()})


def files_of(entries: Mapping[str, tuple[Entry, str]]) -> Files:
    """Files by what stands at each path, and whose it is."""
    return Files(
        {path: owner for path, (entry, owner) in entries.items() if entry.kind is not Kind.DIRECTORY},
        {path: entry.target for path, (entry, _) in entries.items() if entry.kind is Kind.SYMLINK},
    )


def of_lock(path: Path, arch: Arch | None, host: Arch, workshop: "Workshop") -> Subject:
    """What a lock holds. It does not say what packages depend on, so they are fetched, or found in the cache.

    Args:
        path: The lock file.
        arch: Which architecture; None for this machine's, or the only one.
        host: This machine's.
        workshop: How packages are reached.

    Raises:
        UsageError: if the architecture is not locked.
        WitcheryError: if the lock is unusable, or a package is not what is locked.
    """
    from witchery.build.lock_files import Notation
    from witchery.build.locked_package import restated
    from witchery.build.mirroring import fetch_locked
    from witchery.build.vuln_sources import read_lock

    lock = read_lock(path)
    with located(str(path)):
        known = ", ".join(each.arch.apk for each in lock)
        locked = lock.of(arch or host)
        if locked is None and arch is None and len(lock.architectures) == 1:
            locked = lock.architectures[0]
        if locked is None:
            raise UsageError(f"not locked for {arch or host}: the lock is for {known}")
        fetched = fetch_locked(locked, Notation.of(path), workshop.access())
        packages = [
            restated(got.archive, locked.arch, each.stated, each.identity)
            for each, got in zip(locked.packages, fetched, strict=True)
        ]
        if lock.demand.shell == "forbid":
            packages = [without_shell(each) for each in packages]
        world = [Dependency.parse(text) for text in locked.world]
        entries = {
            entry.path: (entry, each.name)
            for each, got in zip(locked.packages, fetched, strict=True)
            for entry in got.archive.entries
        }
        warnings: tuple[str, ...] = ()
        if locked.payload:
            own = locked.payload
            packages.insert(own.before, _application(own.name, own.depends))
            world.append(Dependency(own.name))
            warnings = ("a lock does not hold the application: its files and its size are not known",)
    return Subject(
        name=str(path),
        kind="lock",
        arch=locked.arch,
        graph=Graph.of(world, packages),
        files=lambda: files_of(entries),
        warnings=warnings,
    )


def _application(name: str, depends: tuple[str, ...]) -> Package:
    """The application as a package, of which a lock states the dependencies only."""
    no_identity = identities.encode(bytes(identities.SIZE))
    stanza = f"C:{no_identity}\nP:{name}\nV:0-r0\nD:{' '.join(depends)}"
    found = Package.parse(stanza)
    if found.problem:
        raise FormatError(found.problem, where=["payload"])
    return found
