"""What is known of findings besides: how bad they are, how likely, whether they are exploited."""

from collections.abc import Iterable, Mapping

from witchery.value import replace
from witchery.vulns.finding import Exploited, Finding, Likelihood, Severity

Severities = Mapping[str, tuple[Severity, str]]
"""How bad a vulnerability is, and what it is in a line, by each of its names."""


def enriched(
    findings: Iterable[Finding],
    severities: Severities,
    likely: Mapping[str, Likelihood],
    exploited: Mapping[str, Exploited],
) -> tuple[Finding, ...]:
    """The findings with what is known of them; what is known by several names counts by the first."""
    return tuple(_enriched(each, severities, likely, exploited) for each in findings)


def _enriched(
    finding: Finding,
    severities: Severities,
    likely: Mapping[str, Likelihood],
    exploited: Mapping[str, Exploited],
) -> Finding:
    known = [severities[name] for name in finding.names if name in severities]
    worst = max((each for each, _ in known), key=lambda each: each.rank, default=Severity.UNKNOWN)
    return replace(
        finding,
        severity=max(finding.severity, worst, key=lambda each: each.rank),
        summary=finding.summary or next((text for _, text in known if text), ""),
        likelihood=next((likely[name] for name in finding.names if name in likely), None),
        exploited=next((exploited[name] for name in finding.names if name in exploited), None),
    )
