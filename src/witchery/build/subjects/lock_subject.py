"""A lock as a subject: what it pins, its packages, and what is built from it without a configuration."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.build.locks.files import Notation, read_lock
from witchery.build.locks.locked import LockUse
from witchery.build.locks.mirroring import fetch_locked
from witchery.build.request import Request
from witchery.config.model import Contents, ImageConfig
from witchery.errors import UsageError, located
from witchery.lock.model import Lock, LockedArch
from witchery.repository.packages import Fetched

if TYPE_CHECKING:
    from witchery.build.subjects.subject import Means
    from witchery.build.workshop import Workshop


class LockSubject:
    """A lock.

    Attributes:
        name: What the user called it.
        path: Its file.
        workshop: How its packages are reached.
    """

    def __init__(self, name: str, means: "Means") -> None:
        self.name = name
        self.path = Path(name)
        self.workshop: Workshop = means.workshop
        self._means = means

    @cached_property
    def lock(self) -> Lock:
        """What it says.

        Raises:
            UsageError: if it is apko's.
            WitcheryError: if it cannot be read.
        """
        return read_lock(self.path)

    @cached_property
    def locked(self) -> LockedArch:
        """What it pins for one architecture: the one that is asked for, else the host's, or the only one.

        Raises:
            UsageError: if that is not locked, or several are asked for.
            WitcheryError: if it cannot be read.
        """
        arch = self._means.arch
        if arch is None and len(self.lock.architectures) == 1:
            return self.lock.architectures[0]
        with located(self.name):
            return self.lock.find(arch or self._means.host)

    @cached_property
    def every(self) -> tuple[LockedArch, ...]:
        """What it pins for the architectures that are asked for, or for all.

        Raises:
            UsageError: if one of them is not locked.
            WitcheryError: if it cannot be read.
        """
        with located(self.name):
            return tuple(map(self.lock.find, self._means.archs)) or tuple(self.lock)

    @cached_property
    def fetched(self) -> tuple[Fetched, ...]:
        """The packages of the one architecture, in their order, fetched and held against the lock.

        Raises:
            Refused: if a package is not what is locked or trusted.
            WorldError: if one cannot be had.
        """
        with located(self.name):
            access, notation = self.workshop.access(), Notation.of(self.path)
            return tuple(fetch_locked(self.locked, notation, access, self._means.mirrors))

    @cached_property
    def request(self) -> Request:
        """An image of its packages, with nothing configured, to be built.

        Raises:
            UsageError: if an application is locked, or a package that was a file.
        """
        lock, locked = self.lock, self.locked
        if locked.payload or not all(each.repository for each in locked.packages):
            raise UsageError(
                f"the lock alone does not have all that it pins: `{self.name}`",
                hint="name the source that it was made for, with `--locked`, or the image",
            )
        contents = Contents(
            packages=lock.demand.packages,
            build_repositories=lock.demand.repositories,  # by them it is known which paths are absolute
            shell="forbid" if lock.demand.shell == "forbid" else "allow",
        )
        return Request(
            config=ImageConfig(contents=contents),
            name=self.path.name,
            arch=locked.arch,
            world=lock.demand.packages,
            wished=locked.world,
            files=(),
            repositories=(),
            keys=(),
            key_urls=(),
            notes=(),
            unasked=True,
            lock=LockUse(lock=lock, path=self.path, mirrors=self._means.mirrors),
        )
