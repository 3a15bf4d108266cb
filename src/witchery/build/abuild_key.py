"""The key that abuild signs with, as its configuration names it (abuild.conf(5), abuild-keygen(1))."""

import re
from pathlib import Path

from witchery.store import atomic

_MAX_CONFIG = 1 << 20
_ASSIGNMENT = re.compile(
    r"^[ \t]*(?:export[ \t]+)?PACKAGER_PRIVKEY="
    r"(?:\"(?P<double>[^\"\\`]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'`\\;&|#]*))"
    r"[ \t]*(?:#.*)?$",
    re.MULTILINE,
)
_HOME = re.compile(r"^(?:\$HOME|\$\{HOME\}|~)/")


def named_key(home: Path) -> Path | None:
    """The private key that `~/.abuild/abuild.conf` names; None where it names none in plain words.

    The file is a shell script. It is not run: the last assignment counts, and of what a shell would put in
    only the home folder is understood.

    Args:
        home: The user's home folder.

    Raises:
        StorageError: if the file is there and cannot be read.
    """
    config = home / ".abuild" / "abuild.conf"
    if not config.is_file():
        return None
    found = None
    for match in _ASSIGNMENT.finditer(atomic.read(config, _MAX_CONFIG).decode("utf-8", "replace")):
        found = match
    if found is None:
        return None
    text = found["single"] or found["double"] or found["bare"] or ""
    if found["single"] is None and _HOME.match(text):
        text = _HOME.sub("", text)
        return home / text if "$" not in text else None
    return Path(text) if text.startswith("/") and "$" not in text else None
