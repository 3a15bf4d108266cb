""".NET applications, as `dotnet publish` leaves them.

Source: the .NET runtime's documentation of `NAME.runtimeconfig.json` (the frameworks that are wanted, or are
included) and `NAME.deps.json` (`runtimeTarget`: for which system; `libraries`: of what it is made). The names
of systems are those of the RID catalogue: `linux-musl-x64`.

Alpine's packages of the runtime depend on ICU. An application that brings its own runtime does without, in
invariant mode, unless `icu-libs` is taken.

Rules: `dotnet-rid` (error): published for another system; `broken-json` (warning).
"""

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from typing import Any, NamedTuple

from witchery.arch import Arch
from witchery.errors import FormatError
from witchery.payload import documents
from witchery.payload.findings import (
    Component,
    Evidence,
    Finding,
    Need,
    Program,
    Report,
    Severity,
    Suggestion,
)
from witchery.payload.options import ScanOptions
from witchery.payload.purl import purl
from witchery.payload.tree import Payload, PayloadFile

MAX_PACKAGES = 20_000
_CONFIG, _DEPENDENCIES = ".runtimeconfig.json", ".deps.json"
_ASP = "Microsoft.AspNetCore.App"
_PACKAGES = {"Microsoft.NETCore.App": "dotnet{}-runtime", _ASP: "aspnetcore{}-runtime"}
_INVARIANT = "System.Globalization.Invariant"
_DOTNET = "/usr/bin/dotnet"
_CPUS = {"x86_64": "x64", "aarch64": "arm64", "armv7": "arm", "armhf": "armv6", "x86": "x86"}
_PORTABLE = ("", "any", "unix", "linux", "linux-musl")


class _App(NamedTuple):
    """An application: its name, the folder it is in, its configuration, and what that says."""

    name: str
    folder: str
    config: PayloadFile
    options: dict[str, Any]

    @property
    def included(self) -> bool:
        """Whether it brings its runtime."""
        return "includedFrameworks" in self.options

    @property
    def frameworks(self) -> list[dict[str, Any]]:
        """The frameworks that it names."""
        single = documents.inner(self.options, "framework")
        many = documents.listed(self.options, "frameworks")
        return [*([single] if single else []), *many, *documents.listed(self.options, "includedFrameworks")]


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """What the .NET applications among the files need, and are made of."""
    apps, findings = list[_App](), list[Finding]()
    components = list[Component]()
    for each in payload:
        if not each.is_file or not each.name.endswith((_CONFIG, _DEPENDENCIES)):
            continue
        try:
            document = documents.members(each)
        except FormatError as error:
            findings.append(Finding("broken-json", Severity.WARNING, each.path, f"cannot be read: {error}"))
            continue
        if each.name.endswith(_CONFIG):
            folder, _, name = each.path.rpartition("/")
            options = documents.inner(document, "runtimeOptions")
            apps.append(_App(name.removesuffix(_CONFIG), folder, each, options))
        else:
            components += _components(each.path, document)
            findings += _system(each.path, document, payload.arch)
    if not apps:
        return Report(findings=tuple(findings), components=tuple(components))
    return Report(
        kinds=tuple(_kind(app) for app in apps),
        needs=tuple(need for app in apps for need in _needs(app)),
        suggestions=tuple(each for app in apps for each in _globalization(app)),
        findings=tuple(findings),
        programs=tuple(_programs(payload, apps)),
        components=tuple(components),
        environment=_environment(apps),
    )


def _kind(app: _App) -> str:
    numbers = [_major(each) for each in app.frameworks if _major(each)]
    words = [
        ".NET",
        max(numbers, key=int) if numbers else "",
        "application",
        "(self-contained)" if app.included else "",
    ]
    return " ".join(word for word in words if word)


def _major(framework: dict[str, Any]) -> str:
    major = documents.text(framework, "version").partition(".")[0]
    return major if major.isascii() and major.isdigit() and len(major) < 4 else ""


def _needs(app: _App) -> Iterator[Need]:
    if app.included:
        return
    for each in app.frameworks:
        name, major = documents.text(each, "name"), _major(each)
        if name in _PACKAGES and major:
            evidence = Evidence(app.config.path, f"wants {name} {documents.text(each, 'version')}")
            yield Need(_PACKAGES[name].format(major), (evidence,))


def _is_invariant(app: _App) -> bool:
    return documents.inner(app.options, "configProperties").get(_INVARIANT) is True


def _globalization(app: _App) -> Iterator[Suggestion]:
    if app.included and not _is_invariant(app):
        evidence = Evidence(app.config.path, "brings its runtime, and does not ask for invariant mode")
        yield Suggestion(
            "icu-libs", "may use languages and cultures; invariant mode does without", (evidence,)
        )


def _environment(apps: list[_App]) -> dict[str, str]:
    found = {"DOTNET_RUNNING_IN_CONTAINER": "true"}
    names = {documents.text(each, "name") for app in apps for each in app.frameworks}
    if _ASP in names:
        found["ASPNETCORE_HTTP_PORTS"] = "8080"
    if all(app.included and not _is_invariant(app) for app in apps):
        found["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1"
    return found


def _programs(payload: Payload, apps: list[_App]) -> Iterator[Program]:
    for app in apps:
        program, library = f"{app.folder}/{app.name}".lstrip("/"), f"{app.folder}/{app.name}.dll".lstrip("/")
        rank = 0 if app.folder == payload.root else 2
        if app.included and program in payload.elves:
            yield Program((f"/{program}",), ".NET application with its runtime", rank)
        elif not app.included and library in payload.files:
            yield Program((_DOTNET, f"/{library}"), f"named by {app.config.name}", rank)


def _system(path: str, document: dict[str, Any], arch: Arch) -> Iterator[Finding]:
    """An error where an application was published for another system than Alpine on this architecture."""
    system = documents.text(documents.inner(document, "runtimeTarget"), "name").partition("/")[2]
    wanted = f"linux-musl-{_CPUS.get(arch.apk, arch.apk)}"
    if system in (*_PORTABLE, wanted):
        return
    message = f"was published for another system than `{wanted}`: `{system[:80]}`"
    yield Finding(
        "dotnet-rid", Severity.ERROR, path, message, (f"Publish it with `dotnet publish -r {wanted}`.",)
    )


def _components(path: str, document: dict[str, Any]) -> Iterator[Component]:
    for key, library in list(documents.inner(document, "libraries").items())[:MAX_PACKAGES]:
        name, _, version = key.partition("/")
        if documents.text(library, "type") == "package" and name:
            digests = _digest(documents.text(library, "sha512"))
            yield Component(
                purl("nuget", name, version), name, version, path, "libraries of a deps.json", digests
            )


def _digest(text: str) -> tuple[tuple[str, str], ...]:
    """The digest of a NuGet package: `sha512-` and Base64."""
    try:
        raw = a2b_base64(text.removeprefix("sha512-"), strict_mode=True)
    except (Base64Error, ValueError):
        return ()
    return (("sha512", raw.hex()),) if len(raw) == 64 else ()
