"""A folder of packages becomes a repository: its index is written and signed."""

from pathlib import Path

from witchery.apk import archive as archives
from witchery.apk import writer
from witchery.apk.archive import Archive
from witchery.arch import ALL
from witchery.build.keygen import read_private_key
from witchery.build.workshop import Workshop
from witchery.codec import CHUNK
from witchery.errors import FormatError, UsageError, located
from witchery.keys import Keyring, PrivateKey
from witchery.repository.location import INDEX_NAME
from witchery.store import atomic
from witchery.value import frozen

_ARCHES = {arch.apk for arch in ALL}


@frozen
class WrittenIndex:
    """An index that was written.

    Attributes:
        path: Its file.
        packages: How many packages it lists.
    """

    path: Path
    packages: int


def write_indexes(
    folder: Path, key_file: Path | None, description: str, workshop: Workshop
) -> tuple[WrittenIndex, ...]:
    """Writes an index into `folder`, or into each folder of an architecture in it.

    The packages are checked whole, and by their signatures: they stand under the index's from then on.

    Raises:
        UsageError: if there are no packages.
        StorageError: if the system refuses.
        FormatError: if a package is malformed, or for another architecture than its folder's name.
        TrustError: if a package is not signed by a known key and that is not allowed.
    """
    key = read_private_key(key_file) if key_file else None
    own = (key.public,) if key else ()
    keys = Keyring((*own, *workshop.access().keys.values()))
    folders = [each for each in sorted(folder.glob("*")) if each.name in _ARCHES and each.is_dir()]
    written = [
        _write_index(each, key, keys, description, workshop)
        for each in folders or [folder]
        if _packages(each)
    ]
    if not written:
        raise UsageError(f"no package (`*.apk`) in the folder: `{folder}`")
    return tuple(written)


def _write_index(
    folder: Path, key: PrivateKey | None, keys: Keyring, description: str, workshop: Workshop
) -> WrittenIndex:
    read = [_read(path, keys, workshop) for path in _packages(folder)]
    read.sort(key=lambda archive: (archive.info.name, archive.info.version))
    arches = {archive.info.arch for archive in read} - {"noarch", ""}
    expected = folder.name if folder.name in _ARCHES else next(iter(arches), "")
    if arches - {expected}:
        found = ", ".join(sorted(arches))
        raise FormatError(f"packages for {found}, expected only {expected}", where=[str(folder)])
    with located(str(folder)):
        data = writer.index(
            (writer.stanza(archive, expected) for archive in read),
            description=description,
            mtime=max(archive.info.build_time for archive in read),
            key=key,
        )
    atomic.write(folder / INDEX_NAME, data)
    return WrittenIndex(folder / INDEX_NAME, len(read))


def _packages(folder: Path) -> list[Path]:
    with atomic.storing(folder):
        return sorted(path for path in folder.iterdir() if path.suffix == ".apk")


def _read(path: Path, keys: Keyring, workshop: Workshop) -> Archive:
    with located(str(path)):
        with atomic.storing(path), path.open("rb") as file:
            archive = archives.read(iter(lambda: file.read(CHUNK), b""), lambda _: None)
        if archive.form != 2:
            raise FormatError(
                "a package of apk version 3, which an index of version 2 cannot list",
                hint="make an index of version 3 with `apk mkndx`",
            )
        archive.trust(keys, allow_untrusted=workshop.allow_untrusted)
        if archive.file_name != path.name:
            raise FormatError(f"has to be named `{archive.file_name}`: that is where apk looks for it")
    return archive
