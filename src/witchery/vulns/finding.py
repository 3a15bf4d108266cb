"""The words in which vulnerabilities are reported."""

from enum import Enum
from typing import NamedTuple

from witchery.value import frozen
from witchery.vulns.identifiers import order


class Severity(Enum):
    """How bad a vulnerability is, as somebody has published it; the value grows with it."""

    UNKNOWN = "unknown"
    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Its place among all, the lowest first."""
        return list(Severity).index(self)


class Likelihood(NamedTuple):
    """How likely it is to be exploited in the next 30 days (EPSS, https://www.first.org/epss/).

    Numbers are texts, as published: no binary fraction is exactly what was said.

    Attributes:
        probability: From `0` to `1`.
        percentile: Which part of all vulnerabilities is less likely, from `0` to `1`.
        date: The day of the score, or an empty string.
    """

    probability: str
    percentile: str
    date: str = ""


class Exploited(NamedTuple):
    """It is exploited, as CISA's catalogue says (Known Exploited Vulnerabilities).

    Attributes:
        added: Since when it is in the catalogue.
        due: Until when agencies have to act, or an empty string.
        ransomware: Whether campaigns of ransomware use it.
    """

    added: str
    due: str = ""
    ransomware: bool = False


@frozen(kw_only=True)
class Finding:
    """A vulnerability that a package or a component has.

    Attributes:
        id: Its name: a CVE where it has one.
        aliases: Its other names.
        package: The name of what has it.
        version: The version that is there.
        fixed: The first version without it, or an empty string.
        origin: The source package that it was matched by; empty for a component of the application.
        arch: For which architecture.
        purl: The package URL of what has it.
        source: What says so: `secdb v3.19/main`, `OSV`.
        evidence: Why it is believed to be there, and to be Alpine's.
        path: The file of the application that the component is in, or an empty string.
        remark: What the source says besides.
        severity: How bad it is.
        summary: What it is, in a line, or an empty string.
        likelihood: Whether it is likely to be exploited, where that is known.
        exploited: Whether it is, where that is known.
    """

    id: str
    aliases: tuple[str, ...] = ()
    package: str
    version: str
    fixed: str = ""
    origin: str = ""
    arch: str = ""
    purl: str = ""
    source: str = ""
    evidence: str = ""
    path: str = ""
    remark: str = ""
    severity: Severity = Severity.UNKNOWN
    summary: str = ""
    likelihood: Likelihood | None = None
    exploited: Exploited | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All its names."""
        return (self.id, *self.aliases)

    @property
    def order(self) -> tuple[object, ...]:
        """The key that findings are sorted by."""
        return self.origin or self.package, self.package, self.path, order(self.id), self.arch


@frozen
class Dismissed:
    """A finding that somebody has judged not to count.

    Attributes:
        finding: The finding.
        status: `rejected` by Alpine, or the status of a VEX statement: `not_affected`, `fixed`.
        reason: Why, as it was given.
        source: Who says so.
    """

    finding: Finding
    status: str
    reason: str
    source: str


class Unchecked(NamedTuple):
    """Something that the data at hand can say nothing about.

    Attributes:
        package: Its name.
        version: Its version.
        reason: Why, in a few words: the same for all of one kind.
    """

    package: str
    version: str
    reason: str
