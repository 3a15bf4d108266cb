"""The package database of an image: what `apk` and scanners read of it."""

from collections.abc import Iterable

from witchery.apk.dependency import Dependency
from witchery.apk.installed import InstalledPackage, encode
from witchery.compose.owners import Owners
from witchery.compose.part import Generated
from witchery.compose.tree import Tree
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import file

WHY = "package database"


def files(tree: Tree, world: Iterable[Dependency], arch: str, owners: Owners) -> tuple[Generated, ...]:
    """The files that describe the packages of an image to `apk`."""
    lines = sorted({str(dependency) for dependency in world}, key=_by_name)
    return (
        _text("etc/apk/arch", f"{arch}\n".encode()),
        _text("etc/apk/world", "".join(f"{line}\n" for line in lines).encode()),
        _text("lib/apk/db/installed", installed(tree, owners)),
    )


def installed(tree: Tree, owners: Owners) -> bytes:
    """The database of the packages; paths are as the packages have them."""
    return encode(
        InstalledPackage.of(
            part.package,
            part.archive.info,
            [entry for entry in part.entries if entry.path not in part.archive.implied],
            owner=owners.numbers,
            lost=tree.lost.get(position, {}),
            repository_tag=part.tag,
            is_v3=part.archive.form == 3,
        )
        for position, part in enumerate(tree.parts)
    )


def _by_name(line: str) -> tuple[str, str]:
    return line.lstrip("!").lower(), line


def _text(path: str, data: bytes) -> Generated:
    return Generated(file(path, len(data)), BytesContent(data), WHY)
