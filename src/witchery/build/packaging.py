"""The use case: a folder becomes a package that apk installs."""

import os
from datetime import UTC, datetime
from pathlib import Path

from witchery.apk import version as versions
from witchery.apk import writer
from witchery.apk.archive import Archive
from witchery.apk.pkginfo import PackageInfo
from witchery.arch import ALL, Arch
from witchery.build import git
from witchery.build.application import refuse
from witchery.build.git import Checkout
from witchery.build.keygen import read_private_key
from witchery.codec import CHUNK
from witchery.errors import UsageError
from witchery.keys import PrivateKey
from witchery.payload import package
from witchery.payload.findings import Report
from witchery.payload.options import ScanOptions
from witchery.payload.scan import scan
from witchery.payload.source_version import from_git
from witchery.payload.tree import Payload
from witchery.store import atomic
from witchery.store.source_tree import Modes, Owner, read_source
from witchery.value import frozen, replace

_UNKNOWN = "0"


@frozen(kw_only=True)
class Order:
    """A package to be made.

    Attributes:
        source: The folder, or file, to package.
        name: The package's name.
        version: Its version without the release; empty to find it out.
        release: The number after `-r`.
        description: One line.
        url: Home page.
        license: SPDX expression.
        maintainer: Who cares for it.
        arch: What its ELF files are for; None to tell from them.
        host: What a payload is taken to be for that does not say.
        destination: The folder of the image in which the content of the source stands.
        owner: Who owns the files.
        modes: What becomes of their permissions.
        exclude: Patterns of what is left out.
        depends: What it depends on besides what is found.
        provides: Whether it provides its commands and public libraries.
        scan: What is let pass, or wanted done.
        accept_suggestions: Whether what may be needed becomes a dependency.
        key: File of the private key that signs; None to leave it unsigned.
        compatible: Whether apk before 2.14.2 must be able to read it as a local file.
        output: The package's file, or the folder that gets it; None for the current folder.
        output_is_file: Whether `output` is the file, if there is no such folder.
        source_date: Seconds since 1970 of the package and its files; None for the commit's.
    """

    source: Path
    name: str
    version: str = ""
    release: int = 0
    description: str = ""
    url: str = ""
    license: str = "Unspecified"
    maintainer: str = ""
    arch: Arch | None = None
    host: Arch
    destination: str = "/"
    owner: Owner = Owner()
    modes: Modes = Modes.NORMAL
    exclude: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    provides: bool = False
    scan: ScanOptions = ScanOptions()
    accept_suggestions: bool = False
    key: Path | None = None
    compatible: bool = False
    output: Path | None = None
    output_is_file: bool = False
    source_date: int | None = None


@frozen(kw_only=True)
class WrittenPackage:
    """A package that was written.

    Attributes:
        path: Its file.
        archive: What it is.
        report: What was found in the payload.
        accepted: Suggestions that became dependencies.
        notes: What a person should know about what was assumed.
    """

    path: Path
    archive: Archive
    report: Report
    accepted: tuple[str, ...]
    notes: tuple[str, ...]


def make_package(order: Order) -> WrittenPackage:
    """Makes a package; nothing is written if anything is wrong.

    Raises:
        UsageError: if the order contradicts itself.
        ApplicationError: with everything that is wrong with the payload.
        FormatError: if a value cannot stand in a package.
        StorageError: if the system refuses, or the source changes meanwhile.
    """
    key = _key(order)
    checkout = git.look(order.source)
    version, notes = _version(order, checkout)
    time = checkout.time if order.source_date is None else order.source_date
    payload, report = _scanned(order, time)
    refuse(report.findings)
    hints = (hint.dependency for hint in report.suggestions if hint.dependency)
    accepted = tuple(dict.fromkeys(hints)) if order.accept_suggestions else ()
    info = package.describe(
        payload,
        report,
        name=order.name,
        version=version,
        description=order.description,
        url=order.url,
        license=order.license,
        maintainer=order.maintainer,
        commit=checkout.commit,
        build_time=time,
        depends=(*order.depends, *accepted),
        provides=package.provided(payload, version) if order.provides else (),
    )
    path = _target(order, info)
    archive = _write(path, (payload, report, info), key, compatible=order.compatible)
    return WrittenPackage(path=path, archive=archive, report=report, accepted=accepted, notes=notes)


