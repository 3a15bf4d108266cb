"""Real packages of PyPI and npm, fetched by their tools by name and exact version, and kept between runs.

They are kept in `$WITCHERY_TEST_CACHE`, or a folder of the user's cache. Of two workers that want one at the
same time both fetch it, and the second uses what the first has kept.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

CACHE = Path(os.environ.get("WITCHERY_TEST_CACHE") or Path.home() / ".cache" / "witchery-tests")
"""Where they are kept."""
_ENVIRONMENT = dict(os.environ)  # of whoever runs the tests, before anything is hidden from them
_TIMEOUT = 300


def wheel(name: str, version: str, *, platform: str = "musllinux_1_2_x86_64", python: str = "3.12") -> Path:
    """A wheel from PyPI for a platform, in pip's words, and a version of Python."""
    return _kept(
        CACHE / "wheels" / f"{name}-{version}-{platform}-{python}",
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
            *("--platform", platform, "--python-version", python, f"{name}=={version}"),
        ],
    )


def npm_tarball(name: str, version: str) -> Path:
    """The archive of a package from npm."""
    kept = CACHE / "npm" / f"{name.replace('/', '_')}-{version}"
    return _kept(kept, ["npm", "pack", "--silent", f"{name}@{version}"])


def wheel_files(path: Path) -> dict[str, bytes]:
    """What a wheel unpacks to: its files by path."""
    with zipfile.ZipFile(path) as archive:
        return {each.filename: archive.read(each) for each in archive.infolist() if not each.is_dir()}


def npm_files(path: Path) -> dict[str, bytes]:
    """The files of a package from npm, by path below its folder."""
    with tarfile.open(path) as archive:
        files = ((each.name.partition("/")[2], archive.extractfile(each)) for each in archive)
        return {name: content.read() for name, content in files if content is not None}


def _kept(folder: Path, command: list[str]) -> Path:
    """The only file in a folder, which a command makes where it runs if it is not there yet."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            # The folder is new and empty, so that nothing of this project configures the tool.
            done = subprocess.run(
                command, cwd=made, env=_ENVIRONMENT, timeout=_TIMEOUT, capture_output=True, check=False
            )
            assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode(errors='replace')}"
            try:
                made.rename(folder)
            except OSError:
                assert folder.is_dir(), f"could not keep {folder}"
    (found,) = folder.iterdir()
    return found
