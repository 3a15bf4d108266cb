"""Shell-free images: who only seems to need a shell, and who really does."""

from pathlib import Path

import pytest

from support.packages import make_part
from support.shared import needs_shared, repository
from support.worlds import World, index, read_part
from witchery.apk.dependency import Dependency
from witchery.compose import shell
from witchery.compose.part import Part
from witchery.errors import NoSolutionError

SCRIPT = {".pre-install": b"#!/bin/sh\nexit 0\n"}


def app(files: dict[str, bytes] | None = None, **more: object) -> Part:
    more = {"depends": ("/bin/sh", "so:libc.so"), "scripts": SCRIPT, **more}
    return make_part("app", files=files or {"bin/app": b"\x7fELF"}, **more)  # type: ignore[arg-type]


def sh(name: str = "busybox-binsh", path: str = "bin/sh", provides: tuple[str, ...] = ("/bin/sh",)) -> Part:
    return make_part(name, files={path: b"\x7fELF"}, provides=provides)


def world(*names: str) -> list[Dependency]:
    return [Dependency.parse(name) for name in names]


# package of the 3.19 set: whether it needs the shell that it depends on, and a file that says so.
_REAL = {
    "alpine-baselayout-3.4.3-r2": "",
    "ca-certificates-20240226-r0": "/etc/ca-certificates/update.d/certhash",
    "chrony-4.5-r0": "",
    "coreutils-9.4-r2": "",
    "dhcpcd-10.0.5-r0": "/usr/lib/dhcpcd/dhcpcd-run-hooks",
    "doas-6.8.2-r6": "",
    "eudev-3.2.14-r0": "",
    "openrc-0.52.1-r2": "/lib/rc/bin/on_ac_power",
    "tiny-cloud-3.0.7-r0": "/bin/imds",
    "tiny-cloud-alpine-3.0.7-r0": "",
    "tiny-cloud-nocloud-3.0.7-r0": "",
    "tiny-cloud-openrc-3.0.7-r0": "",
}


@needs_shared
def test_of_the_real_packages_those_with_shell_scripts_among_their_files_need_a_shell(tmp_path: Path) -> None:
    root = repository("v3.19-x86_64", tmp_path) / "x86_64"
    asking = [each for each in index(root).values() if shell.asks_for_shell(each)]
    files = {str(each): root / each.filename for each in asking if (root / each.filename).exists()}
    parts = [read_part(each, files[str(each)].read_bytes()) for each in asking if str(each) in files]
    verdicts = {str(each.package): each for each in shell.look(parts)}
    assert {name for name, each in verdicts.items() if each.needed} == {n for n, f in _REAL.items() if f}
    assert verdicts.keys() == _REAL.keys()
    for name, file in _REAL.items():
        assert f"`{file}` begins with `#!/bin/sh" in verdicts[name].evidence or not file


@needs_shared
def test_chrony_is_taken_without_the_shell_of_its_install_script(tmp_path: Path) -> None:
    parts = {part.name: part for part in World("v3.19.1-boot-x86_64", "services").parts(tmp_path)}
    (verdict,) = shell.look([parts["chrony"]])
    assert "only its scripts (pre-install, pre-upgrade)" in verdict.evidence
    (without,) = shell.amended([verdict])
    assert not shell.asks_for_shell(without)
    assert without.identity == parts["chrony"].package.identity
    assert [str(each) for each in without.depends] == [
        str(each) for each in parts["chrony"].package.depends if each.name != "/bin/sh"
    ]


@needs_shared
def test_dhcpcd_is_refused_by_name_with_the_file_that_needs_a_shell(tmp_path: Path) -> None:
    parts = World("v3.19.1-boot-x86_64", "services").parts(tmp_path)
    wanted = [part for part in parts if part.name in {"dhcpcd", "busybox", "busybox-binsh"}]
    verdicts = shell.look(wanted)
    with pytest.raises(NoSolutionError) as caught:
        shell.refuse_shells(wanted, world("dhcpcd"), verdicts)
    assert "`dhcpcd-10.0.5-r0` depends on `/bin/sh`" in caught.value.message
    assert "`/usr/lib/dhcpcd/dhcpcd-run-hooks` begins with `#!/bin/sh" in caught.value.message
    assert caught.value.exit_status == 4


