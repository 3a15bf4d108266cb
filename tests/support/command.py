"""The command line in the tests' own process, and as a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from witchery.cli import main

_MAKING = ("build", "lock", "mirror", "show", "compose", "index", "cache")
_ASKING = ("vulns", "why", "tree", "inspect", "audit", "diff", "report")
CACHED = frozenset((*_MAKING, *_ASKING))
"""The commands that take `--cache-dir` in these tests."""


@dataclass(frozen=True)
class Outcome:
    """What a command did: exit status, standard output, standard error."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """`witchery` with a cache of its own.

    Attributes:
        folder: Where it runs; its cache is below.
        capture: Takes what it prints.
    """

    folder: Path
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path, cache: bool = True) -> Outcome:
        """Runs a command line in this process."""
        words = [str(word) for word in arguments]
        if cache and words[0] in CACHED:
            words += ["--cache-dir", str(self.folder / "cache")]
        self.capture.readouterr()
        status = main(words)
        said = self.capture.readouterr()
        return Outcome(status, said.out, said.err)


def process(
    *arguments: str | Path,
    cwd: Path,
    env: dict[str, str] | None = None,
    umask: int = 0o022,
    user: int | None = None,
    stdin: str | None = None,
) -> Outcome:
    """Runs `python -m witchery` as a process with nothing of this one's environment but what it needs.

    Args:
        arguments: The command line.
        cwd: Where it runs.
        env: Environment variables.
        umask: The umask.
        user: The number of the user that the process sees itself as, without rights over others' files.
        stdin: What it reads.
    """
    base = {"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONPATH": os.pathsep.join(sys.path)}
    as_user = ["unshare", "--user", f"--map-user={user}"] if user is not None else []
    done = subprocess.run(
        [*as_user, sys.executable, "-m", "witchery", *arguments],
        cwd=cwd,
        env=base | (env or {}),
        umask=umask,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
