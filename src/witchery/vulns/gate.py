"""What makes an answer a no: the words of `--fail-on`."""

import re
from collections.abc import Iterable, Sequence

from witchery.errors import UsageError
from witchery.vulns.finding import Finding, Severity
from witchery.vulns.identifiers import issues

ANY, FIXABLE, EXPLOITED = "any", "fixable", "kev"
_NAME = re.compile("[A-Za-z]+-[0-9A-Za-z-]+")
_SEVERITIES = {each.value: each for each in Severity if each not in (Severity.UNKNOWN, Severity.NONE)}


def checked(word: str) -> str:
    """A word of `--fail-on`.

    Raises:
        UsageError: if it is none.
    """
    if word in (ANY, FIXABLE, EXPLOITED) or word in _SEVERITIES:
        return word
    found = issues(word) if _NAME.fullmatch(word) else ()
    if len(found) == 1 and found[0].id.upper() == word.upper():
        return found[0].id
    known = ", ".join(f"`{each}`" for each in (ANY, FIXABLE, EXPLOITED, *_SEVERITIES))
    raise UsageError(
        f"nothing to fail on: `{word}`", hint=f"known are {known}, or a name such as `CVE-2024-1234`"
    )


def met(findings: Iterable[Finding], words: Sequence[str]) -> tuple[Finding, ...]:
    """The findings that one of the words names.

    One whose severity nobody has published counts for every severity: nothing says that it is less.
    """
    return tuple(each for each in findings if any(_is_met(each, word) for word in words))


def _is_met(finding: Finding, word: str) -> bool:
    if word == ANY:
        return True
    if word == FIXABLE:
        return bool(finding.fixed)
    if word == EXPLOITED:
        return finding.exploited is not None
    if (least := _SEVERITIES.get(word)) is not None:
        return finding.severity is Severity.UNKNOWN or finding.severity.rank >= least.rank
    return word in finding.names


def unrated(findings: Iterable[Finding], words: Sequence[str]) -> int:
    """How many of the findings count only because nobody has published how bad they are."""
    severities = [word for word in words if word in _SEVERITIES]
    others = [word for word in words if word not in _SEVERITIES]
    return sum(
        bool(severities) and each.severity is Severity.UNKNOWN and not any(_is_met(each, w) for w in others)
        for each in findings
    )
