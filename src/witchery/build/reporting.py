"""The use case: everything about an image, a source or a lock as one value (`witchery.report.model`).

Each part comes from where it is known: what is composed here says what was done in place of scripts, an image
that is kept somewhere has evidence beside it, a lock knows packages alone. What a subject cannot say is
absent, with the reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import witchery
from witchery.apk.head import Script as HeadScript
from witchery.arch import Arch
from witchery.build.subjects.image_subject import ImageSubject
from witchery.build.subjects.lock_subject import LockSubject
from witchery.build.subjects.open_root import OpenImage, OpenRoot, Read
from witchery.build.subjects.source_subject import SourceSubject
from witchery.compose.composition import ANNOTATION, LayerKind
from witchery.compose.node import GENERATED
from witchery.errors import Refused
from witchery.graph.graph import Graph
from witchery.oci.image import Image
from witchery.report.model import LAYER_KINDS, NOWHERE, Absent, Layer, Report, Script
from witchery.report.packages import Place, edges_of, files_of, packages_of
from witchery.rootfs.entry import Entry, Kind

if TYPE_CHECKING:
    from witchery.attest.evidence import Evidence
    from witchery.build.image import Built
    from witchery.build.subjects.subject import Subject
    from witchery.store.image_tree import Placed

_NO_IMAGE = Absent("the subject is no image yet: build it, and report on where it was put")


def report_on(subject: "Subject") -> Report:
    """Everything that is known of a subject; a source is built, and goes nowhere.

    Raises:
        WitcheryError: if it is unusable, or cannot be had.
    """
    match subject:
        case SourceSubject():
            return of_built(subject.built, subject.request.name)
        case LockSubject():
            return _of_lock(subject)
        case ImageSubject():
            if isinstance(subject.opened, OpenImage):
                return _of_image(subject.opened, subject.arch)
            return _of_folder(subject.opened, subject.arch)


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
        verification=_NO_IMAGE,
    )


def _of_lock(subject: LockSubject) -> Report:
    """What a lock holds; its packages are fetched, or found in the cache."""
    from witchery.build.graphing import graphed

    locked, known = subject.locked, graphed(subject)
    positions = _positions(known.graph)
    found = list(zip(locked.packages, subject.fetched, strict=True))
    entries = {
        entry.path: Place(entry, positions[each.name], NOWHERE)
        for each, got in found
        for entry in got.archive.entries
    }
    no_image = Absent("a lock says which packages there are, not how they become layers")
    return Report(
        name=subject.name,
        kind="lock",
        arch=str(locked.arch),
        tool=witchery.__version__,
        execution=Absent("a lock does not say how an image is started: its configuration does"),
        notes=known.warnings,
        layers=no_image,
        packages=packages_of(
            known.graph,
            entries.values(),
            own={locked.payload.name} if locked.payload else (),
            signers={each.name: got.trust.key.name for each, got in found if got.trust.key},
        ),
        edges=edges_of(known.graph),
        files=files_of(entries.values()),
        scripts=_unread_scripts(
            (positions[each.name], script) for each, got in found for script in got.archive.scripts
        ),
        verification=_NO_IMAGE,
    )


def _of_image(opened: OpenImage, arch: Arch) -> Report:
    """An image, wherever it is."""
    image, read = opened.image, opened.packages
    graph = opened.graph
    positions = _positions(graph)
    places = tuple(_standing(opened, positions))
    scripts: tuple[Script, ...] | Absent
    try:
        scripts = _proven_scripts(opened.evidence, positions)
    except Refused as error:
        scripts = Absent(f"the evidence beside the image cannot be read: {error}")
    return Report(
        name=opened.name,
        kind="image",
        arch=str(arch),
        tool=witchery.__version__,
        digest=opened.digest,
        created=image.config.created,
        transfer=image.size,
        execution=image.config.execution,
        notes=_notes(read),
        layers=tuple(_layers(image)),
        packages=packages_of(graph, places, own=_applications(positions)),
        edges=edges_of(graph),
        files=files_of(places),
        scripts=scripts,
    )


def _of_folder(opened: OpenRoot, arch: Arch) -> Report:
    """A root file system."""
    read = opened.packages
    graph = opened.graph
    positions = _positions(graph)
    places = tuple(each._replace(layer=NOWHERE) for each in _standing(opened, positions))
    nothing = Absent("a root file system has no layers, and nothing beside it says more of it")
    return Report(
        name=opened.name,
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
        verification=nothing,
    )


def _positions(graph: Graph) -> Mapping[str, int]:
    return {name: position for position, name in enumerate(sorted(graph.packages))}


def _applications(positions: Iterable[str]) -> frozenset[str]:
    from witchery.build.vulns.inventory import APPLICATION

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


def _standing(opened: OpenRoot, positions: Mapping[str, int]) -> Iterator[Place]:
    """What stands in an image that is kept somewhere, and whose it is."""
    for path, each in opened.tree.items():
        owner = opened.owners.get(path, "")
        yield Place(_as_link(each), positions.get(owner, NOWHERE), each.layer)


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
