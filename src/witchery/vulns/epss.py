"""Scores of EPSS: how likely a vulnerability is to be exploited (https://www.first.org/epss/data_stats).

One CSV file a day: a line of comment with the day, `cve,epss,percentile`, then a line for each CVE.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from witchery.errors import FormatError
from witchery.vulns.finding import Likelihood

MAX_LINE = 256
"""The longest line, in characters; the comment included."""

_DATE = re.compile(r"score_date:([0-9]{4}-[0-9]{2}-[0-9]{2})")
_SCORE = re.compile(
    r"(CVE-[0-9]{4}-[0-9]+),([01](?:\.[0-9]{1,12})?(?:[eE]-[0-9]{1,3})?),([01](?:\.[0-9]{1,12})?)"
)
_HEAD = "cve,epss,percentile"


def read(lines: Iterable[str], wanted: Collection[str]) -> Mapping[str, Likelihood]:
    """The scores of some vulnerabilities.

    Args:
        lines: The lines of the file.
        wanted: The names of the vulnerabilities.

    Raises:
        FormatError: if it is not such a file.
    """
    found: dict[str, Likelihood] = {}
    date, seen_head = "", False
    for number, whole in enumerate(lines, 1):
        line = whole.rstrip("\r\n")
        if len(line) > MAX_LINE:
            raise FormatError(f"longer than {MAX_LINE} characters", where=[f"line {number}"])
        if line.startswith("#"):
            match = _DATE.search(line)
            date = match[1] if match else date
        elif not seen_head:
            if line != _HEAD:
                raise FormatError(f"expected `{_HEAD}`: `{line[:80]}`", where=[f"line {number}"])
            seen_head = True
        elif line:
            score = _SCORE.fullmatch(line)
            if score is None:
                raise FormatError(f"expected a CVE and two numbers: `{line[:80]}`", where=[f"line {number}"])
            if score[1] in wanted:
                found[score[1]] = Likelihood(score[2], score[3], date)
    if not seen_head:
        raise FormatError(f"expected `{_HEAD}`, got nothing")
    return found
