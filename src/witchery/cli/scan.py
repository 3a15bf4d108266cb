"""Look into an application, a package or an image: what it is, what it needs and why, what is wrong.

SOURCE is a file or a folder, a configuration that names an application, a package (*.apk), or an image
(oci:DIR, an archive, rootfs:DIR, docker://REF). Nothing is built; only for an image in a registry a network
is needed. In an image every program and library is linked on paper: would it load? The exit status is 1
where an error was found.
"""

import argparse
from typing import TYPE_CHECKING, Any

from witchery.build.subjects.subject import SCANNED, named
from witchery.cli import options as shared
from witchery.cli import subjects
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.scanning import Scanned

EXAMPLE = """\
example:
  witchery scan ./dist/hello
  witchery scan oci:hello --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    shared.add_source(parser, help_text=named(SCANNED))
    shared.add_scan(parser.add_argument_group("application"))
    shared.add_registry(parser)
    shared.add_cache(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Scans it."""
    from witchery.build.scanning import scanning
    from witchery.cli.request import scan_options
    from witchery.payload.findings import Severity

    let_pass = scan_options(options)
    with (
        subjects.reaching(options, console) as means,
        scanning(options.source, means, let_pass) as scanned,
    ):
        if options.json:
            console.document(_document(scanned))
        else:
            _tell(scanned, console)
        return int(any(each.severity is Severity.ERROR for each in scanned.findings))


def _tell(scanned: "Scanned", console: Console) -> None:
    from witchery.cli.payload import explain_report, tell_findings
    from witchery.cli.rendering import counted_as, size

    files = [each for each in scanned.payload if each.is_file]
    explain_report(scanned.payload.name, scanned.report, console)
    tell_findings(scanned.linking, console)
    console.say(f"{counted_as(len(files), 'file')}, {size(sum(each.content.size for each in files))}")
    if scanned.proof is not None:
        linked = [each for each in scanned.proof if each.objects]
        console.say(f"{len(linked)} programs and libraries linked, {len(scanned.proof.failing)} do not load")


def _document(scanned: "Scanned") -> dict[str, Any]:
    from witchery.cli.payload import finding_document, report_document

    return {
        "schema": "dev.witchery.scan/1",
        "name": scanned.payload.name,
        "arch": scanned.payload.arch.apk,
        **report_document(scanned.report),
        "findings": [finding_document(each) for each in scanned.findings],
        "linked": [
            {
                "path": each.path,
                "verdict": each.verdict.value,
                "host": each.host,
                "objects": list(each.objects),
                "problems": [str(problem) for problem in each.problems],
            }
            for each in scanned.proof or ()
        ],
    }
