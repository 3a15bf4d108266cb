"""Write everything about an image into one page of HTML, which needs no network and no other file.

SOURCE is an image (oci:DIR, an archive, rootfs:DIR, docker://REF), a lock (*.lock.json), or an application or
configuration, which is built for it and goes nowhere. What cannot be told of a source is said to be absent,
with the reason: an image that was composed elsewhere says nothing of install scripts, a lock has no layers.

Vulnerabilities are looked up in Alpine's security database, or what `--db` names, as `vulns` does. An image
is verified as by `verify --allow-payload`: the page says what came of it, and the exit status does not.
"""

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.cli import graph_subject, subjects
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.arch import Arch
    from witchery.build.surveying import Means
    from witchery.report.model import Report

EXAMPLE = """\
example:
  witchery report oci:app
  witchery report witchery.yaml --locked -o app.html --db secdb
  witchery report docker://registry.example.org/team/app:1.3 --diff docker://registry.example.org/team/app:1.2
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    graph_subject.add_subject(parser)
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="the page; default: the name of SOURCE, `.html`"
    )
    parser.add_argument("--diff", metavar="IMAGE", default="", help="another image, to list what has changed")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Writes it."""
    from witchery.arch import Arch
    from witchery.build.report_parts import assets
    from witchery.cli.request import only_arch
    from witchery.report.document import document
    from witchery.report.page import page
    from witchery.store import atomic

    host = Arch.parse(os.uname().machine)
    arch = only_arch(options, host)
    report = _audited(_report(options, console, arch, host), options, console)
    if options.diff:
        report = _compared(report, options, console)
    if options.json:
        console.document(document(report))
        if options.output is None:
            return 0
    output = options.output or Path(f"{_stem(options.source)}.html")
    atomic.write(output, page(report, assets()))
    if not options.json:
        console.result(str(output))
    return 0


def _report(options: argparse.Namespace, console: Console, arch: "Arch | None", host: "Arch") -> "Report":
    """What the options name, with all that can be told of it."""
    from witchery.build import reporting
    from witchery.build.scanning import is_image
    from witchery.build.vuln_sources import LOCK_SUFFIX
    from witchery.cli.locked import with_lock
    from witchery.cli.request import open_request
    from witchery.cli.workshop import open_registries, open_workshop

    if is_image(options.source):
        graph_subject.refuse_registry_offline(options, options.source)
        with open_registries(options, console) as registries:
            report = reporting.of_image(options.source, arch, host, registries)
        report = _verified(report, options, console)
    elif options.source.endswith(LOCK_SUFFIX):
        report = reporting.of_lock(Path(options.source), arch, host, open_workshop(options, console))
    else:
        (request,) = with_lock([open_request(options)], options, console)
        report = reporting.of_request(request, open_workshop(options, console))
    for note in report.notes:
        console.warn(note)
    return _examined(report, options, console)


def _verified(report: "Report", options: argparse.Namespace, console: Console) -> "Report":
    """With what verifying an image came to, if there is anything to verify it by."""
    from witchery.arch import Arch
    from witchery.build.report_parts import with_refusal, with_verdict
    from witchery.build.verifying import Question, verify_image
    from witchery.cli.workshop import open_registries, open_workshop
    from witchery.config.policy import Policy
    from witchery.errors import Refused
    from witchery.oci import transport
    from witchery.report.model import Absent

    if not report.digest:
        return report
    workshop = open_workshop(options, console)
    question = Question(policy=Policy(payload="allow"), arch=Arch.parse(report.arch), now=_now())
    try:
        with open_registries(options, console) as registries:
            _, verdicts = verify_image(transport.parse(options.source), question, workshop, registries)
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


def _examined(report: "Report", options: argparse.Namespace, console: Console) -> "Report":
    """With what is known to be vulnerable, if data is at hand or can be had."""
    from witchery.arch import Arch
    from witchery.build.report_parts import with_vulnerabilities
    from witchery.build.vulns import examine
    from witchery.cli import vuln_options, vulns
    from witchery.cli.workshop import open_workshop
    from witchery.errors import WitcheryError
    from witchery.report.model import Absent
    from witchery.value import replace

    named = bool(options.db or options.vex or options.rejections)
    looking = argparse.Namespace(**vars(options))
    looking.arch = [Arch.parse(report.arch).apk]
    workshop = open_workshop(options, console)
    try:
        found = vulns.subjects_of(looking, workshop, console)
        if release := vulns.release_of(looking):
            found = tuple(each.of_release(release) for each in found)
        sources = vuln_options.sources(looking)
        examined = examine(found, workshop.access(), sources, time=workshop.source_date)
    except WitcheryError as error:
        if named:
            raise
        return replace(report, vulnerabilities=Absent(f"nothing was looked up: {error}"))
    return with_vulnerabilities(report, examined)


def _audited(report: "Report", options: argparse.Namespace, console: Console) -> "Report":
    """With how hard it is to attack, where its files are known."""
    from witchery.build.auditing import examine
    from witchery.errors import UsageError
    from witchery.report.audits import audit_of
    from witchery.report.model import Absent
    from witchery.value import replace

    try:
        found = examine(options.source, _means(report, options, console), waivers=None, time=_now())
    except UsageError as error:
        return replace(report, audit=Absent(str(error)))
    return replace(report, audit=audit_of(found))


def _compared(report: "Report", options: argparse.Namespace, console: Console) -> "Report":
    """With the differences to another image; vulnerabilities only where data is named."""
    from witchery.build.diffing import compare
    from witchery.cli import vuln_options
    from witchery.cli.workshop import open_workshop
    from witchery.diff.difference import PARTS
    from witchery.report.changes import changes_of
    from witchery.value import replace

    graph_subject.refuse_registry_offline(options, options.diff)
    found = compare(
        options.diff,
        options.source,
        _means(report, options, console),
        parts=PARTS,
        sources=vuln_options.sources(options) if options.db else None,
        access=lambda: open_workshop(options, console).access(),
    )
    return replace(report, changes=changes_of(found))


def _means(report: "Report", options: argparse.Namespace, console: Console) -> "Means":
    """What it takes to look at subjects for the architecture of the report."""
    from witchery.arch import Arch

    of_one = argparse.Namespace(**vars(options))
    of_one.arch = [Arch.parse(report.arch).apk]
    return subjects.means(of_one, console)


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
