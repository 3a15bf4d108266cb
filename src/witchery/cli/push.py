"""Push an image to a registry.

IMAGE is oci:DIR, an archive, a folder with a layout, or docker://REF. Nothing is sent that the repository
has. What identifies you comes from `$REGISTRY_AUTH_FILE`, podman's auth.json or Docker's config.json, with
the credential helpers named there. One line goes to standard output: the image by digest.
"""

import argparse
from typing import TYPE_CHECKING, Any

from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.registry.pushing import Pushed
    from witchery.oci.descriptor import Descriptor

EXAMPLE = "example:\n  witchery push oci:app registry.example.org/team/app:1.0"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("image", metavar="IMAGE", help="oci:DIR, oci-archive:FILE, *.tar, docker://REF")
    parser.add_argument(
        "reference", metavar="REF", help="where to, such as registry.example.org/team/app:1.0"
    )
    shared.add_arch(parser)
    shared.add_image_only(parser)
    shared.add_registry(parser)
    shared.add_cache(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Pushes it."""
    from witchery.build.registry.copying import open_source, parse_target, send
    from witchery.cli.request import chosen_arch
    from witchery.cli.workshop import open_registries
    from witchery.oci import transport

    source, target = transport.parse(options.image), parse_target(options.reference)
    with open_registries(options, console) as registries:
        opened = open_source(source, registries, chosen_arch(options))
        done = send(opened, target.reference, registries, image_only=options.image_only)
    if options.json:
        console.document(document(done))
        return 0
    tell(done, console)
    console.result(str(done.reference))
    return 0


def tell(done: "Pushed", console: Console) -> None:
    """Says what was sent, and what was not."""
    from witchery.cli.rendering import counted_as, size

    if done.manifests:
        counts = [f"uploaded {counted_as(len(done.uploaded), 'blob')}"]
        counts += [f"{len(done.mounted)} taken over"] if done.mounted else []
        counts += [f"{done.present} there already"] if done.present else []
        console.say(f"{', '.join(counts)}; {size(done.size)} sent to {done.reference.registry}")
    else:
        console.say("the image is there already")
    if done.attached:
        sent = sum(each.size for each in done.attached)
        console.say(f"{counted_as(len(done.attached), 'artifact')} about it; {size(sent)} sent")


def document(done: "Pushed") -> dict[str, Any]:
    """What was pushed, for a program."""
    return {
        "schema": "dev.witchery.push/1",
        "reference": str(done.reference),
        "digest": str(done.reference.digest),
        "size": done.size,
        "uploaded": [_blob(each) for each in done.uploaded],
        "mounted": [_blob(each) for each in done.mounted],
        "manifests": [_blob(each) for each in done.manifests],
        "present": done.present,
        "artifacts": [
            {**_blob(each.manifests[-1]), "artifactType": each.manifests[-1].artifact_type, "sent": each.size}
            for each in done.attached
            if each.manifests
        ],
    }


def _blob(blob: "Descriptor") -> dict[str, Any]:
    return {"digest": str(blob.digest), "size": blob.size, "type": blob.media_type}
