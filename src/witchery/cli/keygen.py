"""Make an RSA key pair that signs packages and indexes.

NAME is the file of the private key; the public half gets the ending `.pub`: it goes into a keys folder,
and after `-k`. Signatures name their key by its file name, so keep it as it is.
"""

import argparse
from pathlib import Path

from witchery.cli.console import Console

EXAMPLE = "example:\n  witchery keygen me@example.org-2026.rsa"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("name", metavar="NAME", type=Path, help="file of the private key, such as `me.rsa`")
    parser.add_argument("--bits", type=int, choices=(2048, 3072, 4096), default=4096, help="default: 4096")
    parser.add_argument("--force", action="store_true", help="overwrite a key that is there")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Makes the key."""
    from witchery.build.keygen import make_key

    made = make_key(options.name, options.bits, replace=options.force)
    console.say(f"private key {made.private} (keep it secret), public key {made.public}")
    console.result(made.fingerprint)
    return 0
