"""A migration in two snapshots: what happened in between."""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum

from witchery.impact.migration import Migration, State
from witchery.value import frozen


class Change(Enum):
    """What became of a package or a source package.

    `MOVED`: it was on the old, and now is on the new only. `DROPPED`: it was on the old, and now is on
    neither. `GONE`: it was on the old, and is not there any more. `REMAINING`: it still is on the old.
    `JOINED`: it was on neither, or not there, and now is on the new. `FELL_BACK`: it was not on the old, and
    now is.
    """

    MOVED = "moved"
    DROPPED = "dropped"
    GONE = "gone"
    REMAINING = "remaining"
    JOINED = "joined"
    FELL_BACK = "fell back"


_AWAY = (Change.MOVED, Change.DROPPED, Change.GONE)


@frozen
class Tally:
    """What became of some names, sorted by them.

    Attributes:
        changes: The names with what became of each.
    """

    changes: Mapping[str, Change]

    def names(self, *changes: Change) -> tuple[str, ...]:
        """The names of which that became."""
        return tuple(name for name, change in self.changes.items() if change in changes)

    def count(self, *changes: Change) -> int:
        """How many there are."""
        return len(self.names(*changes))

    @property
    def started(self) -> int:
        """How many were on the old before."""
        return self.count(*_AWAY, Change.REMAINING)

    @property
    def percent(self) -> int:
        """Of those that were on the old, how many are not any more; rounded down, so that 100 means all."""
        return percent(self.count(*_AWAY), self.started)


@frozen
class Progress:
    """What became of packages, by their names, and of source packages.

    Attributes:
        packages: The packages.
        origins: The source packages.
    """

    packages: Tally
    origins: Tally


def progress(before: Migration, after: Migration) -> Progress:
    """Compares two snapshots of one migration."""

    def names(migration: Migration) -> dict[str, State]:
        """The states by name; of several versions of a package the one that is least far counts."""
        found: dict[str, State] = {}
        for each, state in migration.states.items():
            name = migration.universe.packages[each].name
            if name not in found or state is not State.DONE:
                found[name] = state
        return found

    there = after.universe
    packages = {package.name for package in there.packages}
    origins = there.origins(range(len(there)))
    return Progress(
        packages=_tally(names(before), names(after), packages.__contains__),
        origins=_tally(before.origins, after.origins, origins.__contains__),
    )


def percent(part: int, whole: int) -> int:
    """A part of a whole in percent, rounded down; all of nothing is 100."""
    return part * 100 // whole if whole else 100


def _tally(before: Mapping[str, State], after: Mapping[str, State], is_there: Callable[[str], bool]) -> Tally:
    changes = {}
    for name in _all(before, after):
        then, now = before.get(name), after.get(name)
        if then in (State.REMAINING, State.BOTH):
            changes[name] = _left(now, there=is_there(name))
        elif now in (State.REMAINING, State.BOTH):
            changes[name] = Change.FELL_BACK
        elif now is State.DONE and then is None:
            changes[name] = Change.JOINED
    return Tally(changes)


def _left(now: State | None, *, there: bool) -> Change:
    if now is None:
        return Change.DROPPED if there else Change.GONE
    return Change.MOVED if now is State.DONE else Change.REMAINING


def _all(*states: Iterable[str]) -> list[str]:
    return sorted({name for each in states for name in each})
