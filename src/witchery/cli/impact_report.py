"""What a change of packages means, for a person: tables on a terminal, or Markdown for an issue tracker."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from witchery.cli.console import Console, printable
from witchery.cli.rendering import counted_as, table
from witchery.impact.migration import State
from witchery.impact.progress import Change, percent
from witchery.value import frozen

if TYPE_CHECKING:
    from witchery.build.impacting import Impact
    from witchery.impact.breakage import Breakage, Loss
    from witchery.impact.confirmation import Verdict
    from witchery.impact.dependents import Dependents
    from witchery.impact.migration import Migration
    from witchery.impact.progress import Progress
    from witchery.impact.regression import Regression
    from witchery.impact.universe import Universe

_LIMITS = "what is linked statically, or only built with it, is not seen: an index does not say"
_SHOWN = 4


@frozen
class _Paper:
    """Where the report is written.

    Attributes:
        console: Its standard output.
        markdown: Whether as Markdown.
    """

    console: Console
    markdown: bool

    def heading(self, text: str) -> None:
        """What follows; on a terminal the talk says it."""
        if self.markdown:
            self._line(f"### {_escaped(text)}\n")

    def gap(self) -> None:
        """An empty line between tables, where headings do not part them."""
        if not self.markdown:
            self._line("")

    def rows(self, head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
        """A table; nothing where there are no rows."""
        if not rows:
            return
        if not self.markdown:
            self._line(table([[cell.upper() for cell in head], *rows], right))
            return
        rules = ["--:" if column in right else "---" for column in range(len(head))]
        body = [[_escaped(cell) for cell in row] for row in (head, *rows)]
        self._line("\n".join(f"| {' | '.join(cells)} |" for cells in (body[0], rules, *body[1:])) + "\n")

    def tasks(self, rows: Iterable[tuple[bool, str, str]]) -> None:
        """A list of what is done and what is not: the task, and what is to be known of it."""
        lines = [
            f"- [{'x' if done else ' '}] {_escaped(task)} {_escaped(note)}".rstrip()
            for done, task, note in rows
        ]
        if lines:
            self._line("\n".join(lines) + "\n")

    def _line(self, text: str) -> None:
        self.console.result(printable(text))


def tell(impact: "Impact", levels: int, console: Console, *, markdown: bool = False) -> None:
    """Reports the answer.

    Args:
        impact: The answer.
        levels: How many levels of dependents are listed; 0 for all.
        console: Where to.
        markdown: Whether as Markdown.
    """
    paper = _Paper(console, markdown)
    asked = ", ".join(each.text for each in impact.question.names)
    if impact.about is not None and impact.about.breakage is not None:
        _tell_breakage(asked, impact.about.breakage, paper)
        _tell_verdicts(impact.about.breakage, impact.about.verdicts, console)
    elif impact.about is not None:
        _tell_dependents(asked, impact.about.dependents, levels, paper)
    if impact.regression is not None:
        _tell_regression(impact.regression, paper)
    if impact.migration is not None:
        _tell_migration(impact, impact.migration, paper)


def _tell_dependents(asked: str, dependents: "Dependents", levels: int, paper: _Paper) -> None:
    universe = dependents.universe
    paper.heading(f"Who depends on {asked}")
    shown = sorted(
        (each for each in dependents if not levels or each.level <= levels),
        key=lambda each: (each.level, universe.origin(each.position), universe.packages[each.position].name),
    )
    several = any(each.level > 1 for each in shown)
    choice = any(each.others for each in shown)
    head = [*(["level"] if several else []), "origin", "package", "needs", *(["through"] if several else [])]
    rows = [
        [
            *([str(each.level)] if several else []),
            universe.origin(each.position),
            str(universe.packages[each.position]),
            _few([str(dependency) for dependency in each.dependencies]),
            *([_few(_names(universe, each.through))] if several else []),
            *([_few(_names(universe, each.others))] if choice else []),
        ]
        for each in shown
    ]
    paper.rows([*head, *(["or has"] if choice else [])], rows, (0,) if several else ())
    say = paper.console.say
    say(f"{asked}: {_few([str(universe.packages[each]) for each in dependents.targets]) or 'no package'}")
    for level in range(1, dependents.levels + 1):
        found = dependents.level(level)
        origins = counted_as(len(universe.origins(each.position for each in found)), "origin")
        do = "depends" if len(found) == 1 else "depend"
        how = "directly" if level == 1 else f"through {counted_as(level - 1, 'other')}"
        say(f"{counted_as(len(found), 'package')} of {origins} {do} on it {how}")
    if not dependents:
        say("no package depends on it")
    say(_LIMITS)


def _tell_breakage(asked: str, breakage: "Breakage", paper: _Paper) -> None:
    universe, gone = breakage.universe, breakage.removal
    paper.heading(f"What breaks without {asked}")
    paper.rows(("origin", "package", "needs", "of"), _losses(universe, breakage.broken))
    if breakage.kept:
        paper.heading("What can do with something else")
        if breakage.broken:
            paper.gap()
        paper.rows(("origin", "package", "needs", "has"), _losses(universe, breakage.kept))
    say = paper.console.say
    names = ", ".join(sorted(gone.names))
    say(f"removed: {_few(_names(universe, gone.packages)) or f'no package; {names} is provided no more'}")
    origins = counted_as(len(universe.origins(breakage.broken)), "origin")
    say(f"{counted_as(len(breakage.broken), 'package')} of {origins} cannot be installed any more")
    if breakage.kept:
        say(f"{counted_as(len(breakage.kept), 'package')} can do with something else")
    if breakage.untriggered:
        idle = counted_as(len(breakage.untriggered), "package")
        what = "itself" if len(breakage.untriggered) == 1 else "themselves"
        say(f"{idle} will never install {what} again (`install_if`)")
    if breakage.already:
        say(f"{counted_as(len(breakage.already), 'package')} could not be installed before, and do not count")


def _tell_regression(regression: "Regression", paper: _Paper) -> None:
    universe = regression.universe
    paper.heading("What broke")
    paper.rows(("origin", "package", "needs", "of"), _losses(universe, regression.broken))
    say = paper.console.say
    for name, providers in regression.vanished.items():
        say(f"nothing provides `{name}` any more, as {_few(providers)} did")
    origins = counted_as(len(universe.origins(regression.broken)), "origin")
    say(f"{counted_as(len(regression.broken), 'package')} of {origins} cannot be installed, and could before")
    if regression.already:
        say(f"{counted_as(len(regression.already), 'package')} could not be installed before either")


def _losses(universe: "Universe", losses: "Mapping[int, Loss]") -> list[tuple[str, str, str, str]]:
    return [
        (
            universe.origin(each),
            str(universe.packages[each]),
            str(loss.dependency),
            _few(_names(universe, loss.providers)),
        )
        for each, loss in losses.items()
    ]


def _tell_verdicts(breakage: "Breakage", verdicts: "Mapping[int, Verdict] | None", console: Console) -> None:
    if verdicts is None:
        console.say("conflicts were not looked at: `--solve` asks the solver for each package")
        return
    from witchery.impact.confirmation import Verdict

    refused = {each for each, verdict in verdicts.items() if verdict is Verdict.BROKEN}
    confirmed = len(refused & breakage.broken.keys())
    console.say(f"the solver confirms {confirmed} of {len(breakage.broken)}")
    more = [str(breakage.universe.packages[each]) for each in sorted(refused - breakage.broken.keys())]
    if more:
        console.say(f"and refuses because of conflicts: {', '.join(more)}")


def _tell_migration(impact: "Impact", migration: "Migration", paper: _Paper) -> None:
    question = impact.question
    away, to = (", ".join(each.text for each in words) for words in (question.away, question.to))
    paper.heading(f"{away} → {to}")
    states, origins = list(migration.states.values()), list(migration.origins.values())
    rows = [
        (state.value, str(origins.count(state)), str(states.count(state)))
        for state in (State.DONE, State.BOTH, State.REMAINING)
    ]
    rows.append(("blocked", str(len(migration.blocked_origins)), str(len(migration.blocked_by))))
    paper.rows(("", "origins", "packages"), rows, (1, 2))
    if impact.since is not None:
        paper.gap()
        _tell_progress(impact.since.progress, paper)
    if paper.markdown:
        _tell_tasks(migration, paper)
    else:
        _tell_waves(migration, paper)
    _tell_mixed(migration, paper)
    done = percent(origins.count(State.DONE), len(origins))
    paper.console.say(f"{done} % of {counted_as(len(origins), 'origin')} are done")
    paper.console.say(_LIMITS)


def _tell_waves(migration: "Migration", paper: _Paper) -> None:
    rows = [
        (
            str(number),
            origin,
            migration.origins[origin].value,
            ", ".join(migration.blocked_origins.get(origin, ())),
            _few(_members(migration, origin)),
            ", ".join(each for each in group if each != origin),
        )
        for number, wave in enumerate(migration.waves, 1)
        for group in wave
        for origin in group
    ]
    columns = 6 if any(row[5] for row in rows) else 5
    if rows:
        paper.gap()
    head = ("wave", "origin", "state", "blocked by", "packages", "together with")[:columns]
    paper.rows(head, [row[:columns] for row in rows], (0,))


def _tell_tasks(migration: "Migration", paper: _Paper) -> None:
    for number, wave in enumerate(migration.waves, 1):
        paper.heading(f"Wave {number}")
        notes = []
        for origin in (each for group in wave for each in group):
            blockers = migration.blocked_origins.get(origin, ())
            after = f" after {', '.join(blockers)}" if blockers else ""
            notes.append((False, origin, f"({', '.join(_members(migration, origin))}){after}"))
        paper.tasks(notes)
    done = migration.origins_at(State.DONE)
    if done:
        paper.heading("Done")
        paper.tasks((True, origin, f"({', '.join(_members(migration, origin))})") for origin in done)


def _tell_progress(progress: "Progress", paper: _Paper) -> None:
    rows = [
        (change.value, str(progress.origins.count(change)), str(progress.packages.count(change)))
        for change in Change
    ]
    paper.rows(("since", "origins", "packages"), rows, (1, 2))
    say = paper.console.say
    for name, tally in (("origins", progress.origins), ("packages", progress.packages)):
        say(f"{tally.percent} % of {tally.started} {name} that were on the old are not any more")
    for change in (Change.DROPPED, Change.GONE, Change.FELL_BACK):
        names = progress.origins.names(change)
        if names:
            say(f"{change.value}: {', '.join(names)}")


def _tell_mixed(migration: "Migration", paper: _Paper) -> None:
    universe = migration.universe
    if not migration.mixed:
        return
    paper.heading("Loads both, itself or through libraries")
    paper.gap()
    paper.rows(
        ("origin", "loads both"),
        [(universe.origin(each), str(universe.packages[each])) for each in migration.mixed],
    )


def _members(migration: "Migration", origin: str) -> list[str]:
    return _names(migration.universe, migration.members[origin])


def _names(universe: "Universe", positions: Iterable[int]) -> list[str]:
    return sorted({universe.packages[each].name for each in positions})


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN + 1 else ""
    return ", ".join(names[:_SHOWN] if more else names) + more


def _escaped(text: str) -> str:
    """Text as it is, whatever characters mean in Markdown; names come from strangers."""
    return "".join(f"\\{each}" if each in "\\`*_~[]<>|" else each for each in text.replace("\n", " "))
