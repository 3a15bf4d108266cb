"""The links to busybox's applets that its install script and trigger make.

Alpine's packages of busybox list the paths of their applets in `etc/busybox-paths.d/NAME`, one a line,
relative to the root. Where nothing stands at such a path a link to the program is made, as `busybox --install
-s` does. `bbsuid`, which has the setuid bit that busybox lacks, knows its few applets by heart and takes over
their links.
"""

from witchery.compose.draft import Draft
from witchery.errors import FormatError
from witchery.rootfs.entry import Kind

LISTS = "etc/busybox-paths.d"
MAX_APPLETS = 4096

SUID_APPLETS = (
    "bin/mount",
    "bin/su",
    "bin/umount",
    "usr/bin/crontab",
    "usr/bin/passwd",
    "usr/bin/traceroute",
    "usr/bin/traceroute6",
    "usr/bin/vlock",
)
"""What `bbsuid --install` links to itself (Alpine 3.13 to 3.23)."""


def applets(text: bytes, where: str) -> tuple[str, ...]:
    """The paths in a list of applets.

    Raises:
        FormatError: if one is not a plain relative path, or there are too many.
    """
    paths = tuple(line for line in text.decode("utf-8", "surrogateescape").split("\n") if line)
    if len(paths) > MAX_APPLETS:
        raise FormatError(f"more than {MAX_APPLETS} applets", where=[where])
    for path in paths:
        if any(part in {"", ".", ".."} for part in path.split("/")) or "\0" in path:
            raise FormatError(f"not a plain relative path: `{path[:80]}`", where=[where])
    return paths


def install(draft: Draft, name: str) -> int | None:
    """Makes the links of `busybox` or `busybox-extras`; how many, or None where there is no list of them."""
    where = f"{LISTS}/{name}"
    text = draft.read(where)
    if text is None:
        return None
    made = 0
    for path in applets(text, where):
        if not draft.exists(path):
            draft.symlink(path, f"/bin/{name}", why=f"links of `{name}`")
            made += 1
    return made


def install_suid(draft: Draft) -> int:
    """Makes the links of `bbsuid`: where there is none, and instead of those to busybox; how many."""
    made = 0
    for path in SUID_APPLETS:
        found = draft.entry(path)
        if found is None or (found.kind is Kind.SYMLINK and found.target == "/bin/busybox"):
            draft.symlink(path, "/bin/bbsuid", why="links of `bbsuid`")
            made += 1
    return made
