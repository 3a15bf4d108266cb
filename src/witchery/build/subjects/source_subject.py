"""A source as a subject: an application or a configuration, and the image that comes of it."""

from functools import cached_property
from typing import TYPE_CHECKING

from witchery.build.image import Built, Planned, complete, plan
from witchery.build.request import Request

if TYPE_CHECKING:
    from witchery.build.subjects.subject import Means
    from witchery.build.workshop import Workshop


class SourceSubject:
    """An application or a configuration.

    Attributes:
        name: What the user called it.
        workshop: Where it is built.
    """

    def __init__(self, name: str, means: "Means") -> None:
        self.name = name
        self.workshop: Workshop = means.workshop
        self._means = means

    @cached_property
    def request(self) -> Request:
        """What is to be built, for the one architecture that is looked at.

        Raises:
            WitcheryError: if it, or what is asked for besides, is unusable.
        """
        return self._means.request(self.name)

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The same for each of its architectures.

        Raises:
            WitcheryError: if it, or what is asked for besides, is unusable.
        """
        return self._means.requests(self.name)

    @cached_property
    def planned(self) -> Planned:
        """What is solved for; nothing is fetched but indexes.

        Raises:
            WitcheryError: as `witchery.build.image.build`.
        """
        return plan(self.request, self.workshop)

    @cached_property
    def built(self) -> Built:
        """The image, which goes nowhere.

        Raises:
            WitcheryError: as `witchery.build.image.build`.
        """
        return complete(self.planned, self.workshop)
