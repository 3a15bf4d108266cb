"""The commands that shell scripts may run, and files that run nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.elf_files import ElfFile
from support.payloads import make_payload
from witchery.payload.languages import shell, static
from witchery.payload.languages.shell_commands import MAX_SCRIPT, commands
from witchery.payload.options import ScanOptions


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("git pull && node server.js || exit 1; curl x | jq .", ["git", "node", "curl", "jq"]),
        ("A=1 B=2 psql -c x > out", ["psql"]),
        ("> out psql", ["psql"]),
        ("exec gunicorn app", ["gunicorn"]),
        ("if ! openssl version; then rsync a b; fi", ["openssl", "rsync"]),
        ("for x in git curl; do\n  ffmpeg $x\ndone", ["ffmpeg"]),
        ("V=$(git describe) && export V", ["git"]),
        ('case "$1" in start|node) exec node;; git) ;; *) psql\nesac\ncurl', ["node", "psql", "curl"]),
        ("helper() { jq .; }\nhelper | other_helper\nfunction other_helper { :; }", ["jq"]),
        ("echo git; ls node; cat <<EOF\ngit\nEOF\n", []),
        ("cat <<'END' | psql\ncurl x\nEND\njq", ["psql", "jq"]),
        ("# git\necho 'a\ngit b' \"\nnode c\"", []),
        ("$NODE x; ${GIT} y; ./git z; /usr/bin/curl a; node$X b", []),
        ("[[ -f a && git ]] ; (( node < 3 )) ; list=(psql jq)", []),
        ("busybox ls; grep x; sed s; awk 1", ["busybox"]),
    ],
)
def test_words_at_the_place_of_a_command_are_candidates(script: str, found: list[str]) -> None:
    assert [each for each in commands(script) if each != "other_helper"] == found


def test_the_evidence_is_the_line_and_programs_of_the_application_are_none() -> None:
    script = b"#!/bin/sh\n# starts node\nhello --x\nnode server.js\n"
    payload = make_payload({"start": script, "bin/hello": ElfFile().build().data})
    (suggestion,) = shell.inspect(payload, ScanOptions()).suggestions
    assert suggestion.dependency == "cmd:node"
    assert str(suggestion.evidence[0]) == "app/start: line 4: node"


@pytest.mark.parametrize(
    ("path", "first", "mode"),
    [
        ("start", "#!/usr/bin/env python3", 0o755),
        ("start", "#!/bin/sh", 0o644),
        ("node_modules/x/start", "#!/bin/sh", 0o755),
    ],
)
def test_only_shell_scripts_of_the_application_that_can_be_started_are_looked_at(
    path: str, first: str, mode: int
) -> None:
    payload = make_payload({path: f"{first}\ngit pull\n".encode()}, modes={path: mode})
    assert shell.inspect(payload, ScanOptions()).suggestions == ()


@given(st.text(alphabet="ab=$(){}[]<>'\"`\\;|&#\n \t!", max_size=200))
def test_any_text_is_read(script: str) -> None:
    for each in commands(script):
        assert each.isalnum()


@pytest.mark.parametrize(
    "piece", ["(", "$((", "[[ ", "((a", "a=(", "<<A ", "case x in ", "x()", "'a", "${", "a\\\n"]
)
def test_no_text_takes_long(piece: str) -> None:
    commands(piece * (2 * MAX_SCRIPT // len(piece)))  # hours, were any of it quadratic without bound


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        (
            {"index.html": b"<html>", "a.js": b"alert(1)", "logo.png": b"\x89PNG\r\n\x1a\n\0"},
            ("static files",),
        ),
        ({"index.html": b"<html>", "bin/server": ElfFile().build().data}, ()),
        ({"index.html": b"<html>", "cgi/a.pl": b"use strict;"}, ()),
        ({"main.js": b"x", "package.json": b"{}"}, ()),
        ({"data.bin": b"\0\1\2"}, ()),
        ({}, ()),
    ],
)
def test_static_files_are_those_where_nothing_runs(files: dict[str, bytes], kinds: tuple[str, ...]) -> None:
    report = static.inspect(make_payload(files), ScanOptions())
    assert report.kinds == kinds
    assert report.needs == ()
