"""What the user of this machine prefers: a file of theirs, and variables that win over it.

$XDG_CONFIG_HOME/witchery/config.yaml   or ~/.config/witchery/config.yaml
WITCHERY_RELEASE, WITCHERY_MIRROR       in the environment
"""

import os
from pathlib import Path

from witchery.config import user
from witchery.config.user import UserConfig
from witchery.errors import located
from witchery.store import atomic
from witchery.value import replace

MAX_CONFIG = 1 << 16
"""The longest file, in bytes."""


def config_file() -> Path:
    """The file, in `$XDG_CONFIG_HOME` or `~/.config` (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(base) if base.startswith("/") else Path.home() / ".config"
    return folder / "witchery" / "config.yaml"


def read_user_config() -> UserConfig:
    """What the user prefers; a file that is not there says nothing.

    Raises:
        ConfigError: with every problem of the file and its place.
        FormatError: if a variable holds no release, or no mirror.
        StorageError: if the file is there and cannot be read.
    """
    path = config_file()
    found = UserConfig()
    with atomic.storing(path):
        exists = path.exists()
    if exists:
        found = user.parse(atomic.read(path, MAX_CONFIG), str(path))
    if release := os.environ.get("WITCHERY_RELEASE", ""):
        with located("WITCHERY_RELEASE"):
            found = replace(found, release=user.release(release))
    if mirror := os.environ.get("WITCHERY_MIRROR", ""):
        with located("WITCHERY_MIRROR"):
            found = replace(found, mirror=user.mirror(mirror))
    return found
