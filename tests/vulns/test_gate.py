"""What `--fail-on` fails on."""

import pytest

from witchery.errors import UsageError
from witchery.vulns import gate
from witchery.vulns.finding import Exploited, Finding, Severity


def finding(name: str, **more: object) -> Finding:
    return Finding(**{"id": name, "package": "a", "version": "1-r0", **more})  # type: ignore[arg-type]


LOW = finding("CVE-2020-1111", severity=Severity.LOW, fixed="2-r0")
HIGH = finding("CVE-2020-2222", severity=Severity.HIGH, aliases=("GHSA-aaaa-bbbb-cccc",))
UNKNOWN = finding("CVE-2020-3333", fixed="2-r0")
EXPLOITED = finding("CVE-2020-4444", severity=Severity.NONE, exploited=Exploited("2021-01-01"))
ALL = (LOW, HIGH, UNKNOWN, EXPLOITED)


@pytest.mark.parametrize(
    ("words", "met"),
    [
        ([], ()),
        (["any"], ALL),
        (["fixable"], (LOW, UNKNOWN)),
        (["kev"], (EXPLOITED,)),
        (["low"], (LOW, HIGH, UNKNOWN)),
        (["high"], (HIGH, UNKNOWN)),
        (["critical"], (UNKNOWN,)),
        (["CVE-2020-1111"], (LOW,)),
        (["GHSA-aaaa-bbbb-cccc"], (HIGH,)),
        (["CVE-2020-1111", "kev"], (LOW, EXPLOITED)),
        (["CVE-2030-1111"], ()),
    ],
)
def test_each_word_means_what_it_says(words: list[str], met: tuple[Finding, ...]) -> None:
    assert gate.met(ALL, [gate.checked(word) for word in words]) == met


def test_a_severity_that_nobody_has_published_counts_and_is_told() -> None:
    assert gate.unrated(gate.met(ALL, ["high"]), ["high"]) == 1
    assert gate.unrated(gate.met(ALL, ["any", "high"]), ["any", "high"]) == 0
    assert gate.unrated(gate.met(ALL, ["fixable"]), ["fixable"]) == 0


def test_names_are_taken_in_any_case() -> None:
    assert gate.checked("cve-2020-1111") == "CVE-2020-1111"


@pytest.mark.parametrize("word", ["", "hgih", "unknown", "none", "all", "CVE-2020-1 CVE-2020-2", "-"])
def test_any_other_word_is_wrong_use(word: str) -> None:
    """A gate that is misspelled must not be open."""
    with pytest.raises(UsageError, match="nothing to fail on"):
        gate.checked(word)
