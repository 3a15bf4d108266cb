"""Interpreters of scripts: where Alpine has them, and which are shells."""

import re

from witchery.payload.programs import FOLDERS, inside
from witchery.payload.tree import Payload

SHELLS = frozenset({"sh", "ash", "bash", "dash", "zsh", "ksh", "mksh", "fish"})
"""Names of shells."""

_IN_BIN = frozenset({"sh", "ash", "bash", "zsh", "ksh", "mksh", "busybox", "sed"})
"""What Alpine has in `/bin`; all other interpreters are in `/usr/bin`."""

_KNOWN = re.compile(
    r"python[0-9.]*|pypy3?|node|nodejs|perl|ruby|php[0-9]*|lua[0-9.]*|luajit|awk|gawk|make|tclsh|expect|Rscript"
    r"|env|fish|dash|guile|deno|bun"
)
"""What is known to be in `/usr/bin`."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")

_FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin")


def place(name: str) -> str:
    """Where Alpine has an interpreter."""
    return f"/bin/{name}" if name in _IN_BIN else f"/usr/bin/{name}"


def is_known(name: str) -> bool:
    """Whether `place` is more than a guess."""
    return name in _IN_BIN or _KNOWN.fullmatch(name) is not None


def is_name(name: str) -> bool:
    """Whether a command of this name can stand in a dependency."""
    return _NAME.fullmatch(name) is not None


def is_packaged(path: str) -> bool:
    """Whether packages have programs in the folder of this path."""
    folder, _, name = path.rpartition("/")
    return folder in _FOLDERS and is_name(name)


def dependency(name: str) -> str:
    """What to depend on for a command. Busybox says of only some of its commands that it has them."""
    return "busybox" if name == "ash" else f"cmd:{name}"


def own(payload: Payload, name: str) -> str | None:
    """The application's own program of that name, by its path in the image, with a leading slash."""
    for folder in FOLDERS:
        path = inside(payload, f"{folder}/{name}" if folder else name)
        real = payload.locate(path)
        if real is not None and payload.files[real].is_executable:
            return f"/{path}"
    return None


def is_in_venv(payload: Payload, path: str) -> bool:
    """Whether a path stands in the `bin` of a virtual environment of Python, which is spoken of elsewhere."""
    parts = path.split("/")
    return len(parts) > 2 and parts[-2] == "bin" and "/".join([*parts[:-2], "pyvenv.cfg"]) in payload.files
