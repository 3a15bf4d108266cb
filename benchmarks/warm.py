"""How long a warm build takes, against apk, tar and gzip doing the same; start-up; memory.

    make bench          (needs the test data, bubblewrap or root, and quiet)

Every figure is the median of several runs; peers run in turn with Witchery, in the same minute.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.real_apk import unpack
from support.shared import SHARED, repository

RUNS = 15
WITCHERY = str(Path(sys.executable).parent / "witchery")
WGET = ("wget", "ca-certificates-bundle")


@dataclass(frozen=True)
class Run:
    """One run of a command: seconds of wall time, and the largest resident set in megabytes."""

    seconds: float
    megabytes: float


def run(command: Sequence[str | Path]) -> Run:
    """Runs a command as a whole process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{command}: {process.stderr.read().decode() if process.stderr else status}")
    if process.stderr:
        process.stderr.close()
    return Run(seconds, usage.ru_maxrss / 1000)


def in_turn(*jobs: Callable[[], Run]) -> list[Run]:
    """Each job's median over several rounds, after one that does not count."""
    rounds = [[job() for job in jobs] for _ in range(RUNS + 1)][1:]
    return [
        Run(statistics.median(r.seconds for r in runs), statistics.median(r.megabytes for r in runs))
        for runs in zip(*rounds, strict=True)
    ]


def line(what: str, value: str, target: str) -> None:
    """Prints one figure."""
    print(f"{what:<58} {value:>10}   target {target}")


def config(folder: Path, source: Path) -> Path:
    """The wget example over the packages of the 3.19.1 boot medium."""
    path = folder / "witchery.yaml"
    packages = ", ".join(WGET)
    path.write_text(
        f"contents:\n  repositories: [{source}]\n  packages: [{packages}]\n"
        "entrypoint:\n  command: /usr/bin/wget\n"
    )
    return path


def warm_build(folder: Path) -> None:
    """Item 9 of the engine: a warm build against apk, tar and gzip, time and memory."""
    source = repository("v3.19.1-boot-x86_64", folder)
    file = config(folder, source)
    keys = source / "keys" if (source / "keys").is_dir() else SHARED / "alpine/v3.19.1-boot-x86_64/keys"
    apk = unpack("3.0.8", folder / "apk")
    real = folder / "apk" / "repo"
    shutil.copytree(source, real)
    shutil.copytree(keys, folder / "apk" / "trusted", dirs_exist_ok=True)
    add = f"chroot {apk.root} /sbin/apk add --quiet --root /out --initdb --no-cache --no-scripts"
    add += f" --arch x86_64 --keys-dir /trusted -X /repo {' '.join(WGET)}"
    out = apk.root / "out"
    script = f"rm -rf {out} && {add} && tar -C {out} -cf - . | gzip -6 > {folder}/layer.tar.gz"
    build = [
        WITCHERY,
        "build",
        file,
        "-o",
        f"oci:{folder}/image",
        "--cache-dir",
        folder / "cache",
        "--arch",
        "x86_64",
    ]

    def ours() -> Run:
        shutil.rmtree(folder / "image", ignore_errors=True)
        return run([*build, "-q"])

    mine, theirs = in_turn(ours, lambda: run(["sh", "-c", script]))
    line("warm build of wget, whole process", f"{mine.seconds * 1000:.0f} ms", "150 ms")
    line("apk add + tar + gzip -6 of the same", f"{theirs.seconds * 1000:.0f} ms", "")
    line("ratio", f"{mine.seconds / theirs.seconds:.2f}", "0.35")
    line("peak memory of the build", f"{mine.megabytes:.0f} MB", "64 MB")


def verifying(folder: Path) -> None:
    """The image that was just built, checked against its evidence and Alpine's keys: the whole process."""
    words = [WITCHERY, "verify", f"oci:{folder}/image", "-q", "--cache-dir", folder / "cache"]
    (verified,) = in_turn(lambda: run(words))
    line("verifying that image, whole process", f"{verified.seconds * 1000:.0f} ms", "")


def application(folder: Path) -> None:
    """A program that was taken out of its package, built as an application: the whole process, warm."""
    source = repository("v3.19.1-boot-x86_64", folder)
    program = folder / "dist" / "wget"
    program.parent.mkdir()
    with tarfile.open(source / "x86_64/wget-1.21.4-r0.apk", ignore_zeros=True) as package:
        content = package.extractfile("usr/bin/wget")
        program.write_bytes(content.read() if content else b"")
    program.chmod(0o755)
    words = [WITCHERY, "build", program, "-X", source, "-o", f"oci:{folder}/application", "-q"]
    words += ["--cache-dir", folder / "cache", "--arch", "x86_64"]
    (built,) = in_turn(lambda: run(words))
    line("warm build of a program, 7 packages found out", f"{built.seconds * 1000:.0f} ms", "")


def start_up() -> None:
    """`witchery --help` against a bare interpreter."""
    ours, bare = in_turn(lambda: run([WITCHERY, "--help"]), lambda: run([sys.executable, "-c", "pass"]))
    line("witchery --help", f"{ours.seconds * 1000:.1f} ms", "")
    line("python -c pass", f"{bare.seconds * 1000:.1f} ms", "")
    line("ratio", f"{ours.seconds / bare.seconds:.2f}", "2.5")


def main() -> None:
    """Runs everything."""
    start_up()
    with tempfile.TemporaryDirectory() as folder:
        warm_build(Path(folder))
        verifying(Path(folder))
        application(Path(folder))


if __name__ == "__main__":
    main()
