"""The application of an image: read from disk, scanned, and packed as a package of its own."""

import re
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType

from witchery.apk.dependency import Dependency
from witchery.apk.signature import UNTRUSTED
from witchery.arch import Arch
from witchery.build.parts import Gathered, LocalPackage
from witchery.build.proving import prove_image
from witchery.build.request import Request
from witchery.build.starting import unstartable
from witchery.codec import Effort
from witchery.compose.composition import Composition
from witchery.config.dialect import ENVIRONMENT
from witchery.config.model import Entrypoint, ImageConfig
from witchery.errors import ApplicationError, NoSolutionError, UsageError, WitcheryError
from witchery.payload import entrypoint, package
from witchery.payload.findings import Finding, Report, Severity, shortened
from witchery.payload.options import ScanOptions
from witchery.payload.scan import scan
from witchery.payload.tree import Payload, PayloadFile
from witchery.repository.access import Access
from witchery.repository.packages import Fetched
from witchery.rootfs.entry import Kind
from witchery.solver.solution import Solution
from witchery.store.source_tree import DESTINATION, Modes, Owner, read_source
from witchery.value import frozen, replace

PREFIX = "payload-"
"""How the packages of applications are called: no scanner takes one for a package of the distribution."""

_ROOT = DESTINATION.strip("/")
_VERSION = "0-r0"
_ODD = re.compile(r"[^A-Za-z0-9._+-]+")
_EVIDENCE = 3
_ONLY = re.compile(r"have only (\d+\.\d+)")


@frozen(kw_only=True)
class Application:
    """An application, ready to go into an image.

    Attributes:
        payload: Its files.
        report: What was found about it.
        accepted: Suggestions to be taken, where a repository has them.
        package: It as a package.
        options: What its author lets pass.
    """

    payload: Payload
    report: Report
    accepted: tuple[str, ...]
    package: LocalPackage
    options: ScanOptions

    def proven(
        self, composition: Composition, gathered: Gathered, config: ImageConfig
    ) -> tuple[Finding, ...]:
        """Proves on paper that it starts and loads in its image; what there is to remark.

        Raises:
            ApplicationError: if something in it does not load that its author does not know of.
        """
        starting = unstartable(composition.assembly, config, self.report.programs)
        kept = self.options.kept((*starting, *prove_image(self.payload, composition, gathered)))
        refuse(kept)
        return kept

    def configured(self, config: ImageConfig) -> ImageConfig:
        """The configuration, with what the application brings where it is silent.

        Raises:
            UsageError: if several programs could be started.
        """
        argv = entrypoint.resolved(config.entrypoint.argv, self.payload)
        if not argv and not (config.cmd and not config.cmd[0].startswith("-")):
            program = entrypoint.choose(self.report.programs)
            argv = program.argv if program else ()
        started = config.entrypoint
        if argv != started.argv:
            started = Entrypoint(command=argv)
        environment = dict(config.environment)
        for name, text in self.report.environment.items():
            if environment.get(name) in (None, ENVIRONMENT.get(name)):
                environment[name] = text
        return replace(
            config,
            entrypoint=started,
            environment=MappingProxyType(environment),
            work_dir=config.work_dir or f"/{self.payload.root}",
        )

    def asking(self, request: Request) -> Request:
        """The request, with the suggestions that are to be taken."""
        return replace(request, wished=self.accepted)

    def open_report(self, solution: Solution) -> Report:
        """The report, without suggestions that the solution meets already."""
        suggestions = tuple(
            hint
            for hint in self.report.suggestions
            if not hint.dependency or not solution.providing(Dependency.parse(hint.dependency).name)
        )
        return replace(self.report, suggestions=suggestions)

    def explained(self, error: WitcheryError) -> WitcheryError:
        """An error about packages, with the evidence for those needs of the application that it speaks of."""
        said = "\n".join((str(error), *error.hints))
        spoken_of = []
        for need in self.report.needs:
            name = re.escape(Dependency.parse(need.dependency).name)
            if re.search(rf"(?<![\w.:+-]){name}(?![\w:+-]|\.\w)", said):
                shown = "; ".join(str(each) for each in need.evidence[:_EVIDENCE])
                error.hints += (f"`{need.dependency}` is needed by {shown}",)
                spoken_of.append(need.dependency)
        if spoken_of and isinstance(error, NoSolutionError):
            error.hints += tuple(_ways_out(spoken_of, str(error), self.payload.arch))
        error.message = self._named(error.message)
        error.hints = tuple(map(self._named, error.hints))
        return error

    def _named(self, text: str) -> str:
        """A text that calls it what its author does, who has not heard of its package."""
        package = self.package.package
        return text.replace(f"`{package.name}`", "the application").replace(str(package), "the application")


