"""What abuild would write into a package's description by itself: `provides` and needed libraries.

Observed on official packages (abuild 3.7 to 3.12), whose `.PKGINFO` says which lines were found so. Libraries
in `lib` and `usr/lib` are public; commands are what stands in the four folders of programs. One deviation:
abuild takes any folder that a run path leads to for one of public libraries, and so offers the private ones
of an application to everybody.
"""

import re
from collections.abc import Iterator

from witchery.apk import version as versions
from witchery.payload.native.sonames import is_name
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs.entry import Kind

LIBRARY_FOLDERS = ("lib", "usr/lib")
"""Where libraries for everybody stand."""
COMMAND_FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin")
"""Where programs for everybody stand."""

_LIBRARY = re.compile(r".*\.(so|c32|so\.[0-9].*)", re.DOTALL)
_NUMBER = re.compile(r".*\.so\.([0-9].*)", re.DOTALL)
_COMMAND = re.compile(r"[A-Za-z0-9_+,\[-][A-Za-z0-9._+,:\[\]-]*")


def provides(payload: Payload, version: str) -> tuple[str, ...]:
    """What a package of these files provides: `so:libz.so.1=1.3.1` and `cmd:zpipe=1.0-r0`, sorted.

    Args:
        payload: The files at their places in the image.
        version: The package's version with its release: `1.0-r0`.
    """
    libraries = {f"so:{name}={number}" for name, number in library_versions(payload).items()}
    return tuple(sorted(libraries | {f"cmd:{name}={version}" for name in commands(payload)}))


def library_versions(payload: Payload) -> dict[str, str]:
    """The public libraries by their `DT_SONAME`, or else their file name, each with its version.

    The version is what follows `.so.` in the file name, or `0`. One that is no version of apk's, where abuild
    would stop, is `0` as well. Of several files with one name the first that has a version counts.
    """
    found: dict[str, str] = {}
    for folder in LIBRARY_FOLDERS:
        for file in _inside(payload, folder):
            elf = payload.elf(file.path)
            name = file.name if elf is None or elf.soname is None else elf.soname
            if elf is None or not elf.header.loadable or not _LIBRARY.fullmatch(name) or not is_name(name):
                continue
            match = _NUMBER.fullmatch(file.name)
            number = match[1] if match and versions.is_valid(match[1]) else "0"
            if found.get(name, "0") == "0":
                found[name] = number
    return found


def commands(payload: Payload) -> tuple[str, ...]:
    """The names of the programs and links in the folders of programs."""
    found = []
    for folder in COMMAND_FOLDERS:
        for file in _inside(payload, folder):
            linked = file.entry.kind in (Kind.SYMLINK, Kind.HARDLINK)
            if (
                (linked or file.is_executable)
                and not file.name.startswith(".")
                and _COMMAND.fullmatch(file.name)
            ):
                found.append(file.name)
    return tuple(dict.fromkeys(found))


def needed_sonames(payload: Payload) -> tuple[str, ...]:
    """The names of the libraries that any file needs and the package does not provide, sorted."""
    needed = {name for elf in payload.elves.values() if elf.header.loadable for name in elf.needed}
    return tuple(sorted(needed - library_versions(payload).keys()))


def _inside(payload: Payload, folder: str) -> Iterator[PayloadFile]:
    """The entries right inside a folder."""
    return (file for file in payload.below(folder) if file.entry.parent == folder)
