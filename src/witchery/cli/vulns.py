"""Look up the known vulnerabilities of an image, of a lock, or of what a source would come to.

SOURCE is an image (oci:DIR, an archive, rootfs:DIR, docker://REF), a lock (*.lock.json), or an application or
configuration, which is solved for and not built. Alpine's packages are looked up in Alpine's security
database: by the source package that they were built from, for their release and architecture. It lists what
was fixed, so what is not in it may be there all the same. What the application is made of is looked up in OSV
records, if given.

The exit status is 1 where something is found that `--fail-on` names.
"""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from witchery.cli import locked, vuln_options, vuln_report
from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.vuln_subjects import Subject
    from witchery.build.workshop import Workshop

EXAMPLE = """\
example:
  witchery vulns oci:app
  witchery vulns witchery.lock.json --fail-on any
  witchery vulns docker://registry.example.org/team/app:1.2 --db secdb --vex app.openvex.json --sarif
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    shared.add_source(parser, help_text="an image, a lock (*.lock.json), an application or a configuration")
    parser.add_argument(
        "--fail-on",
        metavar="WHAT",
        action="append",
        default=[],
        help="exit with 1 on such findings: any, fixable, kev, low, medium, high, critical, or a name such as"
        " CVE-2024-1234; repeatable. A severity that nobody has published counts as each of them",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--sarif", action="store_true", help="results as SARIF 2.1.0")
    form.add_argument("--openvex", action="store_true", help="results as OpenVEX 0.2.0")
    parser.add_argument(
        "--author", default="witchery", help="who makes the statements of `--openvex`; default: witchery"
    )
    data = vuln_options.add_data(parser)
    data.add_argument(
        "--osv",
        metavar="PATH",
        type=Path,
        action="append",
        default=[],
        help="OSV records for what the application is made of, and for severities: a file, a folder or an"
        " all.zip; repeatable",
    )
    data.add_argument("--epss", metavar="FILE", type=Path, help="scores of EPSS: *.csv or *.csv.gz")
    data.add_argument("--kev", metavar="FILE", type=Path, help="CISA's catalogue of what is exploited")
    data.add_argument(
        "--own",
        metavar="NAME",
        action="append",
        default=[],
        help="a package that is your own and not Alpine's, by name or pattern; repeatable",
    )
    shared.add_packages(parser)
    shared.add_application(parser)
    locked.add_lock(parser)
    shared.add_registry(shared.add_trust(parser))
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Looks it up."""
    from witchery.build.vulns import examine
    from witchery.cli.workshop import open_workshop
    from witchery.vulns import gate

    wanted = [gate.checked(word) for word in options.fail_on]
    workshop = open_workshop(options, console)
    subjects = [each.with_own(options.own) for each in subjects_of(options, workshop, console)]
    if release := release_of(options):
        subjects = [each.of_release(release) for each in subjects]
    examined = examine(subjects, workshop.access(), vuln_options.sources(options), time=workshop.source_date)
    failing = gate.met(examined.findings, wanted)
    for warning in examined.warnings:
        console.warn(warning)
    if unrated := gate.unrated(failing, wanted):
        console.warn(
            f"nobody says how bad {unrated} of the findings are, so they count: `--osv` gives severities"
        )
    if document := _document(options, examined, failing):
        console.document(document)
    else:
        vuln_report.tell(examined, console)
    if failing:
        console.say(f"{len({each.id for each in failing})} count for `--fail-on {','.join(wanted)}`")
    return 1 if failing else 0


def _document(options: argparse.Namespace, examined: Any, failing: Any) -> Any:
    """What a program gets; None where a person reads."""
    if options.sarif:
        return vuln_report.sarif(examined)
    if options.openvex:
        return vuln_report.openvex(examined, options.author)
    return vuln_report.document(examined, failing) if options.json else None


def subjects_of(options: argparse.Namespace, workshop: "Workshop", console: Console) -> "tuple[Subject, ...]":
    """What the options name, to be looked up.

    Raises:
        WitcheryError: if it is unusable.
    """
    from witchery.arch import Arch
    from witchery.build import vuln_sources
    from witchery.build.request import parse_archs
    from witchery.build.scanning import is_image
    from witchery.cli.request import open_requests

    host = os.uname().machine
    if is_image(options.source):
        return _image(options, console)
    if options.source.endswith(vuln_sources.LOCK_SUFFIX):
        return vuln_sources.of_lock(Path(options.source), parse_archs(options.arch, Arch.parse(host).apk))
    requests = locked.with_lock(open_requests(options), options, console)
    for note in requests[0].notes:
        console.note(note)
    return vuln_sources.of_requests(requests, workshop)


def release_of(options: argparse.Namespace) -> str:
    """The branch of Alpine that the options name, or an empty string.

    Raises:
        FormatError: if they name something else.
    """
    from witchery.errors import located
    from witchery.vulns.release import branch_of

    with located("--release"):
        return branch_of(options.release) if options.release else ""


def _image(options: argparse.Namespace, console: Console) -> "tuple[Subject, ...]":
    from witchery.build import vuln_images, vuln_sources
    from witchery.cli.request import chosen_arch
    from witchery.cli.workshop import open_registries
    from witchery.errors import UsageError

    if options.offline and options.source.startswith("docker:"):
        raise UsageError(f"a registry is not reached without the network: `{options.source}`")
    lock = vuln_sources.read_lock(options.lock) if options.lock else None
    with open_registries(options, console) as registries:
        subjects = vuln_images.of_image(
            options.source, chosen_arch(options), registries, release=release_of(options), lock=lock
        )
        if getattr(options, "osv", ()):
            subjects = tuple(vuln_sources.with_components(each, registries) for each in subjects)
    return subjects
