"""From options to a request: what to build."""

import argparse
import os
from pathlib import Path

from witchery.arch import Arch
from witchery.build.request import Request, Wishes, parse_archs, parse_variables, read_request, read_requests
from witchery.cli.user_config import read_user_config
from witchery.config import user
from witchery.errors import UsageError, located
from witchery.payload.options import Acknowledgement, ScanOptions


def open_requests(options: argparse.Namespace) -> tuple[Request, ...]:
    """The requests that the options make, one for each architecture.

    Raises:
        WitcheryError: if the configuration or an option is unusable.
    """
    return read_requests(Path(options.source), host=os.uname().machine, wishes=_wishes(options))


def open_request(options: argparse.Namespace) -> Request:
    """The one request that the options make, where one architecture is looked at.

    Raises:
        WitcheryError: if the configuration or an option is unusable.
    """
    return read_request(Path(options.source), host=os.uname().machine, wishes=_wishes(options))


def _wishes(options: argparse.Namespace) -> Wishes:
    preferred = read_user_config()
    return Wishes(
        archs=options.arch,
        variables=parse_variables(options.variables),
        packages=getattr(options, "package", ()),
        repositories=getattr(options, "repository", ()),
        release=_release(getattr(options, "release", "")),
        usual_release=preferred.release,
        mirror=preferred.mirror,
        entrypoint=_words(getattr(options, "entrypoint", "")),
        allow_gcompat=getattr(options, "allow_gcompat", False),
        rewrite_shebangs=getattr(options, "rewrite_shebangs", False),
        acknowledged=getattr(options, "acknowledge", ()),
        accept_suggestions=getattr(options, "accept_suggestions", False),
    )


def chosen_arch(options: argparse.Namespace) -> Arch | None:
    """As `only_arch`, on this machine."""
    return only_arch(options, Arch.parse(os.uname().machine)) if options.arch else None


def only_arch(options: argparse.Namespace, host: Arch) -> Arch | None:
    """The architecture that the options name; None if they name none.

    Raises:
        UsageError: if they name several.
    """
    named = parse_archs(options.arch, host.apk)
    if len(named) > 1:
        raise UsageError(f"one architecture at a time is looked at: `--arch {','.join(options.arch)}`")
    return named[0] if named else None


def scan_options(options: argparse.Namespace) -> ScanOptions:
    """What the options let pass."""
    return ScanOptions(
        allow_gcompat=options.allow_gcompat,
        rewrite_shebangs=options.rewrite_shebangs,
        acknowledged=tuple(Acknowledgement.checked(*each) for each in options.acknowledge),
    )


def _release(text: str) -> str:
    if not text:
        return ""
    with located("--release"):
        return user.release(text)


def _words(command: str) -> list[str]:
    if not command:
        return []
    import shlex

    try:
        return shlex.split(command)
    except ValueError as error:
        raise UsageError(f"`--entrypoint` is not a command line: `{command}`") from error
