"""Make a package of a folder, with the options of the script of 2021.

The content of DIR comes to stand below `/`. OUTPUT is the package's file, or a folder that gets it. Unlike
in 2021 neither Alpine nor abuild is needed, nothing is stripped, and the version is never the time: see
`witchery package --help`, which has more options.

Without `--sign-key` the key is the one that `~/.abuild/abuild.conf` names, as in 2021.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from witchery.cli import package as packages
from witchery.cli.console import Console, standalone

EXAMPLE = "example:\n  witchery-buildapk -n hello -v 1.2.3 ./dist hello.apk"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("source", metavar="DIR", type=Path, help="the folder to package")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the package's file, or a folder")
    packages.add_description(parser, "package generated with witchery-buildapk")
    parser.add_argument("--arch", metavar="ARCH", default="", help="architecture; default: that of the files")
    packages.add_signing(parser)
    packages.add_talk(parser.add_argument_group("output"))


def execute(options: argparse.Namespace, console: Console) -> int:
    """Makes the package."""
    from witchery.build.abuild_key import named_key
    from witchery.build.packaging import Order

    key = options.sign_key or named_key(Path.home())
    if key is not None and options.sign_key is None:
        console.say(f"signing with the key of abuild: {key}")
    order = Order(**packages.described(options), key=key, output=options.output, output_is_file=True)
    return packages.make(order, console)


def main(arguments: Sequence[str] | None = None) -> int:
    """`witchery-buildapk`."""
    return standalone("witchery-buildapk", __doc__ or "", configure, execute, arguments, epilog=EXAMPLE)
