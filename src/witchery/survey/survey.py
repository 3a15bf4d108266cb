"""An image, or what a source would come to, as one value that questions are asked about."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from witchery.apk.installed import InstalledPackage
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import Refused
from witchery.oci.config import Execution
from witchery.rootfs.entry import Kind
from witchery.rootfs.links import Links
from witchery.survey.files import SurveyedFile
from witchery.value import field, frozen

DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
"""Where apk keeps what is installed; the first that is there counts."""


class SurveyedPackage(NamedTuple):
    """A package of an image.

    Attributes:
        name: Its name.
        version: Its version.
        arch: For which architecture it says it is.
        origin: The source package, or its own name.
        licence: Its licence as it says, or an empty string.
        size: How many bytes the package file has.
        installed_size: How many bytes its files have.
        identity: The hash of its control segment.
    """

    name: str
    version: str
    arch: str = ""
    origin: str = ""
    licence: str = ""
    size: int = 0
    installed_size: int = 0
    identity: bytes = b""

    @staticmethod
    def of(package: Package) -> "SurveyedPackage":
        """What an index or the package database says of it."""
        return SurveyedPackage(
            name=package.name,
            version=package.version,
            arch=package.arch,
            origin=package.origin or package.name,
            licence=package.license,
            size=package.size,
            installed_size=package.installed_size,
            identity=package.identity,
        )


class SurveyedLayer(NamedTuple):
    """A layer of an image.

    Attributes:
        digest: Of the blob.
        size: Of the blob, in bytes.
    """

    digest: Digest
    size: int


@frozen(kw_only=True)
class Survey:
    """What was found.

    Attributes:
        name: What it is called, as the user wrote it.
        arch: For which architecture.
        packages: Its packages, sorted by name.
        files: What stands in it by path, in byte order; None where only packages are known (a lock).
        owners: The package that brings a path.
        layers: Its layers, the lowest first; none where it is no image.
        execution: How it is started; None where nothing says.
        digest: The digest of its manifest, or an empty string.
        notes: What a person has to know about how it was read, a sentence each.
    """

    name: str
    arch: Arch
    packages: tuple[SurveyedPackage, ...] = ()
    files: Mapping[str, SurveyedFile] | None = field(default=None, repr=False, hash=False)
    owners: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    layers: tuple[SurveyedLayer, ...] = ()
    execution: Execution | None = None
    digest: str = ""
    notes: tuple[str, ...] = ()

    @property
    def every(self) -> Iterator[SurveyedFile]:
        """Its files, in byte order of their paths."""
        return iter(() if self.files is None else self.files.values())

    @property
    def content_size(self) -> int:
        """Bytes of all regular files; what has several names counts once."""
        return sum(each.entry.size for each in self.every if each.entry.kind is Kind.FILE and not each.first)

    def links(self) -> Links:
        """Its symbolic links."""
        return Links({each.path: each.entry.target for each in self.every if each.entry.kind is Kind.SYMLINK})


def leads_to(links: Links, files: Mapping[str, SurveyedFile], path: str) -> SurveyedFile | None:
    """What a path leads to in the end; None for nothing, or a circle."""
    try:
        return files.get(links.follow(path))
    except Refused:
        return None


def owners_of(installed: Iterable[InstalledPackage]) -> dict[str, str]:
    """Which package brings which path."""
    return {path: each.package.name for each in installed for path in each.paths}
