"""Verify an image back to the keys of its distribution, without downloading its layers.

IMAGE is oci:DIR, an archive, a folder with a layout, or docker://REF. Its manifest and the evidence beside it
are enough for layers that are packages as their distribution signed them. Layers that had to be rewritten are
read, and held against their packages file by file; of the layer on top every file is recognised. Alpine's
keys come with Witchery; `-k` trusts others.

Who built the image is another question: `--signature` says whose signature of it is wanted. It may be of the
image, or of the index that names it, and also vouches for what no package explains.

The status is 0 if everything in the image is explained and nothing speaks against it, and 1 if not.
"""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from witchery.cli import locked
from witchery.cli import options as shared
from witchery.cli.console import Console
from witchery.cli.signers import add_signers, signers_of

if TYPE_CHECKING:
    from witchery.attest.verdict import LayerVerdict, Verdict

EXAMPLE = """\
example:
  witchery verify docker://registry.example.org/team/app:1.0
  witchery verify docker://registry.example.org/team/app:1.0 --signature my.pub
  witchery verify oci:app --policy policy.yaml --lock witchery.lock.json --json
"""

_MAX_POLICY = 1 << 16
_SHOWN = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("image", metavar="IMAGE", help="oci:DIR, oci-archive:FILE, *.tar, docker://REF")
    shared.add_arch(parser)
    group = parser.add_argument_group("verification")
    group.add_argument("--policy", metavar="FILE", type=Path, help="what the image has to be besides (YAML)")
    group.add_argument("--lock", metavar="FILE", type=Path, help="the lock that it has to be made of")
    group.add_argument(
        "--allow-payload", action="store_true", help="accept an application, which nobody signed"
    )
    add_signers(group)
    group.add_argument(
        "--full", action="store_true", help="read signed layers, too, and check what they unpack to"
    )
    locked.add_mirrors(group)
    shared.add_registry(shared.add_trust(parser))
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Verifies it."""
    from witchery.build.locks.files import read_lock
    from witchery.build.verifying import Question, verify_image
    from witchery.cli.request import chosen_arch
    from witchery.cli.workshop import open_registries, open_workshop
    from witchery.config import policy as policies
    from witchery.oci import transport
    from witchery.store import atomic
    from witchery.value import replace

    policy = policies.Policy()
    if options.policy:
        policy = policies.parse(atomic.read(options.policy, _MAX_POLICY), str(options.policy))
    if options.allow_payload:
        policy = replace(policy, payload="allow")
    question = Question(
        policy=policy,
        lock=read_lock(options.lock) if options.lock else None,
        arch=chosen_arch(options),
        full=options.full,
        now=int(time.time()),
        mirrors=locked.mirrors(options),
        images=locked.images(options),
        signers=signers_of(options),
    )
    workshop = open_workshop(options, console)
    with open_registries(options, console) as registries:
        digest, verdicts = verify_image(transport.parse(options.image), question, workshop, registries)
    ok = all(each.ok for each in verdicts)
    if options.json:
        console.document(
            {
                "schema": "dev.witchery.verify/1",
                "digest": str(digest),
                "verified": ok,
                "platforms": [document(each) for each in verdicts],
            }
        )
        return 0 if ok else 1
    for verdict in verdicts:
        tell(verdict, console, several=len(verdicts) > 1)
    if ok:
        console.result(str(digest))
    return 0 if ok else 1


def tell(verdict: "Verdict", console: Console, *, several: bool) -> None:
    """A verdict in words: every layer, how it runs, what speaks against it."""
    from witchery.cli.rendering import counted_as, size

    if several:
        console.say(console.styled("bold", f"{verdict.platform}:"))
    for layer in verdict.layers:
        word = layer.standing.value
        standing = console.styled("error" if word == "unexplained" else "bold", f"{word:<12}")
        console.say(f"{standing}{size(layer.size):>8}  {str(layer.digest)[:19]}  {_packages(layer)}".rstrip())
        for path, what in _files(layer):
            console.say(f"{'':12}{'':8}  {path:<32}  {what}")
    execution = verdict.execution
    command = " ".join((*execution.entrypoint, *execution.cmd)) or "nothing"
    console.say(f"starts `{command}` as {execution.user or 'root'}; so says whoever built it")
    for key, count in _keys(verdict).items():
        console.say(f"{count} packages signed by {key}")
    for remark in verdict.remarks:
        console.note(remark)
    for problem in verdict.problems:
        console.object(f"{problem} [{problem.rule}]")
    kinds = [each.standing.value for each in verdict.layers]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    word = "verified" if verdict.ok else f"not verified, {counted_as(len(verdict.problems), 'problem')}"
    console.say(f"{word}: {counted_as(len(kinds), 'layer')} ({counted})")


def document(verdict: "Verdict") -> dict[str, Any]:
    """A verdict for a program."""
    return {
        "digest": str(verdict.digest),
        "platform": verdict.platform,
        "verified": verdict.ok,
        "created": verdict.created,
        "config": verdict.execution.document(),
        "layers": [
            {
                "digest": str(each.digest),
                "size": each.size,
                "standing": each.standing.value,
                "packages": list(each.packages),
                "files": [{"path": note.path, "what": note.what} for note in each.files],
                "read": each.read,
            }
            for each in verdict.layers
        ],
        "packages": [each._asdict() for each in verdict.vouchers],
        "problems": [each._asdict() for each in verdict.problems],
        "remarks": list(verdict.remarks),
    }


def _packages(layer: "LayerVerdict") -> str:
    """The packages of a layer, in a line."""
    more = f" and {len(layer.packages) - _SHOWN} more" if len(layer.packages) > _SHOWN else ""
    return ", ".join(layer.packages[:_SHOWN]) + more


def _files(layer: "LayerVerdict") -> list[tuple[str, str]]:
    """What no package brings, and what it is; of many of a kind their number."""
    kinds: dict[str, list[str]] = {}
    for note in layer.files:
        kinds.setdefault(note.what or "not recognised", []).append(f"/{note.path}")
    return [
        (paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more", what)
        for what, paths in kinds.items()
    ]


def _keys(verdict: "Verdict") -> dict[str, int]:
    """How many packages each key signed."""
    counts: dict[str, int] = {}
    for voucher in verdict.vouchers:
        if voucher.key:
            counts[voucher.key] = counts.get(voucher.key, 0) + 1
    return counts
