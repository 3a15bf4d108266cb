"""Reading shell scripts: words, commands, and that no text at all brings the reader down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.effects import effects_of
from support.packages import make_part
from witchery.compose.shell_syntax import Function, If, Opaque, Simple, fingerprint, parse
from witchery.compose.shell_words import tokens
from witchery.errors import FormatError, Refused

VARIABLES = {"user": "web", "list": "a b", "empty": ""}


def value(word: str) -> str | None:
    """What a single word expands to."""
    (token, _end) = tokens(word)
    return token.word.value(VARIABLES)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("plain", "plain"),
        ("/usr/bin/x-1.0_a,b:c=d@e%f+g", "/usr/bin/x-1.0_a,b:c=d@e%f+g"),
        ("'a $user \"b\" \\n'", 'a $user "b" \\n'),
        ('"a $user \\$user \\x \\"q\\""', 'a web $user \\x "q"'),
        ("a\\ b\\$c", "a b$c"),
        ("${user}s/$user", "webs/web"),
        ("pre'fix'\"es\"", "prefixes"),
        ("a\\\nb", "ab"),
        ('"a\\\nb"', "ab"),
        ("a$", "a$"),
        ('"$list"', "a b"),
        ('""', ""),
        ("x#y", "x#y"),
        ("$list", None),
        ("$empty", None),
        ("$unset", None),
        ("${user:-x}", None),
        ("${user#w}", None),
        ("$1", None),
        ('"$@"', None),
        ("$$", None),
        ("$(id)", None),
        ("`id`", None),
        ("$((1 + 2))", None),
        ('"$(echo ")" \')\' \\) $(x) `y`)"', None),
        ("*.conf", None),
        ("[ab]", None),
        ("file?", None),
        ("~/x", None),
        ("'*'", "*"),
        ("[", "["),
    ],
)
def test_a_word_is_known_exactly_or_not_at_all(word: str, expected: str | None) -> None:
    assert value(word) == expected


def test_commands_are_told_apart() -> None:
    steps = parse(
        "a=1 b='2 3'\n"
        "if x; then y; elif z; then :; else w; fi\n"
        "f() {\n  if q; then r; fi\n}\n"
        "g ()\n(\n  s\n)\n"
        "! case $x in (a) b;; c|d) e;; esac >/dev/null\n"
        "until a; do while b; do for c in d; do e; done; done; done\n"
        "{ a; b; } 2>&1\n"
        "(a; (b))\n"
        "a | b |\n c\n"
        "if a; then b; fi > /x\n"
        "a && b || c # d\n"
    )
    kinds = [type(step.command) for step in steps]
    assert kinds == [Simple, If, Function, Function, *[Opaque] * 6, Simple, Simple, Simple]
    assert [step.joint for step in steps[-3:]] == [";", "&&", "||"]
    assert [step.negated for step in steps].index(True) == 4
    branches = steps[1].command
    assert isinstance(branches, If)
    assert (len(branches.branches), len(branches.otherwise)) == (2, 1)


def test_redirections_and_numbers_belong_to_their_command() -> None:
    (step,) = parse("a 2>/dev/null 1>&2 <in >>out 2 &>/dev/null")
    assert isinstance(step.command, Simple)
    assert [word.raw for word in step.command.words] == ["a", "2"]
    assert [each.operator for each in step.command.redirections] == ["2>", "1>&", "<", ">>", "&>"]


def test_here_documents_are_taken_with_their_line_and_no_further() -> None:
    steps = parse("cat <<A <<-'B' && x\none $user\nA\n\ttwo $(x)\n\tB\ny\n")
    first = steps[0].command
    assert isinstance(first, Simple)
    assert [each.target.pieces for each in first.redirections] == [("one $user",), ("\ttwo $(x)",)]
    assert len(steps) == 3


def test_comments_blanks_and_leading_slashes_do_not_change_a_fingerprint() -> None:
    one = parse("for i in /etc/x;   do # why\n\n  rm   /etc/$i\ndone")[0].command
    two = parse("for i in etc/x; do\nrm etc/$i\ndone")[0].command
    other = parse("for i in etc/x; do\nrm etc/y\ndone")[0].command
    assert isinstance(one, Opaque)
    assert isinstance(two, Opaque)
    assert isinstance(other, Opaque)
    assert one.fingerprint == two.fingerprint != other.fingerprint
    assert fingerprint("[ -e /a ]") == fingerprint("[ -e a ]")


_PIECES = st.sampled_from(
    [
        *"\n\n\n;|&(){}<>!'\"\\`$#=*[] \t",
        *("if ", "then ", "else ", "elif ", "fi\n", "case ", " in ", "esac\n", ";;", "for ", "do ", "done\n"),
        *(
            "$(",
            "${",
            "$x",
            "<<E\n",
            "<<-E\n",
            "E\n",
            "&&",
            "||",
            ">&2",
            "2>/dev/null",
            "x=",
            "f() {",
            "while ",
        ),
        *(
            "addgroup -S g",
            "adduser -S -G g u ",
            "exit",
            "[ -e /x ] ",
            "busybox --install -s",
            "mkdir -p /d ",
        ),
        *(
            "chown u:g /d ",
            "chmod 750 ",
            "add-shell /bin/x",
            "set -e\n",
            "getent passwd u",
            "update-ca-certificates ",
        ),
    ]
)


@pytest.mark.property
@given(st.lists(_PIECES, max_size=40).map("".join) | st.text(max_size=60))
def test_any_text_is_read_or_reported(text: str) -> None:
    files = {"etc/passwd": b"root:x:0:0::/:/x\n", "etc/group": b"root:x:0:\n"}
    script = b"#!/bin/sh\n" + text.encode("utf-8", "surrogatepass")
    part = make_part("app", files=files, folders=["d"], scripts={".post-install": script})
    try:
        (row,) = effects_of(part).scripts
    except (FormatError, Refused):
        return
    assert row.package == "app-1.0-r0"
