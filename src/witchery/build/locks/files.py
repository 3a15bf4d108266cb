"""Lock files on disk: where they are, and how places are written in them.

A lock lies in a repository of its user's, next to the configuration. So folders in it are relative to it, but
for those that the configuration itself spells from the root on; URLs are without credentials.
"""

import os
from pathlib import Path
from typing import Literal

from witchery.build.request import CONFIG_SUFFIXES, Request
from witchery.errors import StorageError, UsageError, located
from witchery.http import Url
from witchery.lock.apko import ApkoPackage
from witchery.lock.decode import MAX_FILE, decode
from witchery.lock.document import encode
from witchery.lock.model import FILE_NAME, SCHEMA, Demand, Lock
from witchery.repository.location import Repository
from witchery.store import atomic
from witchery.value import frozen, replace


def default_path(source: Path) -> Path:
    """Where the lock of a source is: beside it."""
    folder = source.parent if source.suffix in CONFIG_SUFFIXES else source.absolute().parent
    return folder / FILE_NAME


def read_lock(path: Path) -> Lock:
    """Reads a lock file of Witchery.

    Raises:
        UsageError: if it is apko's, which does not say what packages were built from.
        StorageError: if it cannot be read.
        FormatError: if it is malformed; it names the field.
    """
    found = read_any(path)
    if isinstance(found, Lock):
        return found
    raise UsageError(
        f"a lock of apko does not say from which source each package was built: `{path}`",
        hint="`witchery lock apko.yaml` writes one that does",
    )


def read_any(path: Path) -> Lock | tuple[ApkoPackage, ...]:
    """Reads a lock file, of Witchery or of apko.

    Raises:
        StorageError: if it cannot be read.
        FormatError: if it is malformed; it names the field.
    """
    from witchery.lock import apko

    data = _read(path)
    with located(str(path)):
        return apko.decode(data) if apko.is_apko(data) else decode(data)


def is_lock(path: Path) -> bool:
    """Whether a file is a lock of Witchery, going by the name of its format."""
    try:
        return path.suffix == ".json" and f'"{SCHEMA}"'.encode() in atomic.read(path, MAX_FILE)
    except StorageError:
        return False


def _read(path: Path) -> bytes:
    try:
        return atomic.read(path, MAX_FILE)
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            error.hints = ("`witchery lock SOURCE` writes it", *error.hints)
        raise error from error.__cause__


def write_lock(path: Path, lock: Lock) -> None:
    """Writes a lock file, whole or not at all.

    Raises:
        StorageError: if the system refuses.
    """
    atomic.write(path, encode(lock))


@frozen
class Notation:
    """How places are written in a lock file.

    Attributes:
        folder: The folder of the lock file, absolute.
        spelled: Folders that are not written relative to it.
    """

    folder: Path
    spelled: frozenset[str] = frozenset()

    @staticmethod
    def of(path: Path, request: Request | None = None) -> "Notation":
        """The notation of a lock file.

        Args:
            path: The file.
            request: What it locks.
        """
        contents = request.config.contents if request else None
        lines = (*contents.repositories, *contents.build_repositories) if contents else ()
        words = (word.removeprefix("file://") for line in lines for word in line.split())
        return Notation(path.absolute().parent, frozenset(word for word in words if word.startswith("/")))

    def line(self, repository: Repository) -> str:
        """A repository."""
        named = repository.location.endswith((".tar.gz", ".adb"))
        kind = "" if named == repository.is_index else "ndx " if repository.is_index else "v2 "
        kind = "v3 " if repository.form == 3 else kind
        tag = f"@{repository.tag} " if repository.tag else ""
        return f"{kind}{tag}{self.path(repository.location) if repository.is_local else repository.location}"

    def repository(self, line: str) -> Repository:
        """The repository that a line means.

        Raises:
            FormatError: if it means none.
        """
        kind, _, rest = line.partition(" ") if line.startswith(("ndx ", "v2 ", "v3 ")) else ("", "", line)
        tag, _, location = rest.partition(" ") if rest.startswith("@") else ("", "", rest)
        is_index = kind == "ndx" if kind else None
        form: Literal[2, 3] = 3 if kind == "v3" else 2
        return Repository.parse(location, folder=self.folder, tag=tag[1:], is_index=is_index, form=form)

    def means(self, line: str, repository: Repository) -> bool:
        """Whether a line means a repository, however that is written."""
        meant = self.repository(line)
        if meant.is_local and repository.is_local:
            same = os.path.normpath(meant.location) == os.path.normpath(repository.location)
            meant = replace(meant, location=repository.location) if same else meant
        return meant == replace(repository, names="")

    def place(self, place: Url | Path) -> str:
        """Where a package file is."""
        return self.path(str(place)) if isinstance(place, Path) else str(place)

    def path(self, path: str) -> str:
        """A path of this machine."""
        whole = os.path.normpath(Path(path).absolute())
        if any(Path(whole).is_relative_to(each) for each in self.spelled):
            return whole
        relative = os.path.relpath(whole, self.folder)
        return relative if relative.startswith(".") else f"./{relative}"


def demand_of(request: Request, notation: Notation) -> Demand:
    """What of a request matters for a lock."""
    return Demand(
        packages=tuple(sorted(set(request.world))),
        repositories=tuple(notation.line(each) for each in request.repositories),
        shell=request.config.contents.shell,
    )
