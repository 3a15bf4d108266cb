"""The packages of locks, untouched, in a repository of one's own: what is locked stays to be had."""

from collections.abc import Sequence
from pathlib import Path

from witchery.apk.archive import Archive
from witchery.arch import Arch
from witchery.build.indexing import WrittenIndex, write_indexes
from witchery.build.locks.files import Notation, read_lock
from witchery.build.locks.locked_package import V3_FOLDER, check, mirrors_for, stub
from witchery.build.workshop import Workshop
from witchery.errors import UsageError, located
from witchery.lock.model import LockedArch, LockedPackage
from witchery.repository.access import Access
from witchery.repository.location import Repository
from witchery.repository.packages import Fetched, Wanted, fetch_packages, read_package
from witchery.store import atomic
from witchery.value import frozen, replace


@frozen(kw_only=True)
class Mirrored:
    """A repository that was written.

    Attributes:
        indexes: Its indexes.
        added: The packages that were not there yet, as paths in it.
        kept: How many were there already.
    """

    indexes: tuple[WrittenIndex, ...]
    added: tuple[str, ...]
    kept: int


def mirror(
    locks: Sequence[Path],
    folder: Path,
    workshop: Workshop,
    *,
    key: Path | None = None,
    mirrors: Sequence[Repository] = (),
) -> Mirrored:
    """Writes a repository of all packages of some locks; what is in it already stays.

    Every package is held against its lock and its signature, as when an image is built from it, and is
    written byte for byte. All are there before the first is written.

    Args:
        locks: The lock files.
        folder: The repository: a folder for each architecture.
        workshop: Where the packages come from, and which keys are trusted.
        key: File of the private key that signs the indexes.
        mirrors: Where to look before the places that the locks name.

    Raises:
        UsageError: if two locks have different packages of one name and version, or `folder` has another.
        Refused: if a lock is malformed, or a package is not what is locked or trusted.
        WorldError: if one cannot be had, or the disk fails.
    """
    found: dict[str, Fetched] = {}
    described: dict[str, None] = {}
    access = workshop.access()
    for path in locks:
        lock = read_lock(path)
        for locked in lock:
            with located(str(path)):
                fetched = fetch_locked(locked, Notation.of(path), access, mirrors)
            for package, each in zip(locked.packages, fetched, strict=True):
                folder_name = f"{V3_FOLDER}/{locked.arch}" if package.form == 3 else locked.arch.apk
                name = f"{folder_name}/{package.file_name}"
                known = found.setdefault(name, each)
                if known.archive.identity != each.archive.identity:
                    raise _two(name, str(path))
            described |= dict.fromkeys(each.description for each in locked.indexes if each.description)
    added = tuple(name for name, each in found.items() if _write(folder / name, each.archive, access))
    # All in it was checked just now, or when it was put there; the keys of locks need not be this machine's.
    description = next(iter(described)) if len(described) == 1 else ""
    listed = any(each.archive.form == 2 for each in found.values())
    trusting = replace(workshop, allow_untrusted=True)
    indexes = write_indexes(folder, key, description, trusting) if listed else ()
    return Mirrored(indexes=indexes, added=added, kept=len(found) - len(added))


def fetch_locked(
    locked: LockedArch, notation: Notation, access: Access, mirrors: Sequence[Repository] = ()
) -> list[Fetched]:
    """The packages of a lock for one architecture, in their order, each held against the lock.

    Args:
        locked: What is locked.
        notation: How the lock writes places.
        access: How packages are reached, and which keys are trusted.
        mirrors: Where to look before the places that the lock names.

    Raises:
        Refused: if a package is not what is locked or trusted.
        WorldError: if one cannot be had.
    """
    listed = [each for each in locked.packages if each.repository]
    names = {each.repository: each.names for each in locked.indexes}
    wanted = [_wanted(each, locked.arch, notation, mirrors, names[each.repository]) for each in listed]
    found = {each.name: got for each, got in zip(listed, fetch_packages(access, wanted), strict=True)}
    for number, package in enumerate(locked.packages):
        if not package.repository:
            found[package.name] = read_package(access, notation.folder / package.url)
        place = f"architectures.{locked.arch}.packages[{number}]"
        check(package, found[package.name], access, locked.arch, place)
    return [found[each.name] for each in locked.packages]


def _wanted(
    package: LockedPackage, arch: Arch, notation: Notation, mirrors: Sequence[Repository], names: str
) -> Wanted:
    repository = replace(notation.repository(package.repository), names=names)
    places = (*mirrors_for(package, mirrors), repository)
    return Wanted(package=stub(package), arch=arch, repositories=places)


def _two(name: str, where: str) -> UsageError:
    return UsageError(
        f"another package of the same name and version is there already: `{name}`",
        where=[where],
        hint="a repository has one package of a name and version: give this lock a mirror of its own",
    )


def _write(path: Path, archive: Archive, access: Access) -> bool:
    """Writes a package as it was fetched; false where it is there."""
    if path.exists():
        with located(str(path)):
            there = read_package(replace(access, allow_untrusted=True), path)
        if there.archive.identity != archive.identity:
            raise _two(path.name, str(path.parent))
        return False
    with atomic.replacing(path) as file:
        if archive.form == 2:
            file.write(archive.signature_segment)
            file.write(archive.control_segment)
        for chunk in access.cache.blobs.content(archive.data).chunks():
            file.write(chunk)
    return True
