"""The use case: everything about an image, a source or a lock as one value (`witchery.report.model`).

Each part comes from where it is known: what is composed here says what was done in place of scripts, an image
that is kept somewhere has evidence beside it, a lock knows packages alone. What a subject cannot say is
absent, with the reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import witchery
from witchery.apk.head import Script as HeadScript
from witchery.arch import Arch
from witchery.build.opening import on_disk
from witchery.compose.composition import ANNOTATION, LayerKind
from witchery.compose.node import GENERATED
from witchery.errors import Refused, UsageError, located
from witchery.graph.graph import Graph
from witchery.oci import transport
from witchery.oci.image import Image
from witchery.oci.transport import PlainFolder, RootfsFolder
from witchery.report.model import LAYER_KINDS, NOWHERE, Absent, Layer, Report, Script
from witchery.report.packages import Place, edges_of, files_of, packages_of
from witchery.rootfs.entry import Entry, Kind
from witchery.rootfs.links import Links

if TYPE_CHECKING:
    from witchery.attest.evidence import Evidence
    from witchery.build.image import Built
    from witchery.build.image_subject import Read
    from witchery.build.registries import Registries
    from witchery.build.request import Request
    from witchery.build.workshop import Workshop
    from witchery.store.image_tree import Placed

_NOT_ASKED = Absent("nobody asked for it")
_NO_IMAGE = Absent("the subject is no image yet: build it, and report on where it was put")


def of_request(request: "Request", workshop: "Workshop") -> Report:
    """What a source comes to: it is built, and goes nowhere.

    Raises:
        WitcheryError: as `witchery.build.image.build`.
    """
    from witchery.build.image import build

    built = build(request, workshop)
    return of_built(built, request.name)


def of_built(built: "Built", name: str) -> Report:
    """An image that was composed.

    Args:
        built: The image.
        name: What it is called.
    """
    graph = Graph.of_solution(built.gathered.resolution.solution)
    positions = _positions(graph)
    places = tuple(_placed(built, positions))
    layers = tuple(
        Layer(str(layer.descriptor.digest), layer.descriptor.size, plan.kind.value, _joined(plan.reasons))
        for plan, layer in zip(built.composition.layers, built.image.layers, strict=True)
    )
    texts = {
        (str(part), script.name[1:]): (positions[part.name], _text(script))
        for part in built.parts
        for script in part.archive.scripts
    }
    scripts = tuple(
        Script(position, each.script, each.verdict.value, each.effects, each.reason, text)
        for each in built.effects.scripts
        for position, text in [texts[each.package, each.script]]
    )
    config = built.image.config
    return Report(
        name=name,
        kind="source",
        arch=str(config.platform.arch),
        tool=witchery.__version__,
        digest=str(built.image.digest),
        created=config.created,
        transfer=built.image.size,
        execution=config.execution,
        notes=built.warnings,
        layers=layers,
        packages=packages_of(
            graph,
            places,
            own={each.name for each in built.parts if each.own},
            signers={each.name: each.key.name for each in built.parts if each.key},
        ),
        edges=edges_of(graph),
        files=files_of(places),
        scripts=scripts,
        audit=_NOT_ASKED,
        vulnerabilities=_NOT_ASKED,
        verification=_NO_IMAGE,
        changes=_NOT_ASKED,
    )


def of_lock(path: Path, arch: Arch | None, host: Arch, workshop: "Workshop") -> Report:
    """What a lock holds; its packages are fetched, or found in the cache.

    Args:
        path: The lock.
        arch: Which architecture; None for this machine's, or the only one.
        host: This machine's.
        workshop: How packages are reached.

    Raises:
        WitcheryError: as `witchery.build.subject.of_lock`.
    """
    from witchery.build import subject as subjects
    from witchery.build.lock_files import Notation
    from witchery.build.mirroring import fetch_locked
    from witchery.build.vuln_sources import read_lock

    subject = subjects.of_lock(path, arch, host, workshop)
    locked = read_lock(path).of(subject.arch)
    if locked is None:
        raise UsageError(f"not locked for {subject.arch}: `{path}`")
    fetched = fetch_locked(locked, Notation.of(path), workshop.access())
    positions = _positions(subject.graph)
    found = list(zip(locked.packages, fetched, strict=True))
    entries = {
        entry.path: Place(entry, positions[each.name], NOWHERE)
        for each, got in found
        for entry in got.archive.entries
    }
    no_image = Absent("a lock says which packages there are, not how they become layers")
    return Report(
        name=str(path),
        kind="lock",
        arch=str(subject.arch),
        tool=witchery.__version__,
        execution=Absent("a lock does not say how an image is started: its configuration does"),
        notes=subject.warnings,
        layers=no_image,
        packages=packages_of(
            subject.graph,
            entries.values(),
            own={locked.payload.name} if locked.payload else (),
            signers={each.name: got.trust.key.name for each, got in found if got.trust.key},
        ),
        edges=edges_of(subject.graph),
        files=files_of(entries.values()),
        scripts=_unread_scripts(
            (positions[each.name], script) for each, got in found for script in got.archive.scripts
        ),
        audit=_NOT_ASKED,
        vulnerabilities=_NOT_ASKED,
        verification=_NO_IMAGE,
        changes=_NOT_ASKED,
    )


def of_image(text: str, arch: Arch | None, host: Arch, registries: "Registries") -> Report:
    """An image, wherever it is.

    Args:
        text: The image in transport notation.
        arch: Which platform; None for this machine's where there are several.
        host: This machine's.
        registries: How registries are reached.

    Raises:
        UsageError: if there is no image in such a place.
        Refused: if it is malformed.
        WorldError: if it cannot be had.
    """
    from witchery.build.image_subject import OpenImage

    place = transport.parse(text)
    if isinstance(place, PlainFolder | RootfsFolder) and not on_disk(place):
        return _of_folder(text, Path(place.path), arch or host)
    opened = OpenImage.at(text, arch, host, registries)
    image, read = opened.image, opened.packages
    graph = Graph.of(read.world or (), [each.package for each in read.packages])
    positions = _positions(graph)
    owners = opened.owners
    places = tuple(
        Place(_as_link(placed), positions.get(owners.get(path, ""), NOWHERE), placed.layer)
        for path, placed in opened.tree.items()
    )
    scripts: tuple[Script, ...] | Absent
    try:
        scripts = _proven_scripts(opened.evidence, positions)
    except Refused as error:
        scripts = Absent(f"the evidence beside the image cannot be read: {error}")
    return Report(
        name=text,
        kind="image",
        arch=str(image.config.platform.arch or arch or host),
        tool=witchery.__version__,
        digest=str(image.digest),
        created=image.config.created,
        transfer=image.size,
        execution=image.config.execution,
        notes=_notes(read),
        layers=tuple(_layers(image)),
        packages=packages_of(graph, places, own=_applications(positions)),
        edges=edges_of(graph),
        files=files_of(places),
        scripts=scripts,
        audit=_NOT_ASKED,
        vulnerabilities=_NOT_ASKED,
        verification=_NOT_ASKED,
        changes=_NOT_ASKED,
    )


def _of_folder(text: str, folder: Path, arch: Arch) -> Report:
    """A root file system."""
    from witchery.apk import installed as database
    from witchery.build import image_files
    from witchery.build.image_subject import DATABASES, WORLD, owners_of, read_packages
    from witchery.store.source_tree import Modes, read_source

    if not folder.is_dir():
        raise UsageError(f"no such image or folder: `{text}`")
    with located(text):
        found = image_files.read_folder(folder, (*DATABASES, WORLD), limit=database.MAX_SIZE)
        read = read_packages(found)
        listed = [each.entry for each in read_source(folder, destination="/", modes=Modes.KEEP).files]
    graph = Graph.of(read.world or (), [each.package for each in read.packages])
    positions = _positions(graph)
    targets = {each.path: each.target for each in listed if each.kind is Kind.SYMLINK}
    owners = owners_of(read.packages, Links(targets))
    places = tuple(Place(each, positions.get(owners.get(each.path, ""), NOWHERE), NOWHERE) for each in listed)
    nothing = Absent("a root file system has no layers, and nothing beside it says more of it")
    return Report(
        name=text,
        kind="image",
        arch=str(arch),
        tool=witchery.__version__,
        execution=Absent("a root file system does not say how it is started"),
        notes=_notes(read),
        layers=nothing,
        packages=packages_of(graph, places, own=_applications(positions)),
        edges=edges_of(graph),
        files=files_of(places),
        scripts=nothing,
        audit=_NOT_ASKED,
        vulnerabilities=_NOT_ASKED,
        verification=nothing,
        changes=_NOT_ASKED,
    )


def _positions(graph: Graph) -> Mapping[str, int]:
    return {name: position for position, name in enumerate(sorted(graph.packages))}


def _applications(positions: Iterable[str]) -> frozenset[str]:
    from witchery.build.vuln_subjects import APPLICATION

    return frozenset(name for name in positions if name.startswith(APPLICATION))


def _placed(built: "Built", positions: Mapping[str, int]) -> Iterator[Place]:
    """What stands in an image that was composed, with the layer that it goes into."""
    layer_of = {
        part.name: number for number, plan in enumerate(built.composition.layers) for part in plan.parts
    }
    last = len(built.composition.layers) - 1
    flat = last == 0 and built.composition.layers[0].kind is not LayerKind.TOP
    parts = built.parts
    for node in built.composition.assembly.nodes.values():
        if node.owner == GENERATED:
            yield Place(node.entry, NOWHERE, last)
        else:
            name = parts[node.owner].name
            yield Place(node.entry, positions[name], last if flat else layer_of.get(name, NOWHERE))


def _layers(image: Image) -> Iterator[Layer]:
    """The layers of an image, as far as it says what they are."""
    for layer in image.layers:
        said = layer.descriptor.annotations
        kind = said.get(f"{ANNOTATION}kind", "")
        reason = said.get(f"{ANNOTATION}reason", "")
        if kind not in LAYER_KINDS:
            kind, reason = "other", layer.history.created_by
        yield Layer(str(layer.descriptor.digest), layer.descriptor.size, kind, reason)


def _as_link(placed: "Placed[None]") -> Entry:
    """The entry; of several names of one file the others are hard links, as their bytes count once."""
    if not placed.first:
        return placed.entry
    return placed.entry._replace(kind=Kind.HARDLINK, size=0, target=placed.first)


def _proven_scripts(evidence: "Evidence | None", positions: Mapping[str, int]) -> tuple[Script, ...] | Absent:
    """The scripts of the packages that evidence beside an image knows."""
    if evidence is None:
        return Absent("no evidence is kept beside the image, and without it nothing has the scripts")
    known = (each for each in evidence.packages if each.name in positions)
    return _unread_scripts((positions[each.name], script) for each in known for script in each.head.scripts)


def _unread_scripts(found: Iterable[tuple[int, HeadScript]]) -> tuple[Script, ...]:
    """Scripts of which nothing says what was done in their place."""
    return tuple(Script(position, script.name[1:], "", text=_text(script)) for position, script in found)


def _text(script: HeadScript) -> str:
    return script.text.decode("utf-8", "replace")


def _notes(read: "Read") -> tuple[str, ...]:
    notes = []
    if not read.packages:
        notes.append("neither a package database nor evidence is there, so nobody can tell its packages")
    elif not read.has_database:
        notes.append("no package database is in the image: its packages are those that evidence names")
    if read.packages and read.world is None:
        notes.append("no `etc/apk/world` is in the image, so nothing says which packages were requested")
    return tuple(notes)


def _joined(reasons: Sequence[object]) -> str:
    return "; ".join(map(str, reasons))
