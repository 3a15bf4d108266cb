"""A migration from one library, or anything else that packages depend on, to another: done and left.

What a package depends on decides where it stands: on the old, on the new, on both. That a package depends on
something built from its own source package does not count, since that never moves: the programs and libraries
of OpenSSL itself are no part of a migration to the next OpenSSL.

A package that has to move is *blocked* by each that has to move as well, is built from another source
package, and is loaded by it: through libraries (`so:`), one needing the other. If it moved alone, one process
would hold the old library and the new one. See `docs/adr/0013-impact.md`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import cached_property

from witchery.apk.dependency import Dependency
from witchery.impact.asked import Asked, all_binding
from witchery.impact.universe import Universe
from witchery.impact.waves import Wave, waves

_SHARED_OBJECT = "so:"


class State(Enum):
    """Where a package or a source package stands."""

    DONE = "done"
    REMAINING = "remaining"
    BOTH = "both"


class Migration:
    """Who stands where, in one snapshot of some repositories.

    Attributes:
        universe: All packages.
        states: Every package that takes part, in the order of the indexes.
        old: For each that is still on the old, the dependencies that hold it there.
        new: For each that is on the new, the dependencies that show it.
    """

    def __init__(
        self,
        universe: Universe,
        before: Iterable[Asked],
        after: Iterable[Asked],
        *,
        loaded_only: bool = True,
    ) -> None:
        """Finds the states.

        Args:
            universe: All packages.
            before: What packages move away from.
            after: What they move to.
            loaded_only: Whether only what is loaded as a library blocks; else whatever a package depends on.
        """
        self.universe = universe
        self._follows: Callable[[str], bool] = _is_loaded if loaded_only else _is_any
        self.old = _users(universe, all_binding(before, universe))
        self.new = _users(universe, all_binding(after, universe))
        self.states = {
            each: State.BOTH if each in self.old and each in self.new else _either(each in self.old)
            for each in sorted(self.old.keys() | self.new.keys())
        }

    def at(self, *states: State) -> tuple[int, ...]:
        """The packages in some states."""
        return tuple(each for each, state in self.states.items() if state in states)

    @cached_property
    def moving(self) -> frozenset[int]:
        """The packages that have to move: those that are on the old, whatever else they are on."""
        return frozenset(self.old)

    @cached_property
    def members(self) -> Mapping[str, tuple[int, ...]]:
        """The packages that take part, by their source package, sorted by it."""
        found: dict[str, list[int]] = {}
        for each in self.states:
            found.setdefault(self.universe.origin(each), []).append(each)
        return {origin: tuple(packages) for origin, packages in sorted(found.items())}

    @cached_property
    def origins(self) -> Mapping[str, State]:
        """The state of each source package that takes part, sorted; `BOTH` where its packages differ."""
        states = {origin: {self.states[each] for each in found} for origin, found in self.members.items()}
        return {origin: found.pop() if len(found) == 1 else State.BOTH for origin, found in states.items()}

    def origins_at(self, *states: State) -> tuple[str, ...]:
        """The source packages in some states."""
        return tuple(origin for origin, state in self.origins.items() if state in states)

    @cached_property
    def blocked_by(self) -> Mapping[int, tuple[int, ...]]:
        """For each package that is blocked, those that block it and that it reaches first."""
        found = {}
        for each in sorted(self.moving):
            nearest = tuple(sorted(self._nearest(each)))
            if nearest:
                found[each] = nearest
        return found

    @cached_property
    def blocked_origins(self) -> Mapping[str, tuple[str, ...]]:
        """For each source package of which one is blocked, the source packages that block it."""
        found: dict[str, set[str]] = {}
        for each, blockers in self.blocked_by.items():
            found.setdefault(self.universe.origin(each), set()).update(self.universe.origins(blockers))
        return {origin: tuple(sorted(blockers)) for origin, blockers in sorted(found.items())}

    @cached_property
    def waves(self) -> tuple[Wave, ...]:
        """The source packages that have to move, each after those that block it, or together with them."""
        moving = self.universe.origins(self.moving)
        return waves({origin: self.blocked_origins.get(origin, ()) for origin in moving})

    @cached_property
    def mixed(self) -> tuple[int, ...]:
        """The packages that load the old and the new, themselves or through libraries; as things are now."""
        return tuple(sorted(self._loading(self.old) & self._loading(self.new)))

    def _nearest(self, start: int) -> Iterator[int]:
        origin = self.universe.origin(start)
        seen, left = {start}, [start]
        while left:
            for each in self._needed(left.pop()):
                if each in seen:
                    continue
                seen.add(each)
                if each in self.moving and self.universe.origin(each) != origin:
                    yield each
                else:
                    left.append(each)

    def _needed(self, position: int) -> Iterator[int]:
        for dependency in self.universe.packages[position].depends:
            if not dependency.conflict and self._follows(dependency.name):
                yield from self.universe.satisfying(dependency)

    def _loading(self, users: Iterable[int]) -> set[int]:
        """Some packages, and all that load them."""
        seen = set(users)
        left = list(seen)
        while left:
            for each, dependency in self.universe.dependents(left.pop()):
                if each not in seen and _is_loaded(dependency.name):
                    seen.add(each)
                    left.append(each)
        return seen


def _users(universe: Universe, binding: frozenset[Dependency]) -> dict[int, tuple[Dependency, ...]]:
    """The packages with some dependencies, and these; not what their own source package provides."""
    found: dict[int, list[Dependency]] = {}
    for dependency in sorted(binding):
        own = universe.origins(universe.satisfying(dependency))
        for each in universe.needing(dependency):
            if universe.origin(each) not in own:
                found.setdefault(each, []).append(dependency)
    return {each: tuple(dict.fromkeys(needed)) for each, needed in found.items()}


def _either(is_old: bool) -> State:  # noqa: FBT001 - the answer to one question
    return State.REMAINING if is_old else State.DONE


def _is_loaded(name: str) -> bool:
    return name.startswith(_SHARED_OBJECT)


def _is_any(_name: str) -> bool:
    return True
