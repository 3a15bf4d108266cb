"""Keep the packages of locks in a repository of one's own: distributions delete what is superseded.

The packages are written to DIR untouched, in a folder for each architecture, with a new index. A build takes
them from there with `--locked --from DIR`, or from wherever DIR is served. DIR may hold a mirror already:
what it has stays, so that one mirror can keep many locks.
"""

import argparse
from pathlib import Path

from witchery.cli import locked
from witchery.cli import options as shared
from witchery.cli.console import Console

EXAMPLE = """\
example:
  witchery mirror witchery.lock.json -o mirror --sign-key me.rsa
  witchery build witchery.yaml --locked --from mirror --offline -o oci:app
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("locks", metavar="LOCK", type=Path, nargs="+", help="lock files")
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="the repository")
    parser.add_argument("--sign-key", metavar="FILE", type=Path, help="private key; without, it is unsigned")
    locked.add_mirrors(parser)
    shared.add_registry(shared.add_trust(parser))
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Writes the repository."""
    from witchery.build.locks.files import read_lock
    from witchery.build.locks.locked import identities_of
    from witchery.build.locks.mirroring import mirror
    from witchery.cli.rendering import counted_as
    from witchery.cli.workshop import open_workshop

    workshop = open_workshop(options, console)
    locked.take_from_images(options, console, [identities_of(read_lock(each)) for each in options.locks])
    done = mirror(
        options.locks, options.output, workshop, key=options.sign_key, mirrors=locked.mirrors(options)
    )
    if options.json:
        console.document(
            {
                "schema": "dev.witchery.mirror/1",
                "added": list(done.added),
                "indexes": [{"index": str(each.path), "packages": each.packages} for each in done.indexes],
            }
        )
    else:
        for each in done.indexes:
            console.result(str(each.path))
        console.say(f"{counted_as(len(done.added), 'package')} added, {done.kept} there before")
    if options.sign_key is None:
        console.warn(
            "the index is unsigned: building from a lock does not read it; give `--sign-key` for apk"
        )
    return 0
