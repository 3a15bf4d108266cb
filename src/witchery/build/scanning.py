"""The use case: what is in an application, a package or an image, and what it needs; nothing is built."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.apk import archive as archives
from witchery.arch import Arch
from witchery.build import linking
from witchery.build.application import inspect
from witchery.build.opening import open_image
from witchery.build.proving import prove_root
from witchery.build.request import Request
from witchery.codec import CHUNK
from witchery.errors import FormatError, UsageError, located
from witchery.loader.proof import Proof
from witchery.oci import transport
from witchery.oci.transport import (
    ArchiveFile,
    LayoutFolder,
    PlainFolder,
    RegistryImage,
    RootfsFolder,
    Transport,
)
from witchery.payload.findings import Finding, Report
from witchery.payload.options import ScanOptions
from witchery.payload.scan import scan
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import Kind
from witchery.store import atomic, layout, rootfs_dir
from witchery.store.source_tree import Modes, read_source
from witchery.value import frozen, replace

if TYPE_CHECKING:
    from witchery.build.registries import Registries

MAX_PACKAGE = 1 << 30
"""How many bytes of files a package may hold that is scanned; they are held in memory."""


@frozen(kw_only=True)
class Scanned:
    """What was looked at, and what was found.

    Attributes:
        payload: The files.
        report: What they are and need.
    """

    payload: Payload
    report: Report
    proof: Proof | None = None

    @property
    def linking(self) -> tuple[Finding, ...]:
        """What does not load, in an image."""
        return linking.findings(self.proof) if self.proof else ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found, what does not load included."""
        return (*self.report.findings, *self.linking)


@contextmanager
def scanning(
    source: str,
    request: Callable[[], Request],
    options: ScanOptions,
    *,
    host: Arch,
    arch: Arch | None = None,
    registries: "Callable[[], Registries] | None" = None,
) -> Iterator[Scanned]:
    """Scans a source; what it holds can be read for as long as the block lasts.

    Args:
        source: An application, a configuration, a package or an image.
        request: Reads an application or a configuration as if it were to be built.
        options: What is let pass in a package or an image.
        host: What these are taken to be for that do not say.
        arch: Which architecture to take of an image for several.
        registries: How registries are reached, for an image in one.

    Raises:
        UsageError: if it is none of these.
        Refused: if it is malformed.
        StorageError: if it cannot be read.
    """
    if is_image(source):
        with _image(source, options, arch, host, registries) as scanned:
            yield replace(scanned, proof=prove_root(scanned.payload))
    elif source.endswith(".apk"):
        yield _package(Path(source), options, arch or host)
    else:
        wanted = request()
        if not wanted.payload:
            raise UsageError(
                f"the configuration names no application: `{source}`", hint="see `payload` in it"
            )
        payload, report = inspect(wanted)
        yield Scanned(payload=payload, report=report)


def is_image(text: str) -> bool:
    """Whether a source is an image in transport notation, or a folder or archive that holds one."""
    if text.startswith(("oci:", "oci-archive:", "docker-archive:", "docker:", "rootfs:")) or text == "-":
        return True
    return text.endswith(".tar") or (Path(text).is_dir() and layout.is_layout(Path(text)))


def _package(path: Path, options: ScanOptions, host: Arch) -> Scanned:
    """A package's files, where it would install them."""
    data = bytearray()
    with located(str(path)):
        with atomic.storing(path), path.open("rb") as file:
            archive = archives.read(iter(lambda: file.read(CHUNK), b""), data.extend)
        if sum(entry.size for entry in archive.entries) > MAX_PACKAGE:
            raise FormatError(f"more than {MAX_PACKAGE} bytes of files, too many to scan")
        files: dict[str, PayloadFile] = {}
        for member in archive.members([bytes(data)]):
            entry, content = member.entry, BytesContent(b"".join(member.content))
            if entry.kind is Kind.HARDLINK:
                first = files[entry.target]
                files[entry.path] = first._replace(entry=first.entry._replace(path=entry.path))
                continue
            files[entry.path] = PayloadFile.of(entry, content)
    arch = host if archive.info.arch in ("noarch", "") else Arch.parse(archive.info.arch)
    payload = Payload.of(archive.info.name, arch, files.values(), root="")
    return Scanned(payload=payload, report=scan(payload, options))


@contextmanager
def _image(
    text: str,
    options: ScanOptions,
    arch: Arch | None,
    host: Arch,
    registries: "Callable[[], Registries] | None",
) -> Iterator[Scanned]:
    """An image's files, unpacked for as long as the block lasts."""
    with unpacked(text, arch, host, registries) as (rootfs, platform):
        yield _folder(rootfs, _name(transport.parse(text)), platform, options)


@contextmanager
def unpacked(
    text: str,
    arch: Arch | None,
    host: Arch,
    registries: "Callable[[], Registries] | None" = None,
) -> Iterator[tuple[Path, Arch]]:
    """A folder with an image's files, a temporary one for as long as the block lasts, and what it runs on.

    Args:
        text: The image in transport notation.
        arch: Which architecture to take of an image for several.
        host: What a root file system is taken to be for.
        registries: How registries are reached, for an image in one.

    Raises:
        UsageError: if there is no image in such a place.
        Refused: if it is malformed.
        StorageError: if it cannot be read.
    """
    source = transport.parse(text)
    reach = registries() if registries and isinstance(source, RegistryImage) else None
    found = open_image(source, arch, reach)
    if isinstance(found, Path):
        yield found, arch or host
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="witchery-scan-") as folder:
        rootfs = Path(folder, "rootfs")
        try:
            rootfs_dir.unpack(found.image, found.contents, rootfs, privileged=False)
            yield rootfs, found.image.config.platform.arch or host
        finally:
            rootfs_dir.remove_tree(rootfs)


def _folder(rootfs: Path, name: str, arch: Arch, options: ScanOptions) -> Scanned:
    read = read_source(rootfs, destination="/", modes=Modes.KEEP)
    payload = Payload.of(name, arch, read.files, root="")
    return Scanned(payload=payload, report=scan(payload, options, read.findings))


def _name(source: Transport) -> str:
    match source:
        case LayoutFolder(path) | ArchiveFile(path) | PlainFolder(path) | RootfsFolder(path):
            return Path(path).name or "image"
        case RegistryImage(reference):
            return reference.repository.rpartition("/")[2]
