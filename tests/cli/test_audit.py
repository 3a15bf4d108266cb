"""`witchery audit` as its user sees it: tables, exit status, refusals, and images that mean harm."""

import json
from pathlib import Path
from typing import Any

import pytest

from support import schemas
from support.command import Command
from support.elf_files import ElfFile
from support.images import Made, folder, image_of_tars, link, member, tar_of
from support.surveys import USER, database, elf
from witchery.store import layout


def image(*members: Any, name: str = "image", **more: Any) -> str:
    made: Made = image_of_tars(tar_of(*members), execution=more.pop("execution", USER))
    layout.write(Path(name), made.image, made.contents)
    return f"oci:{name}"


@pytest.fixture
def soft(witchery: Command) -> str:
    """An image with a few things to find."""
    del witchery  # it is made in the folder of the command
    return image(
        database(("tool", "1-r0", "MIT"), files={"tool": ["usr/bin/tool"]}),
        member("usr/bin/tool", b"#!/bin/sh\n", mode=0o4755),
        member("bin/busybox", b"x", mode=0o755),
        link("bin/sh", "busybox"),
        elf("app/a", relro=False),
        elf("app/b", relro=False),
        elf("app/c", relro=False),
        elf("app/d", relro=False),
        folder("tmp", 0o1777),
    )


def test_a_person_gets_findings_by_severity_and_what_they_cost(witchery: Command, soft: str) -> None:
    done = witchery("audit", soft)
    assert done.status == 0
    assert done.out.split("\n\n")[0].splitlines() == [
        "SEVERITY  RULE      FOUND  POINTS  WHERE",
        "high      setuid        1      -5  usr/bin/tool (tool): mode 4755, owner 0",
        "medium    no-relro      4      -9  app/a: no RELRO",
        "                                   app/b: no RELRO",
        "                                   app/c: no RELRO",
        "                                   and 1 more",
        "          shell         1     -10  bin/busybox: busybox, sh",
    ]
    assert done.out.splitlines()[-1] == "score 76 of 100 = 100 - 5 - 9 - 10; Alpine 3.19 has 57"
    assert done.err == ""


def test_the_attack_surface_stands_beside_that_of_a_stock_alpine(witchery: Command, soft: str) -> None:
    table = witchery("audit", soft).out.split("\n\n")[1].splitlines()
    assert table[0] == "ATTACK SURFACE      HERE  ALPINE 3.19"
    rows = {line[:19].strip(): line[19:].split() for line in table[1:]}
    assert rows["packages"] == ["1", "15"]
    assert rows["shells"] == ["2", "3"]
    assert rows["bytes of files"][1] == "7,362,219"


def test_verbose_shows_every_file(witchery: Command, soft: str) -> None:
    table = witchery("audit", soft, "-v").out.split("\n\n")[2].splitlines()
    assert table[0].split() == ["FILE", "KIND", "PIE", "RELRO", "NX", "SSP", "FORTIFY", "CPU", "REMARKS"]
    assert table[1].split() == ["app/a", "program", "yes", "none", "yes", "yes", "n/a", "-"]
    assert len(table) == 5


def test_nothing_found_is_a_full_score(witchery: Command) -> None:
    done = witchery("audit", image(elf("app/a")))
    assert "SEVERITY" not in done.out
    assert done.out.splitlines()[-1].startswith("score 100 of 100;")
    assert "no package database is in it" in done.err


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["high"], 1),
        (["note"], 1),
        (["setgid"], 0),
        (["shell", "setgid"], 1),
        (["76"], 0),
        (["77"], 1),
        ([], 0),
    ],
)
def test_the_exit_status_is_one_where_something_fails(
    words: list[str], status: int, witchery: Command, soft: str
) -> None:
    options = [option for word in words for option in ("--fail-on", word)]
    for form in ((), ("--json",), ("--sarif",)):
        assert witchery("audit", soft, *options, *form).status == status, form


def test_what_failed_is_said(witchery: Command, soft: str) -> None:
    done = witchery("audit", soft, "--fail-on", "setgid", "--fail-on", "low", "--fail-on", "90", "--json")
    assert done.err == "met: --fail-on low,90\n"
    assert schemas.check(done.out)["failing"] == ["low", "90"]


