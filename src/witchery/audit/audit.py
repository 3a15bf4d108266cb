"""The audit of an image: findings, what is let pass, and the score, line by line."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from witchery.audit.finding import Finding
from witchery.audit.inspection import inspect
from witchery.audit.rules import FULL, RULES, Rule
from witchery.audit.surface import Surface, measure, tools
from witchery.audit.waivers import Waived, apply
from witchery.config.audit import Waiver
from witchery.survey.survey import Survey
from witchery.value import frozen


class Line(NamedTuple):
    """A line of the score: what one rule costs.

    Attributes:
        rule: The rule.
        findings: What it found that counts.
    """

    rule: Rule
    findings: tuple[Finding, ...]

    @property
    def points(self) -> int:
        """What it costs: so much for each finding, and no more than the most."""
        return min(self.rule.points * len(self.findings), self.rule.most)


@frozen(kw_only=True)
class Audit:
    """What was found.

    Attributes:
        survey: What was looked at.
        findings: What counts, the worst first.
        waived: What is let pass.
        surface: What may serve an attacker, in numbers.
    """

    survey: Survey
    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...]
    surface: Surface

    @property
    def lines(self) -> tuple[Line, ...]:
        """The score, rule by rule; the worst first."""
        found: dict[str, list[Finding]] = {}
        for each in self.findings:
            found.setdefault(each.rule, []).append(each)
        return tuple(Line(RULES[name], tuple(some)) for name, some in found.items())

    @property
    def score(self) -> int:
        """What is left of 100; never less than 0."""
        return max(0, FULL - sum(each.points for each in self.lines))


def audit(survey: Survey, waivers: Sequence[Waiver], today: date) -> Audit:
    """Audits an image.

    Args:
        survey: What stands in it.
        waivers: What is let pass.
        today: The day, which decides about waivers.
    """
    offered = tools(survey)
    sorted_out = apply(inspect(survey, offered), waivers, today)
    return Audit(
        survey=survey,
        findings=tuple(sorted(sorted_out.kept, key=lambda each: each.order)),
        waived=tuple(sorted(sorted_out.waived, key=lambda each: each.finding.order)),
        surface=measure(survey, offered),
    )
