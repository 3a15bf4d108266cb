"""`witchery diff` as its user sees it: the text, the exit status, refusals."""

from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.command import Command
from support.elf_files import Sym
from support.fake_registry import FakeRegistry
from support.images import image_of_tars, link, member, tar_of
from support.servers import Server
from support.surveys import USER, database, elf, library
from witchery.oci.config import Execution
from witchery.store import layout


def image(name: str, *members: Any, execution: Execution = USER) -> None:
    made = image_of_tars(tar_of(*members), execution=execution)
    layout.write(Path(name), made.image, made.contents)


@pytest.fixture
def two(witchery: Command) -> None:
    """Two images."""
    del witchery  # they are made in the folder of the command
    a, b = Sym("a", defined=True), Sym("b", defined=True)
    image(
        "old",
        database(("app", "1-r0", "MIT"), ("lib", "1-r0", "BSD"), ("gone", "3-r0", "ISC")),
        library("usr/lib/libx.so.1", "libx.so.1", a, b, Sym("t", defined=True, type=1, size=8)),
        member("etc/app", b"1"),
        member("etc/gone", b"1"),
    )
    image(
        "new",
        database(("app", "2-r0", "MIT"), ("lib", "1-r0", "Apache-2.0"), ("more", "1-r0", "MIT")),
        library("usr/lib/libx.so.1", "libx.so.1", a, Sym("t", defined=True, type=1, size=16)),
        elf(
            "usr/bin/app",
            needed=["libx.so.1", "libc.musl-x86_64.so.1"],
            symbols=[Sym("__stack_chk_fail"), Sym("b")],
        ),
        member("etc/app", b"12", mode=0o600, uid=7),
        execution=Execution(user="0", env=("A=1",)),
    )


@pytest.mark.usefixtures("two")
def test_a_person_gets_it_part_by_part(witchery: Command) -> None:
    done = witchery("diff", "oci:old", "oci:new")
    assert done.status == 0
    blocks = [block.splitlines() for block in done.out.rstrip("\n").split("\n\n")]
    assert [block[0].partition(":")[0] for block in blocks] == [
        *("packages", "licences", "abi", "config", "files", "layers"),
    ]
    packages, licences, abi, config, files, layers = blocks
    assert packages == [
        "packages: 1 added, 1 gone, 1 moved, +0 B installed",
        "  ~  app   1-r0 -> 2-r0    +0 B  moved",
        "  -  gone  3-r0          -200 B  gone",
        "  +  more  1-r0          +200 B  added",
    ]
    assert licences == [
        "licences: 1 changed, 1 new, 2 gone",
        "  ~ lib: BSD -> Apache-2.0",
        "  + Apache-2.0",
        "  - BSD",
        "  - ISC",
    ]
    assert abi == [
        "abi: 1 library with another interface, 1 breaks it",
        "  ! libx.so.1: 1 symbol removed, 1 changed, 0 added",
        "      - b",
        "      ~ t: object of 8 bytes -> object of 16 bytes",
        "      usr/bin/app wants b",
        "      used by usr/bin/app",
    ]
    assert config == ["config: 2 changed", "  ~ user: 65532 -> 0", "  + env A: 1"]
    assert "  ~ etc/app: content +1 B, mode 0644 -> 0600, owner 0:0 -> 7:0" in files
    assert layers[0].startswith("layers: 0 shared, 1 to pull,")


@pytest.mark.usefixtures("two")
def test_the_exit_status_is_that_of_git_diff(witchery: Command) -> None:
    assert witchery("diff", "oci:old", "oci:new").status == 0
    assert witchery("diff", "oci:old", "oci:new", "--exit-code").status == 1
    same = witchery("diff", "oci:old", "oci:old", "--exit-code")
    assert (same.status, same.out, same.err) == (0, "", "nothing differs that was compared\n")


