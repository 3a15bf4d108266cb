"""The use case: what a change of packages means for all others of some repositories; nothing is built."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from witchery.arch import Arch
from witchery.build.parts import fetch_indexes
from witchery.build.workshop import Workshop
from witchery.errors import UsageError
from witchery.impact.asked import Asked
from witchery.impact.breakage import Breakage, breakage, removal_of
from witchery.impact.confirmation import Verdict, confirm
from witchery.impact.dependents import Dependents, dependents
from witchery.impact.migration import Migration
from witchery.impact.progress import Progress, progress
from witchery.impact.regression import Regression, regression
from witchery.impact.universe import Universe
from witchery.repository.location import parse_line
from witchery.value import field, frozen

_SHOWN = 4
_ALIKE = 0.75  # how much a name has to be like another to be meant


@frozen(kw_only=True)
class Snapshot:
    """Some repositories as they are at one time.

    Attributes:
        repositories: Lines as in `/etc/apk/repositories`; relative folders are relative to the current one.
        arch: For which architecture.
    """

    repositories: tuple[str, ...]
    arch: Arch


@frozen(kw_only=True)
class Read:
    """A snapshot that was read.

    Attributes:
        repositories: The repositories, without credentials.
        descriptions: What the indexes call themselves.
        trusted: Whether a known key vouches for each of them.
        universe: All packages.
    """

    repositories: tuple[str, ...]
    descriptions: tuple[str, ...]
    trusted: bool
    universe: Universe


@frozen(kw_only=True)
class Question:
    """What is asked.

    Attributes:
        names: What it is about.
        remove: Whether these are to go.
        confirm: Whether the solver is to be asked what their removal breaks.
        away: What packages move away from.
        to: What they move to.
        loaded_only: See `Migration`.
    """

    names: tuple[Asked, ...] = ()
    remove: bool = False
    confirm: bool = False
    away: tuple[Asked, ...] = ()
    to: tuple[Asked, ...] = ()
    loaded_only: bool = True


@frozen(kw_only=True)
class About:
    """What is to be said of the names.

    Attributes:
        dependents: Who depends on them.
        breakage: What their removal breaks, where they are to go.
        verdicts: What the solver says of each dependent then, where it is to be asked.
    """

    dependents: Dependents
    breakage: Breakage | None = None
    verdicts: Mapping[int, Verdict] | None = field(default=None, hash=False)

    @property
    def breaks(self) -> bool:
        """Whether the removal breaks anything, as far as was looked."""
        refused = self.verdicts is not None and Verdict.BROKEN in self.verdicts.values()
        return refused or (self.breakage is not None and bool(self.breakage.broken))


@frozen(kw_only=True)
class Since:
    """What happened since an earlier snapshot.

    Attributes:
        read: The earlier snapshot.
        migration: Who stood where.
        progress: What happened.
    """

    read: Read
    migration: Migration
    progress: Progress


@frozen(kw_only=True)
class Impact:
    """The answer.

    Attributes:
        read: The snapshot.
        question: What was asked.
        about: What is to be said of the names, where there are any.
        migration: Who stands where, where there is a migration.
        since: What happened to it since an earlier snapshot, where there is one.
        regression: What broke since an earlier snapshot, where there is no migration.
        warnings: What one has to know to judge the answer.
    """

    read: Read
    question: Question
    about: About | None
    migration: Migration | None
    since: Since | None
    regression: Regression | None
    warnings: tuple[str, ...]

    @property
    def breaks(self) -> bool:
        """Whether anything breaks, or broke."""
        since = self.regression is not None and bool(self.regression.broken)
        return since or (self.about is not None and self.about.breaks)


def examine(question: Question, now: Snapshot, before: Snapshot | None, workshop: Workshop) -> Impact:
    """Reads the indexes and answers.

    Args:
        question: What is asked: names, or a migration, or both.
        now: Where it is looked at.
        before: An earlier snapshot: for the progress of a migration, or else for what broke since.
        workshop: Where it happens.

    Raises:
        UsageError: if nothing in the snapshot has, provides or needs a name.
        WitcheryError: whatever fetching and checking raises.
    """
    with _without_collections():
        read = _read(now, workshop)
        earlier = _read(before, workshop) if before else None
        warnings = [*_unknown(question.names, read.universe)]
        if question.away:
            warnings += _unmoved(question, [each.universe for each in (read, earlier) if each])
        if before and before.arch is not now.arch:
            warnings.append(
                f"the snapshots are for {before.arch} and {now.arch}: what is built for one only seems gone"
                " or new"
            )
        migration = _migration(question, read) if question.away else None
        return Impact(
            read=read,
            question=question,
            about=_about(question, read.universe) if question.names else None,
            migration=migration,
            since=_since(question, earlier, migration) if earlier and migration else None,
            regression=regression(earlier.universe, read.universe) if earlier and not migration else None,
            warnings=tuple(warnings),
        )


def _about(question: Question, universe: Universe) -> About:
    found = dependents(universe, question.names)
    if not question.remove:
        return About(dependents=found)
    removal = removal_of(universe, question.names)
    broken = breakage(universe, removal)
    verdicts = None
    if question.confirm:
        positions = [each.position for each in found]
        verdicts = confirm(universe, removal, positions, lacking=broken.broken)
    return About(dependents=found, breakage=broken, verdicts=verdicts)


def _since(question: Question, earlier: Read, migration: Migration) -> Since:
    then = _migration(question, earlier)
    return Since(read=earlier, migration=then, progress=progress(then, migration))


def _migration(question: Question, read: Read) -> Migration:
    return Migration(read.universe, question.away, question.to, loaded_only=question.loaded_only)


def _read(snapshot: Snapshot, workshop: Workshop) -> Read:
    lines = [parse_line(line, folder=Path()) for line in snapshot.repositories]
    repositories = [each for found in lines for each in found]
    indexes = fetch_indexes(workshop.access(), repositories, snapshot.arch)
    return Read(
        repositories=tuple(map(str, repositories)),
        descriptions=tuple(each.index.description for each in indexes),
        trusted=all(each.trust for each in indexes),
        universe=Universe((each.index for each in indexes), snapshot.arch.apk),
    )


def _unknown(words: Sequence[Asked], universe: Universe) -> Iterator[str]:
    """Refuses names that nobody knows; warns of those that nobody provides.

    Raises:
        UsageError: if there is such a name.
    """
    for word in words:
        if word.packages(universe):
            continue
        names = () if word.origin else word.names(universe)
        if not word.origin and any(universe.providing(name) for name in names):
            continue
        if not word.origin and word.binding(universe):
            yield f"nothing provides `{word.text}`, and packages need it: {_lacking(word, universe)}"
            continue
        raise UsageError(
            f"nothing is called so, provides or needs it: `{word.text}`", hint=_alike(word, universe)
        )


def _unmoved(question: Question, universes: Sequence[Universe]) -> Iterator[str]:
    """Refuses a migration that nobody takes part in; warns of names that nobody depends on.

    Raises:
        UsageError: if nobody takes part, or a package is named in place of what it provides.
    """
    silent = []
    for words, option in ((question.away, "--from"), (question.to, "--to")):
        for word in words:
            if not any(word.binding(universe) for universe in universes):
                silent.append(word)
                for universe in universes:
                    _refuse_packages(word, option, universe)
                yield f"no package depends on `{word.text}` ({option})"
            elif lacking := _lacking(word, universes[0]):
                yield f"nothing provides `{word.text}`, and packages need it: {lacking}"
    if len(silent) == len((*question.away, *question.to)):
        names = ", ".join(f"`{word.text}`" for word in silent)
        raise UsageError(f"no package depends on any of these: {names}", hint=_alike(silent[0], universes[0]))


def _lacking(word: Asked, universe: Universe) -> int:
    """How many packages have a dependency of which it speaks, and which nothing satisfies."""
    unmet = [each for each in word.binding(universe) if not universe.satisfying(each)]
    return len({position for each in unmet for position in universe.needing(each)})


def _refuse_packages(word: Asked, option: str, universe: Universe) -> None:
    """Refuses a word that names packages of libraries: what needs these names the libraries.

    Raises:
        UsageError: if it does.
    """
    names = [
        name
        for each in word.packages(universe)
        for name, _ in universe.packages[each].provides
        if name.startswith("so:")
    ]
    if names:
        raise UsageError(
            f"no package depends on `{word.text}` by this name",
            hint=f"name what it provides: {' '.join(f'{option} {name}' for name in names[:_SHOWN])}",
        )


def _alike(word: Asked, universe: Universe) -> str | tuple[()]:
    """What may have been meant."""
    from difflib import get_close_matches

    if word.origin:
        known = {universe.origin(each) for each in range(len(universe))}
        close = get_close_matches(word.origin, sorted(known), _SHOWN, _ALIKE)
        found = [f"origin:{each}" for each in close]
    else:
        wanted = word.dependency.name
        stem = wanted.partition(".so")[0]
        same = [name for name in universe.names() if name.partition(".so")[0] == stem and "so:" in name]
        close = get_close_matches(wanted, sorted(universe.names()), _SHOWN, _ALIKE)
        found = sorted(same)[:_SHOWN] or close
    return f"did you mean {', '.join(f'`{each}`' for each in found)}?" if found else ()


@contextmanager
def _without_collections() -> Iterator[None]:
    """Half a million small values are made, none of them garbage: looking for some takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
