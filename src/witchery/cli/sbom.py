"""Say what an image consists of, as SPDX 2.3 or CycloneDX 1.6.

SOURCE is what `build` takes: the packages are solved, fetched and composed, and the bill of materials of the
image that would come out is written; nothing else is. It is, byte for byte, the one that `build --sbom` keeps
beside the image. Of a lock alone (*.lock.json) the packages are listed, without an image.

Or SOURCE is an image (oci:DIR, an archive, docker://REF): then the one that is kept beside it is written, as
it is.

The document goes to standard output.
"""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.arch import Arch
from witchery.cli import options as shared
from witchery.cli.console import Console
from witchery.cli.locked import add_lock, with_lock

if TYPE_CHECKING:
    from witchery.build.bills import Document

EXAMPLE = """\
example:
  witchery sbom witchery.yaml --locked -o app.spdx.json && trivy sbom app.spdx.json
  witchery sbom oci:app --format cyclonedx
  witchery sbom witchery.lock.json --files
"""

_FORMATS = {
    "spdx": "spdx",
    "spdx-json": "spdx",
    "cyclonedx": "cyclonedx",
    "cyclonedx-json": "cyclonedx",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    shared.add_source(parser, help_text="an application, a configuration, a lock, or an image")
    parser.add_argument(
        "--format",
        metavar="FORMAT",
        choices=tuple(_FORMATS),
        default="spdx",
        help="spdx (the default) or cyclonedx; `spdx-json` and `cyclonedx-json` mean the same",
    )
    parser.add_argument("--files", action="store_true", help="list the files of every package, too")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="where the document goes; default: standard output"
    )
    shared.add_packages(parser)
    shared.add_application(parser)
    add_lock(parser)
    shared.add_registry(shared.add_trust(parser))
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Writes it."""
    from witchery.build.lock_files import is_lock
    from witchery.build.scanning import is_image

    if is_image(options.source):
        document = _stored(options, console)
    elif is_lock(Path(options.source)):
        document = _locked(options, console)
    else:
        document = _made(options, console)
    if options.output is None:
        console.out.write(document.data.decode())
        return 0
    from witchery.store import atomic

    atomic.write(options.output, document.data)
    console.say(f"wrote {options.output}")
    return 0


def _made(options: argparse.Namespace, console: Console) -> "Document":
    from witchery.build.bills import documents
    from witchery.build.image import build
    from witchery.cli.request import open_request
    from witchery.cli.workshop import open_workshop

    (request,) = with_lock([open_request(options)], options, console)
    for note in request.notes:
        console.note(note)
    built = build(request, open_workshop(options, console))
    for warning in built.warnings:
        console.warn(warning)
    (document,) = documents(built, [_FORMATS[options.format]], files=options.files or None)
    return document


def _locked(options: argparse.Namespace, console: Console) -> "Document":
    from witchery.build.bills import encoded
    from witchery.build.locked_bill import locked_bill
    from witchery.cli.locked import mirrors
    from witchery.cli.request import chosen_arch
    from witchery.cli.workshop import open_workshop

    bill = locked_bill(
        Path(options.source),
        open_workshop(options, console),
        chosen_arch(options) or Arch.parse(os.uname().machine),
        mirrors=mirrors(options),
        files=options.files,
    )
    return encoded(bill, _FORMATS[options.format])


def _stored(options: argparse.Namespace, console: Console) -> "Document":
    from witchery.build.stored_bills import stored_bill
    from witchery.cli.request import chosen_arch
    from witchery.cli.workshop import open_registries
    from witchery.errors import UsageError
    from witchery.oci import transport

    if options.files:
        raise UsageError(
            "what is kept beside an image is written as it is",
            hint="`--files` goes with a source of an image",
        )
    with open_registries(options, console) as registries:
        place = transport.parse(options.source)
        return stored_bill(place, _FORMATS[options.format], registries, chosen_arch(options))