@pytest.mark.parametrize(
    "line",
    [
        b"#!/bin/sh\n",
        b"#! /bin/sh -e\n",
        b"#!/bin/bash\n",
        b"#!/usr/bin/env bash\n",
        b"#!/usr/bin/env -S ash -e\n",
        b"#!/bin/busybox sh\n",
        b"#!/usr/bin/zsh",
        b"#!/bin/dash\nx",
    ],
)
def test_a_program_that_is_a_shell_script_needs_a_shell(line: bytes) -> None:
    (verdict,) = shell.look([app({"usr/bin/tool": line}, modes={"usr/bin/tool": 0o755})])
    assert verdict.needed
    assert "`/usr/bin/tool` begins with" in verdict.evidence


@pytest.mark.parametrize(
    "line", [b"#!/usr/bin/python3\n", b"#!/sbin/openrc-run\n", b"#!/usr/bin/shelly\n", b"#", b"\x7fELF", b""]
)
def test_any_other_program_does_not(line: bytes) -> None:
    (verdict,) = shell.look([app({"usr/bin/tool": line}, modes={"usr/bin/tool": 0o755})])
    assert not verdict.needed


def test_a_file_that_cannot_be_executed_does_not_count() -> None:
    (verdict,) = shell.look([app({"usr/share/doc/example.sh": b"#!/bin/sh\n"})])
    assert not verdict.needed


def test_a_dependency_that_no_script_explains_is_kept() -> None:
    (verdict,) = shell.look([app(scripts={})])
    assert verdict.needed
    assert "states the dependency itself" in verdict.evidence


def test_many_files_are_counted_not_listed() -> None:
    files = {f"bin/{name}": b"#!/bin/sh\n" for name in "abcde"}
    (verdict,) = shell.look([app(files, modes=dict.fromkeys(files, 0o755))])
    assert verdict.evidence.endswith("`/bin/c` begins with `#!/bin/sh`, and 2 more files")


def test_who_does_not_ask_for_a_shell_is_not_looked_into() -> None:
    assert shell.look([app(depends=("bash", "!/bin/sh")), sh()]) == ()


def test_nothing_but_the_shell_is_taken_from_the_dependencies() -> None:
    part = app(depends=("/bin/sh>1", "/bin/sheep", "so:libc.so"))
    assert [str(each) for each in shell.without_shell(part.package).depends] == ["/bin/sheep", "so:libc.so"]
    alone = app(depends=("/bin/sh",))
    amended = shell.without_shell(alone.package)
    assert amended.depends == ()
    assert "\nD:" not in amended.stanza


def test_an_image_without_a_shell_passes() -> None:
    shell.refuse_shells([app()], world("app"))
    assert shell.note([app()], world("app")) == ""


@pytest.mark.parametrize("path", ["bin/sh", "usr/bin/bash", "bin/busybox", "bin/dash"])
def test_any_shell_is_found_by_its_program(path: str) -> None:
    with pytest.raises(NoSolutionError, match=f"brings `/{path}`"):
        shell.refuse_shells([sh("x", path)], world("x"))


def test_the_error_names_who_asks_and_how() -> None:
    parts = [app(), make_part("tool", depends=("busybox-binsh>=1",)), sh()]
    with pytest.raises(NoSolutionError) as caught:
        shell.refuse_shells(parts, world("busybox-binsh", "!bash"))
    lines = caught.value.message.splitlines()
    assert lines == [
        "the image cannot be built without a shell",
        "`busybox-binsh-1.0-r0` brings `/bin/sh`, because",
        "  it is requested as `busybox-binsh`",
        "  `app-1.0-r0` depends on `/bin/sh`",
        "  `tool-1.0-r0` depends on `busybox-binsh>=1`",
    ]


def test_a_shell_that_nobody_asks_for_installed_itself() -> None:
    with pytest.raises(NoSolutionError, match="install_if"):
        shell.refuse_shells([sh()], world("app"))


def test_a_shell_that_only_another_shell_needs_says_so() -> None:
    box = sh("busybox", "bin/busybox", provides=())
    binsh = make_part("busybox-binsh", links={"bin/sh": "/bin/busybox"}, depends=("busybox",))
    with pytest.raises(NoSolutionError, match=r"`busybox-binsh-1\.0-r0` depends on `busybox`"):
        shell.refuse_shells([box, binsh], world("busybox-binsh"))


def test_the_note_names_who_brings_the_shell_and_for_whom() -> None:
    many = [make_part(f"p{n}", depends=("/bin/sh",)) for n in range(7)]
    note = shell.note([*many, sh()], world("p0"))
    assert "`/bin/sh` of `busybox-binsh`" in note
    assert "`p0-1.0-r0` depends on `/bin/sh`" in note
    assert "2 more ask for it" in note
