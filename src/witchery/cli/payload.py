"""What was found about an application: as a tree for a person, as a document for a program."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.application import Application
    from witchery.build.image import Built
    from witchery.payload.findings import Evidence, Finding, Report

_SHOWN = 3
"""How many pieces of evidence stand below a need, without `-v`."""


_SUGGESTED = 5
"""How many suggestions are told, without `-v`."""


def explain_report(
    name: str, report: "Report", console: Console, providers: Mapping[str, str] | None = None
) -> None:
    """What the application is, what it needs and why, what it may need, and what is remarkable.

    Args:
        name: What it is called.
        report: What was found.
        console: Where to say it.
        providers: The package that meets each need, where that is known.
    """
    kinds = ", ".join(report.kinds) or "files"
    console.say(f"{console.styled('bold', name)}: {kinds}")
    limit = len(report.needs) + len(report.private) if console.verbose else _SHOWN
    found = providers or {}
    trees = [
        (f"{need.dependency}{_by(found.get(need.dependency, ''))}", _shown(need.evidence, limit, console))
        for need in report.needs
    ]
    if report.private:
        libraries = dict.fromkeys(library for library, _ in report.private)
        trees.append((f"its own libraries: {_listed(list(libraries), limit)}", []))
    if not report.needs:
        trees.insert(0, ("needs no package", []))
    for at, (head, lines) in enumerate(trees):
        last = at == len(trees) - 1
        console.say(f"{'└─' if last else '├─'} {head}")
        for line in lines:
            console.say(f"{'  ' if last else '│ '}    {line}")
    hints = report.suggestions
    for hint in hints if console.verbose else hints[:_SUGGESTED]:
        what = f"may need {hint.dependency}" if hint.dependency else "may need something"
        shown = "; ".join(_shown(hint.evidence, 1, console))
        console.note(f"{what}: {hint.reason} ({shown})")
    if len(hints) > _SUGGESTED and not console.verbose:
        console.say(f"      {len(hints) - _SUGGESTED} more with `-v`")
    if any(hint.dependency for hint in hints):
        console.say("      take one with `-p NAME`, all with `--accept-suggestions`")
    tell_findings(report.findings, console)


def tell_findings(findings: "Iterable[Finding]", console: Console) -> None:
    """Findings, each with what to do about it."""
    from witchery.errors import ApplicationError
    from witchery.payload.findings import Severity, shortened

    for finding in shortened(findings):
        said = f"{finding} [{finding.rule}]"
        if finding.severity is Severity.NOTE:
            console.note(said)
        elif finding.severity is Severity.WARNING:
            console.warn(said)
            for hint in finding.hints:
                console.say(f"{console.styled('hint', '  hint:')} {hint}")
        else:
            console.fail(ApplicationError([(said, finding.hints)]))


def application_document(built: "Built", application: "Application") -> dict[str, Any]:
    """What an image says of its application, for a program."""
    report = report_document(application.report)
    world = {str(each) for each in built.gathered.resolution.world}
    for need in report["needs"]:
        need["package"] = built.providers.get(need["dependency"], "")
    return {
        "application": {
            "name": application.payload.name,
            "package": str(application.package.package),
            **report,
            "accepted": [name for name in application.accepted if name in world],
            "remarks": [finding_document(each) for each in built.findings],
        },
        "entrypoint": list(built.config.entrypoint.argv),
    }


def finding_document(finding: "Finding") -> dict[str, Any]:
    """A finding for a program."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "path": finding.path,
        "also": list(finding.also),
        "message": finding.message,
        "hints": list(finding.hints),
    }


def report_document(report: "Report") -> dict[str, Any]:
    """The same for a program."""
    return {
        "kinds": list(report.kinds),
        "needs": [
            {"dependency": need.dependency, "evidence": _evidence(need.evidence)} for need in report.needs
        ],
        "suggestions": [
            {"dependency": hint.dependency, "reason": hint.reason, "evidence": _evidence(hint.evidence)}
            for hint in report.suggestions
        ],
        "findings": [finding_document(each) for each in report.findings],
        "programs": [
            {"argv": list(program.argv), "reason": program.reason, "rank": program.rank}
            for program in report.programs
        ],
        "environment": dict(report.environment),
        "private_libraries": [
            {"library": library, "loaded_by": loader} for library, loader in report.private
        ],
        "components": [
            {
                "purl": each.purl,
                "name": each.name,
                "version": each.version,
                "path": each.path,
                "source": each.source,
                "digests": dict(each.digests),
            }
            for each in report.components
        ],
    }


def _by(package: str) -> str:
    return f"  ({package})" if package else ""


def _shown(evidence: "Sequence[Evidence]", limit: int, console: Console) -> list[str]:
    lines = [console.styled("dim", str(each)) for each in evidence[:limit]]
    if len(evidence) > limit:
        lines.append(console.styled("dim", f"and {len(evidence) - limit} more"))
    return lines


def _listed(names: Sequence[str], limit: int) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _evidence(evidence: "Sequence[Evidence]") -> list[dict[str, str]]:
    return [{"path": each.path, "what": each.what} for each in evidence]
