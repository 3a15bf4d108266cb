"""What a build made: in words for a person, as a document for a program."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.application import Application
    from witchery.build.image import Built
    from witchery.build.images import BuiltImages
    from witchery.build.request import Request
    from witchery.oci.transport import Transport
    from witchery.payload.findings import Finding


def tell(images: "BuiltImages", options: argparse.Namespace, console: Console) -> None:
    """What the image is for, what was asked to be explained, and what it comes to.

    Of several platforms the first is told whole, and of the others what differs.
    """
    _tell_applications(images, console)
    if options.explain_layers or options.script_report:
        _explain(images, options, console)
    summarise(images, console)


def _tell_applications(images: "BuiltImages", console: Console) -> None:
    (_, first), *others = images.platforms
    if first.application is None:
        return
    told = {str(each) for each in _findings(first)}
    _tell_application(first, first.application, console)
    for request, built in others:
        arch, known, own = request.arch.apk, _needs(first), _needs(built)
        if more := [text for need, text in own.items() if need not in known]:
            console.say(f"{arch} also needs {', '.join(more)}")
        if less := [text for need, text in known.items() if need not in own]:
            console.say(f"{arch} does not need {', '.join(less)}")
        for finding in _findings(built):
            if str(finding) not in told:
                say = console.warn if finding.severity.value == "warning" else console.note
                say(f"{arch}: {finding} [{finding.rule}]")
        if _command(built) != _command(first):
            console.say(f"{arch} starts `{_command(built)}`")


def _needs(built: "Built") -> Mapping[str, str]:
    """What the application needs, and by which package; by the need without the architecture in it.

    Only the C library has the architecture in its name.
    """
    if built.application is None:
        return {}
    arch, providers = built.application.payload.arch.apk, built.providers
    return {
        need.dependency.replace(arch, "ARCH"): f"{need.dependency} ({providers.get(need.dependency, '')})"
        for need in built.application.report.needs
    }


def _findings(built: "Built") -> "Sequence[Finding]":
    from witchery.payload.findings import shortened

    if built.application is None:
        return ()
    return tuple(shortened((*built.application.report.findings, *built.findings)))


def _command(built: "Built") -> str:
    return " ".join((*built.config.entrypoint.argv, *built.config.cmd))


def _tell_application(built: "Built", application: "Application", console: Console) -> None:
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
    command = _command(built)
    user = built.image.config.execution.user or "root"
    if command:
        console.say(f"starts `{command}` as {user} in {built.config.work_dir}")
    else:
        console.note("the image starts nothing: no program was found in it; `--entrypoint` names one")


def _explain(images: "BuiltImages", options: argparse.Namespace, console: Console) -> None:
    from witchery.cli import explain

    for request, built in images.platforms:
        if len(images.platforms) > 1:
            console.say(console.styled("bold", f"{request.arch}:"))
        if options.explain_layers:
            explain.explain_layers(built, console)
        if options.script_report:
            explain.explain_scripts(built, console)


def summarise(images: "BuiltImages", console: Console) -> None:
    """How many packages and layers, and how large."""
    from witchery.cli.rendering import counted_as, size, table

    if len(images.platforms) == 1:
        (request, built), *_ = images.platforms
        kinds, counted = _kinds(built)
        unpacked = sum(part.package.installed_size for part in built.parts)
        console.say(
            f"{counted_as(len(built.parts), 'package')} for {request.arch}, {size(unpacked)} unpacked"
        )
        console.say(f"{counted_as(kinds, 'layer')} ({counted}), {size(built.image.size)}")
        return
    rows = [
        (
            str(request.arch),
            request.arch.platform,
            counted_as(len(built.parts), "package"),
            f"{counted_as(_kinds(built)[0], 'layer')} ({_kinds(built)[1]})",
            size(built.image.size),
        )
        for request, built in images.platforms
    ]
    console.say(table(rows, right=(4,)))
    for line in uneven(images):
        console.say(line)
    console.say(f"{len(rows)} platforms, {size(images.image.size)} together")


def _kinds(built: "Built") -> tuple[int, str]:
    kinds = [layer.kind.value for layer in built.composition.layers]
    return len(kinds), ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))


def uneven(images: "BuiltImages") -> Sequence[str]:
    """The packages that some platforms have and others have not, a line for those of the same platforms."""
    holders: dict[str, list[str]] = {}
    for request, built in images.platforms:
        for part in built.parts:
            holders.setdefault(part.name, []).append(request.arch.apk)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, archs in sorted(holders.items()):
        if len(archs) < len(images.platforms):
            groups.setdefault(tuple(archs), []).append(name)
    return [f"only on {', '.join(archs)}: {_listed(names)}" for archs, names in groups.items()]


def _listed(names: Sequence[str], limit: int = 8) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def document(images: "BuiltImages", targets: "Sequence[Transport]") -> Mapping[str, Any]:
    """The same for a program: one platform as a whole, several each in a row of `platforms`."""
    rows = [
        {
            "arch": request.arch.apk,
            "platform": request.arch.platform,
            "digest": str(built.image.digest),
            "size": built.image.size,
        }
        for request, built in images.platforms
    ]
    outputs = {"outputs": [str(target) for target in targets]}
    if len(images.platforms) == 1:
        (request, built), *_ = images.platforms
        return {**_platform(built, request), **outputs, "platforms": rows}
    return {
        "schema": "dev.witchery.build/1",
        "digest": str(images.image.digest),
        "size": images.image.size,
        "trusted": images.trusted,
        **outputs,
        "platforms": [
            row | _platform(built, request)
            for row, (request, built) in zip(rows, images.platforms, strict=True)
        ],
        "skew": [
            {"name": each.name, "versions": {arch.apk: version for arch, version in each.versions}}
            for each in images.skew
        ],
        "warnings": list(images.warnings),
        "notes": [*images.platforms[0][0].notes, *images.notes],
    }


def _platform(built: "Built", request: "Request") -> dict[str, Any]:
    from witchery.cli.payload import application_document

    return {
        **(application_document(built, built.application) if built.application else {}),
        "schema": "dev.witchery.build/1",
        "digest": str(built.image.digest),
        "size": built.image.size,
        "arch": request.arch.apk,
        "platform": request.arch.platform,
        "trusted": built.trusted,
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
