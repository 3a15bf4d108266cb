"""The subject of a command: how it is named, what may be said besides, and how it is got at."""

import argparse
import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from witchery.build.subjects.subject import USUAL, Kind, Means, named, open_subject
from witchery.cli import locked
from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.registry.registries import Registries
    from witchery.build.request import Request
    from witchery.build.subjects.subject import Subject


def add_subject(parser: argparse.ArgumentParser, takes: Collection[Kind] = USUAL) -> None:
    """What is asked about; `add_ways` goes with it, after the command's own options."""
    shared.add_source(parser, help_text=named(takes))


def add_ways(parser: argparse.ArgumentParser) -> None:
    """What may be said of subjects: what goes into those that are built, and how all are got at."""
    shared.add_packages(parser)
    shared.add_application(parser)
    locked.add_lock(parser)
    shared.add_registry(shared.add_trust(parser))


@contextmanager
def reaching(options: argparse.Namespace, console: Console, *, quiet: bool = False) -> Iterator[Means]:
    """What it takes to get at subjects; they can be asked for as long as the block lasts.

    Args:
        options: The options.
        console: Is told what is assumed of a source.
        quiet: Whether it is not, as the command says it itself.

    Raises:
        UsageError: if the options or the environment are unusable.
    """
    from witchery.arch import Arch
    from witchery.build.request import parse_archs
    from witchery.cli.request import open_request, open_requests
    from witchery.cli.workshop import open_registries, open_workshop

    host = Arch.parse(os.uname().machine)

    def read(requests: "tuple[Request, ...]", of_one: argparse.Namespace) -> "tuple[Request, ...]":
        found = locked.with_lock(requests, of_one, console) if "locked" in options else requests
        for note in () if quiet else found[0].notes:
            console.note(note)
        return found

    def request(text: str) -> "Request":
        of_one = _naming(options, text)
        return read((open_request(of_one),), of_one)[0]

    def requests(text: str) -> "tuple[Request, ...]":
        of_one = _naming(options, text)
        return read(open_requests(of_one), of_one)

    with ExitStack() as stack:

        @cache
        def registries() -> "Registries":
            return stack.enter_context(open_registries(options, console))

        yield Means(
            workshop=open_workshop(options, console),
            registries=registries,
            host=host,
            archs=parse_archs(options.arch, host.apk),
            request=request,
            requests=requests,
            mirrors=locked.mirrors(options) if "mirrors" in options else (),
        )


@contextmanager
def opened(
    options: argparse.Namespace, console: Console, takes: Collection[Kind] = USUAL
) -> "Iterator[Subject]":
    """The subject that the options name; it can be asked for as long as the block lasts.

    Raises:
        UsageError: if it is none of what the command takes, or the options are unusable.
    """
    with reaching(options, console) as means:
        yield open_subject(options.source, means, takes)


def warn(subject: "Subject", console: Console) -> None:
    """Says what may not be what was meant, where the subject is an image that is composed here."""
    from witchery.build.subjects.source_subject import SourceSubject

    for warning in subject.built.warnings if isinstance(subject, SourceSubject) else ():
        console.warn(warning)


def _naming(options: argparse.Namespace, text: str) -> argparse.Namespace:
    """The options, where the source is another."""
    return argparse.Namespace(**(vars(options) | {"source": text}))
