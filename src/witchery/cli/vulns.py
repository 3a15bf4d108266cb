"""Look up the known vulnerabilities of an image, of a lock, or of what a source would come to.

SOURCE is an image (oci:DIR, an archive, rootfs:DIR, docker://REF), a lock (*.lock.json), or an application or
configuration, which is solved for and not built. Alpine's packages are looked up in Alpine's security
database: by the source package that they were built from, for their release and architecture. It lists what
was fixed, so what is not in it may be there all the same. What the application is made of is looked up in OSV
records, if given.

The exit status is 1 where something is found that `--fail-on` names.
"""

import argparse
from pathlib import Path
from typing import Any

from witchery.cli import options as shared
from witchery.cli import subjects, vuln_options, vuln_report
from witchery.cli.console import Console

EXAMPLE = """\
example:
  witchery vulns oci:app
  witchery vulns witchery.lock.json --fail-on any
  witchery vulns docker://registry.example.org/team/app:1.2 --db secdb --vex app.openvex.json --sarif
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    subjects.add_subject(parser)
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
    subjects.add_ways(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Looks it up."""
    from witchery.vulns import gate

    wanted = [gate.checked(word) for word in options.fail_on]
    with subjects.opened(options, console) as subject:
        examined = vuln_options.examined(options, subject, every=True, own=options.own)
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
