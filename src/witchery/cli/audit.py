"""Audit an image: how its programs are hardened, and what in it may serve an attacker.

SOURCE is an image (oci:DIR, an archive, rootfs:DIR, docker://REF), a lock (*.lock.json), or an application
or configuration, which is built for it and goes nowhere. Every ELF file is read. The score begins at 100,
each rule takes its points, and the table shows how many and for what. An item that does not apply is n/a and
costs nothing: musl's fortified functions leave no trace, so they are never said to be missing.

Findings that are known are let pass by `audit.waivers` in a configuration, with a reason and a last day. The
exit status is 1 where `--fail-on` is met.
"""

import argparse
import time
from pathlib import Path

from witchery.cli import audit_report, subjects
from witchery.cli import options as shared
from witchery.cli.console import Console

EXAMPLE = """\
example:
  witchery audit oci:app
  witchery audit oci:app --waivers witchery.yaml --fail-on high --fail-on 80
  witchery audit docker://registry.example.org/team/app:1.2 --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    subjects.add_subject(parser)
    parser.add_argument(
        "--fail-on",
        metavar="WHAT",
        action="append",
        default=[],
        help="exit with 1 on such findings: high, medium, low, note (or worse), any (but notes), a rule such"
        " as setuid; or on a score below a number; repeatable",
    )
    parser.add_argument(
        "--waivers",
        metavar="FILE",
        type=Path,
        help="a configuration whose `audit.waivers` let findings pass; default: SOURCE, if it is one",
    )
    parser.add_argument("--sarif", action="store_true", help="results as SARIF 2.1.0")
    subjects.add_ways(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Audits it."""
    from witchery.audit import gate
    from witchery.build.auditing import examine, read_waivers
    from witchery.build.request import parse_variables
    from witchery.build.subjects.subject import open_subject
    from witchery.cli.workshop import source_date

    wanted = [gate.checked(word) for word in options.fail_on]
    waivers = read_waivers(options.waivers, parse_variables(options.variables)) if options.waivers else None
    date = source_date()
    now = int(time.time()) if date is None else date
    with subjects.reaching(options, console, quiet=True) as means:
        found = examine(open_subject(options.source, means), waivers=waivers, time=now)
    failing = gate.met(found, wanted)
    for note in found.survey.notes:
        console.note(note)
    if options.sarif:
        console.document(audit_report.sarif(found))
    elif options.json:
        console.document(audit_report.document(found, failing))
    else:
        audit_report.tell(found, console)
    if failing:
        console.say(f"met: --fail-on {','.join(failing)}")
    return 1 if failing else 0
