"""Versions of packages, in the order apk-tools 3 gives them.

    version = number {"." number} [letter] {"_" suffix [number]} ["~" hash] ["-r" number]
    suffix  = "alpha" | "beta" | "pre" | "rc" | "cvs" | "svn" | "git" | "hg" | "p"

A version is compared component by component, and the first difference decides (apk-package(5), "Version").
All the rules are in the sort key that `order` makes: a tuple with one element per component and one for the
end, whose first item is the kind of component. Where two versions differ in kind, the kinds are ordered so:

    alpha.. rc < (invalid) < (end) < -rN < ~hash < number of a suffix < cvs.. p < letter < .number

so `1.0_rc1 < 1.0 < 1.0-r1 < 1.0_p1 < 1.0a < 1.0.1`. Text that does not follow the grammar still has a place:
it is compared up to the first character that does not fit. The empty version, which an unversioned provide
has, is below all others.
"""

import re
from functools import lru_cache

Key = tuple[tuple[int | str, ...], ...]
"""A sort key. Keys are comparable with each other, and with nothing else."""

_PRE_RELEASE, _INVALID, _END, _REVISION, _HASH, _SUFFIX_NUMBER, _SUFFIX, _LETTER, _NUMBER, _FIRST = range(10)

_SUFFIXES = {
    "alpha": (_PRE_RELEASE, 0),
    "beta": (_PRE_RELEASE, 1),
    "pre": (_PRE_RELEASE, 2),
    "rc": (_PRE_RELEASE, 3),
    "cvs": (_SUFFIX, 0),
    "svn": (_SUFFIX, 1),
    "git": (_SUFFIX, 2),
    "hg": (_SUFFIX, 3),
    "p": (_SUFFIX, 4),
}

_ONE_SUFFIX = r"_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)(?![a-z])[0-9]*"
_VERSION = re.compile(
    rf"(?P<first>[0-9]+)(?P<numbers>(?:\.[0-9]+)*)(?P<letter>[a-z]?)(?P<suffixes>(?:{_ONE_SUFFIX})*)"
    r"(?:~(?P<hash>[0-9a-f]+))?(?:-r(?P<revision>[0-9]+))?"
)
_SUFFIX_PARTS = re.compile(r"_([a-z]+)([0-9]*)")


def is_valid(version: str) -> bool:
    """Says whether `version` follows the grammar."""
    return _VERSION.fullmatch(version) is not None


@lru_cache(maxsize=1 << 16)
def order(version: str) -> Key:
    """The key that versions are sorted by, the oldest first."""
    match = _VERSION.match(version)
    if match is None:
        return ((_INVALID,),)
    first, numbers, letter, suffixes, commit, revision = match.groups()
    key: list[tuple[int | str, ...]] = [(_FIRST, *_numeric(first))]
    if numbers:
        key += [_further_number(number) for number in numbers[1:].split(".")]
    if letter:
        key.append((_LETTER, letter))
    for name, number in _SUFFIX_PARTS.findall(suffixes):
        key.append(_SUFFIXES[name])
        if number:
            key.append((_SUFFIX_NUMBER, *_numeric(number)))
    if commit:
        key.append((_HASH, commit))
    if revision:
        key.append((_REVISION, *_numeric(revision)))
    key.append((_END,) if match.end() == len(version) else (_INVALID,))
    return tuple(key)


def compare(a: str, b: str) -> int:
    """-1, 0 or 1, as `a` is older than, equal to, or newer than `b`. `1.0-r1` and `1.0-r01` are equal."""
    key_a, key_b = order(a), order(b)
    return (key_a > key_b) - (key_a < key_b)


def starts_with(version: str, prefix: str) -> bool:
    """Says whether the components of `version` begin with all those of `prefix`: the fuzzy match of `~`."""
    wanted = order(prefix)[:-1]
    return order(version)[: len(wanted)] == wanted if wanted else not version


def _numeric(digits: str) -> tuple[int | str, ...]:
    """Orders by value without converting: a version may have more digits than an integer should."""
    significant = digits.lstrip("0")
    return (len(significant), significant)


def _further_number(digits: str) -> tuple[int | str, ...]:
    """A number after a dot: by value, but as text where one begins with 0, which is then the smaller."""
    return (_NUMBER, 0, digits) if digits[0] == "0" else (_NUMBER, 1, *_numeric(digits))
