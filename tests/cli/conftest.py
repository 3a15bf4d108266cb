"""Fixtures of the command line's tests."""

from pathlib import Path

import pytest

from support.command import Command


@pytest.fixture
def witchery(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path, capsys)


@pytest.fixture
def wget(tmp_path: Path, boot_set: Path) -> Path:
    """The wget example over the packages of the 3.19.1 boot medium."""
    config = tmp_path / "witchery.yaml"
    config.write_text(
        f"contents:\n  repositories: [{boot_set}]\n  packages: [wget, ca-certificates-bundle]\n"
        "entrypoint:\n  command: /usr/bin/wget\n"
    )
    return config
