"""How long loading an index and solving a world takes: `python benchmarks/solve.py [FOLDER]`.

FOLDER holds the recorded indexes (`*.APKINDEX.tar.gz`) and answers; by default `shared/solver` beside the
checkout. Every figure is a median. Indexes are loaded from bytes in memory, as a warm build does after
reading its cache.
"""

import gc
import gzip
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from witchery.apk.dependency import Dependency
from witchery.apk.index import Index
from witchery.codec import gunzip
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.source import Source

ROUNDS = 15
T = TypeVar("T")


def measure(label: str, run: Callable[[], T], rounds: int = ROUNDS) -> T:
    """Prints the median time of some runs."""
    result = run()
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    print(f"{label:60} {statistics.median(times) * 1e3:9.2f} ms")
    return result


def load(*archives: bytes, kept: Sequence[bytes | None] = ()) -> Catalogue:
    """Inflates and reads indexes, and prepares all that a search looks names up in.

    Args:
        *archives: The indexes.
        kept: What the cache has kept of each from the time before.
    """
    sources = []
    for archive, tables in zip(archives, kept or [None] * len(archives), strict=True):
        index = Index.read([gunzip(archive, 1 << 28)], tables)
        index.offers()
        index.conditioned_on("")
        next(index.depending_on(""), None)
        sources.append(Source("", index))
    return Catalogue(sources, "x86_64")


def main() -> None:
    """Prints all figures."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "solver"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    main_only = (folder / "alpine-3.16-main-x86_64.APKINDEX.tar.gz").read_bytes()
    both = [
        (folder.parent / "alpine/v3.19-x86_64/indexes" / each / "x86_64/APKINDEX.tar.gz").read_bytes()
        for each in ("main", "community")
    ]
    known = {archive: Index.read([gunzip(archive, 1 << 28)]).compiled() for archive in (main_only, *both)}
    of_both = [known[each] for each in both]
    measure("load main for the first time, 4,929 packages", lambda: load(main_only))
    measure("load main", lambda: load(main_only, kept=[known[main_only]]))
    measure("load main and community for the first time, 23,030 packages", lambda: load(*both), rounds=5)
    measure("load main and community", lambda: load(*both, kept=of_both), rounds=5)
    for label, archives, texts in (
        ("4,929 packages", [main_only], ["busybox wget", "alpine-base", "git curl openssh busybox"]),
        ("23,030 packages", both, ["wget ca-certificates-bundle", "alpine-base", "nginx python3", "nodejs"]),
    ):
        for text in texts:
            world = [Dependency.parse(entry) for entry in text.split()]
            times = []
            size = 0
            for _ in range(ROUNDS):
                catalogue = load(*archives, kept=[known[each] for each in archives])
                gc.collect()
                start = time.perf_counter()
                solution = attempt(catalogue, world)
                times.append(time.perf_counter() - start)
                size = len(solution) if solution else 0
            label_of_world = f"solve `{text}` in {label}: {size} packages"
            print(f"{label_of_world:60} {statistics.median(times) * 1e3:9.2f} ms")
    answers = gzip.decompress((folder / "alpine-3.16-main-x86_64.jsonl.gz").read_bytes()).splitlines()
    worlds = [[Dependency.parse(entry) for entry in json.loads(line)["world"]] for line in answers]
    catalogue = load(main_only)
    measure(
        f"solve {len(worlds)} worlds with one catalogue", lambda: [attempt(catalogue, w) for w in worlds], 3
    )


if __name__ == "__main__":
    main()
