"""Small packages made for a test: valid by default, each part to be broken on purpose."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from support.worlds import read_part
from witchery.apk import archive, writer
from witchery.apk.head import Script
from witchery.apk.package import Package
from witchery.apk.pkginfo import PackageInfo
from witchery.codec import Effort, GzipWriter
from witchery.compose.part import Part
from witchery.keys import PrivateKey
from witchery.rootfs.content import BytesContent, Content
from witchery.rootfs.entry import Entry, Kind, directory, file, symlink
from witchery.rootfs.tar_writer import TarWriter
from witchery.value import replace

TIME = 1_700_000_000
"""When everything here was built."""

Owner = tuple[str, int, str, int]
"""User name and number, group name and number, as a tar header has them."""


def entries_of(
    files: Mapping[str, bytes],
    *,
    folders: Iterable[str] = (),
    links: Mapping[str, str] | None = None,
    hard_links: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    owners: Mapping[str, Owner] | None = None,
) -> list[tuple[Entry, Content]]:
    """Entries with their contents, folders above them added.

    Args:
        files: Contents by path.
        folders: Folders besides those that files are in.
        links: Targets of symbolic links by path.
        hard_links: Files by the path of a hard link to them.
        modes: Permission bits that are not the usual ones, by path.
        owners: Owners that are not root, by path.
    """
    made = [(file(path, len(data), mtime=TIME), data) for path, data in files.items()]
    made += [(symlink(path, target, mtime=TIME), b"") for path, target in (links or {}).items()]
    for path, target in (hard_links or {}).items():
        made.append((Entry(path, Kind.HARDLINK, mtime=TIME, target=target), b""))
    needed = set(folders)
    for path in [*needed, *(entry.path for entry, _ in made)]:
        parents = path.split("/")[:-1]
        needed.update("/".join(parents[: depth + 1]) for depth in range(len(parents)))
    made += [(directory(path, mtime=TIME), b"") for path in needed]
    return [(_adjusted(entry, modes or {}, owners or {}), BytesContent(data)) for entry, data in made]


def _adjusted(entry: Entry, modes: Mapping[str, int], owners: Mapping[str, Owner]) -> Entry:
    entry = entry._replace(mode=modes.get(entry.path, entry.mode))
    if entry.path in owners:
        uname, uid, gname, gid = owners[entry.path]
        entry = entry._replace(uname=uname, uid=uid, gname=gname, gid=gid)
    return entry


def make_package(
    name: str,
    version: str = "1.0-r0",
    files: Mapping[str, bytes] | None = None,
    *,
    folders: Iterable[str] = (),
    links: Mapping[str, str] | None = None,
    hard_links: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    owners: Mapping[str, Owner] | None = None,
    scripts: Mapping[str, bytes] | None = None,
    key: PrivateKey | None = None,
    info: PackageInfo | None = None,
    **fields: object,
) -> bytes:
    """A package file.

    Args:
        name: Its name.
        version: Its version.
        files: Contents by path; see `entries_of` for this and the next five.
        folders: More folders.
        links: Symbolic links.
        hard_links: Hard links.
        modes: Permission bits.
        owners: Owners.
        scripts: Texts by name, such as `.post-install`.
        key: Signs it.
        info: Takes the place of name, version and `fields`.
        fields: Further fields of `PackageInfo`, such as `replaces=("other",)`.
    """
    described = info or PackageInfo(name=name, version=version, arch="x86_64", build_time=TIME)
    return writer.package(
        replace(described, **fields),
        entries_of(
            files or {}, folders=folders, links=links, hard_links=hard_links, modes=modes, owners=owners
        ),
        scripts=[Script(name, text) for name, text in (scripts or {}).items()],
        key=key,
    )


def make_part(
    name: str, version: str = "1.0-r0", files: Mapping[str, bytes] | None = None, **more: object
) -> Part:
    """A package as composing takes it; arguments as in `make_package`."""
    return part_of(make_package(name, version, files, **more))  # type: ignore[arg-type]


def part_of(package: bytes) -> Part:
    """A package file as composing takes it."""
    read = archive.read([package], lambda _: None)
    return read_part(Package.parse(writer.stanza(read).strip("\n")), package)


def raw_part(
    name: str, entries: Sequence[tuple[Entry, bytes]], *, before: bytes = b"", **fields: object
) -> Part:
    """A package whose data segment holds exactly these entries, in this order, after `before`."""
    data = bytearray()
    gzip = GzipWriter(data.extend, Effort.PACKAGE)
    gzip.write(before)
    tar = TarWriter(gzip.write, checksums=True)
    for entry, content in entries:
        stated = {"checksum": hashlib.sha1(content).digest(), "size": len(content)}
        tar.add(entry._replace(**stated) if entry.kind is Kind.FILE else entry, [content])  # type: ignore[arg-type]
    tar.close()
    gzip.close()
    info = PackageInfo(name=name, version="1.0-r0", arch="x86_64", build_time=TIME, installed_size=1)
    info = replace(info, datahash=hashlib.sha256(data).hexdigest(), **fields)
    return part_of(writer.control_segment(info) + bytes(data))
