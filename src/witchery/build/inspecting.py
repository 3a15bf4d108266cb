"""The use case: what an image consists of, whoever built it, and what cannot be known of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from witchery.build.subjects.image_subject import ImageSubject
from witchery.build.subjects.open_root import OpenImage
from witchery.build.subjects.source_subject import SourceSubject
from witchery.compose.composition import ANNOTATION, LayerKind
from witchery.digest import Digest
from witchery.errors import Refused, UsageError
from witchery.oci.config import Execution
from witchery.oci.image import Layer
from witchery.rootfs.accounts import MAX_FILE, Accounts, User
from witchery.rootfs.entry import Entry, Kind
from witchery.value import field, frozen

if TYPE_CHECKING:
    from witchery.arch import Arch
    from witchery.build.subjects.subject import Subject

_SET_ID = 0o6000
_CAPABILITY = "security.capability"
_FOREIGN = "unknown"


@frozen(kw_only=True)
class LayerFacts:
    """A layer.

    Attributes:
        digest: Its blob.
        diff_id: Its uncompressed tar.
        size: Bytes of the blob.
        kind: `signed`, `payload`, `derived` or `top`, as its builder says; `unknown` where nobody says.
        reason: Why it is not a package's own bytes, as its builder says, or an empty string.
        created_by: What the image's history says of it, or an empty string.
        packages: Whose files are in it and are not covered by higher layers, in order of name.
        files: How many files and links of it are in the image.
        content: Bytes of these.
        shared_with: The other images that have it.
    """

    digest: Digest
    diff_id: Digest
    size: int
    kind: str
    reason: str
    created_by: str
    packages: tuple[str, ...]
    files: int
    content: int
    shared_with: tuple[str, ...] = ()


@frozen(kw_only=True)
class FileFacts:
    """A file.

    Attributes:
        entry: The file, at its path in the image.
        layer: The number of its layer, from 0 on.
        package: Whose it is; empty where no package lists it.
    """

    entry: Entry
    layer: int
    package: str


@frozen(kw_only=True)
class PackageFacts:
    """A package.

    Attributes:
        name: Its name.
        version: Its version.
        size: Bytes of its files that are in the image.
        files: How many these are.
    """

    name: str
    version: str
    size: int
    files: int


@frozen(kw_only=True)
class Inspected:
    """What an image consists of.

    Attributes:
        name: What the user called it.
        digest: The digest of its manifest.
        arch: What it runs on; None where Alpine does not know it.
        platform: The same in OCI's words.
        created: When it was made, RFC 3339, or an empty string.
        annotations: The manifest's annotations.
        transfer: Bytes of manifest, configuration and layers.
        execution: How a runtime starts it.
        layers: Its layers, the lowest first.
        files: Its files, links and devices, in order of path.
        packages: Its packages, the largest first.
        users: The users in it.
        user: The user that it starts as: what the image says, and the account of that name or number.
        unknown: What cannot be known of it, a sentence each.
    """

    name: str
    digest: Digest
    arch: "Arch | None"
    platform: str
    created: str
    annotations: "Sequence[tuple[str, str]]"
    transfer: int
    execution: Execution
    layers: tuple[LayerFacts, ...]
    files: tuple[FileFacts, ...] = field(repr=False)
    packages: tuple[PackageFacts, ...]
    users: tuple[User, ...]
    user: User | None
    unknown: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files; of hard links once."""
        return sum(each.entry.size for each in self.files)

    @property
    def covered(self) -> int:
        """How many of the layers hold nothing that is in the image: all is covered, or there was nothing."""
        return sum(not each.files for each in self.layers)

    @property
    def privileged(self) -> tuple[FileFacts, ...]:
        """Files that give those who start them more rights: setuid, setgid, capabilities."""
        return tuple(each for each in self.files if _is_privileged(each.entry))

    @property
    def largest(self) -> tuple[FileFacts, ...]:
        """The files, the largest first."""
        files = (each for each in self.files if each.entry.kind is Kind.FILE)
        return tuple(sorted(files, key=lambda each: (-each.entry.size, each.entry.path)))

    @property
    def shared(self) -> int:
        """Bytes of those layers that other images have as well."""
        return sum(each.size for each in self.layers if each.shared_with)


