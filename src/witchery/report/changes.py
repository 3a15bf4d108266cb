"""In what an image differs from another (`witchery.diff`) as a part of its report."""

from collections.abc import Iterator
from itertools import islice

from witchery.diff.abi import LibraryChange
from witchery.diff.difference import Difference
from witchery.diff.files import FileState
from witchery.lock.changes import Held
from witchery.report.findings import Change, Changes

MAX_CHANGES = 50_000
"""How many differences are listed."""
_NAMED = 5
"""How many symbols of a library are named."""


def changes_of(difference: Difference) -> Changes:
    """The differences: packages first, what may break next, files last."""
    found = [
        *_packages(difference),
        *_libraries(difference),
        *_licences(difference),
        *_vulnerabilities(difference),
        *_configuration(difference),
        *_files(difference),
    ]
    layers = difference.layers
    return Changes(
        name=difference.before.name,
        digest=difference.before.digest,
        found=tuple(islice(found, MAX_CHANGES)),
        omitted=max(0, len(found) - MAX_CHANGES),
        shared=layers.shared if layers else 0,
        pulled=layers.bytes if layers else 0,
    )


def _packages(difference: Difference) -> Iterator[Change]:
    for each in difference.packages or ():
        what = each.kind if each.kind in ("added", "gone") else "changed"
        after = f"{_version(each.after)}, built anew" if each.kind == "rebuilt" else _version(each.after)
        grown = _size(each.after) - _size(each.before)
        yield Change("package", what, each.name, _version(each.before), after, grown)


def _version(held: Held | None) -> str:
    return held.version if held else ""


def _size(held: Held | None) -> int:
    return held.installed_size if held else 0


def _libraries(difference: Difference) -> Iterator[Change]:
    for each in difference.abi or ():
        what = "broken" if each.breaks else "changed"
        count = len(each.users)
        users = (
            f"; {count} {'file wants' if count == 1 else 'files want'} it" if each.breaks and count else ""
        )
        yield Change("library", what, each.soname, each.old_soname or each.before, _promised(each) + users)


def _promised(library: LibraryChange) -> str:
    """What of its promises changed, in a few words."""
    said = [f"another name than {library.old_soname}"] if library.old_soname else []
    for word, names in (
        ("gone", library.removed),
        ("of another size", tuple(each.name for each in library.resized)),
        ("under another version", library.moved),
        ("versions gone", library.versions),
    ):
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            said.append(f"{word}: {', '.join(names[:_NAMED])}{more}")
    if library.added:
        said.append(f"{library.added} symbols added")
    return "; ".join(said)


def _licences(difference: Difference) -> Iterator[Change]:
    for each in difference.licences.changed if difference.licences else ():
        yield Change("licence", "changed", each.name, each.before, each.after)


def _vulnerabilities(difference: Difference) -> Iterator[Change]:
    if difference.vulns is None:
        return
    for each in difference.vulns.introduced:
        yield Change("vulnerability", "added", f"{each.id} in {each.package}", "", each.severity)
    for each in difference.vulns.fixed:
        yield Change("vulnerability", "gone", f"{each.id} in {each.package}", each.severity)


def _configuration(difference: Difference) -> Iterator[Change]:
    for each in difference.config or ():
        what = "added" if each.before is None else "gone" if each.after is None else "changed"
        yield Change("configuration", what, each.name, each.before or "", each.after or "")


def _files(difference: Difference) -> Iterator[Change]:
    for each in difference.files or ():
        after = _state(each.after)
        if each.kind == "changed":
            after += f" ({', '.join(each.what)})"
        yield Change("file", each.kind, f"/{each.path}", _state(each.before), after, each.growth)


def _state(state: FileState | None) -> str:
    if state is None:
        return ""
    leads = f" to {state.target}" if state.target else ""
    size = f", {state.size} bytes" if state.type == "file" else ""
    return f"{state.type}{leads}{size}, mode {state.mode:o}, owner {state.uid}:{state.gid}"
