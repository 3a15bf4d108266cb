"""Run an image, with whatever is there: podman or docker, else runc, crun or bubblewrap.

IMAGE is oci:DIR, an archive, a folder with a layout or an unpacked tree. What comes after `--` takes the
place of the image's arguments. The exit status is the program's.
"""

import argparse

from witchery.cli.console import Console

EXAMPLE = "example:\n  witchery run oci:wget -- --version"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.usage = "witchery run [-h] [--runner RUNNER] [--arch ARCH] [-q] [-v] IMAGE [-- ARGS ...]"
    from witchery.build.run import RUNNERS

    parser.add_argument("image", metavar="IMAGE", help="oci:DIR, oci-archive:FILE, *.tar or a folder")
    parser.add_argument("--runner", choices=RUNNERS, default="", help="use this and no other")
    parser.add_argument("--arch", metavar="ARCH", default="", help="which platform of several")
    group = parser.add_argument_group("output")
    group.add_argument("-q", "--quiet", action="store_true", help="only errors")
    group.add_argument("-v", "--verbose", action="store_true", help="say what is tried")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Runs the image."""
    from witchery.arch import Arch
    from witchery.build.run import run
    from witchery.oci import transport

    return run(
        transport.parse(options.image),
        options.rest,
        runner=options.runner,
        arch=Arch.parse(options.arch) if options.arch else None,
        tell=console.detail,
    )
