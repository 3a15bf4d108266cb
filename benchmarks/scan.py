"""How fast an application is scanned, in megabytes of ELF a second; needs the test data.

.venv/bin/python benchmarks/scan.py [PROGRAM ...]
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.payloads import make_payload
from support.real_elf import elf_files
from witchery.payload.options import ScanOptions
from witchery.payload.scan import DETECTORS, scan

RUNS = 5


def main() -> None:
    """Scans the ELF files of the 3.19.1 boot medium as one application, then each program given."""
    boot = {each.path: each.data for each in elf_files("v3.19.1-boot-x86_64")}
    measure("Alpine 3.19.1 boot medium", boot)
    for name in sys.argv[1:]:
        measure(name, {Path(name).name: Path(name).read_bytes()})


def measure(what: str, files: dict[str, bytes]) -> None:
    """Prints the speed of reading, of all detectors together, and of each."""
    size = sum(map(len, files.values())) / 1e6
    payload = make_payload(files)
    options = ScanOptions()

    def whole() -> object:
        return scan(make_payload(files), options)

    print(f"{what}: {len(files)} files, {size:.0f} MB")
    show("read and scanned", size, whole, "   target 30 MB/s")
    for detector in DETECTORS:
        show(detector.__module__.rpartition(".")[2], size, partial(detector, payload, options))


def show(name: str, size: float, work: Callable[[], object], note: str = "") -> None:
    """Prints one speed."""
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    seconds = statistics.median(taken)
    print(f"  {name}: {seconds * 1000:.1f} ms, {size / seconds:.0f} MB/s{note}")


if __name__ == "__main__":
    main()
