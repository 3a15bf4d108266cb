"""The order of installation: depth first from the world.

First what a package depends on, then the package, and right after it the packages that it triggers. A package
that was only to provide a name which an earlier one provides too is never reached, and not installed.

Several packages whose `install_if` is met by the same package have no order among themselves in apk, where it
depends on a hash table; here it is the order of the index.
"""

from collections.abc import Callable, Iterator, Sequence

from witchery.apk.dependency import Dependency
from witchery.solver.state import Name, Option, State

Rank = Callable[[Sequence[Name]], Sequence[Name]]
"""Puts names that may be triggered by one package into an order."""


class _Walk:
    def __init__(self, state: State, rank: Rank | None) -> None:
        self._state = state
        self._rank = rank
        self._visited: set[Name] = set()
        self._entered: set[Option] = set()
        self.installed: list[Option] = []

    def visit(self, name: Name) -> None:
        """Installs who provides a name, after all that it depends on. A cycle is left where it closes."""
        path = [self._enter(name)]
        while path:
            following = next(path[-1], None)
            if following is None:
                path.pop()
            else:
                path.append(self._enter(following))

    def _enter(self, name: Name) -> Iterator[Name]:
        """All that is to be visited on behalf of a name; its package is installed on the way."""
        if name in self._visited:
            return
        self._visited.add(name)
        option = name.provider
        if option is None or option in self._entered:
            return
        self._entered.add(option)
        for dependency in self._state.depends(option):
            yield self._state.name(dependency.name)
        self.installed.append(option)
        names = [self._state.name(provided) for provided, _version in option.candidate.names]
        self._visited.update(names)
        for each in names:
            conditioned: Sequence[Name] = self._state.conditioned_on(each)
            for other in self._rank(conditioned) if self._rank and len(conditioned) > 1 else conditioned:
                if other.provider is not None and self._is_complete(other.provider):
                    yield other

    def _is_complete(self, option: Option) -> bool:
        """Says whether all that an `install_if` speaks of is, or is being, installed.

        It is trivially so for a package without one, which then comes early: apk does the same.
        """
        for condition in option.candidate.package.install_if:
            provider = self._state.name(condition.name).provider
            if provider not in self._entered and not (condition.conflict and provider is None):
                return False
        return True


def installation_order(
    world: Sequence[Dependency], state: State, rank: Rank | None = None
) -> tuple[Option, ...]:
    """The selected packages, in the order in which apk installs them.

    Args:
        world: In the order of `by_name`.
        state: With everything decided.
        rank: What to do where apk has no order.
    """
    walk = _Walk(state, rank)
    for entry in world:
        walk.visit(state.name(entry.name))
    return tuple(walk.installed)
