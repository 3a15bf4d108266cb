"""Look up which known vulnerabilities an image, a lock, or what a source would come to, has.

SUBJECT is an image (oci:DIR, an archive, rootfs:DIR, docker://REF), a lock (*.lock.json), or a source, which
is solved for and not built. Packages of Alpine are looked up in Alpine's security database: by the source
package that they were built from, for their release and architecture. It lists what has been fixed, so that
something is not in it does not mean that it is not there.

The exit status is 1 where something is found that `--fail-on` names.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.vuln_subjects import Subject
    from witchery.build.vulns import Examined
    from witchery.vulns.finding import Finding

EXAMPLE = """\
example:
  witchery vulns oci:app
  witchery vulns witchery.lock.json --fail-on any
  witchery vulns docker://registry.example.org/team/app:1.2 --offline --db secdb --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    shared.add_source(parser, help_text="an image, a lock (*.lock.json), an application or a configuration")
    add_data(parser)
    shared.add_packages(parser)
    shared.add_registry(shared.add_trust(parser))
    shared.add_talk(parser)


def add_data(parser: argparse.ArgumentParser) -> None:
    """Where data about vulnerabilities comes from."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "--db",
        metavar="PLACE",
        default="",
        help="Alpine's security database: a folder with v3.19/main.json or main.json (or .yaml), or the URL of"
        " a mirror; default: Alpine's server",
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """Looks it up."""
    from witchery.build.vulns import Sources, examine
    from witchery.cli.workshop import open_workshop

    workshop = open_workshop(options, console)
    subjects = _subjects(options, console)
    examined = examine(subjects, workshop.access(), Sources(db=options.db))
    for warning in examined.warnings:
        console.warn(warning)
    if options.json:
        console.document(document(examined))
    else:
        tell(examined, console)
    return 0


def _subjects(options: argparse.Namespace, console: Console) -> "tuple[Subject, ...]":
    """What the options name."""
    from witchery.build import vuln_subjects
    from witchery.build.scanning import is_image
    from witchery.cli.request import chosen_arch
    from witchery.cli.workshop import open_registries

    if is_image(options.source):
        return (
            vuln_subjects.of_image(
                options.source,
                chosen_arch(options),
                lambda: open_registries(options, console),
                release=options.release,
            ),
        )
    raise NotImplementedError


def tell(examined: "Examined", console: Console) -> None:
    """The findings as a table, and what was looked up in what."""
    from witchery.cli.rendering import counted_as, table

    if examined.findings:
        head = ("PACKAGE", "INSTALLED", "FIXED IN", "VULNERABILITY", "SEVERITY")
        console.result(table([head, *_rows(examined.findings)]))
    console.say(
        f"{counted_as(examined.checked, 'package')} looked up in"
        f" {', '.join(each.secdb.name for each in examined.data.sources) or 'nothing'}"
    )


def _rows(findings: "tuple[Finding, ...]") -> list[tuple[str, ...]]:
    return [(each.package, each.version, each.fixed, each.id, each.severity.value) for each in findings]


def document(examined: "Examined") -> dict[str, Any]:
    """What was found, for a program."""
    return {
        "schema": "dev.witchery.vulns/1",
        "findings": [{"id": each.id, "package": each.package} for each in examined.findings],
    }