def inspect(subject: "Subject", others: "Iterable[Subject]" = ()) -> Inspected:
    """Looks at an image; every layer is read.

    Args:
        subject: The image, or what it is composed of; it is written nowhere then.
        others: Images that may have layers in common with it.

    Raises:
        UsageError: if one of them has no layers.
        Refused: if it is malformed.
        WorldError: if a layer cannot be had.
    """
    opened = _opened(subject)
    image, owners = opened.image, opened.owners
    files = tuple(
        FileFacts(
            entry=each.entry._replace(size=0) if each.first else each.entry,
            layer=each.layer,
            package=owners.get(path, ""),
        )
        for path, each in opened.tree.items()
        if each.entry.kind is not Kind.DIRECTORY
    )
    elsewhere = [(each.name, _names_of(each)) for each in map(_opened, others)]
    accounts = _accounts(opened)
    execution = image.config.execution
    return Inspected(
        name=opened.name,
        digest=image.digest,
        arch=image.config.platform.arch,
        platform=str(image.config.platform),
        created=image.config.created,
        annotations=tuple(sorted(image.manifest.annotations.items())),
        transfer=image.size,
        execution=execution,
        layers=tuple(_layer(number, layer, files, elsewhere) for number, layer in enumerate(image.layers)),
        files=files,
        packages=tuple(_packages(opened, files)),
        users=tuple(accounts.users.values()) if accounts else (),
        user=_starts_as(execution.user, accounts),
        unknown=tuple(_unknown(opened, accounts, files)),
    )


def _opened(subject: "Subject") -> OpenImage:
    """The image that a subject is, or comes to."""
    if isinstance(subject, SourceSubject):
        return OpenImage.of(subject.request.name, subject.built.image, subject.built.contents)
    if isinstance(subject, ImageSubject) and isinstance(subject.opened, OpenImage):
        return subject.opened
    raise UsageError(
        f"no image, so it has no layers: `{subject.name}`",
        hint="expected `oci:DIR`, `oci-archive:FILE` or `docker://REFERENCE`",
    )


def _names_of(opened: OpenImage) -> frozenset[Digest]:
    return frozenset(name for each in opened.image.layers for name in (each.descriptor.digest, each.diff_id))


def _layer(
    number: int, layer: Layer, files: Sequence[FileFacts], elsewhere: Sequence[tuple[str, frozenset[Digest]]]
) -> LayerFacts:
    own = [each for each in files if each.layer == number]
    said = layer.descriptor.annotations
    names = {layer.descriptor.digest, layer.diff_id}
    return LayerFacts(
        digest=layer.descriptor.digest,
        diff_id=layer.diff_id,
        size=layer.descriptor.size,
        kind=said.get(f"{ANNOTATION}kind", _FOREIGN),
        reason=said.get(f"{ANNOTATION}reason", ""),
        created_by=layer.history.created_by,
        packages=tuple(sorted({each.package for each in own if each.package})),
        files=len(own),
        content=sum(each.entry.size for each in own),
        shared_with=tuple(name for name, known in elsewhere if names & known),
    )


def _packages(opened: OpenImage, files: Iterable[FileFacts]) -> Iterator[PackageFacts]:
    sizes: dict[str, list[int]] = {}
    for each in files:
        if each.package:
            sizes.setdefault(each.package, []).append(each.entry.size)
    listed = [each.package for each in opened.packages.packages]
    listed.sort(key=lambda each: (-sum(sizes.get(each.name, ())), each.name))
    for package in listed:
        own = sizes.get(package.name, [])
        yield PackageFacts(name=package.name, version=package.version, size=sum(own), files=len(own))


def _accounts(opened: OpenImage) -> Accounts | None:
    """The accounts; None where there are none that can be read."""
    passwd, group = opened.text("etc/passwd", MAX_FILE), opened.text("etc/group", MAX_FILE)
    if passwd is None and group is None:
        return None
    try:
        return Accounts.read(passwd or b"", group or b"")
    except Refused:
        return None


def _starts_as(text: str, accounts: Accounts | None) -> User | None:
    name = text.partition(":")[0] or "0"
    if accounts is None:
        return None
    return accounts.user_with(int(name)) if name.isdecimal() else accounts.users.get(name)


def _unknown(opened: OpenImage, accounts: Accounts | None, files: Sequence[FileFacts]) -> Iterator[str]:
    read = opened.packages
    if not read.packages:
        yield "which packages are in it: neither a package database nor evidence is there"
    elif read.world is None:
        yield "what was requested: there is no `etc/apk/world` in it"
    if any(f"{ANNOTATION}kind" not in each.descriptor.annotations for each in opened.image.layers):
        yield "what its layers are: another builder made some of them, or all"
    if read.packages:
        kinds = [each.descriptor.annotations.get(f"{ANNOTATION}kind") for each in opened.image.layers]
        nobody = [each for each in files if not each.package and kinds[each.layer] != LayerKind.TOP.value]
        if nobody:
            size = sum(each.entry.size for each in nobody)
            yield f"where {len(nobody)} files of {size} bytes are from: no package lists them"
    if accounts is None:
        yield "which users there are: there is no `etc/passwd` that can be read"


def _is_privileged(entry: Entry) -> bool:
    set_id = entry.kind is Kind.FILE and entry.mode & _SET_ID
    return bool(set_id) or any(name == _CAPABILITY for name, _ in entry.xattrs)
