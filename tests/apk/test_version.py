"""Versions, held against apk-tools' own comparisons."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.shared import SHARED, needs_shared
from witchery.apk import version

_ANSWERS = SHARED / "solver" / "versions.json.gz"


def _answers(kind: str) -> Any:
    return json.loads(gzip.decompress(_ANSWERS.read_bytes()))[kind]


@needs_shared
@pytest.mark.conformance
def test_every_recorded_comparison_of_apk_is_ours() -> None:
    signs = {"<": -1, "=": 0, ">": 1}
    wrong = []
    for a, b, sign, _status in _answers("compare"):
        comparable = version.is_valid(a) and version.is_valid(b)
        if comparable != bool(sign) or (comparable and version.compare(a, b) != signs[sign]):
            wrong.append((a, sign, b))
    assert wrong == []


@needs_shared
@pytest.mark.conformance
def test_every_recorded_check_of_apk_is_ours() -> None:
    wrong = [text for text, status in _answers("check") if version.is_valid(text) != (status == 0)]
    assert wrong == []


def test_the_kinds_of_component_have_one_order() -> None:
    ascending = [
        *("", "1.0_alpha", "1.0_alpha1", "1.0_beta", "1.0_pre", "1.0_rc", "1.0_rc1", "1.0_foo", "1.0"),
        *("1.0-r0", "1.0-r1", "1.0~ab", "1.0_cvs", "1.0_svn", "1.0_git", "1.0_hg", "1.0_p", "1.0_p1"),
        *("1.0_p1_p2", "1.0a", "1.0b", "1.0.0", "1.0.01", "1.0.1", "1.0.9", "1.0.10", "1.1", "2"),
    ]
    assert sorted(ascending, key=version.order) == ascending
    assert len({version.order(text) for text in ascending}) == len(ascending)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("8.2.0", "8.2.001"),
        ("8.2.0015", "8.2.002"),
        ("4.09-r1", "4.5.14"),
        ("1.0", "1.0bc"),
        ("1.0_foo", "1.0"),
    ],
)
def test_leading_zeros_and_invalid_text_have_their_place(older: str, newer: str) -> None:
    assert version.compare(older, newer) == -1
    assert version.compare(newer, older) == 1


@pytest.mark.parametrize(
    "text", ["", "a", "v1", "1.", "1..0", "1.0-1", "1.0-r", "1.0ab", "1.0_foo", "1.0-r1_p1", "1:1"]
)
def test_text_that_is_no_version_is_told_apart(text: str) -> None:
    assert not version.is_valid(text)


@pytest.mark.parametrize(
    ("text", "prefix", "matches"),
    [
        ("3.6.0_pre1", "3.6", True),
        ("3.8", "3.8.1", False),
        ("3.80", "3.8", False),
        ("1.0bc", "1.0b", True),
        ("1.0", "1", True),
        ("", "1", False),
        ("abc", "0", False),
    ],
)
def test_a_fuzzy_match_is_a_match_of_whole_components(text: str, prefix: str, matches: bool) -> None:
    assert version.starts_with(text, prefix) is matches


def test_a_number_of_ten_thousand_digits_is_compared_like_any_other() -> None:
    assert version.compare("1." + "9" * 10_000, "1.1" + "0" * 10_000) == -1


_versions = st.from_regex(
    r"\A[0-9]{1,3}(\.[0-9]{1,3}){0,3}[a-c]?(_(alpha|rc|git|p)[0-9]{0,2}){0,2}(~[0-9a-f]{1,3})?(-r[0-9]{1,2})?\Z"
)


@pytest.mark.property
@given(_versions, _versions, _versions)
def test_the_order_of_versions_is_total(a: str, b: str, c: str) -> None:
    assert version.compare(a, b) == -version.compare(b, a)
    assert version.compare(a, a) == 0
    if version.compare(a, b) <= 0 and version.compare(b, c) <= 0:
        assert version.compare(a, c) <= 0


@pytest.mark.property
@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_can_be_compared_with_any_other(a: str, b: str) -> None:
    assert version.compare(a, b) == -version.compare(b, a)


@pytest.mark.property
@given(_versions)
def test_every_version_of_the_grammar_is_valid_and_matches_itself(text: str) -> None:
    assert version.is_valid(text)
    assert version.starts_with(text, text)
