"""What an image of an application starts: found, or asked for."""

from collections.abc import Sequence

from witchery.errors import UsageError
from witchery.payload.findings import Program
from witchery.payload.tree import Payload

_SHOWN = 12


def choose(programs: Sequence[Program]) -> Program | None:
    """The program to start: the only one of the best rank; None where there is nothing to start.

    Raises:
        UsageError: if there are several; it lists them.
    """
    if not programs:
        return None
    best = min(program.rank for program in programs)
    found = [program for program in programs if program.rank == best]
    if len(found) == 1:
        return found[0]
    rest = [program for program in programs if program.rank != best]
    listed = [f"{' '.join(program.argv)} ({program.reason})" for program in (*found, *rest)[:_SHOWN]]
    more = len(programs) - len(listed)
    raise UsageError(
        "several programs could be started: say which with `--entrypoint`, or `entrypoint.command`",
        hint=[*listed, *([f"and {more} more"] if more > 0 else [])],
    )


def resolved(argv: Sequence[str], payload: Payload) -> tuple[str, ...]:
    """A command as the image needs it: a program of the application may be named relative to its folder.

    `hello` and `./hello` become `/app/hello` where there is such a file; all else stays as it is.
    """
    if not argv or argv[0].startswith("/"):
        return tuple(argv)
    path = payload.locate(f"{payload.root}/{argv[0]}")
    if path is None or not payload.files[path].is_executable:
        return tuple(argv)
    return (f"/{path}", *argv[1:])
