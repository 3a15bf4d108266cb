"""Three real images that questions are asked about, and their answers as documents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.built import TALL, Builder, BuiltImage, packages
from support.command import process
from support.shared import SHARED

SET = SHARED / "alpine/v3.19-x86_64"
KEYS = SET / "keys"
WORLDS: Mapping[str, str] = {"wget": "wget", "openssh": "openssh-server", "tall": TALL}
"""What the images are made of."""


def build(builder: Builder, name: str, *, world: str = "", repository: Path = SET, **more: Any) -> BuiltImage:
    """One of the images, or another of the same packages."""
    names = (world or WORLDS[name]).split()
    config = packages(repository, *names, **more)
    return builder(name, config, "-k", repository / "keys", archive=False)


def ask(folder: Path, *words: str | Path, status: int = 0) -> dict[str, Any]:
    """The document that a command prints, which is valid; fails the test where it ends in another way."""
    done = process(*map(str, words), "--json", cwd=folder)
    if done.status != status:
        pytest.fail(f"witchery {' '.join(map(str, words))}: {done.status}\n{done.err}")
    return schemas.check(done.out)
