"""Applications built by one command line each, with one cache, and what became of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.command import Outcome, process

_PATIENCE = 20


@dataclass(frozen=True)
class Image:
    """An image of an application.

    Attributes:
        layout: The folder that holds it.
        outcome: What the build said.
    """

    layout: Path
    outcome: Outcome

    @property
    def digest(self) -> str:
        """What the build said to a program."""
        return self.outcome.out.strip()

    @property
    def screen(self) -> str:
        """What the build said to a person."""
        return self.outcome.err

    @property
    def manifest(self) -> dict[str, Any]:
        """Its manifest."""
        return self.document(self.digest)

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration."""
        return self.document(self.manifest["config"]["digest"])

    @property
    def size(self) -> int:
        """The bytes that a registry would keep: manifest, configuration and layers."""
        return sum(path.stat().st_size for path in (self.layout / "blobs/sha256").iterdir())

    def document(self, digest: str) -> dict[str, Any]:
        """A blob that is JSON."""
        found: dict[str, Any] = json.loads((self.layout / "blobs" / digest.replace(":", "/")).read_bytes())
        return found

    def run(self, *arguments: str, runner: str = "runc", stdin: str | None = None) -> Outcome:
        """Starts it with these arguments, and waits for its end."""
        words = ("run", "--runner", runner, f"oci:{self.layout}", "--", *arguments)
        return process(*words, cwd=self.layout.parent, stdin=stdin)

    @contextmanager
    def running(self, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Starts it, and ends it with the block."""
        words = ("run", "--runner", "runc", "-q", f"oci:{self.layout}", "--", *arguments)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with (self.layout.parent / "run.log").open("wb") as log:
            done = subprocess.Popen(
                [sys.executable, "-m", "witchery", *words], env=environment, stdout=log, stderr=log
            )
        try:
            yield done
        finally:
            done.terminate()
            try:
                done.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                done.kill()
                done.wait()
                raise

    def linked(self) -> dict[str, dict[str, Any]]:
        """Its programs and libraries as `witchery scan` links them, by path."""
        done = process("scan", f"oci:{self.layout}", "--json", cwd=self.layout.parent)
        assert done.status == 0, done.err
        return {each["path"]: each for each in json.loads(done.out)["linked"]}


@dataclass(frozen=True)
class Workbench:
    """Builds applications from one repository.

    Attributes:
        folder: Where images go; the cache is below, too.
        repository: Where packages come from.
        arch: What it is for.
    """

    folder: Path
    repository: Path
    arch: str = "x86_64"

    def try_to(self, verb: str, source: Path | str, *options: str | Path, **how: Any) -> Outcome:
        """Runs a command on an application."""
        words = [verb, str(source), "-X", str(self.repository), "--arch", self.arch, *map(str, options)]
        if (self.repository / "keys").is_dir():
            words += ["-k", str(self.repository / "keys")]
        cache = str(self.folder / "cache")
        return process(*words, "--cache-dir", cache, **{"cwd": self.folder, **how})

    def build(self, source: Path | str, name: str, *options: str | Path, **how: Any) -> Image:
        """Builds an image; fails the test if that fails."""
        layout = self.folder / name / "layout"
        done = self.try_to("build", source, "-o", f"oci:{layout}", *options, **how)
        assert done.status == 0, done.err
        return Image(layout, done)

    def refuse(self, source: Path | str, *options: str | Path, status: int = 3) -> str:
        """What is said where no image can be built; nothing may be left behind."""
        layout = self.folder / "refused"
        done = self.try_to("build", source, "-o", f"oci:{layout}", *options)
        assert (done.status, done.out) == (status, ""), done.err
        assert not layout.exists()
        return done.err
