"""The use case: why something is in an image, and what would leave with it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.build.graphing import Graphed, Look, Placed
from witchery.compose import shell
from witchery.graph import target
from witchery.graph.dominance import Dominance, Held, held
from witchery.graph.graph import WORLD, Graph
from witchery.graph.paths import Paths, paths_to
from witchery.graph.remarks import Remark, remarks
from witchery.graph.target import Kind, Match
from witchery.value import frozen
from witchery.vulns.finding import Finding

_SHELLS = tuple(f"{folder}/{name}" for folder in ("bin", "usr/bin") for name in shell.SHELLS)
PATHS = 10
"""How many ways to a package are told where nobody says otherwise."""


@frozen(kw_only=True)
class Answer:
    """Why one package is there.

    Attributes:
        package: The package.
        how: What it has to do with the question, in a few words; empty where it is called so.
        requested: The entries of the world that asked for it.
        ways: The ways to it.
        keepers: The packages without any of which it would not be there, the closest first.
        held: What leaves with it.
        remarks: What is remarkable about it.
        unseen: Why files were not looked into for uses that nobody states; empty where they were, and where
            that matters not, since it was requested or several keep it.
    """

    package: Package
    how: str
    requested: tuple[Dependency, ...]
    ways: Paths
    keepers: tuple[str, ...]
    held: Held
    remarks: tuple[Remark, ...]
    unseen: str


@frozen(kw_only=True)
class Why:
    """The answer to a question.

    Attributes:
        subject: What was asked about.
        text: The question.
        kind: What it was taken for.
        answers: The packages that it comes to.
        files: Files that no package brings, where the question was about such.
        together: What leaves where all of the packages do.
        similar: Names that are there and look like the one that is not.
        findings: The vulnerabilities, where they were looked up.
    """

    subject: Graphed
    text: str
    kind: Kind
    answers: tuple[Answer, ...]
    files: tuple[Placed, ...]
    together: Held
    similar: tuple[str, ...]
    findings: tuple[Finding, ...] | None

    @property
    def found(self) -> bool:
        """Whether it is in the image."""
        return bool(self.answers or self.files)

    def known(self, names: Collection[str]) -> tuple[str, ...]:
        """The vulnerabilities of some packages, each once, sorted."""
        return tuple(sorted({each.id for each in self.findings or () if each.package in names}))


def why(subject: Graphed, text: str, *, limit: int = PATHS, findings: Iterable[Finding] | None = None) -> Why:
    """Answers why something is in an image.

    Args:
        subject: The image.
        text: A package, a name that packages provide, a library, a command, an absolute path, `shell`, or a
            vulnerability.
        limit: How many ways to each package are told at most.
        findings: The vulnerabilities of the packages, where they were looked up.

    Raises:
        WitcheryError: if files have to be read for it, and cannot be.
    """
    return _Asking(subject, None if findings is None else tuple(findings)).ask(text, limit)


class _Asking:
    """Answers questions about one subject."""

    def __init__(self, subject: Graphed, findings: tuple[Finding, ...] | None) -> None:
        self._subject = subject
        self._graph: Graph = subject.graph
        self._findings = findings

    @cached_property
    def _dominance(self) -> Dominance:
        return Dominance(self._graph)

    @cached_property
    def _parents(self) -> Mapping[str, str]:
        return self._dominance.parents

    def ask(self, text: str, limit: int) -> Why:
        graph = self._graph
        kind = target.kind_of(text, graph)
        matches, files = self._meant(text, kind)
        answers = tuple(self._answer(each, limit) for each in matches)
        names = [each.package.name for each in answers]
        looked = () if answers or files or kind is not Kind.FILE else self._subject.files.owners
        return Why(
            subject=self._subject,
            text=text,
            kind=kind,
            answers=answers,
            files=files,
            together=held(graph, graph.leaving_with(names) if names else ()),
            similar=() if answers or files else target.similar(text, graph, looked),
            findings=self._findings,
        )

    def _meant(self, text: str, kind: Kind) -> tuple[tuple[Match, ...], tuple[Placed, ...]]:
        match kind:
            case Kind.VULNERABILITY:
                return tuple(self._vulnerable(text)), ()
            case Kind.FILE:
                return self._owning(self._subject.files.find(text))
            case Kind.SHELL:
                found = (each for path in _SHELLS for each in self._subject.files.find(path))
                return self._owning(sorted(dict.fromkeys(found)))
        matches = target.named(text, self._graph)
        library = target.library(text)
        if matches or not library:
            return matches, ()
        return self._owning(self._subject.files.called(library))

    def _owning(self, placed: Iterable[Placed]) -> tuple[tuple[Match, ...], tuple[Placed, ...]]:
        """The packages that have files, and the files that none has."""
        listed = tuple(placed)
        paths: dict[str, list[str]] = {}
        for each in listed:
            if each.package:
                paths.setdefault(each.package, []).append(f"/{each.path}")
        matches = tuple(Match(name, f"has {', '.join(found)}") for name, found in paths.items())
        return matches, tuple(each for each in listed if not each.package)

    def _vulnerable(self, text: str) -> Iterator[Match]:
        named: dict[str, list[str]] = {}
        for each in self._findings or ():
            if text.upper() in {name.upper() for name in each.names} and each.package in self._graph:
                fixed = f"fixed in {each.fixed}" if each.fixed else "not fixed"
                named.setdefault(each.package, []).append(f"has {each.id}, {fixed}")
        return (Match(name, "; ".join(dict.fromkeys(said))) for name, said in named.items())

    def _answer(self, match: Match, limit: int) -> Answer:
        graph, name = self._graph, match.name
        keepers = []
        above = self._parents[name]
        while above:
            keepers.append(above)
            above = self._parents[above]
        look = self._subject.look if keepers and not graph.requested(name) else Look()
        return Answer(
            package=graph.packages[name],
            how=match.how,
            requested=graph.requested(name),
            ways=paths_to(graph, name, limit),
            keepers=tuple(keepers),
            held=self._dominance.held_by(name),
            remarks=tuple(remarks(graph, name, keepers[0] if keepers else WORLD, look.uses)),
            unseen=look.unseen,
        )
