"""What is asked about in an image: its packages, from its package database, and what asks for each.

The database says what each package depends on and provides, as an index does, and `etc/apk/world` what was
requested. Where there is no database, the evidence beside the image has the same in the heads of packages.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from witchery.apk import installed as database
from witchery.apk.dependency import Dependency
from witchery.apk.installed import InstalledPackage
from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.attest.evidence import MAX_PACKAGES, Evidence
from witchery.build import image_files
from witchery.build.copying import open_source
from witchery.build.evidence import evidence_about
from witchery.build.opening import on_disk
from witchery.build.pulling import keep
from witchery.build.subject import Files, Look, Subject, files_of, uses_of
from witchery.build.vuln_subjects import APPLICATION
from witchery.digest import Digest
from witchery.errors import FormatError, Refused, UsageError, located
from witchery.graph.graph import Graph
from witchery.graph.remarks import Use
from witchery.oci import transport
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import Image
from witchery.oci.manifest import Index
from witchery.oci.transport import PlainFolder, RegistryImage, RootfsFolder
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Kind
from witchery.rootfs.links import Links
from witchery.store import image_tree
from witchery.store.image_tree import Placed
from witchery.value import replace

if TYPE_CHECKING:
    from witchery.build.registries import Registries
    from witchery.payload import findings

DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
"""Where a package database may be."""
WORLD = "etc/apk/world"
"""What was requested."""

_SPACE = re.compile(r"\s+")


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


class OpenImage:
    """An image that is looked at, for one platform, wherever it is.

    Attributes:
        name: What the user called it.
        image: Manifest, configuration and layers.
    """

    def __init__(
        self,
        name: str,
        image: Image,
        blob: Callable[[Descriptor], Content],
        evidence: Callable[[], Evidence | None],
        fetch: Callable[[Iterable[Descriptor]], Mapping[Digest, Content]] | None = None,
    ) -> None:
        """An image.

        Args:
            name: What the user called it.
            image: Manifest, configuration and layers.
            blob: Gives the bytes of a layer.
            evidence: Gives the evidence beside it.
            fetch: Brings layers here at once, where they are elsewhere.
        """
        self.name = name
        self.image = image
        self._blob = blob
        self._evidence = evidence
        self._fetch = fetch

    @staticmethod
    def at(text: str, arch: Arch | None, host: Arch, registries: "Registries") -> "OpenImage":
        """Opens an image.

        Args:
            text: The image in transport notation.
            arch: Which platform; None for this machine's where there are several.
            host: This machine's.
            registries: How registries are reached.

        Raises:
            UsageError: if there is no image in such a place.
            Refused: if it is malformed, or none fits.
            WorldError: if it cannot be had.
        """
        with located(text):
            opened = open_source(transport.parse(text), registries, arch)
            only = replace(opened.source, index=Index.of([opened.root]))
            image = only.image(arch=arch or host)

        def evidence() -> Evidence | None:
            found = next(evidence_about(opened, image, registries), None)
            return found.evidence if found else None

        def fetch(wanted: Iterable[Descriptor]) -> Mapping[Digest, Content]:
            return keep(opened.source, wanted, registries)

        return OpenImage(text, image, opened.source.blob, evidence, fetch if opened.origin else None)

    @property
    def arch(self) -> Arch | None:
        """What it runs on; None where Alpine does not know it."""
        return self.image.config.platform.arch

    @cached_property
    def packages(self) -> Read:
        """What it says of its packages.

        Raises:
            FormatError: if a layer or the database is malformed.
            WorldError: if a layer cannot be had.
        """
        with located(self.name):
            wanted = (*DATABASES, WORLD)
            found = image_files.read_files(
                self.image, self._blob, wanted, limit=database.MAX_SIZE, enough=_is_enough
            )
            read = read_packages(found)
            return read if read.has_database else read._replace(packages=tuple(self._proven()))

    @cached_property
    def evidence(self) -> Evidence | None:
        """The evidence beside it, where there is some.

        Raises:
            Refused: if it is malformed.
            WorldError: if it cannot be had.
        """
        with located(self.name):
            return self._evidence()

    def text(self, path: str, limit: int) -> bytes | None:
        """The content of a small file, or None where there is none.

        Raises:
            FormatError: if a layer is malformed, or the file too large.
            WorldError: if a layer cannot be had.
        """
        with located(self.name):
            found = image_files.read_files(
                self.image, self._blob, [path], limit=limit, enough=lambda found: path in found
            )
        return found.get(path)

    def _proven(self) -> Iterator[InstalledPackage]:
        """The packages that evidence beside the image knows."""
        for proof in self.evidence.packages if self.evidence else ():
            stanza = proof.head.info.stanza(proof.head.identity, 0)
            yield InstalledPackage(package=Package.parse(stanza.rstrip("\n")))

    @cached_property
    def tree(self) -> Mapping[str, Placed[None]]:
        """All that stands in it by path; every layer is read.

        Raises:
            FormatError: if a layer is malformed.
            WorldError: if a layer cannot be had.
        """
        with located(self.name):
            blobs = self.image.layer_blobs
            contents = (
                self._fetch(blobs) if self._fetch else {each.digest: self._blob(each) for each in blobs}
            )
            return image_tree.read(self.image, contents, lambda _entry, _chunks: None)

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """The package of each path that packages bring; links in the way are followed."""
        entries = (each.entry for each in self.tree.values())
        targets = {each.path: each.target for each in entries if each.kind is Kind.SYMLINK}
        return owners_of(self.packages.packages, Links(targets))


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


def of_image(text: str, arch: Arch | None, host: Arch, registries: "Registries") -> Subject:
    """The packages of an image.

    Args:
        text: The image in transport notation.
        arch: Which platform; None for this machine's where there are several.
        host: This machine's.
        registries: How registries are reached.

    Raises:
        UsageError: if there is no image, or nothing says which packages are in it.
        Refused: if it is malformed.
        WorldError: if it cannot be had.
    """
    place = transport.parse(text)
    if isinstance(place, PlainFolder | RootfsFolder) and not on_disk(place):
        return _of_folder(text, Path(place.path), arch or host)
    opened = OpenImage.at(text, arch, host, registries)

    def files() -> Files:
        owners = opened.owners
        return files_of({path: (each.entry, owners.get(path, "")) for path, each in opened.tree.items()})

    platform = opened.image.config.platform.arch
    read = opened.packages
    found = platform or arch or host
    remote = isinstance(place, RegistryImage)
    look = _not_looked if remote else lambda: _look(text, found, read)
    return _subject(text, read, found, files, look, digest=str(opened.image.digest))


def _of_folder(text: str, folder: Path, arch: Arch) -> Subject:
    if not folder.is_dir():
        raise UsageError(f"no such image or folder: `{text}`")
    with located(text):
        found = image_files.read_folder(folder, (*DATABASES, WORLD), limit=database.MAX_SIZE)
        read = read_packages(found)

    def files() -> Files:
        from witchery.store.source_tree import Modes, read_source

        listed = read_source(folder, destination="/", modes=Modes.KEEP).files
        targets = {each.path: each.entry.target for each in listed if each.entry.kind is Kind.SYMLINK}
        owners = owners_of(read.packages, Links(targets))
        return files_of({each.path: (each.entry, owners.get(each.path, "")) for each in listed})

    return _subject(text, read, arch, files, lambda: _look(text, arch, read))


def _not_looked() -> Look:
    """What is known without fetching all layers from a registry."""
    return Look(unseen="the image is in a registry, `witchery pull` it first")


def _look(text: str, arch: Arch, read: Read) -> Look:
    """What the files of an image show; an image that cannot be unpacked can still be asked about the rest."""
    try:
        return _looked(text, arch, read)
    except Refused as error:
        return Look(unseen=f"the image cannot be unpacked: {error}")


def _looked(text: str, arch: Arch, read: Read) -> Look:
    """What the files of an image show: each package's by themselves, and the application's."""
    from witchery.build.scanning import unpacked
    from witchery.payload.options import ScanOptions
    from witchery.payload.scan import scan
    from witchery.payload.tree import Payload, PayloadFile
    from witchery.payload.use import uses
    from witchery.store.source_tree import Modes, read_source

    needs: dict[str, tuple[findings.Evidence, ...]] = {}
    found: list[Use] = []
    with unpacked(text, arch, arch) as (rootfs, _):
        listed = read_source(rootfs, destination="/", modes=Modes.KEEP).files
        targets = {each.path: each.entry.target for each in listed if each.entry.kind is Kind.SYMLINK}
        owners = owners_of(read.packages, Links(targets))
        files: dict[str, list[PayloadFile]] = {}
        for each in listed:
            if each.path in owners:
                files.setdefault(owners[each.path], []).append(each)
        for name, own in sorted(files.items()):
            payload = Payload.of(name, arch, own, root="")
            if name.startswith(APPLICATION):
                report = scan(payload, ScanOptions())
                needs |= {need.dependency: need.evidence for need in report.needs}
                found += uses_of(name, report.suggestions)
            else:
                found += uses_of(name, uses(payload))
    return Look(needs, tuple(found))


def _subject(
    text: str,
    read: Read,
    arch: Arch,
    files: Callable[[], Files],
    look: Callable[[], Look],
    *,
    digest: str = "",
) -> Subject:
    if not read.packages:
        raise UsageError(
            "neither a package database nor evidence is there, so nobody can tell which packages are",
            where=[text],
            hint="what it was built from can be asked about instead: its configuration, or its lock",
        )
    if len(read.packages) > MAX_PACKAGES:
        raise FormatError(f"more than {MAX_PACKAGES} packages", where=[text])
    warnings = []
    if not read.has_database:
        warnings.append("no package database is in the image: its packages are those that evidence names")
    if read.world is None:
        warnings.append(f"no `{WORLD}` is in the image, so nothing says which packages were requested")
    graph = Graph.of(read.world or (), [each.package for each in read.packages])
    return Subject(
        name=text,
        kind="image",
        arch=arch,
        graph=graph,
        files=files,
        look=look,
        digest=digest,
        warnings=tuple(warnings),
    )


def _is_enough(found: Iterable[str]) -> bool:
    names = set(found)
    return WORLD in names and any(path in names for path in DATABASES)
