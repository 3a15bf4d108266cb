"""Options that say who has to have signed an image."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from witchery.build.signers import Signer


def add_signers(parser: argparse._ActionsContainer) -> None:
    """Whose signatures are wanted."""
    parser.add_argument(
        "--signature",
        metavar="KEY",
        action="append",
        default=[],
        help="demand a signature by this public key: a file, or env://NAME; repeatable",
    )
    parser.add_argument(
        "--identity", metavar="NAME", default="", help="demand a signature without a key, by this identity"
    )
    parser.add_argument(
        "--issuer", metavar="URL", default="", help="who vouches for the identity; has to be said with it"
    )
    add_instance(parser)


def add_instance(parser: argparse._ActionsContainer) -> None:
    """Which instance of sigstore."""
    parser.add_argument(
        "--trust-config",
        metavar="FILE",
        type=Path,
        help="describes another instance of sigstore than the public one (ClientTrustConfig)",
    )


def signers_of(options: argparse.Namespace) -> "tuple[Signer, ...]":
    """Who has to have signed, by the options.

    Raises:
        UsageError: if only half of an identity is given.
        FormatError: if a key or a description is malformed.
        StorageError: if one cannot be read.
    """
    if not (options.signature or options.identity or options.issuer or options.trust_config):
        return ()
    from witchery.build.signers import Signer
    from witchery.cli.signing_key import read_verifying_key
    from witchery.errors import UsageError

    found = tuple(Signer.with_key(read_verifying_key(each)) for each in options.signature)
    if bool(options.identity) != bool(options.issuer):
        raise UsageError(
            "`--identity` and `--issuer` go together",
            hint="whoever may choose the issuer may choose the identity",
        )
    if not options.identity:
        if options.trust_config:
            raise UsageError("`--trust-config` goes with `--identity`")
        return found
    from witchery.net.keyless import Identity, verifier

    identity = Identity(options.identity, options.issuer)
    return (*found, Signer.with_identity(str(identity), verifier(identity, options.trust_config)))
