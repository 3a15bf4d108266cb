"""The packages, edges and files of a report, from a graph and from what stands in an image."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from witchery.errors import FormatError
from witchery.graph.dominance import Dominance
from witchery.graph.graph import WORLD as REQUEST
from witchery.graph.graph import Graph
from witchery.report.model import MAX_HELD, MAX_PACKAGES, NOWHERE, WORLD, Edge, File, Files, Package
from witchery.rootfs.entry import Entry, Kind

_KINDS = {
    Kind.FILE: "file",
    Kind.SYMLINK: "link",
    Kind.HARDLINK: "hardlink",
    Kind.CHARACTER: "device",
    Kind.BLOCK: "device",
    Kind.FIFO: "fifo",
}


class Place(NamedTuple):
    """What stands somewhere in an image.

    Attributes:
        entry: What it is.
        package: The position of its package among the names in order, or `NOWHERE`.
        layer: The position of its layer, or `NOWHERE`.
    """

    entry: Entry
    package: int
    layer: int


def packages_of(
    graph: Graph,
    places: Iterable[Place],
    *,
    own: Collection[str] = (),
    signers: Mapping[str, str] | None = None,
) -> tuple[Package, ...]:
    """The packages in order of their names.

    Args:
        graph: Why they are there.
        places: What stands in the image.
        own: The names of the application's.
        signers: The key that signed each.

    Raises:
        FormatError: if these are more than `MAX_PACKAGES`.
    """
    if len(graph) > MAX_PACKAGES:
        raise FormatError(f"more than {MAX_PACKAGES} packages")
    names = sorted(graph.packages)
    positions = {name: position for position, name in enumerate(names)}
    held = _held(graph, names)
    layers = _layers(places)
    return tuple(
        Package(
            name=name,
            version=package.version,
            origin=package.origin or name,
            licence=package.license,
            description=package.description,
            home=package.url,
            size=package.installed_size,
            layer=layers.get(positions[name], NOWHERE),
            requested=tuple(map(str, graph.requested(name))),
            own=name in own,
            held=tuple(held[name].first),
            held_count=held[name].count,
            held_size=held[name].size + package.installed_size,
            signer=(signers or {}).get(name, ""),
        )
        for name, package in ((each, graph.packages[each]) for each in names)
    )


def edges_of(graph: Graph) -> tuple[Edge, ...]:
    """Who asks for whom."""
    positions = {name: position for position, name in enumerate(sorted(graph.packages))} | {REQUEST: WORLD}
    return tuple(
        Edge(positions[name], positions[step.target], step.cause.value, tuple(map(str, step.dependencies)))
        for name in (REQUEST, *sorted(graph.packages))
        for step in graph.out(name)
    )


def files_of(places: Iterable[Place]) -> Files:
    """The files, without folders."""
    return Files.of(
        [
            File(
                entry.path,
                _KINDS[entry.kind],
                entry.size if entry.kind is Kind.FILE else 0,
                entry.mode,
                entry.uid,
                entry.gid,
                package,
                layer,
                entry.target,
            )
            for entry, package, layer in places
            if entry.kind is not Kind.DIRECTORY
        ]
    )


class _Held:
    """What leaves with a package besides itself."""

    __slots__ = ("count", "first", "size")

    def __init__(self) -> None:
        self.first: list[int] = []
        self.count = 0
        self.size = 0


def _held(graph: Graph, names: list[str]) -> Mapping[str, _Held]:
    dominance = Dominance(graph)
    found = {name: _Held() for name in names}
    for position, name in enumerate(names):
        for above in dominance.of(name) - {name}:
            held = found[above]
            held.count += 1
            held.size += graph.packages[name].installed_size
            if len(held.first) < MAX_HELD:
                held.first.append(position)
    return found


def _layers(places: Iterable[Place]) -> Mapping[int, int]:
    """The layer in which most of each package is, by the package's position."""
    found: dict[int, Counter[int]] = {}
    for entry, package, layer in places:
        if NOWHERE not in (package, layer) and entry.kind is not Kind.DIRECTORY:
            found.setdefault(package, Counter())[layer] += entry.size + 1
    return {package: max(counts, key=lambda each: (counts[each], -each)) for package, counts in found.items()}
