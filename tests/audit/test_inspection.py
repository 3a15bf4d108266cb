"""What an audit finds: each rule by something made for it, and nothing where nothing is."""

import struct
import subprocess
import tarfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from support.elf_files import ElfFile, Sym
from support.images import folder, hard_link, link, member
from support.surveys import database, elf, library, surveyed
from witchery.arch import Arch
from witchery.audit.audit import Audit, audit
from witchery.audit.finding import Finding
from witchery.audit.inspection import UNGUARDED, is_root
from witchery.audit.programs import KINDS, kind_of
from witchery.audit.rules import FULL, RULES
from witchery.oci.config import Execution
from witchery.value import replace

TODAY = date(2026, 1, 1)
Member = tuple[tarfile.TarInfo, bytes]


def audited(*members: Member, **more: Any) -> Audit:
    return audit(surveyed(*members, **more), (), TODAY)


def found(*members: Member, **more: Any) -> list[tuple[str, str]]:
    """Rules and paths."""
    return [(each.rule, each.path) for each in audited(*members, **more).findings]


def with_attribute(name: str, value: bytes) -> Member:
    return member(
        name, b"x", mode=0o755, pax_headers={"SCHILY.xattr.security.capability": value.decode("latin-1")}
    )


def capability(bit: int) -> bytes:
    return b"".join(each.to_bytes(4, "little") for each in (0x02000001, 1 << bit, 0, 0, 0))


X86_64_V3 = bytes.fromhex("028000c0 04000000 05000000 00000000")
CASES: dict[str, Member] = {
    "exec-stack": elf("p", stack=(7, 0)),
    "rwx-segment": elf("p", load_flags=7),
    "textrel": elf("p", more_tags=[(22, 0)]),
    "not-pie": elf("p", type=2),
    "no-relro": elf("p", relro=False),
    "partial-relro": elf("p", more_tags=[(2, 24)]),
    "no-stack-protector": elf("p", symbols=[Sym("puts")], sections={".text": bytes(UNGUARDED + 1)}),
    "no-fortify": elf(
        "p",
        interpreter="/lib64/ld-linux-x86-64.so.2",
        needed=["libc.so.6"],
        symbols=[Sym("__stack_chk_fail"), Sym("memcpy")],
    ),
    "run-path": elf("p", runpath="/home/me/build"),
    "unreadable-elf": member("p", b"\x7fELF\x02\x01\x01" + bytes(20)),
    "other-machine": elf("p", machine=183),
    "processor": elf(
        "p", notes=[(b"GNU", 5, bytes.fromhex("028000c0 04000000 05000000 00000000"))], note_alignment=8
    ),
    "setuid": elf("p", mode=0o4755),
    "setgid": elf("p", mode=0o2755),
    "root-capability": with_attribute("p", capability(21)),
    "capability": with_attribute("p", capability(10)),
    "writable-file": member("p", b"x", mode=0o666),
    "writable-folder": folder("p", 0o777),
    "device": member("p", type=tarfile.BLKTYPE, devmajor=8, devminor=0),
    "shell": member("bin/zsh", b"x", mode=0o755),
    "package-manager": member("usr/bin/pip3.12", b"#!x", mode=0o755),
    "compiler": member("usr/bin/x86_64-alpine-linux-musl-gcc", b"x", mode=0o755),
    "privilege-tool": member("usr/bin/sudo", b"x", mode=0o755),
    "interpreter": member("usr/bin/python3.12", b"x", mode=0o755),
    "network-client": member("usr/bin/curl", b"x", mode=0o755),
    "network-server": member("usr/sbin/nginx", b"x", mode=0o755),
}


@pytest.mark.parametrize("rule", CASES)
def test_each_rule_finds_what_it_is_for_and_no_other_does(rule: str) -> None:
    made = CASES[rule]
    assert found(made) == [(rule, made[0].name)]


def test_every_rule_is_tried() -> None:
    elsewhere = {"writable-run-path", "setuid-not-pie", "setuid-run-path", "not-stripped", "runs-as-root"}
    assert set(RULES) - elsewhere - {"expired-waiver", "unused-waiver"} == set(CASES)


def test_a_hardened_image_has_nothing_to_find() -> None:
    clean = audited(folder("tmp", 0o1777), elf("usr/bin/app"), library("usr/lib/liba.so.1", "liba.so.1"))
    assert clean.findings == ()
    assert clean.score == FULL
    assert clean.lines == ()


def test_a_library_search_path_is_sane_where_it_stays_inside() -> None:
    assert found(elf("app/bin/x", runpath="$ORIGIN/../lib")) == []
    assert found(folder("data"), elf("app/bin/x", runpath="/data")) == []
    assert found(elf("app/bin/x", runpath="/data")) == [("run-path", "app/bin/x")]
    assert found(elf("app/bin/x", runpath="lib")) == [("run-path", "app/bin/x")]
    assert found(elf("app/bin/x", runpath="$LIB/x")) == [("run-path", "app/bin/x")]


@pytest.mark.parametrize("path", ["/data/lib", "$ORIGIN/../../data/lib", "/link"])
def test_a_search_path_that_others_may_write_to_is_found_wherever_it_leads(path: str) -> None:
    rules = found(
        folder("data"), folder("data/lib", 0o777), link("link", "data/lib"), elf("app/bin/x", runpath=path)
    )
    assert ("writable-run-path", "app/bin/x") in rules
    assert ("writable-folder", "data/lib") in rules


