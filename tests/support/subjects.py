"""Subjects as tests name them."""

from pathlib import Path
from typing import Any

from witchery.arch import Arch
from witchery.build.registry.registries import Registries
from witchery.build.subjects.image_subject import ImageSubject
from witchery.build.subjects.lock_subject import LockSubject
from witchery.build.subjects.subject import Means
from witchery.build.workshop import Workshop

HOST = Arch.parse("x86_64")


def means(registries: Registries, *archs: Arch) -> Means:
    """What it takes to get at images and locks; no source can be read."""
    return Means(
        workshop=Workshop(cache=Path("/nonexistent"), environ={}),
        registries=lambda: registries,
        host=HOST,
        archs=archs,
        request=_no_source,
        requests=_no_source,
    )


def _no_source(text: str) -> Any:
    raise AssertionError(f"a source is read: {text}")


def image(text: object, registries: Registries, arch: Arch | None = None) -> ImageSubject:
    """An image, for one platform or for all."""
    return ImageSubject(str(text), means(registries, *((arch,) if arch else ())))


def lock(path: Path, registries: Registries) -> LockSubject:
    """A lock."""
    return LockSubject(str(path), means(registries))