def _ways_out(needs: Sequence[str], said: str, arch: Arch) -> Iterator[str]:
    """What to do about needs that nothing there is meets."""
    yield "what the application does not use can stay out: `exclude` in a configuration"
    if any(need.startswith("python3~") for need in needs) and (found := _ONLY.search(said)):
        install = f"pip install --target DIR --platform musllinux_1_2_{arch.apk} --only-binary=:all:"
        yield (
            f"install its packages for the Python that there is: `{install} --python-version {found[1]}"
            " REQUIREMENTS`; or build from a release that has the other: `--release`"
        )


def inspect(request: Request, *, mtime: int = 0) -> tuple[Payload, Report]:
    """Reads the application that a request names, and scans it.

    Raises:
        StorageError: if it cannot be read.
        FormatError: if two of its files have one place.
    """
    trees = [
        read_source(
            source.path,
            destination=source.destination,
            owner=Owner(source.uid, source.gid),
            modes=source.mode if isinstance(source.mode, int) else Modes(source.mode),
            exclude=source.exclude,
            mtime=mtime,
        )
        for source in request.payload
    ]
    files = _together(each for tree in trees for each in tree.files)
    root = request.payload[0].destination.strip("/") or _ROOT
    if not any(each.path == root and each.entry.kind is Kind.DIRECTORY for each in files):
        root = root.rpartition("/")[0]  # a file that is to stand exactly there
    payload = Payload.of(request.name, request.arch, files, root=root)
    seen = tuple(finding for tree in trees for finding in tree.findings)
    return payload, scan(payload, request.scan, seen)


def prepare(request: Request, access: Access, *, mtime: int) -> Application:
    """The application that a request names, as a package whose data is in the cache.

    Raises:
        ApplicationError: with everything that keeps it from being one.
        UsageError: if there is nothing in it.
        StorageError: if it cannot be read.
    """
    payload, report = inspect(request, mtime=mtime)
    refuse(report.findings)
    if not any(each.is_file for each in payload):
        named = ", ".join(f"`{source.path}`" for source in request.payload)
        raise UsageError(f"there is no file in the application: {named}")
    suggested = tuple(hint.dependency for hint in report.suggestions if hint.dependency)
    accepted = tuple(dict.fromkeys(suggested)) if request.accept_suggestions else ()
    info = package.describe(
        payload,
        report,
        name=PREFIX + (_ODD.sub("-", request.name).strip("-.") or "app"),
        version=_VERSION,
        description=f"the application {request.name}",
        build_time=mtime,
    )
    with access.cache.blobs.writing() as blob:
        archive = package.write(payload, report, info, blob.write, effort=Effort.LAYER)
    fetched = Fetched(archive=archive, trust=UNTRUSTED, source="payload")
    own = LocalPackage.of(fetched, request.arch, own=True)
    return Application(payload=payload, report=report, accepted=accepted, package=own, options=request.scan)


def _together(files: Iterable[PayloadFile]) -> tuple[PayloadFile, ...]:
    """The entries of all sources; a folder that several have stands once, as the first has it."""
    folders: set[str] = set()
    found = []
    for each in files:
        if each.entry.kind is Kind.DIRECTORY:
            if each.path in folders:
                continue
            folders.add(each.path)
        found.append(each)
    return tuple(found)


def refuse(findings: Sequence[Finding]) -> None:
    """Ends what cannot be gone on with.

    Raises:
        ApplicationError: with every finding that is an error.
    """
    reasons = [
        (f"{finding} [{finding.rule}]", finding.hints)
        for finding in shortened(findings)
        if finding.severity is Severity.ERROR
    ]
    if reasons:
        raise ApplicationError(reasons)
