"""Which packages are layers as they are signed, which are rewritten and why, and in which order they lie.

Packages lie in the order of their installation. A signed layer holds all that its package brings, also what
another package has taken from it, so it must lie below the layer of that other; where several such wishes
make a circle, one of the packages is rewritten without what it lost. A rewritten layer holds only what shows.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Literal, NamedTuple

from witchery.compose.assembly import Assembly
from witchery.compose.conflicts import replaces
from witchery.compose.node import GENERATED
from witchery.compose.part import Part
from witchery.compose.reasons import Because, Reason

Strategy = Literal["packages", "origin", "single"]


class Group(NamedTuple):
    """The packages of one layer.

    Attributes:
        parts: Their positions in `Tree.parts`.
        reasons: Why the layer is rewritten; empty where it is the one package's data segment.
    """

    parts: tuple[int, ...]
    reasons: tuple[Because, ...] = ()


def groups(assembly: Assembly, strategy: Strategy, budget: int) -> tuple[Group, ...]:
    """Divides the packages that have files into layers, the lowest first.

    Args:
        assembly: The image.
        strategy: `packages`: a layer each; `origin`: one per origin; `single`: one for all.
        budget: How many layers there may be.
    """
    parts = assembly.tree.parts
    filled = [position for position, part in enumerate(parts) if part.entries]
    filled.sort(key=lambda position: parts[position].own)  # what changes most lies highest
    if not filled:
        return ()
    if strategy == "single":
        return (Group(tuple(filled), (Because(Reason.SINGLE),)),)
    if strategy == "origin":
        divided = _by_origin(parts, filled, budget)
    else:
        divided = _by_package(parts, filled, budget)
    return _ordered(assembly, [_group(assembly, members, why) for members, why in divided])


def _group(assembly: Assembly, members: tuple[int, ...], why: Reason) -> Group:
    if len(members) > 1:
        return Group(members, (Because(why),))
    return Group(members, _reasons(assembly, members[0]))


def _reasons(assembly: Assembly, position: int) -> tuple[Because, ...]:
    """What makes a package's data segment wrong as a layer, whatever the order."""
    tree, archive = assembly.tree, assembly.tree.parts[position].archive
    found = [
        Because(Reason.LINKED_FOLDER, tree.moved.get(position, ())),
        Because(Reason.HARD_LINK, tree.relinked.get(position, ())),
        Because(Reason.HIDDEN, archive.hidden),
        Because(Reason.HEADER, archive.oddities),
    ]
    form = (Because(Reason.V3),) if archive.form == 3 else ()
    return (*form, *(each for each in found if each.evidence), *assembly.changed.get(position, ()))


Division = tuple[tuple[int, ...], Reason]


def _by_package(parts: Sequence[Part], filled: list[int], budget: int) -> list[Division]:
    """A layer each; beyond the budget the smallest, by data segment and then by name, share the last one.

    The application shares its layer with nothing.
    """
    shared: list[int] = []
    if len(filled) > budget:
        by_size = sorted(
            (position for position in filled if not parts[position].own),
            key=lambda position: (parts[position].archive.data_size, parts[position].name),
        )
        shared = sorted(by_size[: len(filled) - budget + 1])
    alone: list[Division] = [((each,), Reason.BUDGET) for each in filled if each not in set(shared)]
    return [*alone, (tuple(shared), Reason.BUDGET)] if shared else alone


def _by_origin(parts: Sequence[Part], filled: list[int], budget: int) -> list[Division]:
    """As apko does: by origin, the largest first, what is beyond the budget together.

    Origins of which one package replaces another's files share a layer.
    """
    leader = {position: position for position in filled}

    def lead(position: int) -> int:
        while leader[position] != position:
            position = leader[position]
        return position

    first: dict[str, int] = {}
    for position in filled:
        origin = parts[position].package.origin
        leader[lead(position)] = lead(first.setdefault(origin, position))
    for one in filled:
        if parts[one].archive.info.replaces:
            for other in filled:
                if replaces(parts[one], parts[other]):
                    leader[lead(one)] = lead(other)
    members: dict[int, list[int]] = {}
    for position in filled:
        members.setdefault(lead(position), []).append(position)
    ordered = sorted(
        members.values(),
        key=lambda group: (
            -sum(parts[each].package.installed_size for each in group),
            max(parts[each].name for each in group),
        ),
    )
    if len(ordered) <= budget:
        return [(tuple(group), Reason.ORIGIN) for group in ordered]
    rest = sorted(position for group in ordered[budget - 1 :] for position in group)
    kept: list[Division] = [(tuple(group), Reason.ORIGIN) for group in ordered[: budget - 1]]
    return [*kept, (tuple(rest), Reason.BUDGET)]


def _ordered(assembly: Assembly, unordered: list[Group]) -> tuple[Group, ...]:
    """Puts what hides above what is hidden, else keeps the order given."""
    index = {position: at for at, group in enumerate(unordered) for position in group.parts}
    above: dict[int, dict[int, list[str]]] = {}  # layer: the layers that must lie above it, and the paths why
    waiting = dict.fromkeys(range(len(unordered)), 0)
    for at, group in enumerate(unordered):
        if group.reasons:
            continue
        for source, path in assembly.lost.get(group.parts[0], {}).items():
            owner = assembly.nodes[path].owner if path in assembly.nodes else GENERATED
            if owner != GENERATED and index[owner] != at:
                above.setdefault(at, {}).setdefault(index[owner], []).append(source)
    for layers in above.values():
        for upper in layers:
            waiting[upper] += 1
    return tuple(_sorted(unordered, above, waiting))


def _sorted(
    unordered: list[Group], above: dict[int, dict[int, list[str]]], waiting: dict[int, int]
) -> list[Group]:
    """Topological order, the earliest first; a circle is opened by rewriting what waits least."""
    result = list(unordered)
    ready = [at for at, count in waiting.items() if not count]
    heapify(ready)
    order: list[int] = []
    left = set(waiting)

    def release(at: int) -> None:
        for upper in above.pop(at, {}):
            waiting[upper] -= 1
            if not waiting[upper] and upper in left:
                heappush(ready, upper)

    while left:
        if not ready:
            stuck = min(left)
            for lower in sorted(at for at, layers in above.items() if stuck in layers):
                paths = tuple(above[lower][stuck])
                result[lower] = result[lower]._replace(reasons=(Because(Reason.CONFLICT, paths),))
                release(lower)
            continue
        at = heappop(ready)
        left.discard(at)
        order.append(at)
        release(at)
    return [result[at] for at in order]
