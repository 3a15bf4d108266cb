"""In what one report differs from another: packages, files, configuration, vulnerabilities."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from witchery.oci.config import Execution
from witchery.report.model import Absent, Change, Changes, File, Report, Vulnerability

MAX_CHANGES = 50_000
"""How many differences are listed."""

_T = TypeVar("_T")


def changes(before: Report, after: Report) -> Changes:
    """The differences, packages first, then files, configuration and vulnerabilities."""
    found = [
        *_packages(before, after),
        *_configuration(before, after),
        *_vulnerabilities(before, after),
        *_files(before, after),
    ]
    return Changes(
        name=before.name,
        digest=before.digest,
        found=tuple(islice(found, MAX_CHANGES)),
        omitted=max(0, len(found) - MAX_CHANGES),
    )


def _paired(
    before: Mapping[str, _T], after: Mapping[str, _T]
) -> Iterator[tuple[str, str, _T | None, _T | None]]:
    """What is in either and not the same, in order of names."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield name, "added" if old is None else "gone" if new is None else "changed", old, new


def _packages(before: Report, after: Report) -> Iterator[Change]:
    old, new = ({each.name: (each.version, each.size) for each in one.packages} for one in (before, after))
    for name, what, was, now in _paired(old, new):
        grown = (now[1] if now else 0) - (was[1] if was else 0)
        yield Change("package", what, name, was[0] if was else "", now[0] if now else "", grown)


def _files(before: Report, after: Report) -> Iterator[Change]:
    if isinstance(before.files, Absent) or isinstance(after.files, Absent):
        return
    old, new = (
        {each.path: (_shown(each), each.size) for each in one.listed} for one in (before.files, after.files)
    )
    for path, what, was, now in _paired(old, new):
        grown = (now[1] if now else 0) - (was[1] if was else 0)
        yield Change("file", what, f"/{path}", was[0] if was else "", now[0] if now else "", grown)


def _shown(file: File) -> str:
    """What is said of a file, where it differs."""
    leads = f" to {file.target}" if file.target else ""
    size = f", {file.size} bytes" if file.kind == "file" else ""
    return f"{file.kind}{leads}{size}, mode {file.mode:o}, owner {file.uid}:{file.gid}"


def _configuration(before: Report, after: Report) -> Iterator[Change]:
    if isinstance(before.execution, Absent) or isinstance(after.execution, Absent):
        return
    for name, what, was, now in _paired(_settings(before.execution), _settings(after.execution)):
        yield Change("configuration", what, name, was or "", now or "")


def _settings(found: Execution) -> dict[str, str]:
    settings = {
        "entry point": " ".join(found.entrypoint),
        "command": " ".join(found.cmd),
        "user": found.user or "root",
        "folder": found.working_dir,
        "ports": " ".join(found.ports),
        "volumes": " ".join(found.volumes),
        "stop signal": found.stop_signal,
        **{f"variable {name}": text for name, _, text in (each.partition("=") for each in found.env)},
        **{f"label {name}": text for name, text in found.labels.items()},
    }
    return {name: text for name, text in settings.items() if text}


def _vulnerabilities(before: Report, after: Report) -> Iterator[Change]:
    if isinstance(before.vulnerabilities, Absent) or isinstance(after.vulnerabilities, Absent):
        return
    old, new = _known(before.vulnerabilities.found), _known(after.vulnerabilities.found)
    for name, what, was, now in _paired(old, new):
        yield Change("vulnerability", what, name, was or "", now or "")


def _known(found: Iterable[Vulnerability]) -> dict[str, str]:
    return {f"{each.id} in {each.subject}": each.severity for each in found if not each.dismissed}
