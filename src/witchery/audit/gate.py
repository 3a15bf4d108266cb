"""What makes an answer a no: the words of `--fail-on`."""

from collections.abc import Sequence

from witchery.audit.audit import Audit
from witchery.audit.rules import FULL, RULES, Severity
from witchery.errors import UsageError

ANY = "any"
_SEVERITIES = {each.value: each for each in Severity}


def checked(word: str) -> str:
    """A word of `--fail-on`.

    Raises:
        UsageError: if it is none.
    """
    if word == ANY or word in _SEVERITIES or word in RULES:
        return word
    if word.isdecimal() and len(word) <= len(str(FULL)) and 0 < int(word) <= FULL:
        return word
    known = ", ".join(f"`{each}`" for each in (ANY, *_SEVERITIES))
    raise UsageError(
        f"nothing to fail on: `{word}`",
        hint=f"known are {known}, the name of a rule such as `setuid`, and a score from 1 to {FULL}",
    )


def met(audit: Audit, words: Sequence[str]) -> tuple[str, ...]:
    """Those of the words that are met, in their order.

    A severity is met by findings that are as bad or worse, `any` by all that are more than a note, a rule by
    its own findings, and a score by one that is lower.
    """
    return tuple(each for each in dict.fromkeys(words) if _is_met(audit, each))


def _is_met(audit: Audit, word: str) -> bool:
    if word.isdecimal():
        return audit.score < int(word)
    if word == ANY:
        return any(each.severity is not Severity.NOTE for each in audit.findings)
    if (least := _SEVERITIES.get(word)) is not None:
        return any(each.severity.rank <= least.rank for each in audit.findings)
    return any(each.rule == word for each in audit.findings)