def test_waivers_are_read_from_a_configuration(witchery: Command, soft: str) -> None:
    waiver = {"rule": "setuid", "path": "/usr/bin/*", "reason": "agreed", "expires": "9999-12-31"}
    Path("w.yaml").write_text(json.dumps({"audit": {"waivers": [waiver]}}).replace("9999", "2999"))
    done = witchery("audit", soft, "--waivers", "w.yaml", "--fail-on", "high")
    assert done.status == 0
    assert "1 finding waived" in done.err
    assert "score 81 of 100" in done.out
    told = witchery("audit", soft, "--waivers", "w.yaml", "-v").err
    assert "waived until 2999-12-31: setuid usr/bin/tool (tool): mode 4755, owner 0: agreed" in told


@pytest.mark.parametrize(
    ("waiver", "fault"),
    [
        ({"rule": "setuid", "expires": "2027-01-01"}, "a value is required for `reason`"),
        ({"rule": "setuid", "reason": "x"}, "a value is required for `expires`"),
        ({"rule": "setuid", "reason": "x", "expires": "2027-02-30"}, "there is no such day: `2027-02-30`"),
        ({"rule": "setuid", "reason": "x", "expires": "tomorrow"}, "a day such as `2027-01-31`"),
        ({"rule": "setuid", "reason": "x", "expires": "2027-01-01", "until": "x"}, "until"),
    ],
)
def test_a_waiver_without_a_reason_or_a_day_is_refused_with_its_place(
    waiver: dict[str, str], fault: str, witchery: Command, soft: str
) -> None:
    Path("w.yaml").write_text(json.dumps({"audit": {"waivers": [waiver]}}))
    done = witchery("audit", soft, "--waivers", "w.yaml")
    assert done.status == 3
    assert "w.yaml:1:" in done.err
    assert fault in done.err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("audit", "oci:nowhere"), 5, "nowhere"),
        (("audit", "nowhere.yaml"), 5, "nowhere.yaml"),
        (("audit", "nowhere.lock.json"), 5, "nowhere.lock.json"),
        (("audit", "oci:image", "--fail-on", "severe"), 2, "nothing to fail on: `severe`"),
        (("audit", "oci:image", "--waivers", "nowhere.yaml"), 5, "nowhere.yaml"),
        (("audit", "oci:image", "--arch", "amd64,arm64"), 2, "one architecture at a time"),
    ],
)
def test_what_cannot_be_answered_is_said(
    words: tuple[str, ...], status: int, said: str, witchery: Command, soft: str
) -> None:
    assert soft
    done = witchery(*words)
    assert (done.status, done.out) == (status, "")
    assert said in done.err


def test_what_means_harm_is_answered_or_refused(witchery: Command) -> None:
    """Control characters in names, ELF that lies, a database that is none, links in circles."""
    lying = ElfFile(symbols=()).build().patched("gnu_hash", b"\xff" * 4)
    subject = image(
        member("usr/bin/red\u202e", b"x", mode=0o4755),
        member("lying", lying, mode=0o755),
        member("huge", b"\x7fELF" + b"\xff" * 5000),
        link("bin/sh", "bash"),
        link("bin/bash", "sh"),
        elf("app", runpath="\x1b]0;owned\x07"),
    )
    done = witchery("audit", subject)
    assert done.status == 0
    assert "\x1b" not in done.out + done.err
    assert "\u202e" not in done.out
    assert "unreadable-elf" in done.out
    found = schemas.check(witchery("audit", subject, "--json").out)
    assert {"unreadable-elf", "setuid", "run-path"} <= {each["rule"] for each in found["findings"]}
    assert "shell" not in {each["rule"] for each in found["findings"]}


def test_a_database_that_is_none_is_refused(witchery: Command) -> None:
    done = witchery("audit", image(member("lib/apk/db/installed", b"P:x\n\xff\n")))
    assert done.status == 3
    assert "package database" in done.err


def test_an_application_is_audited_as_it_would_be_built(witchery: Command, boot_set: Path) -> None:
    """A folder, no image: it is built for it, its needs found out, and nothing is left behind."""
    Path("dist").mkdir()
    Path("dist/app").write_bytes(_hardened(relro=False))
    Path("dist/app").chmod(0o755)
    before = {*Path().iterdir()}
    done = witchery("audit", "dist", "-X", boot_set, "--arch", "x86_64", "--json")
    assert done.status == 0, done.err
    found = schemas.check(done.out)
    assert [(each["rule"], each["path"], each["package"]) for each in found["findings"]] == [
        ("no-relro", "app/app", "payload-dist")
    ]
    assert found["surface"]["packages"] == 2  # musl, and the application
    assert {*Path().iterdir()} - before <= {Path("cache")}


def _hardened(**file: Any) -> bytes:
    (_, data) = elf("x", **file)
    return data
