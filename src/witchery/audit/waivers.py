"""What the author of an image knows of and lets pass, until a day that they name."""

from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase

from witchery.audit.finding import Finding
from witchery.audit.rules import RULES
from witchery.config.audit import Waiver
from witchery.value import frozen


@frozen
class Waived:
    """A finding that is let pass.

    Attributes:
        finding: The finding.
        waiver: What lets it pass.
    """

    finding: Finding
    waiver: Waiver


@frozen(kw_only=True)
class Sorted:
    """Findings, and what waivers make of them.

    Attributes:
        kept: What counts; what is wrong with the waivers themselves included.
        waived: What does not.
    """

    kept: tuple[Finding, ...]
    waived: tuple[Waived, ...]


def apply(findings: Iterable[Finding], waivers: Sequence[Waiver], today: date) -> Sorted:
    """Sorts findings out; a waiver holds until the end of its day.

    Args:
        findings: What was found.
        waivers: What is to be let pass.
        today: The day.
    """
    kept: list[Finding] = []
    waived: list[Waived] = []
    used: set[int] = set()
    for each in findings:
        meant = [number for number, waiver in enumerate(waivers) if is_meant(waiver, each)]
        used.update(meant)
        valid = next((number for number in meant if today <= waivers[number].expires), None)
        if valid is None:
            kept.append(each)
        else:
            waived.append(Waived(each, waivers[valid]))
    for number, waiver in enumerate(waivers):
        if today > waiver.expires:
            evidence = f"{told(waiver)} expired on {waiver.expires.isoformat()}: {waiver.reason}"
            kept.append(Finding("expired-waiver", "", "", evidence))
        elif number not in used:
            why = "" if waiver.rule in RULES else ", and there is no such rule"
            kept.append(Finding("unused-waiver", "", "", f"{told(waiver)} lets nothing pass{why}"))
    return Sorted(kept=tuple(kept), waived=tuple(waived))


def is_meant(waiver: Waiver, finding: Finding) -> bool:
    """Whether a waiver speaks of a finding."""
    return (
        waiver.rule == finding.rule
        and (not waiver.path or fnmatchcase(finding.path, waiver.path.removeprefix("/")))
        and (not waiver.package or fnmatchcase(finding.package, waiver.package))
    )


def told(waiver: Waiver) -> str:
    """A waiver in a few words."""
    where = " of ".join(f"`{each}`" for each in (waiver.path, waiver.package) if each)
    return f"the waiver for `{waiver.rule}`{f' at {where}' if where else ''}"
