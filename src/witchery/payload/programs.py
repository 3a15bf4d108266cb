"""What could be started, and how likely it is what its author means."""

from witchery.payload.findings import Program
from witchery.payload.tree import Payload

FOLDERS = ("", "bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin")
"""Where programs are kept, below the folder that holds the application."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for in any image."""


def inside(payload: Payload, folder: str) -> str:
    """A folder of the application as a path in the image; the application's own for an empty one."""
    return "/".join(part for part in (payload.root, folder) if part)


def rank(payload: Payload, path: str) -> int:
    """How likely the program at this path is what is to be started; see `Program.rank`."""
    folder, _, name = path.rpartition("/")
    if name == payload.name:
        return 1
    return 2 if folder in (inside(payload, each) for each in FOLDERS) else 3


def program(payload: Payload, path: str, reason: str) -> Program:
    """The program at this path, started without arguments."""
    return Program((f"/{path}",), reason, rank(payload, path))
