"""In which order things move that need each other: what is needed goes first, what forms a circle together.

waves({"curl": ["nghttp2"], "git": ["curl"], "nghttp2": []})
-> (nghttp2), (curl), (git)
"""

from collections.abc import Collection, Mapping, Sequence

Group = tuple[str, ...]
"""Names that need each other in a circle, sorted; mostly one alone."""

Wave = tuple[Group, ...]
"""Groups that need only what is in earlier waves."""


def waves(needs: Mapping[str, Collection[str]]) -> tuple[Wave, ...]:
    """Sorts names into waves, each as early as it can be.

    Args:
        needs: For every name those that it needs. Names that are no keys do not count.

    Returns:
        The waves. Each name stands in one group: what it needs is in its group, or in an earlier wave, and
        something that it needs is in the wave just before, unless it is in the first.
    """
    groups = circles(needs)
    group_of = {name: group for group in groups for name in group}
    level: dict[Group, int] = {}
    for group in groups:  # what a group needs comes before it
        needed = {group_of[each] for name in group for each in needs[name] if each in group_of} - {group}
        level[group] = 1 + max((level[each] for each in needed), default=0)
    found: list[list[Group]] = [[] for _ in range(max(level.values(), default=0))]
    for group in sorted(groups):
        found[level[group] - 1].append(group)
    return tuple(tuple(wave) for wave in found)


def circles(needs: Mapping[str, Collection[str]]) -> tuple[Group, ...]:
    """The strongly connected components, each after those that it needs (Kosaraju's way, in two walks).

    Args:
        needs: As for `waves`.
    """
    needed = {name: [each for each in sorted(needs[name]) if each in needs] for name in sorted(needs)}
    needing: dict[str, list[str]] = {name: [] for name in needed}
    for name, others in needed.items():
        for other in others:
            needing[other].append(name)
    seen: set[str] = set()
    left = [name for root in needing if root not in seen for name in _walked(needing, root, seen)]
    seen = set()
    return tuple(tuple(sorted(_walked(needed, root, seen))) for root in reversed(left) if root not in seen)


def _walked(graph: Mapping[str, Sequence[str]], root: str, seen: set[str]) -> list[str]:
    """What is reached from a name and was not seen, each after all that is reached through it."""
    found: list[str] = []
    seen.add(root)
    ways = [(root, iter(graph[root]))]
    while ways:
        name, others = ways[-1]
        other = next((each for each in others if each not in seen), None)
        if other is None:
            ways.pop()
            found.append(name)
        else:
            seen.add(other)
            ways.append((other, iter(graph[other])))
    return found
