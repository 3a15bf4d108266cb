"""Write everything about an image into one page of HTML, which needs no network and no other file.

SOURCE is an image (oci:DIR, an archive, rootfs:DIR, docker://REF), a lock (*.lock.json), or an application or
configuration, which is built for it and goes nowhere. What cannot be told of a source is said to be absent,
with the reason: an image that was composed elsewhere says nothing of install scripts, a lock has no layers.

Vulnerabilities are looked up in Alpine's security database, or what `--db` names, as `vulns` does. An image
is verified as by `verify --allow-payload`: the page says what came of it, and the exit status does not.
"""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.cli import options as shared
from witchery.cli import subjects, vuln_options
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.subjects.subject import Means, Subject
    from witchery.report.model import Report

EXAMPLE = """\
example:
  witchery report oci:app
  witchery report witchery.yaml --locked -o app.html --db secdb
  witchery report docker://registry.example.org/team/app:1.3 --diff docker://registry.example.org/team/app:1.2
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    subjects.add_subject(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="the page; default: the name of SOURCE, `.html`"
    )
    parser.add_argument("--diff", metavar="IMAGE", default="", help="another image, to list what has changed")
    subjects.add_ways(parser)
    vuln_options.add_data(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Writes it."""
    from witchery.build.report_parts import assets
    from witchery.build.subjects.subject import open_subject
    from witchery.report.document import document
    from witchery.report.page import page
    from witchery.store import atomic

    with subjects.reaching(options, console, quiet=True) as means:
        subject = open_subject(options.source, means)
        report = _audited(_report(subject, means, options, console), subject)
        if options.diff:
            report = _compared(report, subject, means, options)
    if options.json:
        console.document(document(report))
        if options.output is None:
            return 0
    output = options.output or Path(f"{_stem(options.source)}.html")
    atomic.write(output, page(report, assets()))
    if not options.json:
        console.result(str(output))
    return 0


def _report(subject: "Subject", means: "Means", options: argparse.Namespace, console: Console) -> "Report":
    """All that can be told of a subject by itself."""
    from witchery.build.reporting import report_on

    report = report_on(subject)
    if report.digest and report.kind == "image":
        report = _verified(report, subject, means)
    for note in report.notes:
        console.warn(note)
    return _examined(report, subject, options)


def _verified(report: "Report", subject: "Subject", means: "Means") -> "Report":
    """With what verifying an image came to."""
    from witchery.arch import Arch
    from witchery.build.report_parts import with_refusal, with_verdict
    from witchery.build.verifying import Question, verify_image
    from witchery.config.policy import Policy
    from witchery.errors import Refused
    from witchery.oci import transport
    from witchery.report.model import Absent

    question = Question(policy=Policy(payload="allow"), arch=Arch.parse(report.arch), now=_now())
    place = transport.parse(subject.name)
    try:
        _, verdicts = verify_image(place, question, means.workshop, means.registries())
    except Refused as error:
        return with_refusal(report, error)
    verdict = next((each for each in verdicts if str(each.digest) == report.digest), None)
    if verdict is None or any(each.rule == "no-evidence" for each in verdict.problems):
        from witchery.value import replace

        said = (
            "no evidence is kept beside the image, so nothing can be held against the keys of a distribution"
        )
        return replace(report, verification=Absent(said))
    return with_verdict(report, verdict)


def _examined(report: "Report", subject: "Subject", options: argparse.Namespace) -> "Report":
    """With what is known to be vulnerable, if data is at hand or can be had."""
    from witchery.build.report_parts import with_vulnerabilities
    from witchery.errors import WitcheryError
    from witchery.report.model import Absent
    from witchery.value import replace

    try:
        return with_vulnerabilities(report, vuln_options.examined(options, subject))
    except WitcheryError as error:
        if options.db or options.vex or options.rejections:
            raise
        return replace(report, vulnerabilities=Absent(f"nothing was looked up: {error}"))


def _audited(report: "Report", subject: "Subject") -> "Report":
    """With how hard it is to attack, where its files are known."""
    from witchery.build.auditing import examine
    from witchery.errors import UsageError
    from witchery.report.audits import audit_of
    from witchery.report.model import Absent
    from witchery.value import replace

    try:
        found = examine(subject, waivers=None, time=_now())
    except UsageError as error:
        return replace(report, audit=Absent(str(error)))
    return replace(report, audit=audit_of(found))


def _compared(report: "Report", subject: "Subject", means: "Means", options: argparse.Namespace) -> "Report":
    """With the differences to another image; vulnerabilities only where data is named."""
    from witchery.arch import Arch
    from witchery.build.diffing import compare
    from witchery.build.subjects.subject import open_subject
    from witchery.diff.difference import PARTS
    from witchery.report.changes import changes_of
    from witchery.value import replace

    of_one = replace(means, archs=(Arch.parse(report.arch),))
    found = compare(
        open_subject(options.diff, of_one),
        subject,
        parts=PARTS,
        sources=vuln_options.sources(options) if options.db else None,
        access=means.workshop.access,
    )
    return replace(report, changes=changes_of(found))


def _now() -> int:
    from witchery.cli.workshop import source_date

    date = source_date()
    return int(time.time()) if date is None else date


def _stem(source: str) -> str:
    """What the page of a source is called: the last part of its name, in letters that every system takes."""
    name = source.rstrip("/").rpartition("/")[2].partition("@")[0]
    for prefix in ("oci:", "oci-archive:", "docker-archive:", "rootfs:", "docker:"):
        name = name.removeprefix(prefix)
    for suffix in (".lock.json", ".yaml", ".yml", ".tar"):
        name = name.removesuffix(suffix)
    safe = "".join(each if each.isascii() and (each.isalnum() or each in "-_.") else "-" for each in name)
    return safe.strip("-.") or "report"
