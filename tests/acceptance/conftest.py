"""What acceptance tests share: images that are built by the command, and a registry to send them to."""

from collections.abc import Iterator

import pytest

from support.built import Builder
from support.registries import Registry, registry


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Builds images with a cache of its own."""
    return Builder(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that lets everybody do everything."""
    with registry(tmp_path_factory.mktemp("plain")) as found:
        yield found
