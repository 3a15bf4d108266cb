"""How much memory a command takes."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# A process counts the memory of the one that it was made from as its own. So a small one stands between.
_BETWEEN = """
import os, sys
child = os.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""


@dataclass(frozen=True)
class Taken:
    """What a command took.

    Attributes:
        status: Its exit status.
        peak: The most memory that it had resident, in bytes.
        said: Its standard error.
    """

    status: int
    peak: int
    said: str


def measured(*arguments: str | Path, cwd: Path) -> Taken:
    """Runs `python -m witchery` and measures it."""
    command = [sys.executable, "-I", "-c", _BETWEEN, sys.executable, "-m", "witchery", *map(str, arguments)]
    path = ":".join(sys.path)
    done = subprocess.run(
        command,
        cwd=cwd,
        env={"HOME": str(cwd), "PATH": "/usr/bin:/bin", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    status, peak = done.stdout.split()[-2:]
    return Taken(int(status), int(peak) * 1024, done.stderr)
