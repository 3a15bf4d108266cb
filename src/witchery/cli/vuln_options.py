"""Options of commands that look up vulnerabilities."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from witchery.build.request import Request
    from witchery.build.subjects.subject import Subject
    from witchery.build.vulns.examining import Examined, Sources


def add_data(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Where data about Alpine's packages comes from, and what is known not to count."""
    group = parser.add_argument_group("vulnerabilities")
    group.add_argument(
        "--db",
        metavar="PLACE",
        default="",
        help="Alpine's security database: a folder with v3.22/main.json or main.json (or .yaml), or the URL"
        " of a mirror; default: https://secdb.alpinelinux.org",
    )
    group.add_argument(
        "--rejections",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="what Alpine's security team has rejected, in place of what its server has; repeatable",
    )
    group.add_argument(
        "--vex",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="OpenVEX: what is not affected, or fixed, does not count; repeatable",
    )
    return group


def sources(options: argparse.Namespace) -> "Sources":
    """Where the options say that data comes from."""
    from witchery.build.vulns.examining import Sources

    return Sources(
        db=options.db,
        rejections=tuple(options.rejections),
        osv=tuple(getattr(options, "osv", ())),
        epss=getattr(options, "epss", None),
        kev=getattr(options, "kev", None),
        vex=tuple(options.vex),
    )


def examined(
    options: argparse.Namespace, subject: "Subject", *, every: bool = False, own: Sequence[str] = ()
) -> "Examined":
    """What is known of a subject to be vulnerable, in the data that the options name.

    Args:
        options: The options.
        subject: What is looked up.
        every: Whether every architecture is looked up that is asked for, or that there is; otherwise one.
        own: Packages that are not Alpine's, by name or pattern.

    Raises:
        WitcheryError: if the subject is unusable, or the data cannot be had.
    """
    from witchery.build.locks.files import read_lock
    from witchery.build.subjects.subject import is_image
    from witchery.build.vulns.examining import examine
    from witchery.build.vulns.sources import looked_up

    release, workshop = release_of(options), subject.workshop
    lock = read_lock(options.lock) if options.lock and is_image(subject.name) else None
    scanned = bool(getattr(options, "osv", ()))
    found = looked_up(subject, every=every, release=release, lock=lock, components=scanned)
    found = tuple(each.with_own(own).of_release(release) for each in found)
    return examine(found, workshop.access(), sources(options), time=workshop.source_date)


def release_of(options: argparse.Namespace) -> str:
    """The branch of Alpine that the options name, or an empty string.

    Raises:
        FormatError: if they name something else.
    """
    from witchery.errors import located
    from witchery.vulns.release import branch_of

    with located("--release"):
        return branch_of(options.release) if options.release else ""


def add_condition(parser: argparse.ArgumentParser) -> None:
    """A condition of the solution, and its data."""
    group = add_data(parser)
    group.add_argument(
        "--no-fixable-vulns",
        action="store_true",
        help="take no package with a known vulnerability that is fixed; an error where there is no other",
    )


def with_condition(requests: "Sequence[Request]", options: argparse.Namespace) -> "tuple[Request, ...]":
    """The requests, with the condition where the options say so.

    Raises:
        UsageError: if data is named, and nothing is to be looked up in it.
        WitcheryError: if a VEX document is unusable.
    """
    if not options.no_fixable_vulns:
        if options.db or options.rejections or options.vex:
            from witchery.errors import UsageError

            raise UsageError("nothing is looked up in the data", hint="give `--no-fixable-vulns` too")
        return tuple(requests)
    from witchery.build.vulns.condition import Condition
    from witchery.value import replace

    condition = Condition(sources(options))
    return tuple(replace(request, condition=condition) for request in requests)
