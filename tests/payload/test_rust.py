"""Rust programs: real ones from PyPI, and lists of packages written by hand."""

import json
import zlib
from typing import Any

import pytest

from support.downloads import wheel, wheel_files
from support.elf_files import ElfFile
from support.payloads import make_payload
from witchery.payload.findings import Report, Severity
from witchery.payload.languages import rust
from witchery.payload.options import ScanOptions

PATH = b"/rustc/82e1608dfa6e0b5569232559e3d385fea5a93112/library/std/src/panicking.rs"


def scanned(data: bytes) -> Report:
    return rust.inspect(make_payload({"hello": data}), ScanOptions())


def program(**sections: bytes) -> bytes:
    named = {f".{name.replace('_', '-')}": content for name, content in sections.items()}
    return ElfFile(type=2, dynamic=False, sections=named).build().data


def listed(*packages: Any) -> bytes:
    return zlib.compress(json.dumps({"packages": packages}).encode())


def test_a_program_is_told_by_the_paths_of_its_compiler() -> None:
    assert scanned(program(rodata=PATH)).kinds == ("Rust program (static)",)
    assert scanned(program(rodata=b"/rustc/ and so on", comment=b"GCC")).kinds == ()
    comment = b"rustc version 1.75.0 (82e1608df 2023-12-21)\0"
    assert scanned(program(comment=comment)).kinds == ("Rust 1.75 program (static)",)


def test_what_was_only_used_to_build_is_no_component() -> None:
    raw = listed(
        {"name": "hello", "version": "0.1.0", "source": "local", "root": True},
        {"name": "serde", "version": "1.0.1+x", "source": "registry"},
        {"name": "cc", "version": "1.0.0", "source": "registry", "kind": "build"},
        "nonsense",
    )
    found = scanned(program(dep_v0=raw)).components
    assert [each.purl for each in found] == ["pkg:cargo/hello@0.1.0", "pkg:cargo/serde@1.0.1%2Bx"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x78\x9c",
        zlib.compress(b"[]"),
        zlib.compress(b"{"),
        b"\x78\x9d" + listed()[2:],
        zlib.compress(b'{"packages":"' + bytes(rust.MAX_LIST) + b'"}'),
    ],
    ids=["empty", "short", "a list", "no JSON", "a wrong header", "too long"],
)
def test_a_broken_list_is_a_note(raw: bytes) -> None:
    report = scanned(program(dep_v0=raw))
    assert [(each.rule, each.severity) for each in report.findings] == [("broken-dep-v0", Severity.NOTE)]
    assert report.components == ()


def test_the_crates_of_a_real_program_are_recovered() -> None:
    files = wheel_files(wheel("uv", "0.13.9", platform="musllinux_1_1_x86_64"))
    (data,) = (content for path, content in files.items() if path.endswith("/scripts/uv"))
    report = scanned(data)
    assert len(report.kinds) == 1
    assert report.kinds[0].endswith("program (static)")
    names = {each.name for each in report.components}
    assert {"rustls", "tokio", "uv"} <= names
    assert len(report.components) == 532  # 567, and 35 of them only to build
