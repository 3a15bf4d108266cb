"""The score: nothing but the sum of its lines; waivers, and what `--fail-on` makes of it."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.images import member
from support.surveys import database, elf, surveyed
from witchery.audit import gate
from witchery.audit.audit import Audit, audit
from witchery.audit.rules import FULL, RULES, Severity
from witchery.config.audit import Waiver
from witchery.errors import UsageError

DAY = date(2026, 6, 30)
SETUID = member("usr/bin/x", b"x", mode=0o4755)


def waiver(rule: str = "setuid", *, path: str = "", package: str = "", expires: date = DAY) -> Waiver:
    return Waiver(rule=rule, path=path, package=package, reason="agreed", expires=expires)


def audited(*waivers: Waiver, today: date = DAY) -> Audit:
    packages = database(("xpkg", "1-r0", "MIT"), files={"xpkg": ["usr/bin/x"]})
    made = surveyed(packages, SETUID, member("bin/sh", b"x", mode=0o755), elf("usr/bin/y", relro=False))
    return audit(made, waivers, today)


def test_every_line_is_its_rule_times_its_findings() -> None:
    found = audited()
    assert [(each.rule.name, len(each.findings), each.points) for each in found.lines] == [
        ("setuid", 1, 5),
        ("no-relro", 1, 3),
        ("shell", 1, 10),
    ]
    assert found.score == FULL - 5 - 3 - 10


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "e", "f", "g"]), unique=True, max_size=7))
def test_no_rule_costs_more_than_its_most(names: list[str]) -> None:
    found = audit(surveyed(*(member(each, b"", mode=0o4755) for each in names)), (), DAY)
    assert found.score == FULL - min(5 * len(names), 15)
    assert FULL - sum(each.points for each in found.lines) == found.score


def test_a_score_is_never_below_nothing() -> None:
    many = [
        member(f"bin/{name}", b"", mode=0o4777) for name in ("sh", "apk", "gcc", "su", "wget", "perl", "lua")
    ]
    many += [elf(f"e{n}", type=2, relro=False, stack=(7, 0), load_flags=7, runpath="lib") for n in range(9)]
    assert audit(surveyed(*many), (), DAY).score == 0


def test_notes_cost_nothing() -> None:
    assert all(rule.points == 0 for rule in RULES.values() if rule.severity is Severity.NOTE)
    assert all(0 <= rule.points <= rule.most <= 20 for rule in RULES.values())


@pytest.mark.parametrize(
    "given",
    [
        waiver(),
        waiver(path="/usr/bin/x"),
        waiver(path="usr/bin/x"),
        waiver(path="*/x"),
        waiver(package="x*"),
        waiver(path="/*", package="xpkg"),
    ],
    ids=str,
)
def test_what_is_waived_costs_nothing_and_is_told(given: Waiver) -> None:
    found = audited(given)
    assert found.score == FULL - 3 - 10
    assert [(each.finding.rule, each.waiver) for each in found.waived] == [("setuid", given)]
    assert all(each.rule != "unused-waiver" for each in found.findings)


@pytest.mark.parametrize("given", [waiver(path="bin/x"), waiver(package="y*"), waiver("setgid")], ids=str)
def test_a_waiver_for_something_else_changes_nothing_and_is_told(given: Waiver) -> None:
    found = audited(given)
    assert found.score == audited().score
    assert found.waived == ()
    assert [each.rule for each in found.findings if "waiver" in each.rule] == ["unused-waiver"]


def test_a_waiver_holds_on_its_last_day_and_not_on_the_next() -> None:
    assert audited(waiver()).waived
    after = audited(waiver(), today=DAY + timedelta(days=1))
    assert after.waived == ()
    assert after.score == audited().score
    expired = [each for each in after.findings if each.rule == "expired-waiver"]
    assert [each.evidence for each in expired] == ["the waiver for `setuid` expired on 2026-06-30: agreed"]
    assert gate.met(after, ["expired-waiver"]) == ("expired-waiver",)


def test_one_of_two_waivers_that_has_not_expired_is_enough() -> None:
    old = waiver(expires=DAY - timedelta(days=1))
    found = audited(old, waiver(path="/usr/*"))
    assert len(found.waived) == 1
    assert [each.rule for each in found.findings if "waiver" in each.rule] == ["expired-waiver"]


def test_a_waiver_for_a_rule_that_there_is_not_says_so() -> None:
    (told,) = [each for each in audited(waiver("setuuid")).findings if each.rule == "unused-waiver"]
    assert told.evidence == "the waiver for `setuuid` lets nothing pass, and there is no such rule"


@pytest.mark.parametrize(
    ("words", "met"),
    [
        (["high"], ("high",)),
        (["low", "note"], ("low", "note")),
        (["setuid", "setgid"], ("setuid",)),
        (["any"], ("any",)),
        (["82"], ()),
        (["83"], ("83",)),
        (["100", "100"], ("100",)),
        ([], ()),
    ],
)
def test_what_fails(words: list[str], met: tuple[str, ...]) -> None:
    assert gate.met(audited(), [gate.checked(each) for each in words]) == met


def test_what_is_waived_does_not_fail() -> None:
    found = audited(waiver(), waiver("no-relro"), waiver("shell"))
    assert gate.met(found, ["any", "high", "setuid", "100"]) == ()


@pytest.mark.parametrize("word", ["", "0", "101", "1000000", "-1", "1.5", "critical", "setuids", "HIGH"])
def test_what_is_nothing_to_fail_on_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="nothing to fail on"):
        gate.checked(word)
