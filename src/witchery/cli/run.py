"""Run an image, with whatever is there: podman or docker, else runc, crun or bubblewrap.

IMAGE is oci:DIR, an archive, docker://REF, a folder with a layout or an unpacked tree. What comes after `--`
takes the place of the image's arguments. The exit status is the program's.
"""

import argparse

from witchery.cli import options as shared
from witchery.cli.console import Console

EXAMPLE = "example:\n  witchery run oci:wget -- --version"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.usage = (
        "witchery run [-h] [--runner RUNNER] [--arch ARCH] [--plain-http] [-q] [-v] IMAGE [-- ARGS ...]"
    )
    from witchery.build.run import RUNNERS

    parser.add_argument(
        "image", metavar="IMAGE", help="oci:DIR, oci-archive:FILE, docker://REF, *.tar or a folder"
    )
    parser.add_argument("--runner", choices=RUNNERS, default="", help="use this and no other")
    parser.add_argument("--arch", metavar="ARCH", default="", help="which platform of several")
    shared.add_registry(parser)
    shared.add_cache(parser)
    group = parser.add_argument_group("output")
    group.add_argument("-q", "--quiet", action="store_true", help="only errors")
    group.add_argument("-v", "--verbose", action="store_true", help="say what is tried")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Runs the image."""
    from witchery.arch import Arch
    from witchery.build.run import run
    from witchery.oci import transport

    source = transport.parse(options.image)
    registries = None
    if isinstance(source, transport.RegistryImage):
        from witchery.cli.workshop import open_registries

        registries = open_registries(options, console)
    return run(
        source,
        options.rest,
        runner=options.runner,
        arch=Arch.parse(options.arch) if options.arch else None,
        registries=registries,
        tell=console.detail,
    )