@pytest.mark.parametrize(
    ("arch", "properties", "told"),
    [
        ("x86", (0xC0008000, 0b1), "needs cmov"),
        ("x86", (0xC0000001, 0b10), "needs cmpxchg8b"),
        ("x86", (0xC0000001, 0b1), ""),
        ("x86_64", (0xC0008002, 0b1), ""),
        ("x86_64", (0xC0008002, 0b11), "needs x86-64-v2"),
    ],
)
def test_a_file_that_not_every_processor_runs_is_noted(
    arch: str, properties: tuple[int, int], told: str
) -> None:
    wide = arch == "x86_64"
    content = struct.pack("<III", properties[0], 4, properties[1]) + bytes(4 if wide else 0)
    made = elf(
        "p",
        bits=64 if wide else 32,
        machine=62 if wide else 3,
        notes=[(b"GNU", 5, content)],
        note_alignment=8 if wide else 4,
    )
    survey = replace(surveyed(made), arch=Arch.parse(arch))
    assert [each.evidence for each in audit(survey, (), TODAY).findings] == ([told] if told else [])


def test_rights_of_another_make_other_faults_worse() -> None:
    rules = {rule for rule, _ in found(elf("p", mode=0o4755, type=2, runpath="/usr/lib/x"))}
    assert rules == {"setuid", "not-pie", "setuid-not-pie", "setuid-run-path"}


def test_modes_mean_nothing_where_they_give_nothing() -> None:
    """A setgid folder, a setuid bit on a text that nobody can run, a link, a folder with the sticky bit."""
    text = member("text", b"x", mode=0o4644)
    assert found(folder("mail", 0o2755), text, link("l", "text"), folder("tmp", 0o1777)) == []


def test_a_capability_of_a_namespace_leads_to_no_root_of_ours() -> None:
    value = b"".join(each.to_bytes(4, "little") for each in (0x03000001, 1 << 21, 0, 0, 0, 1000))
    assert found(with_attribute("p", value)) == [("capability", "p")]


def test_malformed_capabilities_are_found_not_fatal() -> None:
    only = audited(with_attribute("p", b"junk")).findings
    assert [(each.rule, "malformed" in each.evidence) for each in only] == [("capability", True)]


@pytest.mark.parametrize("user", ["", "root", "0", "0:0", "root:root", "00", ":7"])
def test_root_is_root_by_any_name(user: str) -> None:
    assert is_root(user)
    assert found(execution=Execution(user=user)) == [("runs-as-root", "")]


@pytest.mark.parametrize("user", ["65532", "nobody", "1000:0", "10"])
def test_others_are_not(user: str) -> None:
    assert not is_root(user)


def test_the_faces_of_one_program_are_one_finding() -> None:
    only = audited(
        member("bin/busybox", b"x", mode=0o755),
        link("bin/sh", "/bin/busybox"),
        link("bin/ash", "busybox"),
        link("usr/bin/wget", "../../bin/busybox"),
    )
    assert only.findings == (
        Finding("shell", "bin/busybox", "", "ash, busybox, sh"),
        Finding("network-client", "bin/busybox", "", "wget"),
    )
    assert (only.surface.shells, only.surface.network_clients) == (3, 1)


def test_a_name_alone_is_no_program() -> None:
    """A link to nothing, a circle, a text, a script that starts a server, a folder: none of them runs."""
    nothing = [
        link("bin/sh", "/bin/busybox"),
        link("bin/bash", "bash"),
        member("usr/share/doc/wget", b"x"),
        member("etc/init.d/sshd", b"#!/bin/sh", mode=0o755),
        member("usr/share/examples/named", b"#!/sbin/openrc-run\n", mode=0o755),
        folder("usr/lib/python3.12"),
    ]
    assert found(*nothing) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("python3.12", "interpreter"),
        ("perl5.38.2", "interpreter"),
        ("php83", "interpreter"),
        ("lua5.4", "interpreter"),
        ("php-fpm83", "network-server"),
        ("pip3", "package-manager"),
        ("aarch64-alpine-linux-musl-g++", "compiler"),
        ("clang-17", "compiler"),
        ("sh", "shell"),
        ("ssh", "network-client"),
        ("sshd", "network-server"),
        ("ssh-keygen", ""),
        ("pythonic", ""),
        ("wget2html", ""),
        ("cpp-httplib", ""),
    ],
)
def test_programs_are_known_by_name(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_no_name_is_of_two_kinds() -> None:
    names = [name for kind in KINDS.values() for name in kind]
    assert len(names) == len(set(names))


def test_a_file_with_several_names_is_found_once_but_for_its_rights() -> None:
    """Each name of a setuid file gives the rights; what is in the file is said once."""
    assert found(elf("a", mode=0o4755, relro=False), hard_link("b", "a")) == [
        ("setuid", "a"),
        ("setuid", "b"),
        ("no-relro", "a"),
    ]


def test_findings_name_the_package() -> None:
    packages = database(("tool", "1-r0", "MIT"), files={"tool": ["usr/bin/tool"]})
    only = audited(packages, elf("usr/bin/tool", relro=False)).findings
    assert [each.package for each in only] == ["tool"]


def test_what_is_still_to_be_linked_is_held_against_no_rule() -> None:
    """`crt1.o` has neither RELRO nor PIE, and need not."""
    data = ElfFile(type=1, dynamic=False, stack=None).build().data
    assert found(member("usr/lib/crt1.o", data)) == []


def test_a_file_with_its_symbols_is_noted(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return 0; }")
    hard = ["-fPIE", "-pie", "-Wl,-z,relro,-z,now"]
    for flags, rules in (([], ["not-stripped"]), (["-s"], [])):
        words = ["musl-gcc", *hard, *flags, "main.c", "-o", "main"]
        subprocess.run(words, cwd=tmp_path, check=True)
        assert [
            rule for rule, _ in found(member("main", (tmp_path / "main").read_bytes(), mode=0o755))
        ] == rules
