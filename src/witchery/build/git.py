"""What git knows of a source: its commit, when that was made, and how it is described."""

import os
import re
import subprocess
from pathlib import Path

from witchery.value import frozen

_TIMEOUT = 60  # seconds; a large work tree on a slow disk has to be compared for `--dirty`
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
_COMMIT = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64}) ([0-9]{1,11})")
_DIRTY = "-dirty"


@frozen(kw_only=True)
class Checkout:
    """A work tree of git, as far as it could be read.

    Attributes:
        described: What `git describe --tags --long --always --dirty` says; empty where there is no commit.
        commit: The commit, with `-dirty` at its end where tracked files were changed since.
        time: When it was made, in seconds since 1970.
        problem: Why git says nothing of a repository that is there, or an empty string.
    """

    described: str = ""
    commit: str = ""
    time: int = 0
    problem: str = ""


def look(path: Path) -> Checkout:
    """Asks git about the work tree that a file or folder is in; there may be none, and no git."""
    folder = path if path.is_dir() else path.parent
    status, said, complaint = _git(folder, "show", "-s", "--no-show-signature", "--format=%H %ct", "HEAD")
    commit = _COMMIT.fullmatch(said)
    if status or commit is None:
        harmless = "not a git repository (or any" in complaint or not complaint
        return Checkout(problem="" if harmless else complaint.splitlines()[0])
    status, described, complaint = _git(folder, "describe", "--tags", "--long", "--always", "--dirty")
    if status or not described:
        return Checkout(problem=complaint.splitlines()[0] if complaint else "git cannot describe the commit")
    dirty = _DIRTY if described.endswith(_DIRTY) else ""
    return Checkout(described=described, commit=commit[1] + dirty, time=int(commit[2]))


def _git(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit status, output and complaint of git; nothing of any where it cannot be run.

    It changes nothing, asks nothing, starts no file system monitor, and looks at the repository that the
    folder is in even if it runs on behalf of another one, as in a hook.
    """
    environment = {name: text for name, text in os.environ.items() if name not in _ELSEWHERE}
    environment |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are our own
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],  # noqa: S607 - as in a shell
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"git took longer than {_TIMEOUT} seconds"
    except OSError:
        return 1, "", ""
    said, complaint = (each.decode("utf-8", "replace").strip() for each in (done.stdout, done.stderr))
    return done.returncode, said, complaint
