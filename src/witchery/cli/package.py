"""Make a package of a folder: a signed `.apk` that apk installs, the same bytes wherever it is made.

The content of SOURCE comes to stand below `/`, or where `--root` says. What it needs is found out, and
becomes its dependencies. Nothing is stripped, and nothing is left out in silence.

Without `-v` the version is that of `git describe`, else the number in SOURCE_DATE_EPOCH, else 0; never the
time. Files have the time in SOURCE_DATE_EPOCH, else that of the commit, else 0.
"""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from witchery.cli.console import Console
from witchery.cli.options import add_scan

if TYPE_CHECKING:
    from witchery.build.packaging import Order, WrittenPackage

EXAMPLE = """\
example:
  witchery keygen me@example.org-2026.rsa
  witchery package ./dist -n hello -v 1.2.3 --root /usr --sign-key me@example.org-2026.rsa
"""

DESCRIPTION = "package generated with witchery"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("source", metavar="SOURCE", type=Path, help="the folder to package")
    add_description(parser)
    group = parser.add_argument_group("content")
    add = group.add_argument
    add("--root", metavar="PATH", default="/", help="where the content stands; default: /")
    add("--arch", metavar="ARCH", default="", help="architecture; default: that of the ELF files")
    add("--keep-modes", action="store_true", help="keep permissions, instead of 0755 and 0644")
    add("--exclude", metavar="PATTERN", action="append", default=[], help="leave files out; repeatable")
    group = parser.add_argument_group("dependencies")
    add = group.add_argument
    add("--depend", metavar="DEPENDENCY", action="append", default=[], help="add one; repeatable")
    add("--provides", action="store_true", help="provide the commands and libraries in it")
    add("--accept-suggestions", action="store_true", help="depend on what is only suggested, too")
    add_scan(group)
    add_signing(parser)
    group = parser.add_argument_group("output")
    add = group.add_argument
    add("-o", "--output", metavar="PATH", default="", help="a file `*.apk`, or a folder; default: here")
    add_talk(group)


def add_description(parser: argparse.ArgumentParser, description: str = DESCRIPTION) -> None:
    """What a package says of itself."""
    group = parser.add_argument_group("description")
    add = group.add_argument
    add("-n", "--name", metavar="NAME", required=True, help="name of the package")
    add("-v", "--version", metavar="VERSION", default="", help="version, without the release")
    add("-r", "--release", metavar="N", type=_release, default=0, help="release; default: 0")
    add("-d", "--description", metavar="TEXT", default=description, help="one line")
    add("-l", "--license", metavar="SPDX", default="Unspecified", help="licence; default: Unspecified")
    add("-m", "--maintainer", metavar="NAME", default="", help="who cares for it: `Name <address>`")
    add("-u", "--url", metavar="URL", default="", help="home page")


def add_signing(parser: argparse.ArgumentParser) -> None:
    """Who vouches for a package."""
    group = parser.add_argument_group("signature")
    group.add_argument("--sign-key", metavar="FILE", type=Path, help="private key; see `witchery keygen`")
    group.add_argument(
        "--sign-compat",
        action="store_true",
        help="sign with SHA-1 too, for apk before 2.14.2, which crashes on local files without",
    )


def add_talk(group: "argparse._ArgumentGroup") -> None:
    """How much to say; `-v` is the version, as in 2021."""
    group.add_argument("--json", action="store_true", help="results as JSON")
    group.add_argument("-q", "--quiet", action="store_true", help="only results, warnings and errors")
    group.add_argument("--verbose", action="store_true", help="say more")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Makes the package."""
    from witchery.build.packaging import Order
    from witchery.cli.request import scan_options
    from witchery.store.source_tree import Modes

    output = Path(options.output) if options.output else None
    order = Order(
        **described(options),
        destination=options.root if options.root.startswith("/") else f"/{options.root}",
        modes=Modes.KEEP if options.keep_modes else Modes.NORMAL,
        exclude=tuple(options.exclude),
        depends=tuple(options.depend),
        provides=options.provides,
        scan=scan_options(options),
        accept_suggestions=options.accept_suggestions,
        key=options.sign_key,
        output=output,
        output_is_file=options.output.endswith(".apk"),
    )
    return make(order, console)


def described(options: argparse.Namespace) -> dict[str, Any]:
    """What both commands have in common."""
    from witchery.arch import Arch
    from witchery.cli.workshop import source_date

    return {
        "source": options.source,
        "name": options.name,
        "version": options.version,
        "release": options.release,
        "description": options.description,
        "url": options.url,
        "license": options.license,
        "maintainer": options.maintainer,
        "arch": Arch.parse(options.arch) if options.arch else None,
        "host": Arch.parse(os.uname().machine),
        "compatible": options.sign_compat,
        "source_date": source_date(),
    }


def make(order: "Order", console: Console) -> int:
    """Makes a package, and says what it is."""
    from witchery.build.packaging import make_package

    written = make_package(order)
    if console.json:
        console.document(_document(written))
    else:
        _tell(written, console)
    if not written.archive.signature_segment:
        console.warn("the package is unsigned: apk refuses it without `--allow-untrusted`")
        hint = console.styled("hint", "  hint:")
        console.say(f"{hint} make a key with `witchery keygen`, and name it by `--sign-key`")
    return 0


def _tell(written: "WrittenPackage", console: Console) -> None:
    from witchery.cli.payload import explain_report
    from witchery.cli.rendering import size

    archive = written.archive
    explain_report(archive.info.name, written.report, console)
    for note in written.notes:
        console.note(note)
    console.say(f"{archive.file_name}: {size(archive.size)}, {archive.info.arch}")
    console.result(str(written.path))


def _document(written: "WrittenPackage") -> dict[str, Any]:
    from witchery.cli.payload import report_document

    archive = written.archive
    info = archive.info
    return {
        "schema": "dev.witchery.package/1",
        "package": str(written.path),
        "name": info.name,
        "version": info.version,
        "arch": info.arch,
        "size": archive.size,
        "installed_size": info.installed_size,
        "data": str(archive.data),
        "diff_id": str(archive.diff_id),
        "build_time": info.build_time,
        "commit": info.commit,
        "depends": list(info.depends),
        "provides": list(info.provides),
        "signed_by": [f"{each.key_name} ({each.algorithm})" for each in archive.signatures],
        "accepted": list(written.accepted),
        "notes": list(written.notes),
        "application": report_document(written.report),
    }


def _release(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError("a number such as 0 or 12")
    return int(text)
