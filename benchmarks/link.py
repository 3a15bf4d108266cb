"""How fast an image is linked on paper; needs the test data.

.venv/bin/python benchmarks/link.py
"""

import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.alpine import real_file
from support.elf_roots import World
from support.packages import part_of
from support.shared import SHARED
from witchery.apk import archive
from witchery.arch import Arch
from witchery.build.image_root import ImageRoot
from witchery.compose.composition import compose
from witchery.compose.part import Part
from witchery.compose.tree import merge
from witchery.loader.proof import Proof, prove
from witchery.rootfs.accounts import Accounts
from witchery.rootfs.entry import Kind

RUNS = 9
SET = "v3.19.1-boot-x86_64"
ACCOUNTS = Accounts(passwd="root:x:0:0::/:/bin/sh\n", group="root:x:0:\n")


def main() -> None:
    """Links the root of the 3.19.1 boot medium: files in memory, and straight from its packages."""
    parts = [
        part_of(real_file(path).read_bytes()) for path in sorted((SHARED / "alpine" / SET).glob("*/*.apk"))
    ]
    files, links, size = _files(parts)
    paths = [path for path, data in files.items() if data.startswith(b"\x7fELF")]

    def from_memory() -> Proof:
        return prove(World(files, links), paths, arch=Arch.parse("x86_64"))

    read = World(files, links)
    prove(read, paths)

    def linking_alone() -> Proof:
        return prove(read, paths)

    assembly = compose(merge(parts), world=(), arch="x86_64", accounts=ACCOUNTS).assembly

    def from_packages() -> Proof:
        root = ImageRoot(assembly, {})
        root.fetch(paths)
        return prove(root, paths, arch=Arch.parse("x86_64"))

    proof = from_memory()
    print(
        f"{len(paths)} ELF files, {size / 1e6:.0f} MB:", dict(Counter(each.verdict.value for each in proof))
    )
    _tell("read and linked", from_memory, "   target 1500 ms")
    _tell("linked alone", linking_alone)
    _tell("inflated from packages, read and linked", from_packages)


def _tell(what: str, run: Callable[[], Proof], target: str = "") -> None:
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    print(f"{what}: {statistics.median(taken) * 1000:.0f} ms{target}")


def _files(parts: list[Part]) -> tuple[dict[str, bytes], dict[str, str], int]:
    files, links = dict[str, bytes](), dict[str, str]()
    for part in parts:
        for member in archive.members(part.data.chunks()):
            if member.entry.kind is Kind.SYMLINK:
                links[member.entry.path] = member.entry.target
            elif member.entry.kind is Kind.HARDLINK:
                files[member.entry.path] = files[member.entry.target]
            else:
                files[member.entry.path] = b"".join(member.content)
    size = sum(len(data) for data in files.values() if data.startswith(b"\x7fELF"))
    return files, links, size


if __name__ == "__main__":
    main()
