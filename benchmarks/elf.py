"""How fast ELF files are read, all dynamic symbols included; needs the test data.

.venv/bin/python benchmarks/elf.py
"""

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.real_elf import elf_files
from witchery.elf.file import read

RUNS = 9


def main() -> None:
    """Reads the files of the 3.19.1 boot medium, and then all there are, several times over."""
    for folder, name in (("v3.19.1-boot-x86_64", "Alpine 3.19.1 boot medium"), ("", "all packages")):
        files = elf_files(folder)
        size = sum(len(file.data) for file in files) / 1e6
        taken = []
        count = 0
        for _ in range(RUNS):
            start = time.perf_counter()
            count = sum(len(read(file.data).symbols) for file in files)
            taken.append(time.perf_counter() - start)
        seconds = statistics.median(taken)
        print(
            f"{name}: {len(files)} files, {size:.0f} MB, {count} symbols:"
            f" {seconds * 1000:.0f} ms, {size / seconds:.0f} MB/s   target 30 MB/s"
        )


if __name__ == "__main__":
    main()
