"""How fast `witchery impact` answers about 23,030 packages; needs the test data.

.venv/bin/python benchmarks/impact.py [FOLDER]

Whole processes, from reading the indexes to the last line; every figure is a median.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORIES = Path(__file__).resolve().parents[2] / "shared" / "alpine" / "v3.19-x86_64" / "indexes"
RUNS = 7
QUESTIONS = (
    ("so:libcrypto.so.3",),
    ("so:libcrypto.so.3", "--levels", "all", "--json"),
    ("--remove", "perl"),
    ("--from", "so:libcrypto.so.3", "--to", "so:libcrypto.so.4"),
)


def main() -> None:
    """Asks each question some times."""
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORIES
    with tempfile.TemporaryDirectory() as folder:
        options = ["--arch", "x86_64", "--cache-dir", folder, "-q"]
        for name in ("main", "community"):
            options += ["-X", str(where / name)]
        for question in QUESTIONS:
            taken = []
            for _ in range(RUNS):
                start = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-m", "witchery", "impact", *question, *options],
                    capture_output=True,
                    check=False,
                )
                taken.append(time.perf_counter() - start)
                assert done.returncode in (0, 1), done.stderr
            print(f"{' '.join(question):60} {statistics.median(taken) * 1000:7.0f} ms   target 2000 ms")


if __name__ == "__main__":
    main()
