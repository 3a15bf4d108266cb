"""From options and environment to a workshop: the one place where the environment is read."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.build.workshop import Workshop
from witchery.cli.console import Console
from witchery.errors import UsageError
from witchery.net.reporter import Reporter

if TYPE_CHECKING:
    from witchery.build.registry.registries import Registries


def open_workshop(options: argparse.Namespace, console: Console) -> Workshop:
    """The workshop that the options ask for.

    Raises:
        UsageError: if the environment holds something unusable.
    """
    return Workshop(
        cache=options.cache_dir or default_cache(),
        environ=os.environ,
        keys=tuple(getattr(options, "keys", ())),
        offline=getattr(options, "offline", False),
        allow_untrusted=getattr(options, "allow_untrusted", False),
        reporter=_reporter(console),
        source_date=source_date(),
    )


def open_registries(options: argparse.Namespace, console: Console) -> "Registries":
    """How registries are reached, as the options and the environment say.

    Raises:
        UsageError: if the environment holds something unusable.
    """
    from witchery.build.registry.registries import Registries
    from witchery.repository.cache import Cache

    return Registries(
        environ=os.environ,
        cache=Cache(getattr(options, "cache_dir", None) or default_cache()),
        reporter=_reporter(console),
        plain_http=options.plain_http,
    )


def default_cache() -> Path:
    """`$XDG_CACHE_HOME/witchery`, or `~/.cache/witchery` (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = Path(base) if base.startswith("/") else Path.home() / ".cache"
    return folder / "witchery"


def source_date() -> int | None:
    """`$SOURCE_DATE_EPOCH`, in seconds since 1970; None where it is not set.

    Raises:
        UsageError: if it is no such number.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not text.isdigit() or len(text) > 11:
        raise UsageError(f"`SOURCE_DATE_EPOCH` is not a number of seconds: `{text}`")
    return int(text)


def _reporter(console: Console) -> Reporter:
    """Bars on a terminal, lines elsewhere, nothing but warnings where the user wants quiet."""
    if not console.quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from witchery.cli.progress import Bars

        return Bars(console)
    from witchery.cli.progress import Lines

    return Lines(console)
