"""Commands of Alpine's own scripts that are known by their text, and what becomes of them in an image.

Each row was made by reading the script; the fingerprint is of the command's tokens (see
`shell_syntax.fingerprint`), so a command that changes in any way is unknown again and shows in the report.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Known(NamedTuple):
    """A command that was read by a person.

    Attributes:
        why: Why nothing need be done for it.
        status: Whether it succeeds.
        absent: Paths that must not exist for this to be true.
        sets: Variables that it sets.
    """

    why: str
    status: bool = True
    absent: tuple[str, ...] = ()
    sets: tuple[tuple[str, str], ...] = ()


_MODULES = "links are made by the lines that follow; there are no kernel modules to index"

KNOWN: Mapping[str, Known] = MappingProxyType(
    {
        # alpine-baselayout.post-install (3.13, 3.19): asks OpenRC whether this is a VSERVER guest.
        "59dd27873cd5f6f0": Known("an image is no VSERVER guest", status=False),
        # alpine-baselayout.post-install (3.19, 3.23): a link that an old release made is renamed.
        "92b79367e31eb506": Known("a fresh root has no such link", absent=("etc/profile.d/color_prompt.sh",)),
        # busybox.trigger (3.13 and 3.19; 3.23): depmod for new kernel modules, a variable for all else.
        "ccef4ec74ce94bb1": Known(_MODULES, absent=("lib/modules",), sets=(("do_bb_install", "yes"),)),
        "504bcb4f14fbf382": Known(
            _MODULES, absent=("lib/modules", "usr/lib/modules"), sets=(("do_bb_install", "yes"),)
        ),
        # busybox-initscripts.post-install (3.13): services that were renamed in a runlevel.
        "90ce0946f56d05bd": Known(
            "a fresh root has no such service", status=False, absent=("etc/runlevels",)
        ),
        "67c7311413f93824": Known(
            "a fresh root has no such service", status=False, absent=("etc/runlevels",)
        ),
    }
)
