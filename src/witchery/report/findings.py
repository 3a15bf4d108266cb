"""What was found out about an image: by an audit, in data about vulnerabilities, by verifying, by comparing.

Packages are named by their position in the report; -1 is none.
"""

from collections.abc import Mapping
from typing import NamedTuple

from witchery.value import field, frozen


class Remark(NamedTuple):
    """Something that a check found.

    Attributes:
        level: `error`, `warning`, `note` or `ok`.
        rule: The name of the rule, or an empty string.
        message: What it is, in a sentence.
        subject: What it is about, or an empty string.
    """

    level: str
    rule: str
    message: str
    subject: str = ""


class Line(NamedTuple):
    """A line of a score: what one rule costs.

    Attributes:
        rule: The name of the rule.
        severity: `high`, `medium`, `low` or `note`.
        meaning: What it finds.
        found: How often it found that.
        points: What that costs.
    """

    rule: str
    severity: str
    meaning: str
    found: int
    points: int


class Count(NamedTuple):
    """A number of the attack surface.

    Attributes:
        what: What is counted.
        here: How many there are.
        stock: How many a stock Alpine has.
    """

    what: str
    here: int
    stock: int


@frozen(kw_only=True)
class Audit:
    """How hard it is to attack.

    Attributes:
        score: From 0 to 100: what is left after all lines.
        stock: What it is compared with.
        stock_score: The score of that.
        lines: The score, line by line.
        counts: The attack surface.
        remarks: What was found; what is let pass is `ok`.
    """

    score: int
    stock: str
    stock_score: int
    lines: tuple[Line, ...]
    counts: tuple[Count, ...]
    remarks: tuple[Remark, ...]


class Vulnerability(NamedTuple):
    """A known vulnerability.

    Attributes:
        id: Its name.
        package: The position of the package that has it, or -1.
        subject: What has it: a package, or a component of the application.
        version: The version that is there.
        fixed: The first version without it, or an empty string.
        severity: `critical`, `high`, `medium`, `low`, `none` or `unknown`.
        summary: What it is, in a line.
        source: What says so.
        dismissed: Why it does not count, where somebody has said so, or an empty string.
        exploited: Whether it is known to be exploited.
        probability: How likely it is to be exploited in the next 30 days, as published, or an empty string.
    """

    id: str
    package: int
    subject: str
    version: str
    fixed: str
    severity: str
    summary: str
    source: str
    dismissed: str = ""
    exploited: bool = False
    probability: str = ""


@frozen(kw_only=True)
class Vulnerabilities:
    """What is known to be vulnerable.

    Attributes:
        found: Those that count, then those that do not.
        checked: How many packages were looked up.
        unchecked: What could not be: (how many, why).
        sources: What they were looked up in.
        warnings: What one has to know to judge the result, a sentence each.
    """

    found: tuple[Vulnerability, ...]
    checked: int
    unchecked: tuple[tuple[int, str], ...] = ()
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@frozen(kw_only=True)
class Verification:
    """What verifying came to.

    Attributes:
        ok: Whether nothing speaks against the image.
        standings: What each layer rests on, the lowest first; see `witchery.attest.verdict.Standing`.
        signers: How many packages each key signed.
        problems: What speaks against it.
        remarks: What else one should know, a sentence each.
    """

    ok: bool
    standings: tuple[str, ...]
    signers: Mapping[str, int] = field(hash=False)
    problems: tuple[Remark, ...] = ()
    remarks: tuple[str, ...] = ()


class Change(NamedTuple):
    """Something in which two images differ.

    Attributes:
        area: `package`, `library`, `licence`, `vulnerability`, `configuration` or `file`.
        what: `added`, `gone`, `changed`, or `broken`: a library that lacks what others expect of it.
        subject: What it is about.
        before: What it was, or an empty string.
        after: What it is, or an empty string.
        size: By how many bytes it grew.
    """

    area: str
    what: str
    subject: str
    before: str = ""
    after: str = ""
    size: int = 0


@frozen(kw_only=True)
class Changes:
    """In what an image differs from another one.

    Attributes:
        name: What the other is called.
        digest: Its digest, or an empty string.
        found: The differences, from the other to this one.
        omitted: How many more there are.
        shared: How many layers both have.
        pulled: Bytes of the layers that only this one has.
    """

    name: str
    digest: str
    found: tuple[Change, ...]
    omitted: int = 0
    shared: int = 0
    pulled: int = 0
