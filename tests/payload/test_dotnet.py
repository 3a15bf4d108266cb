""".NET applications, with the files that `dotnet publish` writes."""

import json
from base64 import b64encode
from typing import Any

import pytest

from support.elf_files import ElfFile
from support.payloads import make_payload
from witchery.payload.findings import Report, Severity
from witchery.payload.languages import dotnet
from witchery.payload.options import ScanOptions

CORE = {"name": "Microsoft.NETCore.App", "version": "8.0.0"}
ASP = {"name": "Microsoft.AspNetCore.App", "version": "8.0.1"}
APPHOST = ElfFile(interpreter="/lib/ld-musl-x86_64.so.1", needed=("libc.musl-x86_64.so.1",)).build().data


def scanned(files: dict[str, bytes], arch: str = "x86_64") -> Report:
    return dotnet.inspect(make_payload(files, arch=arch), ScanOptions())


def config(**options: Any) -> bytes:
    return b"\xef\xbb\xbf" + json.dumps({"runtimeOptions": {"tfm": "net8.0", **options}}).encode()


def dependencies(system: str = "", libraries: Any = None) -> bytes:
    target = ".NETCoreApp,Version=v8.0" + (f"/{system}" if system else "")
    return json.dumps({"runtimeTarget": {"name": target}, "libraries": libraries or {}}).encode()


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ({"framework": CORE}, ["dotnet8-runtime"]),
        ({"frameworks": [CORE, ASP]}, ["dotnet8-runtime", "aspnetcore8-runtime"]),
        ({"framework": {"name": "Microsoft.NETCore.App", "version": "10.0.0-rc.1"}}, ["dotnet10-runtime"]),
        ({"includedFrameworks": [CORE]}, []),
        ({"framework": {"name": "Microsoft.NETCore.App", "version": "8;rm"}}, []),
        ({"framework": "nonsense", "frameworks": 3}, []),
    ],
)
def test_the_frameworks_of_the_configuration_are_needed(options: dict[str, Any], needs: list[str]) -> None:
    report = scanned({"Hello.runtimeconfig.json": config(**options), "Hello.dll": b"MZ"})
    assert [need.dependency for need in report.needs] == needs


def test_an_application_is_started_by_its_library() -> None:
    report = scanned({"Hello.runtimeconfig.json": config(frameworks=[CORE, ASP]), "Hello.dll": b"MZ"})
    assert [(each.argv, each.rank) for each in report.programs] == [
        (("/usr/bin/dotnet", "/app/Hello.dll"), 0)
    ]
    assert report.environment == {"DOTNET_RUNNING_IN_CONTAINER": "true", "ASPNETCORE_HTTP_PORTS": "8080"}
    assert report.suggestions == ()
    assert report.kinds == (".NET 8 application",)


def test_one_that_brings_its_runtime_is_started_itself_and_does_without_icu_or_takes_it() -> None:
    files = {"Hello.runtimeconfig.json": config(includedFrameworks=[CORE]), "Hello": APPHOST}
    report = scanned(files)
    assert [(each.argv, each.rank) for each in report.programs] == [(("/app/Hello",), 0)]
    assert report.environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] == "1"
    assert [each.dependency for each in report.suggestions] == ["icu-libs"]
    invariant = config(includedFrameworks=[CORE], configProperties={"System.Globalization.Invariant": True})
    assert scanned({**files, "Hello.runtimeconfig.json": invariant}).suggestions == ()


@pytest.mark.parametrize(
    ("system", "arch", "fine"),
    [
        ("", "x86_64", True),
        ("linux-musl-x64", "x86_64", True),
        ("linux-musl-arm64", "aarch64", True),
        ("linux-x64", "x86_64", False),
        ("linux-musl-arm64", "x86_64", False),
        ("win-x64", "x86_64", False),
    ],
)
def test_one_for_another_system_is_refused_with_the_command_that_publishes_the_right_one(
    system: str, arch: str, fine: bool
) -> None:
    findings = scanned({"Hello.deps.json": dependencies(system)}, arch).findings
    if fine:
        assert findings == ()
    else:
        (finding,) = findings
        assert (finding.rule, finding.severity) == ("dotnet-rid", Severity.ERROR)
        right = "linux-musl-x64" if arch == "x86_64" else "linux-musl-arm64"
        assert finding.hints == (f"Publish it with `dotnet publish -r {right}`.",)


def test_packages_become_components_with_their_digests() -> None:
    digest = bytes(range(64))
    listed = {
        "Newtonsoft.Json/13.0.3": {"type": "package", "sha512": f"sha512-{b64encode(digest).decode()}"},
        "Odd/1.0": {"type": "package", "sha512": "sha512-?"},
        "Hello/1.0.0": {"type": "project", "sha512": ""},
    }
    components = scanned({"Hello.deps.json": dependencies(libraries=listed)}).components
    assert [(each.purl, each.digests) for each in components] == [
        ("pkg:nuget/Newtonsoft.Json@13.0.3", (("sha512", digest.hex()),)),
        ("pkg:nuget/Odd@1.0", ()),
    ]


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff", b'{"runtimeOptions":{},"runtimeOptions":{}}'])
def test_a_broken_document_is_a_warning(raw: bytes) -> None:
    findings = scanned({"Hello.runtimeconfig.json": raw}).findings
    assert [(each.rule, each.severity) for each in findings] == [("broken-json", Severity.WARNING)]
