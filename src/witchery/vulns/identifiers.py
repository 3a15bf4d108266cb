"""The names of vulnerabilities, out of the entries that people write by hand into Alpine's secdb.

Most entries are one name, `CVE-2019-14697`. In the data of real releases there are also:

    CVE-2017-12122 TALOS-2017-0488      the same under another name
    CVE-2017-2616 (+ regression fix)    a remark
    CVE_2019-2426                       a slip
    CVE-2017-17434-1                    one of several patches for it
    XSA-248                             no CVE at all
"""

import re
from typing import NamedTuple

MAX_TEXT = 512
"""The longest entry that is read, in characters."""

_CVE = re.compile(r"\bCVE[-_ ]?([0-9]{4})[-_]([0-9]{4,19})", re.IGNORECASE)
_GHSA = re.compile(r"\bGHSA(?:-[0-9a-z]{4}){3}\b", re.IGNORECASE)
_OTHER = re.compile(r"\b[A-Z][A-Z0-9]+-[0-9][0-9A-Z.-]*\b")
_REMARK = re.compile(r"\(([^()]*)\)?")
_SHOWN = 80


class Issue(NamedTuple):
    """A vulnerability, by its names.

    Attributes:
        id: The name it is known by: a CVE where it has one.
        aliases: Its other names.
        remark: What the entry says besides.
    """

    id: str
    aliases: tuple[str, ...] = ()
    remark: str = ""


def issues(text: str) -> tuple[Issue, ...]:
    """The vulnerabilities that one entry is about.

    Several CVEs in one entry are several vulnerabilities; other names beside a CVE are names of the same. An
    entry without any name is its own: something was fixed, and it is not passed over.
    """
    remark = "; ".join(found.strip() for found in _REMARK.findall(text) if found.strip())
    names = _REMARK.sub(" ", text)
    cves = tuple(dict.fromkeys(f"CVE-{year}-{number}" for year, number in _CVE.findall(names)))
    rest = _CVE.sub(" ", names)
    others = [f"GHSA{match[4:].lower()}" for match in _GHSA.findall(rest)]
    others += _OTHER.findall(_GHSA.sub(" ", rest))
    aliases = tuple(dict.fromkeys(others))
    if cves:
        return tuple(Issue(cve, aliases, remark) for cve in cves)
    if aliases:
        return (Issue(aliases[0], aliases[1:], remark),)
    plain = " ".join(text.split())
    return (Issue(plain[:_SHOWN]),) if plain else ()


def order(name: str) -> tuple[tuple[int, str], ...]:
    """A key that sorts names as people count: `CVE-2024-999` before `CVE-2024-1000`."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in name.split("-"))
