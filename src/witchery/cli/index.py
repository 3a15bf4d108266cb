"""Write and sign the index of a folder of packages, which makes it a repository.

DIR holds `*.apk` files, or folders named after architectures that do. Every package is read and checked.
"""

import argparse
from pathlib import Path

from witchery.cli import options as shared
from witchery.cli.console import Console

EXAMPLE = "example:\n  witchery index packages/x86_64 --sign-key me.rsa -d 'my packages'"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder of packages, or of such folders")
    parser.add_argument("--sign-key", metavar="FILE", type=Path, help="private key; without, it is unsigned")
    parser.add_argument("-d", "--description", default="", help="a line that names the repository")
    shared.add_trust(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Writes the index."""
    from witchery.build.indexing import write_indexes
    from witchery.cli.workshop import open_workshop

    written = write_indexes(
        options.folder, options.sign_key, options.description, open_workshop(options, console)
    )
    if options.json:
        found = [{"index": str(each.path), "packages": each.packages} for each in written]
        console.document({"schema": "dev.witchery.index/1", "indexes": found})
    else:
        for each in written:
            console.result(str(each.path))
            console.say(f"{each.packages} packages in {each.path}")
    if options.sign_key is None:
        console.warn("the index is unsigned: nobody can trust it; give `--sign-key`")
    return 0
