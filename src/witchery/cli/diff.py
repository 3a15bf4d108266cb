"""Say what differs between two images.

BEFORE and AFTER are images (oci:DIR, an archive, rootfs:DIR, docker://REF), locks (*.lock.json), applications
or configurations; one need not be what the other is. What is not built yet is built, and goes nowhere.

Compared are packages, licences, files (not their times), how the image is started, its layers and what has to
be pulled of them, and the symbols that libraries of the same name no longer have (`abi`). With `--db` known
vulnerabilities are looked up for both. Of a lock only its packages are compared, unless `--only` names files,
abi or licences: then its packages are fetched.

As with `git diff` the exit status is 0 whether anything differs or not. With `--exit-code` it is 1 if
anything differs that was compared.
"""

import argparse

from witchery.build.subjects.subject import USUAL, named
from witchery.cli import diff_report, subjects, vuln_options
from witchery.cli import options as shared
from witchery.cli.console import Console

EXAMPLE = """\
example:
  witchery diff docker://registry.example.org/team/app:1.2 oci:app
  witchery diff oci:app witchery.yaml --only packages,abi --exit-code
  witchery diff old.lock.json witchery.lock.json --db secdb
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("before", metavar="BEFORE", help=named(USUAL))
    parser.add_argument("after", metavar="AFTER", help="what it is compared with, of any of these kinds")
    shared.add_variables(parser)
    shared.add_arch(parser)
    parser.add_argument(
        "--only",
        metavar="PARTS",
        action="append",
        default=[],
        help="compare only: packages, licences, files, config, layers, abi, vulns; several with commas,"
        " repeatable",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 if anything differs")
    subjects.add_ways(parser)
    vuln_options.add_data(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Compares them."""
    from witchery.build.diffing import compare
    from witchery.build.subjects.subject import open_subject
    from witchery.diff.difference import ABI, FILES, LICENCES, PARTS, VULNS

    named = _parts(options.only)
    looks_up = VULNS in named or bool(options.db or options.rejections or options.vex)
    parts = named or frozenset(PARTS)
    with subjects.reaching(options, console, quiet=True) as means:
        found = compare(
            open_subject(options.before, means),
            open_subject(options.after, means),
            parts=parts | {VULNS} if looks_up else parts,
            sources=vuln_options.sources(options) if looks_up else None,
            access=means.workshop.access,
            fetch=not named.isdisjoint((ABI, FILES, LICENCES)),
        )
    for note in dict.fromkeys((*found.before.notes, *found.after.notes)):
        console.note(note)
    if found.before.arch != found.after.arch:
        console.warn(f"they are for two architectures: {found.before.arch} and {found.after.arch}")
    for warning in found.vulns.warnings if found.vulns else ():
        console.warn(warning)
    if options.json:
        console.document(diff_report.document(found))
    else:
        diff_report.tell(found, console)
    return 1 if options.exit_code and found else 0


def _parts(words: list[str]) -> frozenset[str]:
    """What `--only` names; nothing where it is not given.

    Raises:
        UsageError: if it names something else.
    """
    from witchery.diff.difference import PARTS
    from witchery.errors import UsageError

    named = [part.strip() for word in words for part in word.split(",")]
    for each in named:
        if each not in PARTS:
            known = ", ".join(f"`{part}`" for part in PARTS)
            raise UsageError(f"nothing to compare: `{each}`", hint=f"known are {known}")
    return frozenset(named)
