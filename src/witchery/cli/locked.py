"""Options of commands that build from a lock."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.value import replace

if TYPE_CHECKING:
    from witchery.build.request import Request
    from witchery.repository.location import Repository


def add_lock(parser: argparse.ArgumentParser) -> None:
    """Which lock, and where its packages may be besides."""
    group = parser.add_argument_group("lock")
    group.add_argument(
        "--locked", action="store_true", help="build exactly what witchery.lock.json beside SOURCE says"
    )
    add_file(group)
    add_mirrors(group)


def add_file(parser: argparse._ActionsContainer) -> None:
    """Another lock file."""
    parser.add_argument(
        "--lock", metavar="FILE", type=Path, help="a lock in place of witchery.lock.json beside SOURCE"
    )


def add_mirrors(parser: argparse._ActionsContainer) -> None:
    """Where locked packages may be besides."""
    parser.add_argument(
        "--from",
        metavar="PLACE",
        action="append",
        default=[],
        dest="mirrors",
        help="take locked packages from a mirror (folder or URL) first; repeatable",
    )


def mirrors(options: argparse.Namespace) -> "tuple[Repository, ...]":
    """Where the options say that locked packages are.

    Raises:
        UsageError: if that is a registry.
        FormatError: if it is no place at all.
    """
    from witchery.errors import UsageError
    from witchery.repository.location import Repository

    for place in options.mirrors:
        if place.startswith("docker://"):
            raise UsageError(
                f"packages are not taken from a registry: `{place}`",
                hint="an image has their files, not what is signed; `witchery mirror` keeps both",
            )
    return tuple(Repository.parse(each, folder=Path()) for each in options.mirrors)


def with_lock(requests: "Sequence[Request]", options: argparse.Namespace) -> "tuple[Request, ...]":
    """The requests, to be built from a lock where the options say so.

    Raises:
        WitcheryError: if the lock is unusable.
    """
    if not options.locked and options.lock is None:
        if options.mirrors:
            from witchery.errors import UsageError

            raise UsageError("`--from` says where the packages of a lock are", hint="give `--locked` too")
        return tuple(requests)
    from witchery.build.apko_locked import ApkoUse
    from witchery.build.lock_files import default_path, read_any
    from witchery.build.locked import LockUse

    path = options.lock or default_path(Path(options.source))
    places = mirrors(options)
    found = read_any(path)
    use: LockUse | ApkoUse
    if isinstance(found, tuple):
        use = ApkoUse(packages=found, path=path, mirrors=places)
    else:
        use = LockUse(lock=found, path=path, mirrors=places)
    return tuple(replace(request, lock=use) for request in requests)
