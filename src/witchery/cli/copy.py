"""Copy an image from one place to others, byte for byte.

SOURCE is oci:DIR, an archive, a folder with a layout, or docker://REF; so is a TARGET, or it is rootfs:DIR.
An image for several platforms goes whole, unless `--arch` names one, or a target holds but one.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.oci.transport import Transport

EXAMPLE = (
    "example:\n  witchery copy docker://registry.example.org/app:1.0 docker://mirror.example.org/app:1.0"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("source", metavar="SOURCE", help="oci:DIR, oci-archive:FILE, *.tar, docker://REF")
    parser.add_argument("targets", metavar="TARGET", nargs="+", help="where to, in the same words")
    shared.add_arch(parser)
    shared.add_image_only(parser)
    shared.add_registry(parser)
    shared.add_cache(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Copies it."""
    from witchery.oci import transport

    return transfer(transport.parse(options.source), options.targets, options, console)


def transfer(
    source: "Transport", targets: Sequence[str], options: argparse.Namespace, console: Console
) -> int:
    """Brings an image from one place to others."""
    from witchery.build import deliver
    from witchery.build.registry import copying
    from witchery.cli.push import tell
    from witchery.cli.request import chosen_arch
    from witchery.cli.workshop import open_registries
    from witchery.oci import transport

    places = tuple(transport.parse(text) for text in targets)
    deliver.check_places(places)
    with open_registries(options, console) as registries:
        opened = copying.open_source(source, registries, chosen_arch(options))
        for place in places:
            pushed, notes = copying.copy(opened, place, registries, image_only=options.image_only)
            for note in notes:
                console.note(f"{place}: {note}")
            if pushed:
                tell(pushed, console)
            console.say(f"wrote {place}")
    digest = str(opened.root.digest)
    if options.json:
        document = {"schema": "dev.witchery.copy/1", "digest": digest, "size": opened.root.size}
        console.document({**document, "outputs": [str(place) for place in places]})
    elif not any(getattr(place, "path", "") == "-" for place in places):
        console.result(f"{opened.origin.name}@{digest}" if opened.origin else digest)
    return 0