@pytest.mark.usefixtures("two")
def test_the_exit_status_is_about_what_was_compared(witchery: Command) -> None:
    image("same", member("a", b"1"))
    image("start", member("a", b"1"), execution=Execution(user="7"))
    assert (
        witchery("diff", "oci:same", "oci:start", "--exit-code", "--only", "files,packages,layers").status
        == 0
    )
    assert witchery("diff", "oci:same", "oci:start", "--exit-code", "--only", "config").status == 1


@pytest.mark.usefixtures("two")
def test_only_what_is_asked_for_is_told(witchery: Command) -> None:
    done = witchery("diff", "oci:old", "oci:new", "--only", "config", "--only", "licences", "--json")
    found = schemas.check(done.out)
    told = {
        name
        for name in ("packages", "licences", "files", "config", "layers", "abi")
        if found[name] is not None
    }
    assert told == {"config", "licences"}


def test_of_many_files_the_first_are_told_and_how_many_more(witchery: Command) -> None:
    image("old")
    image("new", *(member(f"f{number:02}", b"1") for number in range(30)))
    short = witchery("diff", "oci:old", "oci:new", "--only", "files").out.splitlines()
    assert len(short) == 12
    assert short[-1] == "  and 20 more; `-v` shows them"
    assert len(witchery("diff", "oci:old", "oci:new", "--only", "files", "-v").out.splitlines()) == 31


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("oci:old", "oci:nowhere"), 5, "nowhere"),
        (("oci:old", "oci:new", "--only", "symbols"), 2, "nothing to compare: `symbols`"),
        (("oci:old",), 2, "AFTER"),
        (("old.lock.json", "oci:new"), 5, "old.lock.json"),
    ],
)
def test_what_cannot_be_answered_is_said(
    words: tuple[str, ...], status: int, said: str, witchery: Command
) -> None:
    done = witchery("diff", *words)
    assert (done.status, done.out) == (status, "")
    assert said in done.err


def test_names_of_strangers_reach_no_terminal(witchery: Command) -> None:
    image("old")
    image("new", member("a\u202eb", b"1"), execution=Execution(user="\x1b[2J", env=("X=\x1b]0;x\x07",)))
    done = witchery("diff", "oci:old", "oci:new")
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out
    assert schemas.check(witchery("diff", "oci:old", "oci:new", "--json").out)["different"]


@pytest.mark.usefixtures("two")
def test_an_image_in_a_registry_is_compared_and_audited_like_any_other(witchery: Command) -> None:
    """Pushed, and read from there: the same documents but for the name."""
    with Server(FakeRegistry()) as server:
        reference = f"docker://{server.url.removeprefix('http://')}/team/app:1"
        pushed = witchery("push", "oci:new", reference)
        assert pushed.status == 0, pushed.err
        options = ("--arch", "x86_64", "--json")
        here = schemas.check(witchery("diff", "oci:old", "oci:new", *options).out)
        there = schemas.check(witchery("diff", "oci:old", reference, *options).out)
        assert here["after"].pop("name") != there["after"].pop("name")
        assert there == here
        assert there["different"]
        audited = witchery("audit", reference, *options)
        assert schemas.check(audited.out) | {"name": "", "digest": ""} == schemas.check(
            witchery("audit", "oci:new", *options).out
        ) | {"name": "", "digest": ""}
        assert witchery("diff", "oci:old", reference, *options, "--offline").status == 2


def test_names_that_are_no_text_are_told_by_their_bytes(witchery: Command) -> None:
    """Paths, SONAMEs and search paths in Latin-1: shown, and valid JSON."""
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    image("old")
    image("new", member(name, b"1", mode=0o666), elf("p", soname=name, runpath=name), link("l", name))
    found = schemas.check(witchery("diff", "oci:old", "oci:new", "--json").out)
    assert "caf\\xe9" in {each["path"] for each in found["files"]}
    audited = schemas.check(witchery("audit", "oci:new", "--json").out)
    assert {each["path"] for each in audited["findings"] if each["rule"] == "writable-file"} == {"caf\\xe9"}
    assert witchery("diff", "oci:old", "oci:new", "-v").status == 0
    sarif = witchery("audit", "oci:new", "--sarif")
    assert sarif.status == 0
    assert "caf%E9" in sarif.out
