"""Pull an image from a registry.

Everything is verified on the way. An image for several platforms goes into a layout (oci:DIR) whole; into all
else goes this machine's platform, or that of `--arch`. One line goes to standard output: the image by digest.
"""

import argparse

from witchery.cli import options as shared
from witchery.cli.console import Console

EXAMPLE = "example:\n  witchery pull registry.example.org/team/app:1.0 -o oci:app"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("reference", metavar="REF", help="the image, such as alpine:3.22")
    parser.add_argument(
        "-o",
        "--output",
        metavar="TRANSPORT",
        action="append",
        required=True,
        help="oci:DIR, oci-archive:FILE, docker-archive:FILE, docker://REF or rootfs:DIR; repeatable",
    )
    shared.add_arch(parser)
    shared.add_image_only(parser)
    shared.add_registry(parser)
    shared.add_cache(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Pulls it."""
    from witchery.build.registry.copying import parse_target
    from witchery.cli.copy import transfer

    return transfer(parse_target(options.reference), options.output, options, console)
