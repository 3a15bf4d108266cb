"""Say why something is in an image: every way to it from what was requested, and what would leave with it.

WHAT is a package, a library (libssl.so.3, so:libssl.so.3), a command (cmd:wget), an absolute path, `shell`
(whatever is one), or a vulnerability (CVE-2024-0727). SOURCE is an image (oci:DIR, an archive, rootfs:DIR,
docker://REF), a lock (*.lock.json), or an application or configuration, which is solved for and not built.

What leaves with a package is all that is there only because of it. With `--db` vulnerabilities are counted
as well. The exit status is 1 where WHAT is not in the image.
"""

import argparse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from witchery.cli import graph_documents, subjects, vuln_options
from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.subjects.subject import Subject
    from witchery.build.why import Answer, Why
    from witchery.graph.dominance import Held
    from witchery.graph.graph import Step
    from witchery.graph.paths import Path
    from witchery.graph.remarks import Remark
    from witchery.payload.findings import Evidence
    from witchery.vulns.finding import Finding

EXAMPLE = """\
example:
  witchery why libssl3 oci:app
  witchery why shell docker://registry.example.org/team/app:1.2
  witchery why CVE-2024-0727 witchery.yaml --db secdb --json
"""

_MAX_SHOWN = 5
"""How many packages, files or pieces of evidence of one kind a person is shown, without `-v`."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "what", metavar="WHAT", help="a package, library, command, path, `shell`, or vulnerability"
    )
    subjects.add_subject(parser)
    parser.add_argument(
        "--paths",
        metavar="N",
        type=_count,
        default=10,
        help="how many ways to a package are told at most; default: 10",
    )
    subjects.add_ways(parser)
    vuln_options.add_data(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Says it."""
    from witchery.build.why import why
    from witchery.graph.target import Kind, kind_of

    _refuse_swapped(options)
    with subjects.opened(options, console) as subject:
        found = graph_documents.graph_of(subject, console)
        wanted = bool(options.db) or kind_of(options.what, found.graph) is Kind.VULNERABILITY
        findings = _findings(options, subject, console) if wanted else None
        answer = why(found, options.what, limit=options.paths, findings=findings)
        evidence = found.look.needs if found.application else {}
    for unseen in dict.fromkeys(each.unseen for each in answer.answers if each.unseen):
        console.note(f"who uses it without asking for it was not looked for: {unseen}")
    if options.json:
        console.document(_document(answer, evidence))
    else:
        _Telling(answer, evidence, console).tell()
    return 0 if answer.found else 1


def _findings(options: argparse.Namespace, subject: "Subject", console: Console) -> "tuple[Finding, ...]":
    """The vulnerabilities of what is asked about."""
    examined = vuln_options.examined(options, subject)
    for warning in examined.warnings:
        console.warn(warning)
    return examined.findings


def _count(text: str) -> int:
    from witchery.graph.paths import MAX_PATHS

    if not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_PATHS:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MAX_PATHS}")
    return int(text)


def _refuse_swapped(options: argparse.Namespace) -> None:
    from witchery.build.subjects.subject import is_image

    if is_image(options.what) and not is_image(options.source):
        from witchery.errors import UsageError

        raise UsageError(
            f"what is asked about stands before the image: `{options.what}`",
            hint=f"witchery why {options.source} {options.what}",
        )


