"""From options to what is asked about: the packages of a source, a lock or an image."""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.cli import locked, vuln_options
from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.subject import Subject
    from witchery.vulns.finding import Finding


def add_subject(parser: argparse.ArgumentParser, *, vulnerabilities: bool = True) -> None:
    """What is asked about, and how it is reached."""
    shared.add_source(parser, help_text="an image, a lock (*.lock.json), an application or a configuration")
    shared.add_packages(parser)
    shared.add_application(parser)
    locked.add_lock(parser)
    shared.add_registry(shared.add_trust(parser))
    if vulnerabilities:
        vuln_options.add_data(parser)
    shared.add_talk(parser)


@contextmanager
def opened(options: argparse.Namespace, console: Console) -> "Iterator[Subject]":
    """What the options name; it can be asked about for as long as the block lasts.

    Raises:
        UsageError: if they name something else, or several architectures.
        WitcheryError: if it is unusable.
    """
    from witchery.arch import Arch
    from witchery.build.scanning import is_image
    from witchery.build.vuln_sources import LOCK_SUFFIX
    from witchery.cli.request import only_arch
    from witchery.cli.workshop import open_registries, open_workshop

    host = Arch.parse(os.uname().machine)
    arch = only_arch(options, host)
    if is_image(options.source):
        from witchery.build.image_subject import of_image

        refuse_registry_offline(options, options.source)
        with open_registries(options, console) as registries:
            yield _warned(of_image(options.source, arch, host, registries), console)
        return
    from witchery.build import subject

    workshop = open_workshop(options, console)
    if options.source.endswith(LOCK_SUFFIX):
        yield _warned(subject.of_lock(Path(options.source), arch, host, workshop), console)
        return
    from witchery.cli.request import open_request

    (request,) = locked.with_lock([open_request(options)], options, console)
    for note in request.notes:
        console.note(note)
    yield _warned(subject.of_request(request, workshop), console)


def refuse_registry_offline(options: argparse.Namespace, place: str) -> None:
    """Refuses an image in a registry where there is to be no network.

    Raises:
        UsageError: if it is one.
    """
    if options.offline and place.startswith("docker:"):
        from witchery.errors import UsageError

        raise UsageError(f"a registry is not reached without the network: `{place}`")


def _warned(subject: "Subject", console: Console) -> "Subject":
    for warning in subject.warnings:
        console.warn(warning)
    return subject


def missing(text: str, subject: "Subject", similar: "Sequence[str]", console: Console) -> None:
    """Says that something is not there, and what is that looks like it."""
    console.object(f"not in {subject.name}: `{text}`")
    if similar:
        names = ", ".join(f"`{each}`" for each in similar)
        console.say(f"{console.styled('hint', '  hint:')} there is {names}")


def findings(
    options: argparse.Namespace, subject: "Subject", console: Console, *, wanted: bool
) -> "tuple[Finding, ...] | None":
    """The vulnerabilities of what is asked about; None where nobody asked for them.

    Args:
        options: What data there is.
        subject: What is asked about.
        console: Is told what one has to know of the result.
        wanted: Whether they are needed even where the options name no data.

    Raises:
        WitcheryError: if the data cannot be had.
    """
    if not wanted and not options.db:
        return None
    from witchery.build.vulns import examine
    from witchery.cli import vulns
    from witchery.cli.workshop import open_workshop

    workshop = open_workshop(options, console)
    options.arch = [subject.arch.apk]
    release = vulns.release_of(options)
    subjects = vulns.subjects_of(options, workshop, console)
    subjects = tuple(each.of_release(release) for each in subjects) if release else subjects
    examined = examine(subjects, workshop.access(), vuln_options.sources(options), time=workshop.source_date)
    for warning in examined.warnings:
        console.warn(warning)
    return examined.findings
