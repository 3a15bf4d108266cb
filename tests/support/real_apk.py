"""Real apk-tools as a judge: 2.14.0 and 3.0.8, unpacked from their own packages and run in bubblewrap."""

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.shared import SHARED

VERSIONS = {"2.14.0": "v3.19-x86_64", "3.0.8": "v3.23-image-x86_64"}
"""The versions at hand, and the set of packages that each comes from."""

_PARTS = ("apk-tools-", "libapk-", "musl-1", "libcrypto3-3", "libssl3-3", "zlib-1", "zstd-libs-")


@dataclass(frozen=True)
class RealApk:
    """An unpacked apk.

    Attributes:
        version: Its version.
        root: A folder with the program and its libraries.
    """

    version: str
    root: Path

    def run(self, *args: str | Path, folder: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `apk ARGS`, with `folder` at its own path and writable, and the test data readable."""
        done = subprocess.run(
            self._command(args, folder), capture_output=True, text=True, check=False, timeout=120
        )
        if check and done.returncode:
            pytest.fail(f"apk {self.version} {args}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def output(self, *args: str | Path, folder: Path) -> bytes:
        """What `apk ARGS` writes to its standard output."""
        return subprocess.run(
            self._command(args, folder), capture_output=True, check=True, timeout=120
        ).stdout

    def _command(self, args: tuple[str | Path, ...], folder: Path) -> list[str | Path]:
        command: list[str | Path] = [
            "bwrap",
            "--bind",
            self.root,
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--unshare-net",
        ]
        for data in {SHARED, SHARED.resolve()}:  # repositories of links lead to the real place
            command += ["--ro-bind", data, data]
        command += ["--bind", folder, folder, "--chdir", folder]
        return [*command, "/sbin/apk", *args]


def unpack(version: str, folder: Path) -> RealApk:
    """Puts one of `VERSIONS` into an empty folder; skips outside CI where bubblewrap is missing."""
    if not shutil.which("bwrap") and os.environ.get("CI") != "true":
        pytest.skip("needs bubblewrap")
    for package in sorted((SHARED / "alpine" / VERSIONS[version] / "x86_64").glob("*.apk")):
        if package.name.startswith(_PARTS):
            stream = io.BytesIO(gzip.decompress(package.read_bytes()))
            with tarfile.open(fileobj=stream, ignore_zeros=True) as archive:
                members = [m for m in archive if not m.name.startswith(".")]
                archive.extractall(folder, members, filter="fully_trusted")
    link = folder / "sbin" / "apk"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/usr/bin/apk")
    return RealApk(version, folder)
