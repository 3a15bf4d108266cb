"""For which Python something was built: tags of wheels (PEP 425, 600, 656), names of extensions (PEP 3149).

A compiled module of CPython 3.12 for musl is called `NAME.cpython-312-x86_64-linux-musl.so`, one for the
stable ABI `NAME.abi3.so`. An interpreter imports only names with its own suffix: one for glibc is not found.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import islice
from typing import NamedTuple

from witchery.arch import Arch

Version = tuple[int, ...]
"""A version of Python: (3, 12)."""

_EXTENSION = re.compile(r"[^/]+\.cpython-3([0-9]{1,2})([a-z]*)-([A-Za-z0-9_-]+)\.so")
_FOREIGN = re.compile(r"[^/]+\.(?:pypy[0-9][^/]*\.so|graalpy[0-9][^/]*\.so|pyd)")
_TAG = re.compile(r"([a-z0-9_.]{2,64})-([a-z0-9_.]{2,64})-([A-Za-z0-9_.]{2,512})")
_CPYTHON = re.compile(r"cp3([0-9]{1,2})([a-z]*)")
_ANY_PYTHON = re.compile(r"(?:cp|py)3([0-9]{0,2})")
_CLAUSE = re.compile(r"(>=|>|~=|={2,3})\s*([0-9]{1,4}(?:\.[0-9]{1,4}){0,3})(?:\.\*)?")

_MAX_EXPANDED = 256
"""How many single tags those of a wheel stand for, at most."""
_ARCHES = {"armv7": "armv7l", "armhf": "armv6l", "x86": "i686"}


class System(Enum):
    """What a wheel or extension runs on."""

    ANY = "any"
    MUSL = "musl"
    GLIBC = "glibc"
    LINUX = "some Linux"
    OTHER = "another system"


class Extension(NamedTuple):
    """What the name of a compiled module says.

    Attributes:
        version: Of CPython; None where any will do.
        abi: Letters for a special build of it, such as `t` (free-threaded); mostly none.
        system: What it is for.
    """

    version: Version | None
    abi: str
    system: System


class Built(NamedTuple):
    """What the tags of a wheel say.

    Attributes:
        exact: The only version of CPython that it works with, if there is but one.
        least: The oldest version that it works with; empty where nobody says.
        systems: What it is for.
        arches: The machines it is for, by pip's names; empty where any will do.
    """

    exact: Version | None
    least: Version
    systems: frozenset[System]
    arches: frozenset[str]


def machine(arch: Arch) -> str:
    """What pip calls an architecture."""
    return _ARCHES.get(arch.apk, arch.apk)


def dotted(version: Version) -> str:
    """`3.12`."""
    return ".".join(str(part) for part in version)


def extension(name: str) -> Extension | None:
    """What the name of a file says of it as a compiled module; None where it is none."""
    if not name.endswith((".so", ".pyd")):
        return None
    if found := _EXTENSION.fullmatch(name):
        return Extension((3, int(found[1])), found[2], _of_triplet(found[3]))
    if name.endswith(".abi3.so"):
        return Extension(None, "", System.LINUX)
    return Extension(None, "", System.OTHER) if _FOREIGN.fullmatch(name) else None


def built(tags: Iterable[str]) -> Built | None:
    """What the tags of a wheel say together; None where there are none that make sense."""
    parts = list(islice((part for tag in tags for part in _expanded(tag)), _MAX_EXPANDED))
    if not parts:
        return None
    exact = {version for python, abi, _ in parts if (version := _exact(python, abi))}
    least = [version for python, _, _ in parts if (version := _least(python)) is not None]
    platforms = {platform for _, _, platform in parts}
    arches = {_machine_of(platform) for platform in platforms}
    return Built(
        exact=next(iter(exact)) if len(exact) == 1 and all(_exact(p, a) for p, a, _ in parts) else None,
        least=min(least, default=()),
        systems=frozenset(_of_platform(platform) for platform in platforms),
        arches=frozenset() if "" in arches else frozenset(arches),
    )


def least_version(specifier: str) -> Version:
    """The oldest version that a `Requires-Python` lets in; empty where it names none above 2."""
    found = [_CLAUSE.fullmatch(part.strip()) for part in specifier[:1000].split(",")]
    versions = [tuple(int(part) for part in each[2].split(".")) for each in found if each]
    return max((version for version in versions if version > (3,)), default=())


def _expanded(tag: str) -> Iterator[tuple[str, str, str]]:
    """A tag may stand for several: `py2.py3-none-any`."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return
    for python in found[1].split(".")[:16]:
        for abi in found[2].split(".")[:16]:
            for platform in found[3].split(".")[:16]:
                yield python, abi, platform


def _exact(python: str, abi: str) -> Version | None:
    found = _CPYTHON.fullmatch(abi)
    return (3, int(found[1])) if found and python.startswith("cp") else None


def _least(python: str) -> Version | None:
    found = _ANY_PYTHON.fullmatch(python)
    if found is None:
        return None
    return (3, int(found[1])) if found[1] else ()


def _of_triplet(text: str) -> System:
    """The system in a name such as `x86_64-linux-musl`, PEP 3149's last part."""
    if "-linux-musl" in text:
        return System.MUSL
    return System.GLIBC if "-linux-gnu" in text else System.OTHER


def _of_platform(text: str) -> System:
    if text == "any":
        return System.ANY
    for start, system in (("musllinux", System.MUSL), ("manylinux", System.GLIBC), ("linux_", System.LINUX)):
        if text.startswith(start):
            return system
    return System.OTHER


def _machine_of(platform: str) -> str:
    """`x86_64` of `musllinux_1_2_x86_64`; empty where a platform names none that Linux has."""
    found = re.fullmatch(r"(?:musllinux|manylinux)(?:_[0-9]+_[0-9]+|[0-9]+)_(.+)|linux_(.+)", platform)
    return (found[1] or found[2]) if found else ""
