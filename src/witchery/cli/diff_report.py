"""What differs between two images: as text for a person, as a document for a program."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from witchery.cli.console import Console, printable

if TYPE_CHECKING:
    from witchery.diff.abi import LibraryChange
    from witchery.diff.difference import Difference, Licences
    from witchery.diff.files import FileChange, FileState
    from witchery.lock.changes import Change, Held
    from witchery.survey.survey import Survey

_SHOWN = 10
_SYMBOLS = 5
_MARKS = {"added": "+", "gone": "-", "changed": "~", "moved": "~", "rebuilt": "~"}


def tell(found: "Difference", console: Console) -> None:
    """What differs, part by part; of many files the first, unless all are asked for."""
    blocks = [block for block in _blocks(found, verbose=console.verbose) if block]
    for number, lines in enumerate(blocks):
        if number:
            console.result("")
        for line in lines:
            console.result(printable(line))
    if not blocks:
        console.say("nothing differs that was compared")


def _blocks(found: "Difference", *, verbose: bool) -> Iterator[list[str]]:
    yield list(_packages(found.packages or ()))
    yield list(_licences(found.licences)) if found.licences else []
    yield list(_vulnerabilities(found))
    yield list(_abi(found.abi or (), verbose=verbose))
    yield list(_config(found))
    yield list(_files(found.files or (), verbose=verbose))
    yield list(_layers(found))


def _signed(count: int) -> str:
    from witchery.cli.rendering import size

    return f"{'-' if count < 0 else '+'}{size(abs(count))}"


def _packages(changes: "Sequence[Change]") -> Iterator[str]:
    from witchery.cli.rendering import table

    if not changes:
        return
    total = sum(_grown(each) for each in changes)
    yield f"packages: {_counted(changes)}, {_signed(total)} installed"
    rows = []
    for each in changes:
        versions = " -> ".join(held.version for held in (each.before, each.after) if held)
        rows.append((f"  {_MARKS[each.kind]}", each.name, versions, _signed(_grown(each)), each.kind))
    yield from table(rows, right=(3,)).split("\n")


def _grown(change: "Change") -> int:
    return (change.after.installed_size if change.after else 0) - (
        change.before.installed_size if change.before else 0
    )


def _counted(changes: "Sequence[Change | FileChange]") -> str:
    """How many there are of each kind."""
    kinds = [each.kind for each in changes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(sorted(kinds)))


def _licences(licences: "Licences") -> Iterator[str]:
    if not any(licences):
        return
    counts = ((licences.changed, "changed"), (licences.added, "new"), (licences.gone, "gone"))
    yield f"licences: {', '.join(f'{len(some)} {word}' for some, word in counts if some)}"
    yield from (f"  ~ {each.name}: {each.before} -> {each.after}" for each in licences.changed)
    yield from (f"  + {each}" for each in licences.added)
    yield from (f"  - {each}" for each in licences.gone)


def _vulnerabilities(found: "Difference") -> Iterator[str]:
    from witchery.cli.rendering import table

    vulns = found.vulns
    if vulns is None:
        return
    yield (
        f"vulnerabilities: {len(vulns.fixed)} fixed, {len(vulns.introduced)} introduced,"
        f" {vulns.common} in both"
        + (f", {len(vulns.unknown)} that only one could be looked up for" if vulns.unknown else "")
    )
    rows = [
        (f"  {mark}", each.id, each.package, each.version, each.severity)
        for mark, some in (("-", vulns.fixed), ("+", vulns.introduced), ("?", vulns.unknown))
        for each in some
    ]
    if rows:
        yield from table(rows).split("\n")


def _abi(changes: "Sequence[LibraryChange]", *, verbose: bool) -> Iterator[str]:
    if not changes:
        return
    breaking = [each for each in changes if each.breaks]
    libraries = "1 library" if len(changes) == 1 else f"{len(changes)} libraries"
    breaks = "1 breaks" if len(breaking) == 1 else f"{len(breaking)} break"
    yield f"abi: {libraries} with another interface, {breaks} it"
    for each in changes if verbose else breaking:
        name = f"{each.old_soname} -> {each.soname}, another name" if each.old_soname else each.soname
        counts = [
            f"{len(some)} {word}"
            for some, word in (
                (each.removed, "symbol removed" if len(each.removed) == 1 else "symbols removed"),
                (each.resized, "changed"),
                (each.moved, "under another version"),
                (each.versions, "versions gone"),
            )
            if some
        ]
        yield f"  {'!' if each.breaks else '~'} {name}: {', '.join([*counts, f'{each.added} added'])}"
        lines = [
            *(f"      - {symbol}" for symbol in each.removed),
            *(f"      ~ {symbol.name}: {symbol.before} -> {symbol.after}" for symbol in each.resized),
            *(f"      ~ {symbol}: under another version" for symbol in each.moved),
            *(f"      - version {version}" for version in each.versions),
        ]
        if verbose or not each.old_soname:
            yield from _first(lines, _SYMBOLS, verbose=verbose)
        for user in each.hurt:
            more = f" and {len(user.symbols) - _SYMBOLS} more" if len(user.symbols) > _SYMBOLS else ""
            yield f"      {user.path} wants {', '.join(user.symbols[:_SYMBOLS])}{more}"
        if each.users:
            more = f" and {len(each.users) - _SYMBOLS} more" if len(each.users) > _SYMBOLS else ""
            yield f"      used by {', '.join(each.users[:_SYMBOLS])}{more}"


def _config(found: "Difference") -> Iterator[str]:
    if not found.config:
        return
    yield f"config: {len(found.config)} changed"
    for each in found.config:
        if each.before is None:
            yield f"  + {each.name}: {each.after}"
        elif each.after is None:
            yield f"  - {each.name}: {each.before}"
        else:
            yield f"  ~ {each.name}: {each.before} -> {each.after}"


def _files(changes: "Sequence[FileChange]", *, verbose: bool) -> Iterator[str]:
    if not changes:
        return
    yield f"files: {_counted(changes)}, {_signed(sum(each.growth for each in changes))}"
    yield from _first([_file(each) for each in changes], _SHOWN, verbose=verbose)


def _file(change: "FileChange") -> str:
    before, after = change.before, change.after
    told = []
    for what in change.what:
        if before is None or after is None:
            continue
        if what == "mode":
            told.append(f"mode {before.mode:04o} -> {after.mode:04o}")
        elif what == "owner":
            told.append(f"owner {before.uid}:{before.gid} -> {after.uid}:{after.gid}")
        elif what == "target":
            told.append(f"target {before.target} -> {after.target}")
        elif what == "type":
            told.append(f"{before.type} -> {after.type}")
        else:
            told.append(f"{what} {_signed(change.growth)}" if what == "content" else what)
    more = f": {', '.join(told)}" if told else ""
    return f"  {_MARKS[change.kind]} {change.path}{more}"


def _first(lines: Sequence[str], count: int, *, verbose: bool) -> Iterator[str]:
    """The first few lines, and how many more there are; all of them where all are asked for."""
    shown = lines if verbose or len(lines) <= count + 1 else lines[:count]
    yield from shown
    if len(shown) < len(lines):
        indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
        yield f"{indent}and {len(lines) - len(shown)} more; `-v` shows them"


def _layers(found: "Difference") -> Iterator[str]:
    from witchery.cli.rendering import size

    layers = found.layers
    if layers is not None and layers.pulled:
        yield f"layers: {layers.shared} shared, {layers.pulled} to pull, {size(layers.bytes)}"


def document(found: "Difference") -> dict[str, Any]:
    """What differs, for a program (`dev.witchery.diff/1`); a part that was not compared is null."""
    vulns, layers, licences = found.vulns, found.layers, found.licences
    return {
        "schema": "dev.witchery.diff/1",
        "before": _side(found.before),
        "after": _side(found.after),
        "different": bool(found),
        "packages": None if found.packages is None else [_package(each) for each in found.packages],
        "licences": None
        if licences is None
        else {
            "changed": [dict(each._asdict()) for each in licences.changed],
            "added": list(licences.added),
            "gone": list(licences.gone),
        },
        "files": None if found.files is None else [_file_document(each) for each in found.files],
        "config": None if found.config is None else [dict(each._asdict()) for each in found.config],
        "layers": None if layers is None else dict(layers._asdict()),
        "abi": None if found.abi is None else [_library(each) for each in found.abi],
        "vulnerabilities": None
        if vulns is None
        else {
            "fixed": [dict(each._asdict()) for each in vulns.fixed],
            "introduced": [dict(each._asdict()) for each in vulns.introduced],
            "unknown": [dict(each._asdict()) for each in vulns.unknown],
            "common": vulns.common,
            "warnings": list(vulns.warnings),
        },
    }


def _side(survey: "Survey") -> dict[str, Any]:
    return {
        "name": survey.name,
        "digest": survey.digest,
        "arch": survey.arch.apk,
        "packages": len(survey.packages),
        "files": None if survey.files is None else len(survey.files),
        "bytes": None if survey.files is None else survey.content_size,
        "notes": list(survey.notes),
    }


def _package(change: "Change") -> dict[str, Any]:
    return {
        "name": change.name,
        "kind": change.kind,
        "before": _held(change.before),
        "after": _held(change.after),
    }


def _held(held: "Held | None") -> dict[str, Any] | None:
    if held is None:
        return None
    return {"version": held.version, "size": held.size, "installed_size": held.installed_size}


def _file_document(change: "FileChange") -> dict[str, Any]:
    return {
        "path": change.path,
        "kind": change.kind,
        "what": list(change.what),
        "before": _state(change.before),
        "after": _state(change.after),
    }


def _state(state: "FileState | None") -> dict[str, Any] | None:
    if state is None:
        return None
    return {
        "type": state.type,
        "mode": f"{state.mode:04o}",
        "uid": state.uid,
        "gid": state.gid,
        "size": state.size,
        "sha256": state.digest,
        "target": state.target,
        "attributes": [name for name, _ in state.xattrs],
    }


def _library(change: "LibraryChange") -> dict[str, Any]:
    return {
        "soname": change.soname,
        "old_soname": change.old_soname,
        "before": change.before,
        "after": change.after,
        "breaks": change.breaks,
        "removed": list(change.removed),
        "changed": [dict(each._asdict()) for each in change.resized],
        "moved": list(change.moved),
        "versions": list(change.versions),
        "added": change.added,
        "users": list(change.users),
        "hurt": [{"path": each.path, "symbols": list(each.symbols)} for each in change.hurt],
    }
