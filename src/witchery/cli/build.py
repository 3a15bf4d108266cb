"""Build an image of an application, or from a configuration file.

SOURCE is a file or a folder: it is scanned for what it needs, and packed into the image below /app. Or it is
a configuration (*.yaml), which may name an application, too.

The packages are solved as apk solves, checked to the keys that signed them, and composed into layers. One
line goes to standard output: the image by digest. Without an output the image goes to the folder NAME.oci.

TAG and OUTPUT are for those who come from apko: OUTPUT is a folder (OCI layout) or a `*.tar`.
"""

import argparse
from typing import TYPE_CHECKING, Any

from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.application import Application
    from witchery.build.image import Built
    from witchery.build.request import Request
    from witchery.oci.reference import Reference
    from witchery.oci.transport import Transport

EXAMPLE = """\
example:
  witchery build ./dist/hello -o oci:hello && witchery run oci:hello
  witchery build witchery.yaml -o oci:app
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
    shared.add_registry(shared.add_trust(parser))
    group = parser.add_argument_group("explanations")
    group.add_argument("--explain-layers", action="store_true", help="say what each layer is, and why")
    group.add_argument("--script-report", action="store_true", help="say what became of each package script")
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Builds the image."""
    from witchery.build import deliver
    from witchery.build.image import build
    from witchery.cli.request import open_request
    from witchery.cli.workshop import open_registries, open_workshop

    name = _name(options)
    request = open_request(options)
    targets = _targets(options, request)
    deliver.check(targets)
    for note in request.notes:
        console.note(note)
    built = build(request, open_workshop(options, console))
    _remark(built, console)
    registries = open_registries(options, console) if deliver.pushes(targets) else None
    for target in targets:
        for note in deliver.deliver(built.image, built.contents, target, name, registries):
            console.note(f"{target}: {note}")
    if options.json:
        console.document(_document(built, request, targets))
        return 0
    _explain(built, options, console)
    _summarise(built, request, console)
    for target in targets:
        console.say(f"wrote {target}")
    if "-" not in [getattr(target, "path", "") for target in targets]:
        console.result(_by_digest(built, name))
    return 0


def _explain(built: "Built", options: argparse.Namespace, console: Console) -> None:
    """What the image is for, and what was asked to be explained."""
    if built.application:
        _explain_application(built, built.application, console)
    if options.explain_layers or options.script_report:
        from witchery.cli import explain

        if options.explain_layers:
            explain.explain_layers(built, console)
        if options.script_report:
            explain.explain_scripts(built, console)


def _explain_application(built: "Built", application: "Application", console: Console) -> None:
    """What it is, what it needs and by which package, and how it starts."""
    from witchery.cli.payload import explain_report, tell_findings

    resolution = built.gathered.resolution
    report = application.open_report(resolution.solution)
    explain_report(application.payload.name, report, console, built.providers)
    world = {str(each) for each in resolution.world}
    for name in application.accepted:
        met = name in world
        console.say(f"added as suggested: {name}" if met else f"suggested, but in no repository: {name}")
    tell_findings(built.findings, console)
    command = " ".join((*built.config.entrypoint.argv, *built.config.cmd))
    user = built.image.config.execution.user or "root"
    if command:
        console.say(f"starts `{command}` as {user} in {built.config.work_dir}")
    else:
        console.note("the image starts nothing: no program was found in it; `--entrypoint` names one")


def _remark(built: "Built", console: Console) -> None:
    """Says what may not be as meant, and what is good to know."""
    for warning in built.warnings:
        console.warn(warning)
    for note in built.notes:
        console.note(note)


def _name(options: argparse.Namespace) -> "Reference | None":
    """What the image is to be called."""
    from witchery.errors import UsageError
    from witchery.oci.reference import Reference

    if options.tag and options.tag_argument:
        raise UsageError("the tag is given twice", hint="give it as TAG or after `-t`")
    tag = options.tag or options.tag_argument
    return Reference.parse(tag).tagged() if tag else None


def _targets(options: argparse.Namespace, request: "Request") -> "tuple[Transport, ...]":
    """Where the image is to go."""
    from witchery.oci import transport

    outputs = [*options.output, *([options.output_argument] if options.output_argument else [])]
    return tuple(transport.parse(text) for text in outputs or [f"oci:{request.name}.oci"])


def _by_digest(built: "Built", name: "Reference | None") -> str:
    """The image by digest: `sha256:...`, after its name where it has one."""
    return f"{name.name}@{built.image.digest}" if name else str(built.image.digest)


def _summarise(built: "Built", request: "Request", console: Console) -> None:
    from witchery.cli.rendering import counted_as, size

    kinds = [layer.kind.value for layer in built.composition.layers]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    unpacked = sum(part.package.installed_size for part in built.parts)
    console.say(f"{counted_as(len(built.parts), 'package')} for {request.arch}, {size(unpacked)} unpacked")
    console.say(f"{counted_as(len(kinds), 'layer')} ({counted}), {size(built.image.size)}")


def _document(built: "Built", request: "Request", targets: "tuple[Transport, ...]") -> dict[str, Any]:
    from witchery.cli.payload import application_document

    return {
        **(application_document(built, built.application) if built.application else {}),
        "schema": "dev.witchery.build/1",
        "digest": str(built.image.digest),
        "size": built.image.size,
        "arch": request.arch.apk,
        "platform": request.arch.platform,
        "trusted": built.trusted,
        "outputs": [str(target) for target in targets],
        "packages": [
            {
                "name": part.name,
                "version": part.package.version,
                "installed_size": part.package.installed_size,
                "data": str(part.archive.data),
            }
            for part in built.parts
        ],
        "layers": [
            {
                "kind": row.kind,
                "packages": list(row.packages),
                "digest": str(layer.descriptor.digest),
                "size": layer.descriptor.size,
                "diff_id": str(layer.diff_id),
                "reasons": list(row.reasons),
            }
            for row, layer in zip(built.composition.explain(), built.image.layers, strict=True)
        ],
        "scripts": [
            {
                "package": row.package,
                "script": row.script,
                "verdict": row.verdict.value,
                "effects": list(row.effects),
                "reason": row.reason,
            }
            for row in built.effects.scripts
        ],
        "shell_dropped": [str(each.package) for each in built.gathered.verdicts if not each.needed],
        "warnings": list(built.warnings),
        "notes": [*request.notes, *built.notes],
    }
