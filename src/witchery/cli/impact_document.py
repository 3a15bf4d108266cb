"""What a change of packages means, for a program (`dev.witchery.impact/1`)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from witchery.impact.migration import State
from witchery.impact.progress import Change, Tally, percent

if TYPE_CHECKING:
    from witchery.build.impacting import Impact, Read
    from witchery.impact.breakage import Breakage, Loss
    from witchery.impact.confirmation import Verdict
    from witchery.impact.dependents import Dependent, Dependents
    from witchery.impact.migration import Migration
    from witchery.impact.regression import Regression
    from witchery.impact.universe import Universe

SCHEMA = "dev.witchery.impact/1"


def document(impact: "Impact", levels: int) -> dict[str, Any]:
    """The answer as JSON.

    Args:
        impact: The answer.
        levels: How many levels of dependents are listed; 0 for all. All are counted.
    """
    question = impact.question
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "asked": {
            "names": [each.text for each in question.names],
            "remove": question.remove,
            "from": [each.text for each in question.away],
            "to": [each.text for each in question.to],
        },
        "snapshot": _snapshot(impact.read),
        "warnings": list(impact.warnings),
    }
    if impact.about is not None:
        found["dependents"] = _dependents(impact.about.dependents, levels)
        if impact.about.breakage is not None:
            found["removal"] = _removal(impact.about.breakage, impact.about.verdicts)
    if impact.migration is not None:
        found["migration"] = _migration(impact.migration)
    if impact.regression is not None:
        found["regression"] = _regression(impact.regression)
    if impact.since is not None:
        found["progress"] = {
            "before": {**_snapshot(impact.since.read), **_counts(impact.since.migration)},
            "origins": _tally(impact.since.progress.origins),
            "packages": _tally(impact.since.progress.packages),
        }
    cleaned: dict[str, Any] = _clean(found)
    return cleaned


def _snapshot(read: "Read") -> dict[str, Any]:
    universe = read.universe
    return {
        "arch": universe.arch,
        "repositories": list(read.repositories),
        "descriptions": list(read.descriptions),
        "trusted": read.trusted,
        "packages": len(universe),
        "origins": len(universe.origins(range(len(universe)))),
    }


def _dependents(dependents: "Dependents", levels: int) -> dict[str, Any]:
    universe = dependents.universe
    shown = [each for each in dependents if not levels or each.level <= levels]
    by_origin: dict[str, list[Dependent]] = {}
    for each in shown:
        by_origin.setdefault(universe.origin(each.position), []).append(each)
    return {
        "targets": [_package(universe, each) for each in dependents.targets],
        "levels": [
            {
                "level": level,
                "packages": len(found),
                "origins": len(universe.origins(each.position for each in found)),
            }
            for level in range(1, dependents.levels + 1)
            for found in [dependents.level(level)]
        ],
        "packages": len(dependents),
        "origins": [
            {
                "origin": origin,
                "maintainer": universe.packages[found[0].position].maintainer,
                "packages": [
                    {
                        **_package(universe, each.position, origin=False),
                        "level": each.level,
                        "dependencies": [str(dependency) for dependency in each.dependencies],
                        "through": _names(universe, each.through),
                        "others": _names(universe, each.others),
                    }
                    for each in found
                ],
            }
            for origin, found in sorted(by_origin.items())
        ],
    }


def _removal(breakage: "Breakage", verdicts: "Mapping[int, Verdict] | None") -> dict[str, Any]:
    universe, removal = breakage.universe, breakage.removal
    found = {
        "packages": [_package(universe, each) for each in sorted(removal.packages)],
        "names": sorted(removal.names),
        "broken": [_loss(universe, each, loss) for each, loss in breakage.broken.items()],
        "broken_origins": sorted(universe.origins(breakage.broken)),
        "already_broken": len(breakage.already),
        "kept": [_loss(universe, each, loss) for each, loss in breakage.kept.items()],
        "untriggered": _names(universe, breakage.untriggered),
    }
    if verdicts is not None:
        found["solver"] = [
            {**_package(universe, each), "verdict": verdict.value}
            for each, verdict in sorted(verdicts.items())
        ]
    return found


def _regression(regression: "Regression") -> dict[str, Any]:
    universe = regression.universe
    return {
        "broken": [_loss(universe, each, loss) for each, loss in regression.broken.items()],
        "broken_origins": sorted(universe.origins(regression.broken)),
        "already_broken": len(regression.already),
        "vanished": [{"name": name, "providers": list(by)} for name, by in regression.vanished.items()],
    }


def _migration(migration: "Migration") -> dict[str, Any]:
    universe = migration.universe
    members = migration.members
    wave_of = {
        origin: number for number, wave in enumerate(migration.waves, 1) for group in wave for origin in group
    }
    together = {origin: group for wave in migration.waves for group in wave for origin in group}
    return {
        **_counts(migration),
        "waves": [[list(group) for group in wave] for wave in migration.waves],
        "mixed": [_package(universe, each) for each in migration.mixed],
        "origins": [
            {
                "origin": origin,
                "maintainer": universe.packages[members[origin][0]].maintainer,
                "state": state.value,
                "wave": wave_of.get(origin, 0),
                "together": [each for each in together.get(origin, ()) if each != origin],
                "blocked_by": list(migration.blocked_origins.get(origin, ())),
                "packages": [
                    {
                        **_package(universe, each, origin=False),
                        "state": migration.states[each].value,
                        "from": [str(dependency) for dependency in migration.old.get(each, ())],
                        "to": [str(dependency) for dependency in migration.new.get(each, ())],
                        "blocked_by": _names(universe, migration.blocked_by.get(each, ())),
                    }
                    for each in members[origin]
                ],
            }
            for origin, state in migration.origins.items()
        ],
    }


def _counts(migration: "Migration") -> dict[str, Any]:
    states = migration.states.values()
    origins = migration.origins.values()
    return {
        "counts": {
            state.value: {
                "packages": sum(each is state for each in states),
                "origins": sum(each is state for each in origins),
            }
            for state in State
        }
        | {
            "blocked": {
                "packages": len(migration.blocked_by),
                "origins": len(migration.blocked_origins),
            }
        },
        "percent": {
            "packages": percent(sum(each is State.DONE for each in states), len(states)),
            "origins": percent(sum(each is State.DONE for each in origins), len(origins)),
        },
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "percent": tally.percent,
        "changes": {change.value.replace(" ", "_"): list(tally.names(change)) for change in Change},
    }


def _loss(universe: "Universe", position: int, loss: "Loss") -> dict[str, Any]:
    return {
        **_package(universe, position),
        "dependency": str(loss.dependency),
        "providers": _names(universe, loss.providers),
    }


def _package(universe: "Universe", position: int, *, origin: bool = True) -> dict[str, Any]:
    package = universe.packages[position]
    found = {"name": package.name, "version": package.version}
    return found | {"origin": universe.origin(position)} if origin else found


def _names(universe: "Universe", positions: Iterable[int]) -> list[str]:
    return sorted({universe.packages[each].name for each in positions})


def _clean(value: Any) -> Any:
    """The same with text only: an index may hold bytes that are none."""
    if isinstance(value, dict):
        return {name: _clean(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_clean(item) for item in value]
    return (
        value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if isinstance(value, str)
        else value
    )
