"""What a removal breaks: by hand, as a law, and as the solver sees it on a real release."""

import gzip
import hashlib
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.random_worlds import random_world
from support.shared import needs_shared
from support.universes import V316, V317, asked, universe, whole
from witchery.apk.dependency import Dependency
from witchery.impact.breakage import Breakage, Removal, breakage, removal_of
from witchery.impact.confirmation import Verdict, confirm
from witchery.impact.dependents import dependents
from witchery.impact.universe import Universe

WORLD = """
ssl-1 p:so:ssl.1 so:crypto.1 | o:openssl
libre-1 p:so:ssl.1 | o:libre
curl-1 D:so:ssl.1 so:crypto.1 | p:so:curl.4
wget-1 D:so:ssl.1
git-1 D:so:curl.4
doc-1 i:git docs
docs-1
loop-1 D:pool git
pool-1 D:loop
ring-1 D:rang
rang-1 D:ring
bad-1 D:nowhere
worse-1 D:bad
clash-1 D:wget !libre
"""


def _break(there: Universe, *words: str) -> Breakage:
    return breakage(there, removal_of(there, asked(*words)))


def _names(found: Breakage) -> dict[str, str]:
    return {found.universe.packages[each].name: str(loss.dependency) for each, loss in found.broken.items()}


def test_a_package_goes_with_all_that_it_provides() -> None:
    found = _break(universe(WORLD), "ssl")
    assert _names(found) == {
        "curl": "so:crypto.1",
        "git": "so:curl.4",
        "loop": "git",
        "pool": "loop",
    }
    assert list(_names(found)) == ["curl", "git", "loop", "pool"]  # the nearest first
    assert len(found.already) == 2
    kept = {found.universe.packages[each].name: loss for each, loss in found.kept.items()}
    assert set(kept) == {"wget"}
    assert [found.universe.packages[each].name for each in kept["wget"].providers] == ["libre"]
    assert [found.universe.packages[each].name for each in found.untriggered] == ["doc"]


def test_a_name_stops_being_provided_by_everybody() -> None:
    """As when a library changes its SONAME: the packages stay."""
    found = _break(universe(WORLD), "so:ssl.1")
    assert _names(found).keys() == {"curl", "wget", "git", "loop", "pool", "clash"}
    assert not found.kept


def test_a_circle_holds_itself_and_falls_as_one() -> None:
    assert not _break(universe(WORLD), "docs").broken
    assert _names(_break(universe(WORLD), "ring")) == {"rang": "ring"}


def test_a_name_that_is_a_package_stays_its_name() -> None:
    there = universe("a-1\nb-1 p:a=1\nuser-1 D:a")
    assert not _break(there, "b").broken
    assert not _break(there, "a").broken
    assert _names(_break(there, "a", "b")) == {"user": "a"}


def test_the_solver_finds_what_conflicts_break() -> None:
    """`clash` refuses the one that is left; that nothing is missing does not show it."""
    there = universe(WORLD)
    found = _break(there, "ssl")
    positions = [each.position for each in dependents(there, asked("ssl"))]
    verdicts = confirm(there, found.removal, positions)
    by_name = {there.packages[each].name: verdict for each, verdict in verdicts.items()}
    assert by_name["clash"] is Verdict.BROKEN
    assert "clash" not in _names(found)
    assert by_name["wget"] is Verdict.FINE
    assert by_name["curl"] is Verdict.BROKEN


def test_apk_is_asked_where_the_complete_search_gives_up() -> None:
    """But not of packages that are known to lack something."""
    there = universe("ssl-1 p:so:ssl.1=1\nlibre-1 p:so:ssl.1=1\nwget-1 D:so:ssl.1")
    found = _break(there, "ssl")
    (wget,) = there.named("wget")
    for lacking, verdict in (((), Verdict.FINE), ({wget}, Verdict.BROKEN)):
        assert confirm(there, found.removal, [wget], lacking=lacking, steps=0) == {wget: verdict}


def test_a_package_that_is_asked_for_by_its_name_keeps_it() -> None:
    """What it provides besides may go; what it is called may not."""
    there = universe("a-1\nb-1 p:a=2\nfirst-1 D:a=1\nsecond-1 D:a=2")
    found = breakage(there, Removal(names=frozenset({"a"})))
    assert _names(found) == {"second": "a=2"}


def test_a_version_that_nobody_has_is_missing() -> None:
    there = universe("lib-2\nold-1 D:lib<2\nnew-1 D:lib>=2")
    assert {there.packages[each].name for each in breakage(there, Removal()).already} == {"old"}


def test_what_the_solver_refused_before_is_no_news() -> None:
    there = universe("a-1\nb-1 D:a nowhere")
    (verdict,) = confirm(there, removal_of(there, asked("a")), [1]).values()
    assert verdict is Verdict.REFUSED


@given(st.integers(0, 1 << 32), st.sampled_from("abcdefvw"))
def test_what_is_said_to_break_has_no_solution(seed: int, name: str) -> None:
    sources, _ = random_world(random.Random(seed), tags=False)
    there = Universe([source.index for source in sources], "x86_64")
    found = _break(there, name)
    for verdict in confirm(there, found.removal, found.broken).values():
        assert verdict in (Verdict.BROKEN, Verdict.REFUSED)


@needs_shared
@pytest.mark.parametrize(("index", "unfound"), [(V316, {"perl-test-deep"}), (V317, set[str]())])
def test_what_is_broken_from_the_start_is_what_apk_itself_refuses(index: Path, unfound: set[str]) -> None:
    """In apk's own answers for every package; one of them has a solution that apk does not look for."""
    answers = index.with_name(index.name.replace("APKINDEX.tar.gz", "jsonl.gz"))
    worlds = map(json.loads, gzip.decompress(answers.read_bytes()).splitlines())
    refused = {each["world"][0] for each in worlds if "error" in each and "busybox" in each["world"]}
    there = whole(index)
    found = breakage(there, Removal())
    assert {there.packages[each].name for each in found.already} == refused - unfound
    assert not found.broken


BUSYBOX = (Dependency("busybox"),)
"""Without it apk refuses half of 3.16, for want of a `/bin/sh` that it would choose."""


@needs_shared
@pytest.mark.parametrize("name", ["libcrypto1.1", "so:libcurl.so.4", "perl", "so:libicuuc.so.71"])
def test_the_solver_agrees_on_a_real_release(name: str) -> None:
    """200 of those that are said to break have no solution; 200 of all others still have theirs."""
    there = whole(V316)
    found = _break(there, name)
    assert len(found.already) == 2

    def some(positions: list[int]) -> list[int]:
        return sorted(
            positions, key=lambda each: hashlib.sha256(there.packages[each].name.encode()).digest()
        )[:200]

    broken = some(list(found.broken))
    assert broken
    assert set(confirm(there, found.removal, broken, BUSYBOX).values()) == {Verdict.BROKEN}
    near = [each.position for each in dependents(there, asked(name))]
    left = set(range(len(there))) - found.broken.keys() - found.removal.packages
    others = dict.fromkeys([*(each for each in near if each in left), *some(list(left))])
    verdicts = confirm(there, found.removal, list(others)[:200], BUSYBOX)
    assert Verdict.BROKEN not in verdicts.values()
    refused = {there.packages[each].name for each, verdict in verdicts.items() if verdict is Verdict.REFUSED}
    assert refused <= {"tiny-cloud-aws", "opensmtpd-pam"}  # as before
