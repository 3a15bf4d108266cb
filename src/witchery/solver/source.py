"""Where packages can be taken from."""

from collections.abc import Iterable

from witchery.apk.index import Index
from witchery.apk.package import Package
from witchery.value import frozen


@frozen(eq=False)
class Source:
    """A repository, or packages that were given by hand.

    Attributes:
        url: Where it is; for messages and for those who fetch. The solver does not look at it.
        index: What it holds.
        tag: The tag it is listed with (`@edge`, without the `@`): its packages are taken only where the world
            allows the tag. Empty for an ordinary repository.
    """

    url: str
    index: Index
    tag: str = ""

    @staticmethod
    def of(packages: Iterable[Package], url: str = "") -> "Source":
        """A source of packages that are in no index, such as a local file or a payload.

        List it first: of equal packages the one of the earlier source is taken.
        """
        return Source(url, Index([package.stanza for package in packages]))

    def __str__(self) -> str:
        return f"@{self.tag} {self.url}" if self.tag else self.url
