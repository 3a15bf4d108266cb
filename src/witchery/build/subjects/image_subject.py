"""An image as a subject, in whatever place it is, for one platform or for several."""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.arch import Arch
from witchery.build.evidence import images_of
from witchery.build.opening import on_disk
from witchery.build.registry.copying import Opened, open_source
from witchery.build.subjects.open_root import OpenFolder, OpenImage, OpenRoot
from witchery.errors import located
from witchery.oci import transport
from witchery.oci.transport import PlainFolder, RootfsFolder

if TYPE_CHECKING:
    from witchery.build.subjects.subject import Means
    from witchery.build.workshop import Workshop

MAX_PLATFORMS = 64
"""How many platforms of one image are looked at."""


class ImageSubject:
    """An image in some place, for one platform or for several.

    Attributes:
        name: What the user called it: an image in transport notation.
        place: Where it is.
        workshop: How servers other than registries are reached.
    """

    def __init__(self, name: str, means: "Means") -> None:
        """An image.

        Raises:
            UsageError: if it is not in transport notation, or several platforms are asked for.
        """
        self.name = name
        self.place = transport.parse(name)
        self.workshop: Workshop = means.workshop
        self._arch = means.arch
        self._host = means.host
        self._registries = means.registries

    @cached_property
    def opened(self) -> OpenRoot:
        """It for one platform: the one that is asked for, or this machine's where there are several.

        Raises:
            UsageError: if there is no image in such a place.
            Refused: if it is malformed, or none fits.
            WorldError: if it cannot be had.
        """
        if folder := self._folder:
            return OpenFolder(self.name, folder, self._arch)
        held = self.held
        with located(self.name):
            image = held.image(self._arch or self._host)
        return OpenImage.within(self.name, held, image, self._registries())

    @cached_property
    def held(self) -> Opened:
        """What the place holds: an image, or an index of several.

        Raises:
            WitcheryError: as `opened`.
        """
        with located(self.name):
            return open_source(self.place, self._registries(), self._arch)

    @cached_property
    def arch(self) -> Arch:
        """What it runs on, for one platform; this machine's architecture where nothing says.

        Raises:
            WitcheryError: as `opened`.
        """
        return self.opened.platform(self._host)

    def every(self) -> Iterator[OpenRoot]:
        """It for the platform that is asked for, or for all there are.

        Raises:
            WitcheryError: as `opened`.
        """
        if folder := self._folder:
            yield OpenFolder(self.name, folder, self._arch)
            return
        held = self.held
        with located(self.name):
            images = tuple(islice(images_of(held.source, held.root), MAX_PLATFORMS))
        for image in images:
            yield OpenImage.within(self.name, held, image, self._registries())

    @property
    def _folder(self) -> Path | None:
        """The folder, where it is a root file system."""
        place = self.place
        if isinstance(place, PlainFolder | RootfsFolder) and not on_disk(place):
            return Path(place.path)
        return None
