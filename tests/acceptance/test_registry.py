"""Pushing to and pulling from a real registry; other tools take what was pushed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import Outcome, process
from support.images import wget_image
from support.registries import Registry, registry
from support.shared import needs_shared
from witchery.oci.reference import Reference
from witchery.store import layout

pytestmark = [pytest.mark.peer, needs_shared]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that lets everybody do everything."""
    with registry(tmp_path_factory.mktemp("plain")) as found:
        yield found


@pytest.fixture(scope="module")
def image(boot_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wget example as a layout."""
    folder = tmp_path_factory.mktemp("image") / "layout"
    made = wget_image(boot_set)
    layout.write(folder, made.image, made.contents, name=Reference.parse("witchery/test:latest"))
    return folder


def digest_in(folder: Path) -> str:
    """The digest of the one image of a layout."""
    (entry,) = json.loads((folder / "index.json").read_text())["manifests"]
    return str(entry["digest"])


def witchery(cwd: Path, *words: str | Path, **env: str) -> Outcome:
    """A command that succeeds, with a cache in the folder that it runs in."""
    done = process(*words, "--cache-dir", str(cwd / "cache"), cwd=cwd, env=env)
    assert done.status == 0, done.err
    return done


def test_what_is_pushed_is_pulled_byte_for_byte(plain: Registry, image: Path, tmp_path: Path) -> None:
    pushed = witchery(tmp_path, "push", f"oci:{image}", f"{plain.host}/team/app:1")
    assert pushed.out == f"{plain.host}/team/app@{digest_in(image)}\n"
    pulled = witchery(tmp_path, "pull", f"{plain.host}/team/app:1", "-o", "oci:back")
    assert pulled.out == pushed.out
    blobs = sorted(path.relative_to(image) for path in image.glob("blobs/*/*"))
    assert blobs == sorted(path.relative_to(tmp_path / "back") for path in tmp_path.glob("back/blobs/*/*"))
    assert all((tmp_path / "back" / blob).read_bytes() == (image / blob).read_bytes() for blob in blobs)
