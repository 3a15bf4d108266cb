"""What a user asks about: an image in any place, a lock, a package, or a source that an image is made of.

What a word on a command line means is told here and nowhere else. A subject is opened when something of it is
wanted, and once; the use cases take the parts of it that they need.
"""

from collections.abc import Callable, Collection
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.errors import UsageError
from witchery.value import frozen

if TYPE_CHECKING:
    from witchery.arch import Arch
    from witchery.build.registry.registries import Registries
    from witchery.build.request import Request
    from witchery.build.subjects.image_subject import ImageSubject
    from witchery.build.subjects.lock_subject import LockSubject
    from witchery.build.subjects.source_subject import SourceSubject
    from witchery.build.workshop import Workshop
    from witchery.repository.location import Repository

    Subject = ImageSubject | LockSubject | SourceSubject

LOCK_SUFFIX = ".lock.json"
"""How the names of lock files end."""

_TRANSPORTS = ("oci:", "oci-archive:", "docker-archive:", "docker:", "rootfs:")


class Kind(Enum):
    """What a subject can be, and how that is called."""

    IMAGE = "an image"
    LOCK = f"a lock (*{LOCK_SUFFIX})"
    PACKAGE = "a package (*.apk)"
    SOURCE = "an application or a configuration"


USUAL = (Kind.IMAGE, Kind.LOCK, Kind.SOURCE)
"""What most commands take."""
COMPOSED = (Kind.IMAGE, Kind.SOURCE)
"""What has layers, or comes to have them."""
SCANNED = (Kind.IMAGE, Kind.PACKAGE, Kind.SOURCE)
"""What has files that can be looked into."""


def named(kinds: Collection[Kind]) -> str:
    """Kinds in words, such as `an image, an application or a configuration`."""
    return ", ".join(each.value for each in Kind if each in kinds)


def kind_of(text: str) -> Kind:
    """What a word on a command line names; what is nothing else is taken for a source."""
    if is_image(text):
        return Kind.IMAGE
    if text.endswith(LOCK_SUFFIX):
        return Kind.LOCK
    if text.endswith(".apk"):
        return Kind.PACKAGE
    if text.endswith(".json"):
        from witchery.build.locks.files import is_lock

        return Kind.LOCK if is_lock(Path(text)) else Kind.SOURCE
    return Kind.SOURCE


def is_image(text: str) -> bool:
    """Whether a word is an image in transport notation, or a folder or archive that holds one."""
    if text.startswith(_TRANSPORTS) or text == "-" or text.endswith(".tar"):
        return True
    from witchery.store import layout

    return Path(text).is_dir() and layout.is_layout(Path(text))


@frozen(kw_only=True)
class Means:
    """What it takes to get at subjects.

    Attributes:
        workshop: Where sources are built, and how packages are reached.
        registries: How registries are reached.
        host: The architecture of this machine.
        archs: The architectures that are asked for; none where nobody says.
        request: Reads a source as what is to be built, for the one architecture that is looked at.
        requests: The same for each of its architectures.
        mirrors: Where to look for the packages of a lock before the places that it names.
    """

    workshop: "Workshop"
    registries: "Callable[[], Registries]"
    host: "Arch"
    archs: "tuple[Arch, ...]" = ()
    request: "Callable[[str], Request]"
    requests: "Callable[[str], tuple[Request, ...]]"
    mirrors: "tuple[Repository, ...]" = ()

    @property
    def arch(self) -> "Arch | None":
        """The architecture that is asked for; None where nobody says.

        Raises:
            UsageError: if there are several.
        """
        if len(self.archs) > 1:
            listed = ",".join(each.apk for each in self.archs)
            raise UsageError(f"one architecture at a time is looked at: `--arch {listed}`")
        return self.archs[0] if self.archs else None


def open_subject(text: str, means: Means, takes: Collection[Kind] = USUAL) -> "Subject":
    """A subject, of which nothing is read yet.

    Args:
        text: What names it: an image in transport notation, or the path of anything else.
        means: What it takes to get at it.
        takes: What it may be.

    Raises:
        UsageError: if it is something else, or cannot be reached without the network.
    """
    kind = checked(text, takes)
    if kind is Kind.IMAGE:
        from witchery.build.subjects.image_subject import ImageSubject

        if means.workshop.offline:
            refuse_registry(text)
        return ImageSubject(text, means)
    if kind is Kind.LOCK:
        from witchery.build.subjects.lock_subject import LockSubject

        return LockSubject(text, means)
    from witchery.build.subjects.source_subject import SourceSubject

    return SourceSubject(text, means)


def checked(text: str, takes: Collection[Kind]) -> Kind:
    """What a word names.

    Raises:
        UsageError: if that is none of what is taken.
    """
    kind = kind_of(text)
    if kind not in takes:
        hint = "name it with `-p`, in an image of its own" if kind is Kind.PACKAGE else ()
        raise UsageError(f"expected {named(takes)}, got {kind.value}: `{text}`", hint=hint)
    return kind


def refuse_registry(text: str) -> None:
    """Refuses an image in a registry, where there is to be no network.

    Raises:
        UsageError: if it is one.
    """
    if text.startswith("docker:"):
        raise UsageError(f"a registry is not reached without the network: `{text}`")