class _Telling:
    """Tells a person."""

    def __init__(self, why: "Why", evidence: "Mapping[str, tuple[Evidence, ...]]", console: Console) -> None:
        self._why = why
        self._evidence = evidence
        self._console = console
        self._application = why.subject.application

    def tell(self) -> None:
        """Says it all."""
        why = self._why
        if not why.found:
            graph_documents.missing(why.text, why.subject, why.similar, self._console)
            return
        for placed in why.files:
            link = f", a link to {placed.target}" if placed.target else ""
            self._line(f"/{placed.path}: made when the image was built, no package brings it{link}")
        for position, each in enumerate(why.answers):
            if position or why.files:
                self._line("")
            self._answer(each)
        if len(why.answers) > 1:
            self._line("")
            self._line(f"all of them together: {self._leaving(why.together)}")

    def _answer(self, answer: "Answer") -> None:
        from witchery.cli.rendering import size

        how = f": {answer.how}" if answer.how else ""
        self._line(f"{self._called(answer.package.name)}, {size(answer.package.installed_size)}{how}")
        for path in answer.ways.found:
            self._line(f"  {self._way(path)}")
            for line in self._shown(path):
                self._line(f"      {line}")
        if not answer.ways.found:
            self._line("  no way leads to it")
        elif answer.ways.more:
            self._line("  ... and more (`--paths N`)")
        if answer.keepers:
            names = ", ".join(self._called(each, short=True) for each in answer.keepers)
            self._line(f"only there because of {names}")
        self._line(self._leaving(answer.held))
        for remark in answer.remarks:
            self._remark(remark)

    def _remark(self, remark: "Remark") -> None:
        """A remark, with one use of each package; `-v` shows all."""
        self._line(f"note: {self._plain(remark.message)}")
        first = {use.package: use for use in reversed(remark.uses)}
        uses = remark.uses if self._console.verbose else tuple(reversed(first.values()))
        limit = len(uses) if self._console.verbose else _MAX_SHOWN
        for use in uses[:limit]:
            self._line(f"      {self._plain(str(use))}")
        if len(uses) > limit:
            self._line(f"      and {len(uses) - limit} more (`-v`)")

    def _plain(self, text: str) -> str:
        """A text that calls the application what its author does."""
        return text.replace(f"`{self._application}`", "the application") if self._application else text

    def _line(self, text: str) -> None:
        from witchery.cli.console import printable

        self._console.result(printable(text))

    def _called(self, name: str, *, short: bool = False) -> str:
        if name == self._application:
            return "the application"
        return name if short else str(self._why.subject.graph.packages[name])

    def _way(self, path: "Path") -> str:
        """One way in a line, each package with what asked for it."""
        if not path:
            return self._called(self._why.answers[0].package.name, short=True)
        first = path[0].source
        start = [] if not first else [f"{self._called(first, short=True)} (nothing asks for it)"]
        return " → ".join(
            [*start, *(f"{self._called(each.target, short=True)}{self._for(each)}" for each in path)]
        )

    def _for(self, step: "Step") -> str:
        from witchery.solver.solution import Cause

        named = ", ".join(map(str, step.dependencies))
        match step.cause:
            case Cause.WORLD:
                plain = step.target in (self._application, named)
                return " (requested)" if plain else f" (requested as {named})"
            case Cause.INSTALL_IF:
                return f" (goes with {named})"
            case Cause.DEPENDS:
                return "" if named == step.target else f" ({named})"

    def _shown(self, path: "Path") -> Iterator[str]:
        """What shows that the application needs the next package on a way."""
        for step in path:
            if step.source == self._application and self._application:
                shown = [
                    str(each) for wanted in step.dependencies for each in self._evidence.get(str(wanted), ())
                ]
                limit = len(shown) if self._console.verbose else _MAX_SHOWN
                yield from shown[:limit]
                if len(shown) > limit:
                    yield f"and {len(shown) - limit} more"

    def _leaving(self, held: "Held") -> str:
        from witchery.cli.rendering import counted_as, size

        others = [
            name for name in held.names if name not in {each.package.name for each in self._why.answers}
        ]
        counted = f"{size(held.size)} in {counted_as(len(held.names), 'package')}"
        if self._why.findings is not None:
            known = self._why.known(held.names)
            counted += f", {len(known)} known {'vulnerability' if len(known) == 1 else 'vulnerabilities'}"
        limit = len(others) if self._console.verbose else _MAX_SHOWN
        more = f" and {len(others) - limit} more" if len(others) > limit else ""
        return f"would leave with it: {counted}{': ' if others else ''}{', '.join(others[:limit])}{more}"


def _document(why: "Why", evidence: "Mapping[str, tuple[Evidence, ...]]") -> dict[str, Any]:
    """The answer for a program: `dev.witchery.why/1`."""
    return {
        "schema": "dev.witchery.why/1",
        "subject": graph_documents.subject_document(why.subject),
        "question": why.text,
        "kind": why.kind.value,
        "found": why.found,
        "packages": [_answer_document(each, why, evidence) for each in why.answers],
        "generated": [f"/{each.path}" for each in why.files],
        "together": _held_document(why.together, why),
        "similar": list(why.similar),
    }


def _answer_document(
    answer: "Answer", why: "Why", evidence: "Mapping[str, tuple[Evidence, ...]]"
) -> dict[str, Any]:
    package = answer.package
    return {
        "name": package.name,
        "version": package.version,
        "size": package.installed_size,
        "matched": answer.how,
        "requested": [str(each) for each in answer.requested],
        "paths": [[_step_document(step, why, evidence) for step in path] for path in answer.ways.found],
        "more_paths": answer.ways.more,
        "kept_by": list(answer.keepers),
        "unseen": answer.unseen,
        "retained": _held_document(answer.held, why),
        "remarks": [
            {
                "topic": each.topic.value,
                "message": each.message,
                "uses": [use._asdict() for use in each.uses],
            }
            for each in answer.remarks
        ],
    }


def _step_document(
    step: "Step", why: "Why", evidence: "Mapping[str, tuple[Evidence, ...]]"
) -> dict[str, Any]:
    own = why.subject.application
    shown = evidence if own and step.source == own else {}
    return {
        "from": step.source,
        "package": step.target,
        "cause": step.cause.value,
        "dependencies": [str(each) for each in step.dependencies],
        "evidence": [
            {"path": each.path, "what": each.what}
            for wanted in step.dependencies
            for each in shown.get(str(wanted), ())
        ],
    }


def _held_document(held: "Held", why: "Why") -> dict[str, Any]:
    found: dict[str, Any] = {"packages": list(held.names), "size": held.size}
    if why.findings is not None:
        found["vulnerabilities"] = list(why.known(held.names))
    return found
