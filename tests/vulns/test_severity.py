"""How bad something is: by words, by a vector, and by nothing else."""

import pytest
from cvss import CVSS3
from hypothesis import given
from hypothesis import strategies as st

from witchery.vulns.finding import Severity
from witchery.vulns.severity import named, rated, tenths

_METRICS = {"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "HLN", "I": "HLN", "A": "HLN"}


@pytest.mark.property
@given(
    st.tuples(*(st.sampled_from(letters) for letters in _METRICS.values())), st.sampled_from(["3.0", "3.1"])
)
def test_scores_are_those_of_another_implementation(letters: tuple[str, ...], version: str) -> None:
    """The `cvss` library of Red Hat's product security."""
    vector = "/".join((f"CVSS:{version}", *map(":".join, zip(_METRICS, letters, strict=True))))
    theirs = CVSS3(vector)
    ours = tenths(vector)
    assert ours == round(float(theirs.base_score) * 10)
    assert named(ours).value == theirs.severities()[0].lower()


def test_words_come_before_vectors_and_the_worst_vector_counts() -> None:
    high = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
    low = "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"
    assert rated("MODERATE", [high]) is Severity.MEDIUM
    assert rated("", [low, high]) is Severity.HIGH
    assert rated("made up", [low]) is Severity.LOW


@pytest.mark.parametrize(
    "vector",
    [
        "",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
        "AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "CVSS:3.1/AV:N",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "9.8",
    ],
)
def test_what_cannot_be_computed_is_unknown_and_not_invented(vector: str) -> None:
    assert tenths(vector) is None
    assert rated("", [vector]) is Severity.UNKNOWN


def test_severities_have_an_order() -> None:
    names = ["unknown", "none", "low", "medium", "high", "critical"]
    assert sorted(Severity, key=lambda each: each.rank) == [Severity(name) for name in names]
