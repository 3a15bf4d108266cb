"""Build an image of an application, or from a configuration file.

SOURCE is a file or a folder: it is scanned for what it needs, and packed into the image below /app. Or it is
a configuration (*.yaml), which may name an application, too.

The packages are solved as apk solves, checked to the keys that signed them, and composed into layers. One
line goes to standard output: the image by digest. Without an output the image goes to the folder NAME.oci.

TAG and OUTPUT are for those who come from apko: OUTPUT is a folder (OCI layout) or a `*.tar`.
"""

import argparse
import re
from typing import TYPE_CHECKING

import witchery
from witchery.cli import options as shared
from witchery.cli.console import Console
from witchery.cli.locked import add_lock, with_lock
from witchery.cli.vuln_options import add_condition, with_condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from witchery.attest.provenance import Run
    from witchery.build.request import Request
    from witchery.oci.reference import Reference
    from witchery.oci.transport import Transport
    from witchery.signing_keys import SigningKey

EXAMPLE = """\
example:
  witchery build ./dist/hello -o oci:hello && witchery run oci:hello
  witchery build witchery.yaml -o oci:app
  witchery build 'dist/{arch}/hello' --arch amd64,arm64 -o oci:hello
  witchery build apko.yaml example.org/app:1.2 app.tar && docker load -i app.tar
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    shared.add_source(parser, help_text="an application (file or folder), or a configuration (*.yaml)")
    parser.add_argument(
        "tag_argument", metavar="TAG", nargs="?", default="", help="name and tag of the image"
    )
    parser.add_argument("output_argument", metavar="OUTPUT", nargs="?", default="", help="folder or *.tar")
    parser.add_argument(
        "-t", "--tag", default="", help="name and tag of the image, such as example.org/app:1.2"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="TRANSPORT",
        action="append",
        default=[],
        help="oci:DIR, oci-archive:FILE, docker-archive:FILE, docker://REF or rootfs:DIR; repeatable",
    )
    shared.add_packages(parser)
    shared.add_application(parser)
    add_lock(parser)
    add_condition(parser)
    shared.add_registry(shared.add_trust(parser))
    parser.add_argument(
        "--allow-arch-skew",
        action="store_true",
        help="let a package have different versions on different architectures",
    )
    _add_beside(parser)
    group = parser.add_argument_group("explanations")
    group.add_argument("--explain-layers", action="store_true", help="say what each layer is, and why")
    group.add_argument("--script-report", action="store_true", help="say what became of each package script")
    shared.add_talk(parser)


def _add_beside(parser: argparse.ArgumentParser) -> None:
    """What is kept beside the image."""
    group = parser.add_argument_group("beside the image")
    group.add_argument(
        "--evidence",
        choices=("full", "heads", "none"),
        default="full",
        help="what leads to the keys of the distribution: the heads of packages, and with `full` (default)"
        " the packages that had to be rewritten",
    )
    group.add_argument(
        "--sbom",
        metavar="FORMATS",
        type=_formats,
        help="bills of materials: `spdx`, `cyclonedx`, both with `,` between them, or `none`; default: as the"
        " configuration says, or else spdx",
    )
    group.add_argument(
        "--no-provenance",
        action="store_true",
        help="leave out what the image was made of, by what, and how it was asked for (SLSA)",
    )
    group.add_argument(
        "--builder-id",
        metavar="URI",
        default="",
        help="who builds, in the provenance; default: a Witchery that nothing is known of",
    )
    group.add_argument(
        "--invocation-id", metavar="ID", default="", help="the number of this build, in the provenance"
    )
    group.add_argument(
        "--sign-key",
        metavar="KEY",
        default="",
        help="sign the image and its provenance with a private key: a file, or env://NAME; see `sign`",
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """Builds the image."""
    from witchery.build import deliver
    from witchery.build.images import build_all, check_targets
    from witchery.build.registry.attachments import Attached, attachments
    from witchery.cli.built import document, tell
    from witchery.cli.request import open_requests
    from witchery.cli.workshop import open_registries, open_workshop

    name = _name(options)
    requests = with_condition(with_lock(open_requests(options), options, console), options)
    targets = _targets(options, requests[0])
    wanted = Attached(
        evidence=options.evidence,
        sbom=options.sbom,
        provenance=_run(options),
        key=_key(options),
        name=_repository(name, targets),
    )
    deliver.check(targets)
    check_targets(requests, targets)
    for note in requests[0].notes:
        console.note(note)
    workshop = open_workshop(options, console)
    allow_skew = options.allow_arch_skew or requests[0].lock is not None
    built = build_all(requests, workshop, allow_skew=allow_skew)
    for warning in built.warnings:
        console.warn(warning)
    for note in built.notes:
        console.note(note)
    registries = open_registries(options, console) if deliver.pushes(targets) else None
    artifacts = attachments(built, wanted) if any(map(deliver.keeps_artifacts, targets)) else ()
    for target in targets:
        for note in deliver.deliver(
            built.image, built.contents, target, name, registries=registries, artifacts=artifacts
        ):
            console.note(f"{target}: {note}")
    if options.json:
        console.document(document(built, targets))
        return 0
    tell(built, options, console)
    for target in targets:
        console.say(f"wrote {target}")
    if "-" not in [getattr(target, "path", "") for target in targets]:
        console.result(f"{name.name}@{built.image.digest}" if name else str(built.image.digest))
    return 0


def _formats(text: str) -> tuple[str, ...]:
    """Formats of bills of materials, each once."""
    from witchery.build.bills import FORMATS

    names = tuple(dict.fromkeys(filter(None, text.split(","))))
    if names == ("none",):
        return ()
    if not names or set(names) - set(FORMATS):
        raise argparse.ArgumentTypeError(f"`none`, or some of {', '.join(f'`{name}`' for name in FORMATS)}")
    return names


def _name(options: argparse.Namespace) -> "Reference | None":
    """What the image is to be called."""
    from witchery.errors import UsageError
    from witchery.oci.reference import Reference

    if options.tag and options.tag_argument:
        raise UsageError("the tag is given twice", hint="give it as TAG or after `-t`")
    tag = options.tag or options.tag_argument
    return Reference.parse(tag).tagged() if tag else None


def _run(options: argparse.Namespace) -> "Run | None":
    """Who builds, for the provenance."""
    from witchery.attest.provenance import BUILDER, Run
    from witchery.errors import UsageError

    given = options.builder_id
    if given and not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", given):  # RFC 3986, 3
        raise UsageError(f"expected a URI: `--builder-id {given}`")
    if options.no_provenance:
        if given or options.invocation_id:
            raise UsageError("`--no-provenance`, and something that only stands in it")
        return None
    return Run(version=witchery.__version__, builder=given or BUILDER, invocation=options.invocation_id)


def _key(options: argparse.Namespace) -> "SigningKey | None":
    """The key that signs; read before anything is built, since a passphrase may be asked for."""
    if not options.sign_key:
        return None
    from witchery.cli.signing_key import read_signing_key

    return read_signing_key(options.sign_key)


def _repository(name: "Reference | None", targets: "Sequence[Transport]") -> str:
    """What the image is called in what is signed: by its name, or where it goes first."""
    from witchery.oci.transport import RegistryImage

    pushed = [each.reference for each in targets if isinstance(each, RegistryImage)]
    return next((each.name for each in (*([name] if name else []), *pushed)), "")


def _targets(options: argparse.Namespace, request: "Request") -> "tuple[Transport, ...]":
    """Where the image is to go."""
    from witchery.oci import transport

    outputs = [*options.output, *([options.output_argument] if options.output_argument else [])]
    return tuple(transport.parse(text) for text in outputs or [f"oci:{request.name}.oci"])
