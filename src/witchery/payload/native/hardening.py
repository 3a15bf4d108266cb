"""What in a file's headers is dangerous, or not what its author thinks it is.

Official Alpine packages have none of these, so each is worth a look.

Rules: `rpath` (a search path for libraries that leads to the machine that built it, or that others may write
to), `exec-stack`, `rwx-segment` (memory both writable and executable), `textrel` (code that the loader has to
write into), `setuid-not-pie` (runs with its owner's rights at a fixed address), all warnings.
"""

from collections.abc import Iterator

from witchery.elf.file import Elf
from witchery.payload.findings import Finding, Severity
from witchery.payload.tree import Payload

_SETUID = 0o6000
_IMAGE = ("lib", "usr", "opt", "srv")
"""Folders in which an absolute search path may lead."""
_ORIGINS = ("$ORIGIN", "${ORIGIN}")
_SHOWN = 120
"""How many characters of a search path are shown."""

_RELINK = "Link it with `-Wl,-z,noexecstack`, or clear the mark: `patchelf --clear-execstack FILE`."


def inspect(payload: Payload, path: str, elf: Elf) -> Iterator[Finding]:
    """Findings for one file."""
    if not elf.header.loadable:
        return
    yield from _rpath(payload, path, elf)
    if not elf.nx:
        yield _warning("exec-stack", path, "asks for a stack that can be executed", _RELINK)
    if elf.has_rwx_segment:
        yield _warning("rwx-segment", path, "has memory that can be both written and executed")
    if elf.has_textrel:
        message = "has code that the loader must write into (text relocations)"
        yield _warning("textrel", path, message, "Compile it with `-fPIC`.")
    if payload.files[path].entry.mode & _SETUID and elf.is_executable and not elf.is_pie:
        message = "runs with its owner's rights, at an address that everybody knows"
        yield _warning("setuid-not-pie", path, message, "Compile it with `-fPIE`, link it with `-pie`.")


def _rpath(payload: Payload, path: str, elf: Elf) -> Iterator[Finding]:
    if elf.dynamic is None:
        return
    folders = elf.dynamic.search_path
    unknown = next((each for each in folders if "$" in _without_origin(each)), None)
    if unknown is not None:
        message = (
            f"musl ignores the whole search path for `{unknown[:_SHOWN]}`: it knows no variable but $ORIGIN"
        )
        yield _warning("rpath", path, message, _SET_RPATH)
        return
    problems = (_problem(payload, each) for each in dict.fromkeys(folders))
    if problem := next(filter(None, problems), ""):
        yield _warning("rpath", path, f"looks for libraries {problem}", _SET_RPATH)


_SET_RPATH = "Link it with `-Wl,-rpath,'$ORIGIN/...'`, or change it: `patchelf --set-rpath PATH FILE`."


def _without_origin(folder: str) -> str:
    for variable in reversed(_ORIGINS):
        folder = folder.replace(variable, "")
    return folder


def _problem(payload: Payload, folder: str) -> str:
    if not folder or folder.startswith(_ORIGINS):
        return ""  # musl passes over an empty one
    if not folder.startswith("/"):
        return f"in `{folder[:_SHOWN]}`, which depends on the folder it is started in"
    inside = folder.strip("/")
    known = (*_IMAGE, payload.root) if payload.root else _IMAGE
    if any(f"{inside}/".startswith(f"{each}/") for each in known) or payload.locate(inside) is not None:
        return ""
    return f"in `{folder[:_SHOWN]}`, which is a folder of the machine that built it"


def _warning(rule: str, path: str, message: str, *hints: str) -> Finding:
    return Finding(rule, Severity.WARNING, path, message, hints)
