"""Names of libraries: which are possible, and which the application has."""

import re

from witchery.payload.tree import Payload

_NAME = re.compile(r"[A-Za-z0-9._+,:\[\]-]{1,255}")


def is_name(name: str) -> bool:
    """Whether a wanted library has a name that can stand in a dependency."""
    return _NAME.fullmatch(name) is not None


def by_name(payload: Payload, skipped: frozenset[str] = frozenset()) -> dict[str, tuple[str, ...]]:
    """Where the libraries of the application are, by file name and by the names of links to them.

    A file's own `DT_SONAME` plays no part: musl looks for files.

    Args:
        payload: The application.
        skipped: Files to leave out.
    """
    found: dict[str, list[str]] = {}
    for file in payload:
        real = payload.locate(file.path)
        elf = None if real is None or real in skipped else payload.elf(real)
        if elf is not None and elf.header.loadable:
            found.setdefault(file.name, []).append(file.path)
    return {name: tuple(paths) for name, paths in found.items()}
