"""The C library: by which names musl goes, where it stands, and what it is called as a dependency.

Musl's loader is the C library; names that other systems give to parts of it lead to itself. Alpine's package
provides `so:libc.musl-ARCH.so.1`, with Alpine's name of the architecture, while the file of the loader has
musl's.
"""

from witchery.arch import Arch
from witchery.elf.file import Elf
from witchery.loader import search
from witchery.payload.tree import Payload

_SUFFIXES = {"x86": "i386", "armv7": "armhf", "ppc64le": "powerpc64le"}
"""Musl's names of architectures (musl, `configure` and `arch/*/reloc.h`), where they are not Alpine's."""


def is_libc(name: str) -> bool:
    """Whether musl's loader takes a wanted library for itself: `libc.so`, `libm.so.6`, `ld-musl-*`."""
    return search.is_libc(name) or name.startswith("ld-musl-")


def dependency(arch: Arch) -> str:
    """What the package of the C library provides, and programs depend on."""
    return f"so:libc.musl-{arch.apk}.so.1"


def interpreter(arch: Arch) -> str:
    """Where the loader stands in an image, with a leading slash."""
    return f"/lib/ld-musl-{_SUFFIXES.get(arch.apk, arch.apk)}.so.1"


def is_own(payload: Payload) -> bool:
    """Whether the application brings the loader itself, at its place."""
    return payload.locate(interpreter(payload.arch)) is not None


def is_musl(elf: Elf) -> bool:
    """Whether a program starts through musl's loader."""
    name = (elf.interpreter or "").rpartition("/")[2]
    return name.startswith("ld-musl-")
