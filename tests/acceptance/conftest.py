"""Images that several tests look at, built once by the command."""

import pytest

from support.built import Builder


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Builds images with a cache of its own."""
    return Builder(tmp_path_factory.mktemp("built"))
