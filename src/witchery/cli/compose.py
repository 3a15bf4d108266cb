"""Compose packages into a folder, with the options of the script of 2021.

The packages, what they depend on, and what their install scripts would do: nothing else is made. OUTPUT is a
new or empty folder. Unlike in 2021 no root is needed (files are yours then), and the package database stays.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from witchery.cli import options as shared
from witchery.cli.console import Console, standalone

EXAMPLE = """\
example:
  witchery compose -X https://dl-cdn.alpinelinux.org/alpine/v3.22/main -d wget -p ./app.apk image
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    add = parser.add_argument
    add("output", metavar="OUTPUT", type=Path, help="the folder")
    for flags, dest, metavar, text in (
        ("-d", "dependencies", "DEPENDENCY", "add a dependency; repeatable"),
        ("-p", "packages", "PACKAGE", "add a package file; repeatable"),
        ("-X", "repositories", "REPO", "add a repository; repeatable"),
        ("-k", "keys", "KEYS-DIR", "trust these keys, too; repeatable"),
    ):
        kind = Path if dest in ("packages", "keys") else str
        add(flags, dest=dest, metavar=metavar, type=kind, action="append", default=[], help=text)
    add("-i", dest="allow_untrusted", action="store_true", help="accept what no known key signed")
    add("--arch", metavar="ARCH", default="", help="architecture, by either world's name")
    add("--offline", action="store_true", help="use the cache and local files only")
    shared.add_cache(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Composes the folder."""
    from witchery.arch import Arch
    from witchery.build import deliver
    from witchery.build.image import build
    from witchery.build.request import plain_request
    from witchery.cli.workshop import open_workshop
    from witchery.oci.transport import RootfsFolder

    request = plain_request(
        options.dependencies,
        options.packages,
        options.repositories,
        Arch.parse(options.arch or os.uname().machine),
    )
    built = build(request, open_workshop(options, console))
    for warning in built.warnings:
        console.warn(warning)
    target = RootfsFolder(str(options.output))
    for note in deliver.deliver(built.image, built.contents, target, None):
        console.note(note)
    if options.json:
        console.document(
            {
                "schema": "dev.witchery.compose/1",
                "output": str(options.output),
                "packages": [str(part) for part in built.parts],
            }
        )
    else:
        console.say(f"{len(built.parts)} packages in {options.output}")
        console.result(str(options.output))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """`witchery-compose`: the same under its old name."""
    return standalone("witchery-compose", __doc__ or "", configure, execute, arguments)
