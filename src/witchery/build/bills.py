"""The use case: what an image consists of, and documents that say it (`witchery.sbom`).

Nothing of this machine goes in: no folder, no time, no user. See `docs/adr/0009-bills-of-materials.md`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import witchery
from witchery.apk.identity import encode
from witchery.arch import Arch
from witchery.build.origins import Origins
from witchery.build.parts import Gathered
from witchery.compose.composition import newest
from witchery.compose.part import Generated, Part
from witchery.compose.tree import Tree, merge
from witchery.config.model import ImageConfig
from witchery.digest import Digest
from witchery.oci.config import rfc3339
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import Kind, file
from witchery.sbom import bill as bills
from witchery.sbom.bill import Bill, Edge, File, Item, Layer, Person, plain
from witchery.sbom.identifiers import Names
from witchery.sbom.stated import FOLDER, SUFFIXES
from witchery.solver.solution import Cause, Solution
from witchery.value import frozen, replace

if TYPE_CHECKING:
    from witchery.build.application import Application
    from witchery.build.image import Built

MEDIA_TYPES = {"spdx": "application/spdx+json", "cyclonedx": "application/vnd.cyclonedx+json"}
"""The formats, and the types of their documents and of the artifacts that carry them."""
FORMATS = tuple(MEDIA_TYPES)
"""The formats alone; scanners learn most from the first."""
_TITLE = "org.opencontainers.image."
_HASHES = {20: "SHA1", 32: "SHA256", 64: "SHA512"}


@frozen
class Document:
    """A bill of materials as a file.

    Attributes:
        media_type: Its media type, which is also the type of an artifact that carries it.
        data: The file.
    """

    media_type: str
    data: bytes


def documents(built: "Built", formats: Iterable[str], *, files: bool | None = None) -> tuple[Document, ...]:
    """What an image consists of, in some of `FORMATS`; the same image always gives the same bytes.

    Args:
        built: The image.
        formats: In which formats.
        files: Whether to list every file of every package, too; None for what the configuration says.

    Raises:
        IntegrityError: if a package changed since it was checked.
    """
    bill = bill_of(built, files=files)
    return tuple(encoded(bill, each) for each in formats)


def in_image(
    gathered: Gathered,
    tree: Tree,
    generated: Sequence[Generated],
    *,
    config: ImageConfig,
    application: "Application | None",
    created: int | None,
) -> tuple[Generated, ...]:
    """The bills of materials that go into an image: they know neither its digest nor its layers.

    Nor do they tell the version of Witchery: another one is to give the same image.

    Args:
        gathered: Its packages.
        tree: Their files.
        generated: The files that no package brings.
        config: Its configuration.
        application: Its application.
        created: Its time, in seconds since 1970; by default that of the newest package.

    Raises:
        IntegrityError: if a package changed since it was checked.
    """
    made = _Bills(gathered, tree, generated, files=config.sbom.files)
    time = rfc3339(newest(gathered.parts) if created is None else created)
    bill = made.bill(config, application, time)
    documents = ((encoded(bill, each), SUFFIXES[each]) for each in config.sbom.in_image)
    stem = Names().name(bill.name)
    return tuple(
        Generated(file(f"{FOLDER}{stem}{suffix}", len(each.data)), BytesContent(each.data), "sbom.in-image")
        for each, suffix in documents
    )


def bill_of_packages(gathered: Gathered, *, files: bool = False) -> Bill:
    """What packages that were gathered come to, without an image of them.

    Args:
        gathered: The packages.
        files: Whether to list every file of every package, too.

    Raises:
        Refused: if they cannot be in one image.
    """
    made = _Bills(gathered, merge(gathered.parts), (), files=files)
    bill = made.bill(ImageConfig(), None, rfc3339(newest(gathered.parts)))
    return replace(bill, tool=witchery.__version__)


def encoded(bill: Bill, form: str) -> Document:
    """A bill in one of `FORMATS`."""
    if form == "cyclonedx":
        from witchery.sbom import cyclonedx

        data = cyclonedx.encode(bill)
    else:
        from witchery.sbom import spdx

        data = spdx.encode(bill)
    return Document(MEDIA_TYPES[form], data)


def bill_of(built: "Built", *, files: bool | None = None) -> Bill:
    """What an image consists of.

    Args:
        built: The image.
        files: Whether to list every file of every package, too; None for what the configuration says.

    Raises:
        IntegrityError: if a package changed since it was checked.
    """
    assembly = built.composition.assembly
    files = built.config.sbom.files if files is None else files
    made = _Bills(built.gathered, assembly.tree, tuple(assembly.generated.values()), files=files)
    bill = made.bill(built.config, built.application, built.image.config.created)
    layers = {
        part.name: Layer(layer.descriptor.digest, plan.kind.value)
        for plan, layer in zip(built.composition.layers, built.image.layers, strict=True)
        for part in plan.parts
    }
    return replace(
        bill,
        digest=built.image.digest,
        size=built.image.size,
        items=tuple(replace(each, layer=layers.get(each.name)) for each in bill.items),
        tool=witchery.__version__,
    )


def _name(config: ImageConfig, parts: Iterable[Part]) -> str:
    """A name that says the same wherever it is built: not that of a folder that only the builder has."""
    own = next((part.name for part in parts if part.own), "").partition("-")[2]
    command = (*config.entrypoint.argv, *config.cmd)
    started = command[0].rpartition("/")[2] if command else ""
    return plain(config.name or own or started or "image", 128)


class _Bills:
    """What is known of the packages of one image."""

    def __init__(
        self, gathered: Gathered, tree: Tree, generated: Iterable[Generated], *, files: bool
    ) -> None:
        resolution = gathered.resolution
        self._gathered = gathered
        self._arch = Arch.parse(resolution.solution.arch)
        self._files = files
        self._origins = Origins(resolution, tree, generated)
        self._edges = _edges(resolution.solution)

    def bill(self, config: ImageConfig, application: "Application | None", created: str) -> Bill:
        """What is known without the image itself."""
        annotations = config.annotations
        vendor = plain(annotations.get(f"{_TITLE}vendor", "") or annotations.get(f"{_TITLE}authors", ""))
        items = map(self._item, self._gathered.parts)
        return Bill(
            name=_name(config, self._gathered.parts),
            digest=None,
            size=0,
            arch=self._arch,
            created=created,
            vendor=vendor,
            version=plain(annotations.get(f"{_TITLE}version", "")),
            distribution=self._origins.distribution,
            items=tuple(_supplied(each, vendor) if each.own else each for each in items),
            asked=self._edges.asked,
            components=bills.gathered(application.report.components if application else ()),
            trusted=self._gathered.trusted,
            tool="",
        )

    def _item(self, part: Part) -> Item:
        package, archive, info = part.package, part.archive, part.archive.info
        repository, location = self._origins.place(part)
        return Item(
            name=plain(package.name),
            version=plain(package.version),
            arch=plain(package.arch or self._arch.apk),
            vendor=self._origins.vendor(part),
            origin=plain(info.origin or package.name),
            licence=bills.licence(info.license, package.name),
            maintainer=Person.parse(info.maintainer),
            description=plain(info.description),
            home=bills.url(info.url),
            location=location,
            repository=repository,
            commit=plain(info.commit),
            form=archive.form,
            file=None if part.own else archive.file or archive.file_digest(part.data.chunks()),
            identity=encode(package.identity),
            control=Digest.sha256(archive.control_segment),
            data=archive.data,
            installed_size=package.installed_size,
            needs=self._edges.needs.get(part.name, ()),
            conditions=self._edges.conditions.get(part.name, ()),
            files=tuple(_files(part)) if self._files else (),
            own=part.own,
        )


class _Edges(NamedTuple):
    """What each package needs, what each is there because of, and what was asked for."""

    needs: Mapping[str, tuple[Edge, ...]]
    conditions: Mapping[str, tuple[Edge, ...]]
    asked: tuple[Edge, ...]


def _edges(solution: Solution) -> _Edges:
    needs: dict[str, dict[str, list[str]]] = {}
    conditions: dict[str, dict[str, list[str]]] = {}
    asked: dict[str, list[str]] = {}
    for selected in solution:
        name = selected.package.name
        for reason in selected.reasons:
            texts = [plain(str(each)) for each in reason.dependencies]
            match reason.cause:
                case Cause.WORLD:
                    asked.setdefault(name, []).extend(texts)
                case Cause.DEPENDS:
                    for other in reason.packages:
                        needs.setdefault(other, {}).setdefault(name, []).extend(texts)
                case Cause.INSTALL_IF:
                    for other in reason.packages:
                        conditions.setdefault(name, {}).setdefault(other, []).extend(texts)
    return _Edges(
        {name: _sorted_edges(found) for name, found in needs.items()},
        {name: _sorted_edges(found) for name, found in conditions.items()},
        _sorted_edges(asked),
    )


def _supplied(application: Item, vendor: str) -> Item:
    """The application, which is its image's author's."""
    return replace(application, vendor=replace(application.vendor, name=vendor))


def _sorted_edges(found: Mapping[str, Collection[str]]) -> tuple[Edge, ...]:
    return tuple(Edge(name, tuple(sorted(dict.fromkeys(texts)))) for name, texts in sorted(found.items()))


def _files(part: Part) -> Iterator[File]:
    known = {each.path: each.checksum for each in part.entries if each.kind is Kind.FILE}
    for each in part.entries:
        checksum = known.get(each.target if each.kind is Kind.HARDLINK else each.path, b"")
        if checksum:
            yield File(plain(each.path, 4096), _HASHES[len(checksum)], checksum.hex())
