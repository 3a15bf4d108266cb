"""What in a file's headers is dangerous, or not what its author thinks it is.

Official Alpine packages have none of these, so each is worth a look.

Rules: `rpath` (a search path for libraries that leads to the machine that built it, or that others may write
to), `exec-stack`, `rwx-segment` (memory both writable and executable), `textrel` (code that the loader has to
write into), `setuid-not-pie` (runs with its owner's rights at a fixed address), all warnings.
"""

from collections.abc import Iterator

from witchery.elf import run_path
from witchery.elf.file import Elf
from witchery.payload.findings import Finding, Severity
from witchery.payload.tree import Payload

_SETUID = 0o6000

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
    root = f"{payload.root}/"

    def is_inside(folder: str) -> bool:
        return (root != "/" and f"{folder}/".startswith(root)) or payload.locate(folder) is not None

    if problem := run_path.problem(elf.dynamic.search_path, is_inside):
        yield _warning("rpath", path, problem, _SET_RPATH)


_SET_RPATH = "Link it with `-Wl,-rpath,'$ORIGIN/...'`, or change it: `patchelf --set-rpath PATH FILE`."


def _warning(rule: str, path: str, message: str, *hints: str) -> Finding:
    return Finding(rule, Severity.WARNING, path, message, hints)
