"""What an image consists of, independent of any format.

A bill is made once (`witchery.build.bills`); `witchery.sbom.spdx` and `witchery.sbom.cyclonedx` write it.
Texts in it come from packages, and anyone may write a package: `plain` makes them fit for any document.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.payload import findings
from witchery.payload.purl import purl
from witchery.sbom import licences
from witchery.sbom.licences import Licence
from witchery.value import frozen

ALPINE = "alpine"
"""What `etc/os-release` calls Alpine, and the namespace of its package URLs."""
MAX_TEXT = 2048
"""The longest text that is taken over from a package, in characters."""

_ODD = (  # looked for only in texts that are not printable as a whole
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SIGNS = str.maketrans("<>()", "    ")
_NOT_IN_URL = frozenset(' "<>\\^`{|}')


@frozen
class Person:
    """Somebody, as `Name <address>` names them.

    Attributes:
        name: The name, or where there is none the address.
        email: The address, or an empty string.
    """

    name: str
    email: str = ""

    @staticmethod
    def parse(text: str) -> "Person | None":
        """Reads `Name <address>`; None where nobody is named."""
        name, _, rest = text.partition("<")
        email = rest.strip().removesuffix(">").strip()
        name, email = (_bare(plain(each)) for each in (name, email))
        if "@" not in email or " " in email:
            name, email = f"{name} {email}".strip(), ""
        return Person(name or email, email if name else "") if name or email else None


class Edge(NamedTuple):
    """A package of the image that another one needs.

    Attributes:
        name: What is needed.
        because: The dependencies that lead to it: `so:libssl.so.3`.
    """

    name: str
    because: tuple[str, ...]


class File(NamedTuple):
    """A regular file that a package installs.

    Attributes:
        path: Without a leading slash.
        algorithm: `SHA1`, `SHA256` or `SHA512`.
        checksum: Hexadecimal, as the package states it.
    """

    path: str
    algorithm: str
    checksum: str


@frozen
class Layer:
    """Where in the image a package stands.

    Attributes:
        digest: Digest of the layer's blob.
        kind: `signed`, `payload`, `derived` or `top`; see `witchery.compose.composition.LayerKind`.
    """

    digest: Digest
    kind: str


@frozen(kw_only=True)
class Distribution:
    """What an image says that it is a release of.

    Attributes:
        id: As in `ID` of os-release(5): `alpine`.
        version: As in `VERSION_ID`: `3.19.1`; for Alpine's `edge` that word.
        name: As in `NAME`: `Alpine Linux`.
    """

    id: str
    version: str
    name: str

    @property
    def qualifier(self) -> str:
        """How package URLs name it: `alpine-3.19.1`."""
        return f"{self.id}-{self.version}" if self.version else self.id


@frozen(kw_only=True)
class Vendor:
    """Who a package comes from.

    Attributes:
        namespace: Under which it stands in package URLs: `alpine`, or the host of its repository.
        name: What people call them, or an empty string where nobody knows.
        distribution: Whether it is the distribution of the image, by whose advisories a package is judged.
    """

    namespace: str
    name: str = ""
    distribution: bool = False


@frozen(kw_only=True)
class Item:
    """A package of the image.

    Attributes:
        name: Its name.
        version: Its version.
        arch: Alpine's name of the architecture.
        vendor: Who it comes from.
        origin: The source package; its own name where it states none.
        licence: Its licence.
        maintainer: Who cares for it.
        description: What it is, in a line.
        home: Where its home is: a URL or an empty string.
        location: Where it was fetched: a URL or an empty string.
        repository: The repository of it, likewise.
        commit: The commit of its build recipe.
        form: The version of the package's format.
        file: SHA-256 of the package file; None for the application, which is none.
        identity: What apk names it by: `Q1` and a SHA-1 of the control segment, in base64.
        control: SHA-256 of the control segment, which is what is signed.
        data: SHA-256 of the data segment: the digest of a signed layer.
        installed_size: Bytes of its files.
        layer: Where it stands; None for a package without files.
        needs: The packages of the image that it needs.
        conditions: The packages because of which it was installed unasked (`install_if`).
        files: Its regular files, where they were asked for.
        own: Whether it is the application.
    """

    name: str
    version: str
    arch: str
    vendor: Vendor
    origin: str
    licence: Licence
    maintainer: Person | None
    description: str
    home: str
    location: str
    repository: str
    commit: str
    form: int
    file: Digest | None
    identity: str
    control: Digest
    data: Digest
    installed_size: int
    layer: Layer | None = None
    needs: tuple[Edge, ...] = ()
    conditions: tuple[Edge, ...] = ()
    files: tuple[File, ...] = ()
    own: bool = False

    @property
    def source(self) -> str:
        """The name of the source package for scanners, which look it up in the distribution's advisories.

        Trivy does so for every package of apk, whoever made it, so another vendor's source has a name there
        that the distribution's cannot have.
        """
        return self.origin if self.vendor.distribution else f"{self.vendor.namespace}/{self.origin}"

    def purl(self, distribution: Distribution | None) -> str:
        """Its package URL, as Syft writes those of Alpine.

        `distro` and `upstream` lead scanners to the advisories of a distribution, so only its own packages
        have them. The application is of no distribution and no registry: it is named by its content.
        """
        if self.own:
            return purl("generic", self.name, self.version, {"checksum": str(self.data)})
        qualifiers = {"arch": self.arch}
        if self.vendor.distribution and distribution:
            qualifiers["distro"] = distribution.qualifier
            qualifiers["upstream"] = self.origin if self.origin != self.name else ""
        else:
            qualifiers["repository_url"] = self.repository
        return purl("apk", f"{self.vendor.namespace}/{self.name}".lower(), self.version, qualifiers)


class Component(NamedTuple):
    """A piece of software inside the application.

    Attributes:
        purl: Its package URL.
        name: Its name.
        version: Its version, or an empty string.
        evidence: The files that show it, and what in each does: (`app/bin/hello`, `Go build information`).
        digests: What is known of its bytes: (`sha256`, hexadecimal) pairs.
    """

    purl: str
    name: str
    version: str
    evidence: tuple[tuple[str, str], ...]
    digests: tuple[tuple[str, str], ...] = ()


@frozen(kw_only=True)
class Bill:
    """What an image consists of.

    Attributes:
        name: What the image is called where nobody says otherwise.
        digest: Digest of its manifest; None for a document inside the image, which cannot know it.
        size: Bytes of its layers as they are transferred.
        arch: What it runs on.
        created: When it was made, as RFC 3339.
        vendor: Who distributes it, by its annotations, or an empty string.
        version: The author's version of it, or an empty string.
        distribution: What it is a release of.
        items: Its packages, in the order of installation.
        asked: The packages that were asked for, and how.
        components: What its application is made of.
        trusted: Whether a known key vouches for everything in it but the application.
        tool: The version of Witchery, or an empty string.
    """

    name: str
    digest: Digest | None
    size: int
    arch: Arch
    created: str
    vendor: str
    version: str
    distribution: Distribution | None
    items: tuple[Item, ...]
    asked: tuple[Edge, ...]
    components: tuple[Component, ...]
    trusted: bool
    tool: str

    @property
    def purl(self) -> str:
        """The image as a package URL of the type `oci`; empty where its digest is not known."""
        if self.digest is None:
            return ""
        # The type's definition has names in lower case.
        return purl("oci", self.name.lower(), str(self.digest), {"arch": self.arch.oci})

    @property
    def application(self) -> Item | None:
        """The application, where there is one."""
        return next((each for each in self.items if each.own), None)


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """A text of a package without what no document should carry, and of bounded length.

    Control characters, marks that turn the direction of writing, and bytes that are not UTF-8 become the
    replacement character.
    """
    if not text.isprintable():
        text = re.sub(_ODD, "\ufffd", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def url(text: str) -> str:
    """The text if it is an address on the web that every document can hold, else nothing.

    A host without a domain, or a number, means something else on every network; validators refuse it, too.
    """
    scheme, _, rest = text.partition("://")
    fits = scheme in ("http", "https") and text.isascii() and text.isprintable() and len(text) <= MAX_TEXT
    labels = rest.partition("/")[0].partition(":")[0].replace("-", ".-").split(".")
    named = len(labels) > 1 and labels[-1].isalpha() and len(labels[-1]) > 1
    named = (
        named and not labels[0].startswith("-") and all(each.removeprefix("-").isalnum() for each in labels)
    )
    return text if fits and named and not _NOT_IN_URL.intersection(text) else ""


def licence(text: str, owner: str) -> Licence:
    """What a package states of its licence, fit for any document."""
    return licences.parse(plain(text, licences.MAX_TEXT), owner)


def gathered(components: Iterable[findings.Component]) -> tuple[Component, ...]:
    """The components of an application by their package URL, each once, with all that shows them."""
    found: dict[str, Component] = {}
    for each in components:
        shown = (plain(each.path), plain(each.source))
        known = found.get(each.purl) or Component(each.purl, plain(each.name), plain(each.version), ())
        found[each.purl] = known._replace(
            evidence=tuple(dict.fromkeys((*known.evidence, shown))),
            digests=tuple(dict.fromkeys((*known.digests, *each.digests))),
        )
    return tuple(found[address] for address in sorted(found))


def _bare(text: str) -> str:
    """A name without the signs that set off an address."""
    return " ".join(text.translate(_SIGNS).split()).strip('"')
