"""Real packages in the order in which real apk installed them, and what it made of them."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support.shared import SHARED, repository
from witchery.apk import archive
from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.codec import GzipReader
from witchery.compose.part import Part
from witchery.rootfs import tar
from witchery.rootfs.content import BytesContent

SETS = ("v3.19.1-boot-x86_64", "v3.19-x86_64", "v3.13-aarch64")
"""The sets of packages that come with the answers of real apk."""

_SERVICES = (  # what `etc/apk/world` has in apk's answer: its digest is there
    "alpine-baselayout busybox busybox-binsh chrony dhcpcd doas openrc tiny-cloud-nocloud wpa_supplicant"
)
_INSTALLING = re.compile(r"\) Installing (\S+) \((\S+)\)")


@dataclass(frozen=True)
class World:
    """A request that real apk installed with `--no-scripts`.

    Attributes:
        set: The set of packages.
        name: The name of the answers.
    """

    set: str
    name: str

    @property
    def expected(self) -> Path:
        """The folder of the answers."""
        return SHARED / "alpine" / self.set / "expected"

    @property
    def database(self) -> Path:
        """The package database that apk wrote; not there for every world."""
        return self.expected / f"{self.name}.installed"

    @property
    def arch(self) -> str:
        """Alpine's name of the architecture."""
        return self.set.rpartition("-")[2]

    @property
    def request(self) -> tuple[Dependency, ...]:
        """What was asked for."""
        file = self.expected / f"{self.name}.world"
        asked = self.name.replace("_", " ").replace("services", _SERVICES)
        names = (file.read_text() if file.exists() else asked).split()
        return tuple(Dependency.parse(name) for name in names)

    @property
    def log(self) -> str:
        """What apk said."""
        plain = self.expected / f"{self.name}.log"
        return (plain if plain.exists() else self.expected / f"{self.name}.noscripts.log").read_text()

    @property
    def installed(self) -> list[str]:
        """The packages, with their versions, in the order in which apk installed them."""
        return [f"{match[1]}-{match[2]}" for match in _INSTALLING.finditer(self.log)]

    def parts(self, folder: Path) -> tuple[Part, ...]:
        """The packages in the order of installation; `folder` may get a usable copy of the set."""
        root = repository(self.set, folder) / self.arch
        return tuple(_part(root, name) for name in self.installed)

    def __str__(self) -> str:
        return f"{self.set}/{self.name}"


def worlds() -> tuple[World, ...]:
    """Every request that apk granted, of every set."""
    return tuple(
        World(each, name)
        for each in SETS
        for name in sorted(
            {path.name.split(".")[0] for path in (SHARED / "alpine" / each / "expected").glob("*.log")}
        )
        if "Installing" in World(each, name).log
    )


@cache
def index(folder: Path) -> dict[str, Package]:
    """The packages of a folder by name and version."""
    reader = GzipReader([(folder / "APKINDEX.tar.gz").read_bytes()])
    files: dict[str, bytes] = {}
    while not reader.at_end():
        for member in tar.read(reader.member(lambda _: None, 1 << 28)):
            files[member.entry.path] = b"".join(member.content)
    stanzas = files["APKINDEX"].decode().strip("\n").split("\n\n")
    return {str(package): package for package in map(Package.parse, stanzas)}


def read_part(package: Package, data: bytes) -> Part:
    """A package in memory as a part."""
    segment = bytearray()
    return Part(package, archive.read([data], segment.extend), BytesContent(bytes(segment)))


@cache
def _part(folder: Path, name: str) -> Part:
    package = index(folder)[name]
    return read_part(package, (folder / package.filename).read_bytes())
