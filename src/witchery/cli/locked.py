"""Options of commands that build from a lock."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.value import replace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from witchery.arch import Arch
    from witchery.build.request import Request
    from witchery.cli.console import Console
    from witchery.oci.transport import Transport
    from witchery.repository.location import Repository

_IMAGES = ("docker:", "oci:", "oci-archive:", "docker-archive:")


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
        help="take locked packages first from a mirror (folder or URL), or from an image that has them"
        " (docker://REF, oci:DIR, oci-archive:FILE); repeatable",
    )


def mirrors(options: argparse.Namespace) -> "tuple[Repository, ...]":
    """The repositories that the options name for locked packages.

    Raises:
        FormatError: if one is none.
    """
    from witchery.repository.location import Repository

    places = [each for each in options.mirrors if not each.startswith(_IMAGES)]
    return tuple(Repository.parse(each, folder=Path()) for each in places)


def images(options: argparse.Namespace) -> "tuple[Transport, ...]":
    """The images that the options name for locked packages.

    Raises:
        UsageError: if one cannot be reached without the network, and there is to be none.
    """
    from witchery.errors import UsageError
    from witchery.oci import transport

    places = [each for each in options.mirrors if each.startswith(_IMAGES)]
    for place in places:
        if options.offline and place.startswith("docker:"):
            raise UsageError(f"a registry is not reached without the network: `{place}`")
    return tuple(map(transport.parse, places))


def take_from_images(
    options: argparse.Namespace, console: "Console", locks: "Iterable[Mapping[Arch, Collection[bytes]]]"
) -> None:
    """Brings the packages of locks into the cache, out of the images that the options name.

    Args:
        options: The options.
        console: Is told how many there were.
        locks: The identities of packages, by architecture; of each lock.

    Raises:
        UsageError: if that needs the network, and there is to be none.
        WitcheryError: if an image cannot be read, or a package in it is not what its evidence says.
    """
    places = images(options)
    if not places:
        return
    from witchery.build.image_packages import take
    from witchery.cli.rendering import counted_as
    from witchery.cli.workshop import open_registries

    wanted: dict[Arch, set[bytes]] = {}
    for lock in locks:
        for arch, names in lock.items():
            wanted.setdefault(arch, set()).update(names)
    with open_registries(options, console) as registries:
        for place in places:
            count = take(place, wanted, registries)
            console.say(f"{counted_as(count, 'package')} from {place}")


def with_lock(
    requests: "Sequence[Request]", options: argparse.Namespace, console: "Console"
) -> "tuple[Request, ...]":
    """The requests, to be built from a lock where the options say so.

    Raises:
        WitcheryError: if the lock is unusable.
    """
    if not options.locked and options.lock is None:
        if options.mirrors:
            from witchery.errors import UsageError

            raise UsageError("`--from` says where the packages of a lock are", hint="give `--locked` too")
        return tuple(requests)
    from witchery.build.locks.apko_locked import ApkoUse
    from witchery.build.locks.files import default_path, read_any
    from witchery.build.locks.locked import LockUse

    path = options.lock or default_path(Path(options.source))
    places = mirrors(options)
    found = read_any(path)
    use: LockUse | ApkoUse
    if isinstance(found, tuple):
        use = ApkoUse(packages=found, path=path, mirrors=places)
    else:
        use = LockUse(lock=found, path=path, mirrors=places)
    archs = {request.arch for request in requests}
    wanted = {arch: names for arch, names in use.identities.items() if arch in archs}
    take_from_images(options, console, [wanted])
    return tuple(replace(request, lock=use) for request in requests)
