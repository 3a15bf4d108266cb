"""The use case: what is in an application, a package or an image, and what it needs; nothing is built."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from witchery.apk import archive as archives
from witchery.arch import Arch
from witchery.build import linking
from witchery.build.application import inspect
from witchery.build.proving import prove_root
from witchery.build.subjects import subject as subjects
from witchery.build.subjects.image_subject import ImageSubject
from witchery.build.subjects.open_root import OpenRoot
from witchery.build.subjects.source_subject import SourceSubject
from witchery.build.subjects.subject import Means
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
from witchery.store import atomic
from witchery.store.source_tree import Modes, read_source
from witchery.value import frozen, replace

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
def scanning(text: str, means: Means, options: ScanOptions) -> Iterator[Scanned]:
    """Scans a subject; what it holds can be read for as long as the block lasts.

    Args:
        text: An application, a configuration, a package or an image.
        means: What it takes to get at it; an application is read as if it were to be built.
        options: What is let pass in a package or an image.

    Raises:
        UsageError: if it is none of these, or a configuration that names no application.
        Refused: if it is malformed.
        StorageError: if it cannot be read.
    """
    if subjects.checked(text, subjects.SCANNED) is subjects.Kind.PACKAGE:
        yield _package(Path(text), options, means.arch or means.host)
        return
    subject = subjects.open_subject(text, means, subjects.SCANNED)
    if isinstance(subject, ImageSubject):
        with scan_root(subject.opened, subject.arch, options) as scanned:
            yield replace(scanned, proof=prove_root(scanned.payload))
    elif isinstance(subject, SourceSubject):
        if not subject.request.payload:
            raise UsageError(f"the configuration names no application: `{text}`", hint="see `payload` in it")
        payload, report = inspect(subject.request)
        yield Scanned(payload=payload, report=report)


@contextmanager
def scan_root(opened: OpenRoot, arch: Arch, options: ScanOptions) -> Iterator[Scanned]:
    """Scans an image; what it holds can be read for as long as the block lasts.

    Args:
        opened: The image.
        arch: What it runs on.
        options: What is let pass.

    Raises:
        Refused: if it is malformed.
        StorageError: if it cannot be read.
    """
    with opened.unpacked() as rootfs:
        read = read_source(rootfs, destination="/", modes=Modes.KEEP)
        payload = Payload.of(_name(transport.parse(opened.name)), arch, read.files, root="")
        yield Scanned(payload=payload, report=scan(payload, options, read.findings))


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


def _name(source: Transport) -> str:
    match source:
        case LayoutFolder(path) | ArchiveFile(path) | PlainFolder(path) | RootfsFolder(path):
            return Path(path).name or "image"
        case RegistryImage(reference):
            return reference.repository.rpartition("/")[2]
