"""The words in which a scan speaks: what is needed, on which evidence; what is wrong; what could be started.

Paths are those in the image, without the leading slash: `app/bin/hello`.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from witchery.value import field, frozen

SHOWN = 5
"""How many findings of one rule a person is shown."""


class Evidence(NamedTuple):
    """Why something is believed.

    Attributes:
        path: The file that shows it.
        what: What in it, in a few words: `needs libz.so.1`, `#!/usr/bin/env python3`.
    """

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


class Need(NamedTuple):
    """A package, or something that a package provides, without which the application does not run.

    Attributes:
        dependency: In the notation of `/etc/apk/world`: `so:libz.so.1`, `cmd:bash`, `python3~3.12`.
        evidence: What shows it.
    """

    dependency: str
    evidence: tuple[Evidence, ...]


class Suggestion(NamedTuple):
    """Something that is probably needed; a hint, not a proof.

    Attributes:
        dependency: What would be added; empty where nobody can say.
        reason: Why it may be needed, in a sentence without a final stop.
        evidence: What hints at it.
    """

    dependency: str
    reason: str
    evidence: tuple[Evidence, ...]


class Severity(Enum):
    """How bad a finding is. An error ends a build."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Finding(NamedTuple):
    """Something about one file, or about the whole, that its author should know.

    Attributes:
        rule: What was looked for, by a short name that a configuration can acknowledge: `private-key`.
        severity: How bad it is.
        path: The file, or an empty string for the whole.
        message: What is wrong: lower case, no final stop.
        hints: What to do about it, one sentence each.
        also: Further files that it is about.
    """

    rule: str
    severity: Severity
    path: str
    message: str
    hints: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Program(NamedTuple):
    """Something that the image could start.

    Attributes:
        argv: The program and its arguments, an absolute path first.
        reason: Why it is one, in a few words.
        rank: 0 for what the application itself declares as its start, 1 for a program called like the
            application, 2 for a program where programs are kept, 3 for any other.
    """

    argv: tuple[str, ...]
    reason: str
    rank: int


class Component(NamedTuple):
    """A piece of software inside the application, for bills of materials.

    Attributes:
        purl: Its package URL (https://github.com/package-url/purl-spec), `pkg:golang/...@v1.2`.
        name: Its name.
        version: Its version, or an empty string.
        path: The file that names it.
        source: What in the file does: `Go build information`, `wheel metadata`.
        digests: What is known of its bytes: (`sha256`, hexadecimal) pairs.
    """

    purl: str
    name: str
    version: str
    path: str
    source: str
    digests: tuple[tuple[str, str], ...] = ()


@frozen(kw_only=True)
class Report:
    """What one detector, or all of them, found.

    Attributes:
        kinds: What the application is, or is made of: `static Go program`, `Python 3.12 application`.
        needs: What it needs.
        suggestions: What it may need.
        findings: What is wrong or remarkable.
        programs: What could be started.
        components: What it is made of.
        environment: Variables that it wants to run in, by name.
        rewrites: Contents that files should have instead, by path (`--rewrite-shebangs`).
        private: The payload's own libraries that its own files load: (path of a library, who loads it).
    """

    kinds: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    findings: tuple[Finding, ...] = ()
    programs: tuple[Program, ...] = ()
    components: tuple[Component, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    rewrites: Mapping[str, bytes] = field(default_factory=dict)
    private: tuple[tuple[str, str], ...] = ()


def _telling(kinds: Iterable[str]) -> tuple[str, ...]:
    """The kinds without `static program` where another one says which language it is written in."""
    named = tuple(kinds)
    known = any(kind.endswith("(static)") for kind in named)
    return tuple(kind for kind in named if not (known and kind in ("static program", "static-pie program")))


_GENERAL = "glibc"
"""The rule that speaks of files without knowing what they belong to."""


def _exact(findings: list[Finding]) -> list[Finding]:
    """The findings without those that another one tells better: of which package a file for glibc is."""
    better = {
        path
        for each in findings
        if each.rule != _GENERAL and each.severity is Severity.ERROR
        for path in (each.path, *each.also)
    }
    return [each for each in findings if each.rule != _GENERAL or each.path not in better]


def shortened(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings for a person: of each rule and severity the first few, then how many more there are."""
    told: dict[tuple[str, Severity], list[Finding]] = {}
    for each in findings:
        told.setdefault((each.rule, each.severity), []).append(each)
    shown: list[Finding] = []
    for (rule, severity), group in told.items():
        cut = SHOWN if len(group) > SHOWN + 1 else len(group)
        shown += group[:cut]
        if group[cut:]:
            shown.append(Finding(rule, severity, "", f"and {len(group) - cut} more like it"))
    return tuple(shown)


def combined(reports: "tuple[Report, ...]") -> Report:
    """The reports as one; a need or suggestion that several have stands once, with all its evidence.

    Needs and suggestions are ordered by dependency, findings by severity and path, so that the result does
    not depend on the order of the detectors. Of an environment variable the first value counts.
    """
    needs: dict[str, dict[Evidence, None]] = {}
    suggested: dict[tuple[str, str], dict[Evidence, None]] = {}
    environment: dict[str, str] = {}
    rewrites: dict[str, bytes] = {}
    for report in reports:
        for need in report.needs:
            needs.setdefault(need.dependency, {}).update(dict.fromkeys(need.evidence))
        for hint in report.suggestions:
            suggested.setdefault((hint.dependency, hint.reason), {}).update(dict.fromkeys(hint.evidence))
        environment = {**report.environment, **environment}
        rewrites |= report.rewrites
    findings = _exact([found for report in reports for found in report.findings])
    grades = list(Severity)
    return Report(
        kinds=_telling(dict.fromkeys(kind for report in reports for kind in report.kinds)),
        needs=tuple(Need(name, tuple(sorted(shown))) for name, shown in sorted(needs.items())),
        suggestions=tuple(
            Suggestion(name, reason, tuple(sorted(shown)))
            for (name, reason), shown in sorted(suggested.items())
            if name not in needs
        ),
        findings=tuple(
            sorted(
                dict.fromkeys(findings),
                key=lambda found: (grades.index(found.severity), found.path, found.rule, found.message),
            )
        ),
        programs=tuple(
            sorted(
                dict.fromkeys(program for report in reports for program in report.programs),
                key=lambda program: (program.rank, program.argv),
            )
        ),
        components=tuple(sorted(dict.fromkeys(c for report in reports for c in report.components))),
        environment=dict(sorted(environment.items())),
        rewrites=rewrites,
        private=tuple(sorted(dict.fromkeys(pair for report in reports for pair in report.private))),
    )
