"""The packages of any subject as a graph: what asks for each, whose each file is, and who uses what."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from witchery.apk import identity as identities
from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.attest.evidence import MAX_PACKAGES
from witchery.build.subjects.image_subject import ImageSubject
from witchery.build.subjects.lock_subject import LockSubject
from witchery.build.subjects.open_root import WORLD, OpenImage, OpenRoot, owners_of
from witchery.build.subjects.source_subject import SourceSubject
from witchery.build.vulns.inventory import APPLICATION
from witchery.compose.node import GENERATED
from witchery.compose.shell import without_shell
from witchery.errors import FormatError, Refused, UsageError, located
from witchery.graph.graph import Graph
from witchery.graph.remarks import Use
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.links import Links

if TYPE_CHECKING:
    from witchery.build.application import Application
    from witchery.build.subjects.subject import Subject
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


class Graphed:
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


def graphed(subject: "Subject") -> Graphed:
    """The packages of a subject as a graph.

    Of a source nothing is fetched but indexes, unless files are asked about. A lock does not say what its
    packages depend on, so they are fetched, or found in the cache.

    Raises:
        UsageError: if nothing says which packages are in it.
        WitcheryError: if it is unusable, or cannot be had.
    """
    match subject:
        case ImageSubject():
            return _of_root(subject.opened, subject.arch)
        case LockSubject():
            return _of_lock(subject)
        case SourceSubject():
            return _of_source(subject)


def _of_source(subject: SourceSubject) -> Graphed:
    planned = subject.planned
    return Graphed(
        name=subject.request.name,
        kind="source",
        arch=subject.request.arch,
        graph=Graph.of_solution(planned.resolution.solution),
        files=lambda: _composed(subject),
        look=lambda: _reported(planned.application),
    )


def _reported(application: "Application | None") -> Look:
    """What is known of the application; packages are not looked into before they are fetched."""
    if application is None:
        return nothing()
    name, report = application.package.package.name, application.report
    return Look(
        needs={need.dependency: need.evidence for need in report.needs},
        uses=tuple(_uses_of(name, report.suggestions)),
        unseen=NOT_FETCHED,
    )


def _uses_of(package: str, suggestions: "Iterable[Suggestion]") -> Iterator[Use]:
    """What files of a package seem to use."""
    for each in suggestions:
        for shown in each.evidence if each.dependency else ():
            yield Use(package, shown.path, shown.what, each.dependency)


def _composed(subject: SourceSubject) -> Files:
    """The files of the image that it becomes."""
    assembly = subject.built.composition.assembly
    names = {position: part.name for position, part in enumerate(assembly.tree.parts)} | {GENERATED: ""}
    return _files_of({path: (node.entry, names[node.owner]) for path, node in assembly.nodes.items()})


def _files_of(entries: Mapping[str, tuple[Entry, str]]) -> Files:
    """Files by what stands at each path, and whose it is."""
    return Files(
        {path: owner for path, (entry, owner) in entries.items() if entry.kind is not Kind.DIRECTORY},
        {path: entry.target for path, (entry, _) in entries.items() if entry.kind is Kind.SYMLINK},
    )


def _of_lock(subject: LockSubject) -> Graphed:
    from witchery.build.locks.locked_package import restated

    locked, fetched = subject.locked, subject.fetched
    listed = list(zip(locked.packages, fetched, strict=True))
    warnings: tuple[str, ...] = ()
    with located(subject.name):
        packages = [restated(got.archive, locked.arch, each.stated, each.identity) for each, got in listed]
        if subject.lock.demand.shell == "forbid":
            packages = [without_shell(each) for each in packages]
        world = [Dependency.parse(text) for text in locked.world]
        if own := locked.payload:
            packages.insert(own.before, _application(own.name, own.depends))
            world.append(Dependency(own.name))
            warnings = ("a lock does not hold the application: its files and its size are not known",)
    entries = {entry.path: (entry, each.name) for each, got in listed for entry in got.archive.entries}
    return Graphed(
        name=subject.name,
        kind="lock",
        arch=locked.arch,
        graph=Graph.of(world, packages),
        files=lambda: _files_of(entries),
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


def _of_root(opened: OpenRoot, arch: Arch) -> Graphed:
    read = opened.packages
    if not read.packages:
        raise UsageError(
            "neither a package database nor evidence is there, so nobody can tell which packages are",
            where=[opened.name],
            hint="what it was built from can be asked about instead: its configuration, or its lock",
        )
    if len(read.packages) > MAX_PACKAGES:
        raise FormatError(f"more than {MAX_PACKAGES} packages", where=[opened.name])
    warnings = []
    if not read.has_database:
        warnings.append("no package database is in the image: its packages are those that evidence names")
    if read.world is None:
        warnings.append(f"no `{WORLD}` is in the image, so nothing says which packages were requested")

    def files() -> Files:
        owners = opened.owners
        return _files_of({path: (each.entry, owners.get(path, "")) for path, each in opened.tree.items()})

    return Graphed(
        name=opened.name,
        kind="image",
        arch=arch,
        graph=opened.graph,
        files=files,
        look=lambda: _look(opened, arch),
        digest=opened.digest,
        warnings=tuple(warnings),
    )


def _look(opened: OpenRoot, arch: Arch) -> Look:
    """What the files of an image show; one that cannot be unpacked can still be asked about the rest."""
    if isinstance(opened, OpenImage) and opened.is_remote:
        return Look(unseen="the image is in a registry, `witchery pull` it first")
    try:
        return _looked(opened, arch)
    except Refused as error:
        return Look(unseen=f"the image cannot be unpacked: {error}")


def _looked(opened: OpenRoot, arch: Arch) -> Look:
    """What the files of an image show: each package's by themselves, and the application's."""
    from witchery.payload.options import ScanOptions
    from witchery.payload.scan import scan
    from witchery.payload.tree import Payload, PayloadFile
    from witchery.payload.use import uses
    from witchery.store.source_tree import Modes, read_source

    needs: dict[str, tuple[Evidence, ...]] = {}
    found: list[Use] = []
    with opened.unpacked() as rootfs:
        listed = read_source(rootfs, destination="/", modes=Modes.KEEP).files
        targets = {each.path: each.entry.target for each in listed if each.entry.kind is Kind.SYMLINK}
        owners = owners_of(opened.packages.packages, Links(targets))
        files: dict[str, list[PayloadFile]] = {}
        for each in listed:
            if each.path in owners:
                files.setdefault(owners[each.path], []).append(each)
        for name, own in sorted(files.items()):
            payload = Payload.of(name, arch, own, root="")
            if name.startswith(APPLICATION):
                report = scan(payload, ScanOptions())
                needs |= {need.dependency: need.evidence for need in report.needs}
                found += _uses_of(name, report.suggestions)
            else:
                found += _uses_of(name, uses(payload))
    return Look(needs, tuple(found))
