"""What composing works on: packages with their contents at hand, and files that are made up."""

from typing import NamedTuple

from witchery.apk.archive import Archive
from witchery.apk.package import Package
from witchery.keys import PublicKey
from witchery.rootfs.content import Content
from witchery.rootfs.entry import Entry
from witchery.value import frozen


@frozen
class Part:
    """One package of the image.

    Attributes:
        package: What the index says of it.
        archive: Its bytes, checked.
        data: Its data segment, compressed, to be read again; checks itself.
        tag: The repository tag it came by, or an empty string.
        own: Whether it is the application, packed for this image and signed by nobody.
        key: The known key that signed the package itself, where one did.
    """

    package: Package
    archive: Archive
    data: Content
    tag: str = ""
    own: bool = False
    key: PublicKey | None = None

    @property
    def name(self) -> str:
        """The package's name."""
        return self.package.name

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What it installs: nothing where the index states a size of 0, as apk has it (apk-index(5), `I`)."""
        return self.archive.entries if self.package.installed_size else ()

    def __str__(self) -> str:
        return str(self.package)


class Generated(NamedTuple):
    """A file, folder or link that no package brings.

    Attributes:
        entry: The entry, with numeric owners.
        content: The bytes of a file; empty for all else.
        why: What asks for it, in a few words: `accounts`, `busybox links`, `paths[2]`.
    """

    entry: Entry
    content: Content
    why: str
