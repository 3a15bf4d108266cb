"""How bad a vulnerability is, from what was published about it; nothing is guessed.

A rating in words comes first, since its author has looked at the case. Else the base score of a CVSS 3 vector
is computed (https://www.first.org/cvss/v3.1/specification-document, section 7.1) and named by the scale of
its section 5. Vectors of CVSS 2 and 4 are not computed: they leave the severity unknown.
"""

from collections.abc import Iterable

from witchery.vulns.finding import Severity

_WORDS = {
    "none": Severity.NONE,
    "low": Severity.LOW,
    "negligible": Severity.LOW,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "critical": Severity.CRITICAL,
}
_SCALE = ((90, Severity.CRITICAL), (70, Severity.HIGH), (40, Severity.MEDIUM), (1, Severity.LOW))
_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def rated(words: str, vectors: Iterable[str]) -> Severity:
    """The severity that words say, or else the highest of the CVSS 3 vectors.

    Args:
        words: `HIGH`, `moderate` and the like, or an empty string.
        vectors: CVSS vectors of any version.
    """
    if found := _WORDS.get(words.strip().lower()):
        return found
    scores = [score for score in map(tenths, vectors) if score is not None]
    return named(max(scores)) if scores else Severity.UNKNOWN


def named(score: int) -> Severity:
    """What a score is called.

    Args:
        score: Tenths, from 0 to 100.
    """
    return next((name for least, name in _SCALE if score >= least), Severity.NONE)


def tenths(vector: str) -> int | None:
    """The base score of a CVSS 3 vector in tenths, 0 to 100; None where it is none."""
    parts = vector.split("/")
    if parts[0] not in ("CVSS:3.0", "CVSS:3.1"):
        return None
    metrics = dict(part.partition(":")[::2] for part in parts[1:])
    try:
        weight = {name: table[metrics[name]] for name, table in _WEIGHTS.items()}
        scope = metrics["S"]
        privileges = _PRIVILEGES[scope][metrics["PR"]]
    except KeyError:
        return None
    missed = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 6.42 * missed
    if scope == "C":
        impact = 7.52 * (missed - 0.029) - 3.25 * (missed - 0.02) ** 15
    if impact <= 0:
        return 0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * privileges * weight["UI"]
    return _rounded_up(min((1.08 if scope == "C" else 1.0) * (impact + exploitability), 10.0))


def _rounded_up(score: float) -> int:
    """Tenths, rounded up as appendix A does it: what is off by less than a hundred-thousandth is exact."""
    whole, rest = divmod(round(score * 100_000), 10_000)
    return whole + (rest > 0)
