"""Sign an image, so that cosign and others can check it.

IMAGE is oci:DIR, a folder with a layout, or docker://REF. What is signed is the digest of its manifest. Two
forms are written: a bundle as an artifact about the image, and a signature under the tag sha256-<hex>.sig,
where cosign before its version 3 looks. In a layout both lie beside the image, and pushing takes them along.
Signing again with the same key adds nothing; another key adds signatures of its own.

KEY is a PEM private key: ECDSA P-256, Ed25519 or RSA, as OpenSSL or cosign write it; or env://NAME. The
passphrase of an encrypted one is taken from $WITCHERY_KEY_PASSWORD or $COSIGN_PASSWORD, or asked for. One
line goes to standard output: what was signed, by digest.

With --keyless no key is needed but an identity: that of the CI system around, or a token. Sigstore's public
services then see, and publish for ever, who signed which digest and when; --trust-config names others. Only a
bundle is written. It needs `pip install 'witchery-images[sigstore]'`.
"""

import argparse
from typing import TYPE_CHECKING, Any

from witchery.cli import options as shared
from witchery.cli.console import Console
from witchery.cli.signers import add_instance

if TYPE_CHECKING:
    from collections.abc import Callable

    from witchery.build.signing import Signed
    from witchery.signing_keys import SigningKey

EXAMPLE = """\
example:
  witchery sign docker://registry.example.org/team/app:1.2 --key my.key

a key is made by
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out my.key
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("image", metavar="IMAGE", help="oci:DIR, docker://REF")
    by = parser.add_mutually_exclusive_group(required=True)
    by.add_argument("--key", metavar="KEY", default="", help="the private key: a file, or env://NAME")
    by.add_argument("--keyless", action="store_true", help="sign by an identity, through sigstore's services")
    parser.add_argument(
        "--identity-token",
        metavar="FILE",
        default="",
        help="the identity, with --keyless: FILE or env://NAME",
    )
    add_instance(parser)
    parser.add_argument(
        "--recursive", action="store_true", help="of an image for several platforms, sign each of them, too"
    )
    shared.add_arch(parser)
    shared.add_registry(parser)
    shared.add_cache(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Signs it."""
    from witchery.build.signing import sign, sign_keyless
    from witchery.cli.request import chosen_arch
    from witchery.cli.signing_key import read_signing_key
    from witchery.cli.workshop import open_registries
    from witchery.errors import UsageError
    from witchery.oci import transport

    place, arch = transport.parse(options.image), chosen_arch(options)
    if options.key and (options.identity_token or options.trust_config):
        raise UsageError("`--identity-token` and `--trust-config` go with `--keyless`")
    key = read_signing_key(options.key) if options.key else None
    with open_registries(options, console) as registries:
        done = (
            sign(place, key, registries, arch=arch, recursive=options.recursive)
            if key
            else sign_keyless(place, _vouching(options), registries, arch=arch, recursive=options.recursive)
        )
    if options.json:
        console.document(document(done, key))
        return 0
    for each in done:
        tell(each, console)
    if key:
        console.detail(f"by {key.public.kind}, {key.public.fingerprint}")
    console.result(str(done[0].digest))
    return 0


def _vouching(options: argparse.Namespace) -> "Callable[[bytes], bytes]":
    """Signing by an identity."""
    from witchery.cli.signing_key import read_identity_token
    from witchery.net import keyless

    token = read_identity_token(options.identity_token)
    return lambda statement: keyless.sign(statement, token, options.trust_config)


def tell(signed: "Signed", console: Console) -> None:
    """Says what was added, and what was there."""
    what = f"{signed.digest}" + (f" ({signed.platform})" if signed.platform else "")
    if signed.made:
        console.say(f"signed {what}: {', '.join(signed.made)}")
    else:
        console.say(f"signed by this key already: {what}")


def document(done: "tuple[Signed, ...]", key: "SigningKey | None") -> dict[str, Any]:
    """What was signed, for a program."""
    return {
        "schema": "dev.witchery.sign/1",
        "digest": str(done[0].digest),
        "key": {"kind": key.public.kind, "fingerprint": key.public.fingerprint} if key else None,
        "signed": [
            {
                "digest": str(each.digest),
                "platform": each.platform,
                "made": list(each.made),
                "present": list(each.present),
            }
            for each in done
        ],
    }