def _key(order: Order) -> PrivateKey | None:
    if order.compatible and order.key is None:
        raise UsageError("signatures for old versions of apk need a key", hint="give `--sign-key`")
    return read_private_key(order.key) if order.key else None


def _version(order: Order, checkout: Checkout) -> tuple[str, tuple[str, ...]]:
    """The version with its release, and what to know about it; never from the clock."""
    notes: tuple[str, ...] = ()
    version = order.version
    if version:
        if "-" in version or not versions.is_valid(version):
            raise UsageError(
                f"not a version that apk can order: `{version}`",
                hint="such as `1.2.3` or `1.2_rc1`; the release is `-r`",
            )
    elif checkout.described:
        day = datetime.fromtimestamp(checkout.time, UTC)
        version = from_git(checkout.described, f"{day:%Y%m%d}")
        notes = (f"version {version}, from `git describe`: {checkout.described}",)
    elif order.source_date is not None:
        version = str(order.source_date)
        notes = (f"version {version}, from `SOURCE_DATE_EPOCH`",)
    else:
        version = _UNKNOWN
        reason = f" ({checkout.problem})" if checkout.problem else ""
        notes = (f"version 0: no `-v`, no commit{reason}, no `SOURCE_DATE_EPOCH`",)
    return f"{version}-r{order.release}", notes


def _scanned(order: Order, time: int) -> tuple[Payload, Report]:
    tree = read_source(
        order.source,
        destination=order.destination,
        owner=order.owner,
        modes=order.modes,
        exclude=order.exclude,
        mtime=time,
    )
    root = order.destination.strip("/")
    payload = Payload.of(order.name, order.arch or order.host, tree.files, root=root)
    told = _arch_of(payload)
    if order.arch is None and told is not None:
        payload = replace(payload, arch=told)
    return payload, scan(payload, order.scan, (*tree.findings, *package.problems(payload)))


def _arch_of(payload: Payload) -> Arch | None:
    """The architecture of the ELF files, if it is one; of two that look alike the more usual."""
    headers = {(elf.header.machine, elf.header.bits, elf.header.little) for elf in payload.elves.values()}
    found = {
        header: next((a for a in ALL if (a.elf_machine, a.elf_class, a.elf_little) == header), None)
        for header in headers
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _target(order: Order, info: PackageInfo) -> Path:
    """Where the package goes: not into what it is made of."""
    output = order.output or Path()
    path = output
    if output.is_dir() or not order.output_is_file:
        path = output / f"{info.name}-{info.version}.apk"
    if order.source.is_dir() and path.resolve().is_relative_to(order.source.resolve()):
        raise UsageError(
            f"the package would lie in the folder that it is made of: `{path}`", hint="choose another `-o`"
        )
    return path


def _write(
    path: Path, content: tuple[Payload, Report, PackageInfo], key: PrivateKey | None, *, compatible: bool
) -> Archive:
    """Writes the data segment, which is large, beside the package, and copies it behind the other two."""
    algorithms = writer.COMPATIBLE_ALGORITHMS if compatible else writer.DEFAULT_ALGORITHMS
    with atomic.pending(path.parent) as data:
        archive = package.write(*content, data.file.write, key=key, algorithms=algorithms)
        data.file.flush()
        with atomic.replacing(path) as whole:
            whole.write(archive.signature_segment)
            whole.write(archive.control_segment)
            with Path(os.fsdecode(data.file.name)).open("rb") as segment:
                while chunk := segment.read(CHUNK):
                    whole.write(chunk)
    return archive
