"""The words in which an audit speaks."""

from typing import NamedTuple

from witchery.audit.rules import RULES, Rule, Severity


class Finding(NamedTuple):
    """Something that a rule has found.

    Attributes:
        rule: The name of the rule.
        path: The file, or an empty string.
        package: The package that brings it, or an empty string.
        evidence: What was seen, in a few words.
    """

    rule: str
    path: str
    package: str
    evidence: str

    @property
    def about(self) -> Rule:
        """The rule."""
        return RULES[self.rule]

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return self.about.severity

    @property
    def order(self) -> tuple[object, ...]:
        """The key that findings are sorted by: the worst first, then as the rules stand."""
        return self.severity.rank, list(RULES).index(self.rule), self.path, self.evidence

    def __str__(self) -> str:
        whose = f" ({self.package})" if self.package else ""
        return f"{self.path}{whose}: {self.evidence}" if self.path else self.evidence
