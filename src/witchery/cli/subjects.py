"""Subjects of commands that ask about an image: what looking at one takes, from the options."""

import argparse
import os
from typing import TYPE_CHECKING

from witchery.cli import locked
from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from witchery.build.registries import Registries
    from witchery.build.request import Request
    from witchery.build.surveying import Means

HELP = "an image, a lock (*.lock.json), an application or a configuration"


def add_building(parser: argparse.ArgumentParser) -> None:
    """The options for subjects that are built first."""
    shared.add_packages(parser)
    shared.add_application(parser)
    locked.add_lock(parser)
    shared.add_registry(shared.add_trust(parser))


def means(options: argparse.Namespace, console: Console, *, fetch: bool = True) -> "Means":
    """What it takes to look at the subjects that the options name.

    Args:
        options: The options.
        console: Is told what is assumed.
        fetch: Whether the packages of a lock are fetched.

    Raises:
        UsageError: if they name several architectures.
    """
    from witchery.arch import Arch
    from witchery.build.surveying import Means
    from witchery.cli.request import only_arch, open_request
    from witchery.cli.workshop import open_registries, open_workshop
    from witchery.errors import UsageError

    host = Arch.parse(os.uname().machine)

    def request(subject: str) -> "Request":
        of_one = argparse.Namespace(**(vars(options) | {"source": subject}))
        return locked.with_lock((open_request(of_one),), of_one, console)[0]

    def registries() -> "Registries":
        if options.offline and any(each.startswith("docker:") for each in _named(options)):
            raise UsageError("a registry is not reached without the network")
        return open_registries(options, console)

    return Means(
        request=request,
        workshop=lambda: open_workshop(options, console),
        registries=registries,
        arch=only_arch(options, host),
        host=host,
        fetch=fetch,
    )


def _named(options: argparse.Namespace) -> "Iterator[str]":
    """What the options name, of whatever kind."""
    return (getattr(options, name, "") for name in ("source", "before", "after", "diff"))
