"""The audit of an image (`witchery.audit`) as a part of its report."""

from collections.abc import Iterator

from witchery.audit import audit as audits
from witchery.audit import baseline
from witchery.audit.finding import Finding
from witchery.audit.rules import Severity
from witchery.report.findings import Audit, Count, Line, Remark

_LEVELS = {
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.NOTE: "note",
}
_WORDS = {"bytes": "bytes of files", "setuid": "setuid and setgid"}


def audit_of(found: audits.Audit) -> Audit:
    """The audit: score and surface beside those of a stock Alpine, and what was found."""
    stock = baseline.SURFACE._asdict()
    return Audit(
        score=found.score,
        stock=baseline.NAME,
        stock_score=baseline.SCORE,
        lines=tuple(
            Line(each.rule.name, each.rule.severity.value, each.rule.meaning, len(each.findings), each.points)
            for each in found.lines
        ),
        counts=tuple(
            Count(_WORDS.get(name, name.replace("_", " ")), count, stock[name])
            for name, count in found.surface._asdict().items()
        ),
        remarks=tuple(_remarks(found)),
    )


def _remarks(found: audits.Audit) -> Iterator[Remark]:
    for each in found.findings:
        yield Remark(_LEVELS[each.severity], each.rule, _said(each), _where(each))
    for waived in found.waived:
        until, why = waived.waiver.expires.isoformat(), waived.waiver.reason
        said = f"waived until {until}, {why}: {_said(waived.finding)}"
        yield Remark("ok", waived.finding.rule, said, _where(waived.finding))


def _said(finding: Finding) -> str:
    meaning = finding.about.meaning
    return f"{meaning}: {finding.evidence}" if finding.evidence else meaning


def _where(finding: Finding) -> str:
    return f"/{finding.path}" if finding.path else finding.package
