"""The user's own preferences, as the command reads them: a file, and variables that win over it."""

import subprocess
import sys
from pathlib import Path

import pytest

from witchery.repository.releases import DEFAULT_RELEASE, MIRROR, repositories

SHOW = """
import sys
from witchery.cli.user_config import read_user_config
from witchery.errors import WitcheryError
try:
    found = read_user_config()
except WitcheryError as error:
    sys.exit(f"{type(error).__name__} {error}")
print(found.release, found.mirror, "yaml" in sys.modules, sep="|")
"""


def asked(home: Path, text: str | None = None, **environ: str) -> str:
    """What a new process finds, in a home of its own."""
    if text is not None:
        file = home / ".config" / "witchery" / "config.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env={"HOME": str(home), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout or done.stderr).strip()


def test_without_a_file_nothing_is_preferred_and_no_yaml_is_loaded(tmp_path: Path) -> None:
    assert asked(tmp_path) == "||False"


def test_a_file_is_read_from_the_user_s_folder(tmp_path: Path) -> None:
    assert asked(tmp_path, "release: 3.21\nmirror: /srv/alpine/") == "v3.21|/srv/alpine|True"


def test_the_folder_can_be_elsewhere_and_a_relative_one_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "xdg" / "witchery").mkdir(parents=True)
    (tmp_path / "xdg" / "witchery" / "config.yaml").write_text("release: edge")
    assert asked(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "xdg")) == "edge||True"
    assert asked(tmp_path, XDG_CONFIG_HOME="xdg") == "||False"


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    found = asked(
        tmp_path,
        "release: 3.21\nmirror: https://a.example.org",
        WITCHERY_RELEASE="3.22",
        WITCHERY_MIRROR="https://b.example.org/alpine/",
    )
    assert found == "v3.22|https://b.example.org/alpine|True"


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        ("relase: edge", {}, "config.yaml:1:1: unknown key: `relase`; did you mean `release`?"),
        (None, {"WITCHERY_RELEASE": "jessie"}, "FormatError WITCHERY_RELEASE: expected a release of Alpine"),
        (None, {"WITCHERY_MIRROR": "alpine"}, "FormatError WITCHERY_MIRROR: expected a mirror: a URL or"),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, text: str | None, environ: dict[str, str], message: str
) -> None:
    assert message in asked(tmp_path, text, **environ)


def test_a_release_has_two_repositories() -> None:
    assert repositories("v3.22") == (
        "https://dl-cdn.alpinelinux.org/alpine/v3.22/main",
        "https://dl-cdn.alpinelinux.org/alpine/v3.22/community",
    )
    assert repositories("edge", "/srv/alpine/") == ("/srv/alpine/edge/main", "/srv/alpine/edge/community")
    assert MIRROR.startswith("https://")
    assert DEFAULT_RELEASE.startswith("v3.")
