"""Say what an image consists of, as SPDX 2.3 or CycloneDX 1.6.

SOURCE is what `build` takes: the packages are solved, fetched and composed, and the bill of materials of the
image that would come out is written; nothing else is. It is, byte for byte, the one that `build --sbom` keeps
beside the image. Of a lock alone (*.lock.json) the packages are listed, without an image.

Or SOURCE is an image (oci:DIR, an archive, docker://REF): then the one that is kept beside it is written, as
it is.

The document goes to standard output.
"""

import argparse
from pathlib import Path

from witchery.cli import options as shared
from witchery.cli import subjects
from witchery.cli.console import Console

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
    subjects.add_subject(parser)
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
    subjects.add_ways(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Writes it."""
    from witchery.build.subject_bill import bill_of

    with subjects.opened(options, console) as subject:
        document = bill_of(subject, _FORMATS[options.format], files=options.files)
        subjects.warn(subject, console)
    if options.output is None:
        console.out.write(document.data.decode())
        return 0
    from witchery.store import atomic

    atomic.write(options.output, document.data)
    console.say(f"wrote {options.output}")
    return 0
