"""Scripts: the interpreters they ask for, with what happens where an image does not have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.payloads import make_payload
from witchery.payload.findings import Finding, Report, Severity
from witchery.payload.options import ScanOptions
from witchery.payload.scripts import detector as scripts
from witchery.payload.scripts import shebang

REWRITE = ScanOptions(rewrite_shebangs=True)


def inspect(first_line: bytes, path: str = "tool", options: ScanOptions | None = None) -> Report:
    payload = make_payload({path: first_line + b"\ncode\n"}, modes={path: 0o755})
    return scripts.inspect(payload, options or ScanOptions())


def needs(report: Report) -> dict[str, list[str]]:
    return {need.dependency: [str(each) for each in need.evidence] for need in report.needs}


def only(report: Report) -> Finding:
    (found,) = report.findings
    return found


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"#!/usr/bin/python3", {"cmd:python3"}),
        (b"#! /usr/bin/python3.11 -I", {"cmd:python3.11"}),
        (b"#!/usr/bin/env python3", {"cmd:env", "cmd:python3"}),
        (b"#!/usr/bin/env -S python3 -u -X dev", {"cmd:env", "cmd:python3"}),
        (b"#!/usr/bin/env -S -u HOME DEBUG=1 node", {"cmd:env", "cmd:node"}),
        (b"#!/usr/bin/env -S/usr/bin/perl -w", {"cmd:env", "cmd:perl"}),
        (b"#!/bin/sh", {"cmd:sh"}),
        (b"#!/bin/ash", {"busybox"}),
        (b"#!/sbin/openrc-run", {"cmd:openrc-run"}),
        (b"#![allow(unused)]", set()),
        (b"#!", set()),
    ],
)
def test_an_interpreter_is_needed_with_the_line_as_evidence(line: bytes, wanted: set[str]) -> None:
    found = needs(inspect(line))
    assert found.keys() == wanted
    shown = line.decode().replace("#! ", "#!")
    assert all(evidence == [f"app/tool: {shown}"] for evidence in found.values())


def test_only_files_that_may_be_executed_count() -> None:
    payload = make_payload({"a.py": b"#!/usr/bin/env python3\n"}, modes={"a.py": 0o644})
    assert scripts.inspect(payload, ScanOptions()) == Report()


def test_an_interpreter_inside_the_application_needs_nothing() -> None:
    report = scripts.inspect(
        make_payload({"bin/lua": b"\x7fELF", "tool": b"#!/app/bin/lua\n"}), ScanOptions()
    )
    assert not report.needs
    assert not report.findings
    assert [program.argv for program in report.programs] == [("/app/tool",)]


def test_env_finds_the_applications_own_program_by_path_and_needs_no_package_for_it() -> None:
    payload = make_payload({"bin/lua": b"\x7fELF", "tool": b"#!/usr/bin/env lua\n"})
    report = scripts.inspect(payload, ScanOptions())
    assert needs(report).keys() == {"cmd:env"}
    assert report.environment["PATH"].split(":")[0] == "/app/bin"
    assert scripts.inspect(payload, REWRITE).rewrites == {"app/tool": b"#!/app/bin/lua\n"}


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (b"#!/usr/bin/env python3", b"#!/usr/bin/python3", "cmd:python3"),
        (b"#!/usr/bin/env bash", b"#!/bin/bash", "cmd:bash"),
        (b"#!/usr/bin/env -S node --no-warnings", b"#!/usr/bin/node --no-warnings", "cmd:node"),
        (b"#!/usr/local/bin/python3 -u", b"#!/usr/bin/python3 -u", "cmd:python3"),
        (b"#!/usr/bin/bash -e", b"#!/bin/bash -e", "cmd:bash"),
    ],
)
def test_rewriting_names_the_interpreter_and_saves_env(before: bytes, after: bytes, wanted: str) -> None:
    report = inspect(before, options=REWRITE)
    assert report.rewrites == {"app/tool": after + b"\ncode\n"}
    assert needs(report).keys() == {wanted}
    assert not [each for each in report.findings if each.rule != "shell"]


def test_several_arguments_are_left_to_env_since_linux_would_make_them_one() -> None:
    report = inspect(b"#!/usr/bin/env -S python3 -u -I", options=REWRITE)
    assert not report.rewrites
    assert needs(report).keys() == {"cmd:env", "cmd:python3"}


def test_rewriting_moves_no_byte_of_an_archive_that_follows() -> None:
    data = b"#!/usr/bin/env python3\nPK\x03\x04\x00\x00rest"
    report = scripts.inspect(make_payload({"app.pyz": data}), REWRITE)
    assert report.rewrites == {"app/app.pyz": b"#!/usr/bin/python3    \nPK\x03\x04\x00\x00rest"}
    again = shebang.parse(report.rewrites["app/app.pyz"])
    assert again is not None
    assert (again.interpreter, again.argument) == ("/usr/bin/python3", "")


def test_a_shell_is_told_once_with_the_file_that_asks_for_it() -> None:
    payload = make_payload({"a.sh": b"#!/bin/sh\n", "b.sh": b"#!/bin/sh -e\n"})
    found = only(scripts.inspect(payload, ScanOptions()))
    assert (found.rule, found.severity) == ("shell", Severity.NOTE)
    assert str(found) == "app/a.sh: asks for a shell, `sh`, so the image gets one; 1 more like it"


@pytest.mark.parametrize(
    ("line", "rule", "severity", "hint"),
    [
        (b"#!/build/venv/bin/python", "shebang-outside", Severity.ERROR, "`#!/usr/bin/python`"),
        (b"#!/usr/local/bin/python3", "shebang-outside", Severity.ERROR, "--rewrite-shebangs"),
        (b"#!bin/python3", "shebang-outside", Severity.ERROR, "/usr/bin/python3 /app/tool"),
        (b"#!/opt/tcl/bin/thing", "shebang-outside", Severity.ERROR, "through its interpreter"),
        (b"#!/usr/bin/env a;b", "shebang-outside", Severity.ERROR, "through its interpreter"),
        (b"#!/bin/sh\r", "shebang-crlf", Severity.ERROR, "dos2unix"),
        (b"#!/usr/bin/env python3\r", "shebang-crlf", Severity.ERROR, "dos2unix"),
        (b"#!/usr/bin/env python3 -u", "shebang-arguments", Severity.ERROR, "env -S"),
        (b"#!/" + b"a" * 300, "shebang-long", Severity.ERROR, "Shorten"),
        (b"#!/bin/python3", "shebang-place", Severity.WARNING, "`#!/usr/bin/python3`"),
    ],
)
def test_a_line_that_fails_in_the_image_is_refused_with_a_way_out(
    line: bytes, rule: str, severity: Severity, hint: str
) -> None:
    found = only(inspect(line))
    assert (found.rule, found.severity, found.path) == (rule, severity, "app/tool")
    assert any(hint in each for each in found.hints)
    assert "\r" not in found.message


def test_scripts_of_dependencies_are_suggestions_and_never_block() -> None:
    payload = make_payload(
        {
            "node_modules/x/install.sh": b"#!/usr/bin/env bash\n",
            "node_modules/x/odd": b"#!/nowhere/odd\n",
            "lib/site-packages/y/z.py": b"#!/usr/local/bin/python\n",
            "node_modules/x/shim.ps1": b"#!/usr/bin/env pwsh\n",
        }
    )
    report = scripts.inspect(payload, ScanOptions())
    assert not report.needs
    assert not report.findings
    assert not report.programs
    assert {each.dependency for each in report.suggestions} == {"cmd:bash", "cmd:env"}


def test_the_tools_of_a_runtime_inside_the_application_are_not_its_needs() -> None:
    payload = make_payload(
        {
            "python/bin/python3.12": b"\x7fELF",
            "python/bin/python3.12-config": b"#!/bin/sh\n",
            "python/bin/pip": b"#!/build/python/bin/python3.12\n",
            "python/bin/flask": b"#!/build/python/bin/python3.12\n",
            "python/bin/gunicorn": b"#!/build/python/bin/python3.12\n",
            "python/lib/python3.12/base64.py": b"#!/usr/bin/env python3\n",
        }
    )
    report = scripts.inspect(payload, ScanOptions())
    assert not report.needs
    found = only(report)
    assert (found.rule, found.severity) == ("shebang-outside", Severity.WARNING)
    assert found.path == "app/python/bin/flask"
    assert "`/app/python/bin/python3.12` in the image; 1 more like it" in found.message
    assert not report.programs, "what cannot be started is not offered as a start"
    rewritten = scripts.inspect(payload, REWRITE)
    assert rewritten.rewrites["app/python/bin/flask"] == b"#!/app/python/bin/python3.12\n"
    assert {each.argv[0] for each in rewritten.programs} == {
        "/app/python/bin/flask",
        "/app/python/bin/gunicorn",
    }


def test_scripts_of_a_virtual_environment_are_left_to_who_knows_python() -> None:
    payload = make_payload({"venv/pyvenv.cfg": b"", "venv/bin/flask": b"#!/build/venv/bin/python\n"})
    assert scripts.inspect(payload, ScanOptions()) == Report()


def test_programs_are_ranked_by_name_and_place() -> None:
    line = b"#!/bin/sh\n"
    payload = make_payload({"hello": line, "other": line, "bin/x": line, "share/doc/y": line})
    found = {each.argv[0]: each.rank for each in scripts.inspect(payload, ScanOptions()).programs}
    assert found == {"/app/hello": 1, "/app/other": 2, "/app/bin/x": 2, "/app/share/doc/y": 3}


def test_linux_reads_no_more_than_255_bytes_but_a_long_argument_does_no_harm() -> None:
    fits = b"#!/" + b"a" * 252
    parsed = shebang.parse(fits + b"\n")
    assert parsed is not None
    assert len(parsed.interpreter) == 253
    assert not parsed.cut


@given(st.binary(max_size=300), st.booleans())
def test_any_first_line_gives_findings_and_dependencies_that_can_be_written(raw: bytes, env: bool) -> None:
    report = inspect((b"#!/usr/bin/env " if env else b"#!") + raw)
    for need in report.needs:
        assert need.dependency.isascii()
        assert not set(need.dependency) & set(" <>=~!@\n\0")


@pytest.mark.parametrize("path", ["runtime/bin/python3.13", "start/python/bin/python3.13"])
def test_a_script_finds_the_runtime_that_the_application_brings_wherever_it_is(path: str) -> None:
    """Alpine's Python is not wanted besides; `env`, which looks for the other, is."""
    folder = path.rpartition("/")[0]
    payload = make_payload(
        {
            path: b"\x7fELF",
            "serve": b"#!/usr/bin/env python3\n",
            f"{folder}/tool": b"#!/usr/bin/env python\n",
        },
        links={f"{folder}/python3": "python3.13", f"{folder}/python": "python3"},
    )
    report = scripts.inspect(payload, ScanOptions())
    assert set(needs(report)) == {"cmd:env"}
    assert report.environment["PATH"].startswith(f"/app/{folder}:")
