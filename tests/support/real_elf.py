"""The ELF files in the real packages of the shared test data."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from support.alpine import real_file
from support.shared import SHARED
from witchery.apk import archive

_CHUNK = 1 << 20


class RealFile(NamedTuple):
    """An ELF file: its repository, architecture and package, its path, its bytes."""

    package: str
    path: str
    data: bytes

    @property
    def arch(self) -> str:
        """The architecture of the package it is in."""
        return self.package.split("/")[1]

    def __str__(self) -> str:
        return f"{self.package}:{self.path}"


@cache
def elf_files(folder: str = "") -> tuple[RealFile, ...]:
    """All of them, or those of one folder of repositories; no package twice."""
    found, seen = list[RealFile](), set[Path]()
    for path in sorted((SHARED / "alpine").glob(f"{folder or '*'}/*/*.apk")):
        real = real_file(path)
        if real not in seen:
            seen.add(real)
            name = str(path.relative_to(SHARED / "alpine"))
            found += [RealFile(name, inside, data) for inside, data in _files(real)]
    return tuple(found)


@cache
def _files(package: Path) -> tuple[tuple[str, bytes], ...]:
    return tuple(_read(package))


def _read(package: Path) -> Iterator[tuple[str, bytes]]:
    segment = list[bytes]()
    with package.open("rb") as file:
        archive.read(iter(lambda: file.read(_CHUNK), b""), segment.append)
    for member in archive.members(segment):
        data = b"".join(member.content)
        if data.startswith(b"\x7fELF"):
            yield member.entry.path, data
