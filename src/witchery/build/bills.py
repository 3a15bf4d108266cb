"""The use case: what an image consists of, and documents that say it (`witchery.sbom`).

Whose a package is decides under which name it stands, and whose advisories it is judged by, so it is not
taken from what the package says:

* Alpine's is what a key of Alpine's signed, the package itself or the index that names it, whatever mirror or
  folder it comes from;
* where the image is a release of something else, its distribution's is what comes from the repository that
  brought `etc/os-release`;
* all else is its repository's: the namespace is the host, or `local` for folders and files.

Nothing of this machine goes in: no folder, no time, no user. See `docs/adr/0009-bills-of-materials.md`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import witchery
from witchery.apk.identity import encode
from witchery.arch import Arch
from witchery.build.image import Built
from witchery.build.parts import Resolution
from witchery.compose.composition import Composition
from witchery.compose.files import MAX_FILE, read_from
from witchery.compose.node import GENERATED
from witchery.compose.part import Part
from witchery.compose.release import read_os_release
from witchery.digest import Digest
from witchery.errors import Refused
from witchery.http import Url
from witchery.repository.keyrings import embedded_keys
from witchery.repository.location import Repository
from witchery.rootfs.entry import Kind
from witchery.sbom import bill as bills
from witchery.sbom.bill import ALPINE, Bill, Distribution, Edge, File, Item, Layer, Person, Vendor, plain
from witchery.solver.solution import Cause, Solution
from witchery.value import frozen, replace

FORMATS = ("spdx", "cyclonedx")
"""The formats, the one for scanners and referrers first."""
DEFAULT_FORMATS = ("spdx",)
"""Which a build attaches where nobody says."""

_OS_RELEASE = "etc/os-release"
_TITLE = "org.opencontainers.image."
_LOCAL = Vendor(namespace="local")
_HASHES = {20: "SHA1", 32: "SHA256", 64: "SHA512"}
_HOPS = 8


@frozen
class Document:
    """A bill of materials as a file.

    Attributes:
        media_type: Its media type, which is also the type of an artifact that carries it.
        data: The file.
    """

    media_type: str
    data: bytes


def documents(
    built: Built, formats: Iterable[str] = DEFAULT_FORMATS, *, files: bool = False
) -> tuple[Document, ...]:
    """What an image consists of, in some formats of `FORMATS`; the same image always gives the same bytes.

    Args:
        built: The image.
        formats: In which formats.
        files: Whether to list every file of every package, too.
    """
    wanted = tuple(formats)
    if not wanted:
        return ()
    bill = bill_of(built, files=files)
    return tuple(encoded(bill, each) for each in wanted)


def encoded(bill: Bill, form: str) -> Document:
    """A bill in one of `FORMATS`."""
    if form == "cyclonedx":
        from witchery.sbom import cyclonedx

        return Document(cyclonedx.MEDIA_TYPE, cyclonedx.encode(bill))
    from witchery.sbom import spdx

    return Document(spdx.MEDIA_TYPE, spdx.encode(bill))


def bill_of(built: Built, *, files: bool = False) -> Bill:
    """What an image consists of.

    Args:
        built: The image.
        files: Whether to list every file of every package, too.

    Raises:
        IntegrityError: if a package changed since it was checked.
    """
    layers = {
        part.name: Layer(layer.descriptor.digest, plan.kind.value)
        for plan, layer in zip(built.composition.layers, built.image.layers, strict=True)
        for part in plan.parts
    }
    made = _Bills(built.parts, built.gathered.resolution, built.composition, files=files)
    annotations = built.config.annotations
    application = built.application
    return Bill(
        name=_name(built),
        digest=built.image.digest,
        size=built.image.size,
        arch=made.arch,
        created=built.image.config.created,
        vendor=plain(annotations.get(f"{_TITLE}vendor", "")),
        version=plain(annotations.get(f"{_TITLE}version", "")),
        distribution=made.distribution,
        items=tuple(replace(each, layer=layers.get(each.name)) for each in made.items()),
        asked=made.asked,
        components=bills.gathered(application.report.components if application else ()),
        trusted=built.trusted,
        tool=witchery.__version__,
    )


def _name(built: Built) -> str:
    """A name that says the same wherever it is built: not that of a folder that only the builder has."""
    own = next((part.name for part in built.parts if part.own), "").partition("-")[2]
    command = (*built.config.entrypoint.argv, *built.config.cmd)
    started = command[0].rpartition("/")[2] if command else ""
    return plain(built.config.name or own or started or "image", 128)


class _Bills:
    """What is known of the packages of one image."""

    def __init__(
        self, parts: Sequence[Part], resolution: Resolution, composition: Composition, *, files: bool
    ) -> None:
        self.arch = Arch.parse(resolution.solution.arch)
        self._parts = parts
        self._files = files
        self._resolution = resolution
        self._selected = {each.package.name: each for each in resolution.solution}
        self._repositories = {
            (each.repository.location, each.repository.tag): each.repository for each in resolution.indexes
        }
        self._alpine = {key.pem for key in embedded_keys(self.arch)}
        self._vouched = {
            (each.repository.location, each.repository.tag)
            for each in resolution.indexes
            if each.trust.key and each.trust.key.pem in self._alpine
        }
        self.distribution, self._brought_by = self._find_distribution(composition)
        self._edges = _edges(resolution.solution)

    @property
    def asked(self) -> tuple[Edge, ...]:
        """The packages that were asked for."""
        return self._edges.asked

    def items(self) -> Iterator[Item]:
        """The packages, but for where they stand in the image."""
        return map(self._item, self._parts)

    def _item(self, part: Part) -> Item:
        package, archive, info = part.package, part.archive, part.archive.info
        repository, location = self._place(part)
        return Item(
            name=plain(package.name),
            version=plain(package.version),
            arch=plain(package.arch or self.arch.apk),
            vendor=self._vendor(part),
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

    def _place(self, part: Part) -> tuple[str, str]:
        """The repository of a package and the address of its file; nothing where no other machine has it."""
        repository = self._repository(part)
        if repository is None or repository.is_local:
            return "", ""
        try:
            place = repository.package(part.package, self.arch)
            base = Url.parse(repository.location.replace("${APK_ARCH}", self.arch.apk))
        except Refused:
            return "", ""
        return bills.url(_bare(base)), "" if isinstance(place, Path) else bills.url(_bare(place))

    def _repository(self, part: Part) -> Repository | None:
        source = self._selected[part.name].source
        found = self._repositories.get((source.url, source.tag))
        if found is not None or source.url:
            return found or Repository(source.url, source.tag)
        identity = part.package.identity  # what only wants a shell is amended, and is in no index as it is
        listed = (
            each.repository
            for each in self._resolution.indexes
            if any(known.identity == identity for known in each.index.named(part.name))
        )
        return next(listed, None)

    def _vendor(self, part: Part) -> Vendor:
        if part.own:
            return Vendor(namespace="")
        if self._is_alpine(part):
            ours = self.distribution is not None and self.distribution.id == ALPINE
            return Vendor(namespace=ALPINE, name="Alpine Linux", distribution=ours)
        origin = self._repository(part)
        brought = self._brought_by
        if brought is not None and self.distribution and self.distribution.id != ALPINE:
            theirs = self._repository(brought)
            if part is brought or (origin is not None and origin == theirs):
                found = self.distribution
                return Vendor(namespace=found.id.lower(), name=found.name, distribution=True)
        if origin is None or origin.is_local:
            return _LOCAL
        host = Url.parse(origin.location).authority
        return Vendor(namespace=host, name=host)

    def _is_alpine(self, part: Part) -> bool:
        """Whether Alpine signed it, or an index that names it."""
        if part.key is not None:
            return part.key.pem in self._alpine
        repository = self._repository(part)
        return repository is not None and (repository.location, repository.tag) in self._vouched

    def _find_distribution(self, composition: Composition) -> tuple[Distribution | None, Part | None]:
        """What the image says it is, and the package that says so; else the release it was made from."""
        data, part = _os_release(composition)
        said = read_os_release(data)
        if name := plain(said.get("ID", ""), 64):
            version = plain(said.get("VERSION_ID", ""), 64) or ("edge" if name == ALPINE else "")
            shown = plain(said.get("NAME", ""), 128) or name
            return Distribution(id=name, version=version, name=shown), part
        stated = self._resolution.releases
        if len(stated) != 1:
            return None, None
        return Distribution(id=ALPINE, version=stated[0].version or "edge", name="Alpine Linux"), None


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


def _os_release(composition: Composition) -> tuple[bytes, Part | None]:
    """The content of `etc/os-release`, and the package that brings it."""
    assembly, path = composition.assembly, _OS_RELEASE
    node = assembly.nodes.get(path)
    for _ in range(_HOPS):
        if node is None or node.entry.kind is not Kind.SYMLINK:
            break
        target = node.entry.target
        path = _joined("" if target.startswith("/") else node.entry.parent, target)
        node = assembly.nodes.get(path)
    if node is None or node.entry.kind is not Kind.FILE or node.entry.size > MAX_FILE:
        return b"", None
    if node.owner == GENERATED:
        made = assembly.generated.get(path)
        return (b"".join(made.content.chunks()) if made else b""), None
    part = assembly.tree.parts[node.owner]
    return read_from(part, [node.source]).get(node.source, b""), part


def _joined(folder: str, target: str) -> str:
    found: list[str] = []
    for name in f"{folder}/{target}".split("/"):
        if name == "..":
            found = found[:-1]
        elif name not in ("", "."):
            found.append(name)
    return "/".join(found)


def _sorted_edges(found: Mapping[str, Collection[str]]) -> tuple[Edge, ...]:
    return tuple(Edge(name, tuple(sorted(dict.fromkeys(texts)))) for name, texts in sorted(found.items()))


def _files(part: Part) -> Iterator[File]:
    known = {each.path: each.checksum for each in part.entries if each.kind is Kind.FILE}
    for each in part.entries:
        checksum = known.get(each.target if each.kind is Kind.HARDLINK else each.path, b"")
        if checksum:
            yield File(plain(each.path, 4096), _HASHES[len(checksum)], checksum.hex())


def _bare(url: Url) -> str:
    """An address without its query, which may hold a token."""
    return str(replace(url, target=url.target.partition("?")[0]))
