"""What shows that a file was made for glibc, the C library of most distributions other than Alpine.

Proof is the loader's name, a wanted symbol version `GLIBC_*`, or an imported `__*_chk` function, which only
glibc has (its fortified headers). Wanting `libc.so.6` alone proves nothing: musl answers to that name.
"""

import re
from typing import NamedTuple

from witchery.elf.file import Elf

_LOADER = "ld-linux"
_VERSION = re.compile(r"GLIBC_([0-9]{1,6}(?:\.[0-9]{1,6}){1,3})")
_CHECKED = re.compile(r"__[a-z0-9_]+_chk")


class Proof(NamedTuple):
    """What shows that a file was made for glibc.

    Attributes:
        what: In a few words, the most telling first.
        newest: The newest version that it wants, such as `GLIBC_2.34`, or an empty string.
    """

    what: tuple[str, ...]
    newest: str

    def __str__(self) -> str:
        newest = f"wants {self.newest} or newer"
        return ", ".join((*self.what, newest) if self.newest else self.what)


def proof(elf: Elf) -> Proof | None:
    """What shows that a file was made for glibc; None where nothing does."""
    what = []
    if is_loader(elf.interpreter or ""):
        what.append(f"starts through {elf.interpreter}")
    if loader := next(filter(is_loader, elf.needed), None):
        what.append(f"needs {loader}")
    versions = [need.version for need in elf.version_needs if need.version.startswith("GLIBC_")]
    numbered = [each for each in versions if _VERSION.fullmatch(each)]
    if versions and not numbered:
        what.append(f"wants {versions[0]}")
    if not what and not versions and not _is_versioned(elf):
        checked = (each for each in elf.symbols if each.name.endswith("_chk") and each.required)
        if name := next((each.name for each in checked if _CHECKED.fullmatch(each.name)), None):
            what.append(f"wants the function {name}")
    if not what and not numbered:
        return None
    return Proof(tuple(what), max(numbered, key=_order, default=""))


def is_loader(name: str) -> bool:
    """Whether a wanted library, or a path, is glibc's loader."""
    last = name.rpartition("/")[2]
    # ld64.so and ld.so are the names on ppc64le and s390x (glibc, sysdeps/*/shlib-versions).
    return last.startswith((_LOADER, "ld64.so.")) or last == "ld.so.1"


def _is_versioned(elf: Elf) -> bool:
    """Whether it names any symbol version: then those of glibc would be among them."""
    return bool(elf.version_needs)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.removeprefix("GLIBC_").split("."))
