"""Hints: what strings in programs suggest, and where they suggest nothing."""

import pytest

from support.elf_files import ElfFile, Sym
from support.payloads import make_payload
from support.real_elf import elf_files
from support.shared import needs_shared
from witchery.payload import hints, sweep
from witchery.payload.findings import Report, Severity
from witchery.payload.languages import buildinfo
from witchery.payload.options import ScanOptions
from witchery.value import replace

LOADER = "/lib/ld-musl-x86_64.so.1"
RUST = b"/rustc/82e1608dfa6e0b5569232559e3d385fea5a93112/library/std/src/panicking.rs"


def scanned(files: dict[str, bytes]) -> Report:
    return hints.inspect(make_payload(files), ScanOptions())


def dynamic(rodata: bytes, *imports: str, needed: tuple[str, ...] = ("libc.musl-x86_64.so.1",)) -> bytes:
    symbols = tuple(Sym(name) for name in imports)
    return (
        ElfFile(
            interpreter=LOADER, needed=needed, symbols=symbols, sections={".rodata": b"\0" + rodata + b"\0"}
        )
        .build()
        .data
    )


def suggested(data: bytes) -> dict[str, list[str]]:
    report = scanned({"hello": data})
    assert report.needs == ()
    found: dict[str, list[str]] = {}
    for each in report.suggestions:
        found.setdefault(each.dependency, []).extend(shown.what for shown in each.evidence)
    return found


@pytest.mark.parametrize(
    ("rodata", "dependency"),
    [
        (b"/etc/ssl/certs/ca-certificates.crt", "ca-certificates-bundle"),
        (b"/etc/ssl/cert.pem", "ca-certificates-bundle"),
        (b"SSL_CERT_FILE", "ca-certificates-bundle"),
        (b"/usr/share/zoneinfo/", "tzdata"),
        (b"/etc/mime.types", "mailcap"),
        (b"/etc/services", "alpine-baselayout-data"),
        (b"/etc/protocols", "alpine-baselayout-data"),
    ],
)
def test_a_path_among_the_constants_suggests_the_package_that_has_the_file(
    rodata: bytes, dependency: str
) -> None:
    ((found, what),) = suggested(dynamic(rodata)).items()
    assert found == dependency
    assert what[0].startswith("mentions ")


def test_time_zones_of_static_programs_count_only_in_rust() -> None:
    def static(rodata: bytes) -> bytes:
        return ElfFile(type=2, dynamic=False, sections={".rodata": rodata}).build().data

    assert suggested(static(b"/usr/share/zoneinfo\0")) == {}
    assert list(suggested(static(b"/usr/share/zoneinfo\0" + RUST))) == ["tzdata"]


def test_go_programs_are_left_to_what_knows_them() -> None:
    sections = {buildinfo.SECTION: bytes(32), ".rodata": b"/etc/ssl/certs /etc/mime.types zoneinfo"}
    assert suggested(ElfFile(type=2, dynamic=False, sections=sections).build().data) == {}


def test_code_is_left_out_where_constants_stand_apart() -> None:
    sections = {".text": b"/etc/services\0"}
    together = ElfFile(type=2, dynamic=False, sections=sections)
    assert suggested(together.build().data).keys() == {"alpine-baselayout-data"}
    constants = (1, 4, 0, 0xA00000, 64, 64, 1)
    assert suggested(replace(together, segments=[constants]).build().data) == {}


def test_a_string_on_the_border_of_two_pieces_is_found() -> None:
    for before in range(sweep.PIECE - 700, sweep.PIECE, 7):
        if suggested(dynamic(bytes(before) + b"/etc/mime.types")).keys() != {"mailcap"}:
            pytest.fail(f"lost at {before}")


@pytest.mark.parametrize(
    "library", ["libssl.so.3", "libcrypto.so.3", "libcurl.so.4", "libgnutls.so.30", "libtls.so.28"]
)
def test_a_library_for_tls_suggests_certificates(library: str) -> None:
    assert suggested(dynamic(b"", needed=(library,))) == {"ca-certificates-bundle": [f"needs {library}"]}


@pytest.mark.parametrize(
    ("rodata", "imports", "told"),
    [
        (b"", ("system",), "it calls system()"),
        (b"", ("popen",), "it calls popen()"),
        (b"/bin/sh", (), "it mentions /bin/sh"),
        (b"/bin/shells", ("systemctl",), ""),
    ],
)
def test_a_program_that_may_run_a_shell_is_remarked_on(
    rodata: bytes, imports: tuple[str, ...], told: str
) -> None:
    report = scanned({"hello": dynamic(rodata, *imports)})
    assert [(each.rule, each.severity) for each in report.findings] == (
        [("runs-a-shell", Severity.NOTE)] if told else []
    )
    assert all(told in each.message for each in report.findings)
    assert report.suggestions == ()


def test_libraries_by_name_are_suggested_to_programs_that_call_dlopen() -> None:
    names = b"libfoo.so.1|/usr/lib/libbar.so|liblist.so.2:liblist.so|lib%s.so|x libz.so|libm.so.6|libown.so.3"
    rodata = names.replace(b"|", b"\0")
    program = dynamic(rodata, "dlopen")
    own = ElfFile(soname="libown.so.3").build().data
    found = {each.dependency for each in scanned({"hello": program, "lib/libown.so.3.1": own}).suggestions}
    assert found == {"so:libfoo.so.1", "so:libbar.so", "so:liblist.so.2", "so:liblist.so"}
    assert suggested(dynamic(rodata)) == {}


def test_python_is_suggested_certificates_once() -> None:
    report = scanned({"a.py": b"import ssl\n", "b.py": b"\n"})
    assert [(each.dependency, each.evidence[0].path) for each in report.suggestions] == [
        ("ca-certificates-bundle", "app/a.py")
    ]


@needs_shared
def test_of_real_programs_those_that_use_tls_are_suggested_certificates() -> None:
    files = {each.path: each.data for each in elf_files("v3.19.1-boot-x86_64")}
    report = scanned(files)
    certificates = {
        shown.path
        for each in report.suggestions
        if each.dependency == "ca-certificates-bundle"
        for shown in each.evidence
    }
    assert {"app/usr/bin/wget", "app/lib/libcrypto.so.3", "app/sbin/apk"} <= certificates
    assert "app/bin/busybox" not in certificates
    opened = {each.evidence[0].path for each in report.suggestions if each.dependency.startswith("so:")}
    assert opened == {"app/lib/libss.so.2.0"}
