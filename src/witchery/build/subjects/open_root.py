"""An image that is looked at: its packages, its files, and what is kept beside it.

The package database says what each package depends on and provides, as an index does, and `etc/apk/world`
what was requested. Where there is none, evidence beside the image has the same in the heads of packages.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from witchery.apk import installed as database
from witchery.apk.dependency import Dependency
from witchery.apk.installed import InstalledPackage
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.attest.evidence import Evidence
from witchery.build import image_files
from witchery.build.evidence import evidence_about
from witchery.build.image_files import Enough
from witchery.build.registry.copying import Opened
from witchery.build.registry.pulling import keep
from witchery.digest import Digest
from witchery.errors import FormatError, Refused, UsageError, located
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.links import Links
from witchery.store import folder_tree, image_tree, rootfs_dir
from witchery.store.image_tree import Placed
from witchery.survey.survey import DATABASES

if TYPE_CHECKING:
    from witchery.build.registry.registries import Registries
    from witchery.graph.graph import Graph

WORLD = "etc/apk/world"
"""What was requested."""

_SPACE = re.compile(r"\s+")
_Look = TypeVar("_Look")


class Read(NamedTuple):
    """What an image says of its packages.

    Attributes:
        packages: The packages, in the order of the database; without files where there is none.
        world: What was requested; None where nothing says so.
        has_database: Whether there is a package database.
    """

    packages: tuple[InstalledPackage, ...]
    world: tuple[Dependency, ...] | None
    has_database: bool


def read_packages(files: Mapping[str, bytes]) -> Read:
    """What a few files of an image say of its packages.

    Raises:
        FormatError: if the database is malformed.
    """
    stored = next((files[path] for path in DATABASES if path in files), None)
    packages: tuple[InstalledPackage, ...] = ()
    if stored is not None:
        with located("package database"):
            packages = database.parse(stored)
    world = None
    if WORLD in files:
        with located(WORLD):
            text = files[WORLD].decode("utf-8", "replace")
            world = tuple(Dependency.parse(each) for each in _SPACE.split(text) if each)
    return Read(packages, world, stored is not None)


class OpenRoot(ABC):
    """A root file system that is looked at: an image's for one platform, or a folder.

    Attributes:
        name: What the user called it.
        arch: What it runs on; None where nothing says, or Alpine does not know it.
        digest: The digest of its manifest, where it is an image; otherwise empty.
    """

    name: str
    arch: Arch | None
    digest = ""

    @abstractmethod
    def files(self, wanted: Collection[str], limit: int, enough: Enough) -> dict[str, bytes]:
        """The contents of some files, by path.

        Args:
            wanted: Paths, without a leading slash.
            limit: The largest file that is read, in bytes.
            enough: Whether what was found will do, so that lower layers need not be read.

        Raises:
            FormatError: if a layer is malformed, or a file too large.
            WorldError: if it cannot be had.
        """

    @abstractmethod
    def look(self, look: Callable[[Entry, Iterator[bytes]], _Look]) -> Mapping[str, Placed[_Look]]:
        """All that stands in it by path, and what a look into each file has shown.

        Raises:
            FormatError: if a layer is malformed.
            WorldError: if it cannot be had.
        """

    @abstractmethod
    def unpacked(self) -> AbstractContextManager[Path]:
        """A folder with its files, a temporary one for as long as the block lasts.

        Raises:
            Refused: if it is malformed.
            WorldError: if it cannot be had, or the disk fails.
        """

    @cached_property
    def listed(self) -> Read:
        """What the package database in it says.

        Raises:
            FormatError: if a layer or the database is malformed.
            WorldError: if it cannot be had.
        """
        found = self.files((*DATABASES, WORLD), database.MAX_SIZE, _is_enough)
        with located(self.name):
            return read_packages(found)

    @property
    def packages(self) -> Read:
        """What it says of its packages.

        Raises:
            FormatError: if a layer or the database is malformed.
            WorldError: if it cannot be had.
        """
        return self.listed

    @cached_property
    def graph(self) -> "Graph":
        """Its packages, and what asks for each.

        Raises:
            WitcheryError: as `packages`.
        """
        from witchery.graph.graph import Graph

        read = self.packages
        return Graph.of(read.world or (), [each.package for each in read.packages])

    def platform(self, otherwise: Arch | None = None) -> Arch:
        """What it runs on: as it says, or else its packages.

        Args:
            otherwise: What is taken where nothing says.

        Raises:
            FormatError: if nothing says, and nothing is to be taken then.
        """
        return self.arch or arch_of(self.listed.packages, otherwise)

    def proofs(self) -> Iterator[Evidence]:
        """The evidence that is kept beside it, the newest first; a folder has none.

        Raises:
            Refused: if all of it is malformed.
            WorldError: if none of it can be had.
        """
        return iter(())

    def text(self, path: str, limit: int) -> bytes | None:
        """The content of a small file, or None where there is none.

        Raises:
            FormatError: if a layer is malformed, or the file too large.
            WorldError: if a layer cannot be had.
        """
        return self.files([path], limit, lambda found: path in found).get(path)

    @cached_property
    def tree(self) -> Mapping[str, Placed[None]]:
        """All that stands in it by path; every layer is read.

        Raises:
            FormatError: if a layer is malformed.
            WorldError: if a layer cannot be had.
        """
        return self.look(lambda _entry, _chunks: None)

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """The package of each path that packages bring; links in the way are followed."""
        entries = (each.entry for each in self.tree.values())
        targets = {each.path: each.target for each in entries if each.kind is Kind.SYMLINK}
        return owners_of(self.packages.packages, Links(targets))


class OpenFolder(OpenRoot):
    """A root file system on disk.

    Attributes:
        path: The folder.
    """

    def __init__(self, name: str, path: Path, arch: Arch | None) -> None:
        """A root file system.

        Args:
            name: What the user called it.
            path: The folder.
            arch: For which architecture it is said to be.

        Raises:
            UsageError: if there is no such folder.
        """
        if not path.is_dir():
            raise UsageError(f"no such image or folder: `{name}`")
        self.name = name
        self.path = path
        self.arch = arch

    def files(
        self,
        wanted: Collection[str],
        limit: int,
        enough: Enough,  # noqa: ARG002 - a folder has but one layer
    ) -> dict[str, bytes]:
        """As `OpenRoot.files`."""
        with located(self.name):
            return image_files.read_folder(self.path, wanted, limit=limit)

    def look(self, look: Callable[[Entry, Iterator[bytes]], _Look]) -> Mapping[str, Placed[_Look]]:
        """As `OpenRoot.look`."""
        with located(self.name):
            return folder_tree.read(self.path, look)

    def unpacked(self) -> AbstractContextManager[Path]:
        """As `OpenRoot.unpacked`."""
        return nullcontext(self.path)


class OpenImage(OpenRoot):
    """An image for one platform, wherever it is.

    Attributes:
        image: Manifest, configuration and layers.
        is_remote: Whether its layers have to be fetched.
    """

    def __init__(
        self,
        name: str,
        image: Image,
        blob: Callable[[Descriptor], Content],
        proofs: Callable[[], Iterator[Evidence]] = lambda: iter(()),
        fetch: Callable[[Iterable[Descriptor]], Mapping[Digest, Content]] | None = None,
    ) -> None:
        """An image.

        Args:
            name: What the user called it.
            image: Manifest, configuration and layers.
            blob: Gives the bytes of a layer.
            proofs: Gives the evidence beside it, the newest first.
            fetch: Brings layers here at once, where they are elsewhere.
        """
        self.name = name
        self.image = image
        self.arch = image.config.platform.arch
        self.digest = str(image.digest)
        self.is_remote = fetch is not None
        self._blob = blob
        self._proofs = proofs
        self._fetch = fetch

    @staticmethod
    def of(name: str, image: Image, contents: Mapping[Digest, Content]) -> "OpenImage":
        """An image that is nowhere yet, with its layers by the digest of their blob."""
        return OpenImage(name, image, lambda each: contents[each.digest])

    @staticmethod
    def within(name: str, opened: Opened, image: Image, registries: "Registries") -> "OpenImage":
        """An image of those that a place holds."""

        def proofs() -> Iterator[Evidence]:
            return (each.evidence for each in evidence_about(opened, image, registries))

        def fetch(wanted: Iterable[Descriptor]) -> Mapping[Digest, Content]:
            return keep(opened.source, wanted, registries)

        return OpenImage(name, image, opened.source.blob, proofs, fetch if opened.origin else None)

    @property
    def packages(self) -> Read:
        """What it, or else the evidence beside it, says of its packages.

        Raises:
            Refused: if a layer, the database or the evidence is malformed.
            WorldError: if a layer or the evidence cannot be had.
        """
        listed = self.listed
        return listed if listed.has_database else listed._replace(packages=self._proven)

    @cached_property
    def evidence(self) -> Evidence | None:
        """The newest evidence beside it, where there is some.

        Raises:
            Refused: if it is malformed.
            WorldError: if it cannot be had.
        """
        with located(self.name):
            return next(self._proofs(), None)

    def proofs(self) -> Iterator[Evidence]:
        """As `OpenRoot.proofs`."""
        return self._proofs()

    @cached_property
    def contents(self) -> Mapping[Digest, Content]:
        """Its layers, by the digest of their blob; in the cache then, if they were elsewhere.

        Raises:
            WorldError: if one cannot be had.
        """
        blobs = self.image.layer_blobs
        return self._fetch(blobs) if self._fetch else {each.digest: self._blob(each) for each in blobs}

    def files(self, wanted: Collection[str], limit: int, enough: Enough) -> dict[str, bytes]:
        """As `OpenRoot.files`."""
        with located(self.name):
            return image_files.read_files(self.image, self._blob, wanted, limit=limit, enough=enough)

    def look(self, look: Callable[[Entry, Iterator[bytes]], _Look]) -> Mapping[str, Placed[_Look]]:
        """As `OpenRoot.look`."""
        with located(self.name):
            return image_tree.read(self.image, self.contents, look)

    @contextmanager
    def unpacked(self) -> Iterator[Path]:
        """As `OpenRoot.unpacked`."""
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="witchery-image-") as folder:
            rootfs = Path(folder, "rootfs")
            try:
                rootfs_dir.unpack(self.image, self.contents, rootfs, privileged=False)
                yield rootfs
            finally:
                rootfs_dir.remove_tree(rootfs)

    @cached_property
    def _proven(self) -> tuple[InstalledPackage, ...]:
        """The packages that evidence beside the image knows."""
        found = self.evidence.packages if self.evidence else ()
        stanzas = (each.head.info.stanza(each.head.identity, 0) for each in found)
        return tuple(InstalledPackage(package=Package.parse(each.rstrip("\n"))) for each in stanzas)


def arch_of(packages: Iterable[InstalledPackage], otherwise: Arch | None = None) -> Arch:
    """The architecture of packages, where nothing else says.

    Args:
        packages: The packages.
        otherwise: What is taken where they do not say either.

    Raises:
        FormatError: if they do not, and nothing is to be taken then.
    """
    named = (each.package.arch for each in packages)
    found = next((Arch.parse(each) for each in named if each not in ("", "noarch")), otherwise)
    if found is None:
        raise FormatError("nothing says for which architecture it is")
    return found


def owners_of(packages: Iterable[InstalledPackage], links: Links) -> Mapping[str, str]:
    """The package of each file that packages list, by where it really stands."""
    found: dict[str, str] = {}
    for each in packages:
        for path in each.paths:
            try:
                found[links.locate(path)] = each.package.name
            except Refused:
                found[path] = each.package.name
    return found


def _is_enough(found: Iterable[str]) -> bool:
    names = set(found)
    return WORLD in names and any(path in names for path in DATABASES)
