"""Links to applets: what busybox, busybox-extras and bbsuid make in an image."""

from pathlib import Path

import pytest

from support.effects import effects_of, rows
from support.packages import make_part
from support.shared import needs_shared
from support.worlds import World
from witchery.compose import busybox
from witchery.compose.part import Part
from witchery.errors import FormatError

INSTALL = {".post-install": b"#!/bin/busybox sh\nexec /bin/busybox --install -s\n"}
SUID = {".trigger": b"#!/bin/sh\n[ -e /bin/bbsuid ] && /bin/bbsuid --install\n"}


def box(listed: bytes) -> Part:
    files = {"bin/busybox": b"\x7fELF", "etc/busybox-paths.d/busybox": listed}
    return make_part("busybox", files=files, scripts=INSTALL)


def test_what_a_package_brings_stays_and_missing_folders_are_made() -> None:
    coreutils = make_part("coreutils", files={"bin/ls": b"real"}, links={"bin/cat": "../usr/bin/cat"})
    made = rows(effects_of(box(b"bin/ls\nbin/cat\nbin/cp\nusr/sbin/chroot\n"), coreutils).generated)
    assert made == {
        "bin/cp": "l 0777 0:0 /bin/busybox",
        "usr": "d 0755 0:0",
        "usr/sbin": "d 0755 0:0",
        "usr/sbin/chroot": "l 0777 0:0 /bin/busybox",
    }


def test_links_go_where_a_merged_folder_really_is() -> None:
    merged = make_part("merged", folders=["usr/bin"], links={"bin": "usr/bin", "sbin": "usr/bin"})
    made = rows(effects_of(merged, box(b"bin/ls\nsbin/ls\nsbin/reboot\n")).generated)
    assert set(made) == {"usr/bin/ls", "usr/bin/reboot"}


def test_bbsuid_takes_over_its_applets_but_no_real_program() -> None:
    suid = make_part(
        "busybox-suid",
        files={"bin/bbsuid": b"\x7fELF", "bin/su": b"shadow's"},
        scripts=SUID,
        triggers=("/bin",),
    )
    made = rows(effects_of(box(b"bin/mount\nbin/su\nusr/bin/passwd\n"), suid).generated)
    assert made["bin/mount"] == made["usr/bin/passwd"] == made["bin/umount"] == "l 0777 0:0 /bin/bbsuid"
    assert "bin/su" not in made


def test_extras_are_linked_to_their_own_program() -> None:
    files = {"bin/busybox-extras": b"\x7fELF", "etc/busybox-paths.d/busybox-extras": b"usr/bin/telnet\n"}
    scripts = {".post-install": b"#!/bin/sh\nexec /bin/busybox-extras --install -s\n"}
    made = rows(effects_of(make_part("busybox-extras", files=files, scripts=scripts)).generated)
    assert made["usr/bin/telnet"] == "l 0777 0:0 /bin/busybox-extras"


@needs_shared
def test_a_release_that_does_not_list_its_applets_gets_none_and_a_warning(tmp_path: Path) -> None:
    world = World("v3.13-aarch64", "alpine-base")
    effects = effects_of(*world.parts(tmp_path))
    assert not [each for each in effects.generated if each.entry.target == "/bin/busybox"]
    assert "`busybox-1.32.1-r5`" in effects.warnings[0]
    assert "lists no applets" in effects.warnings[0]


@pytest.mark.parametrize("line", [b"/bin/ls", b"bin/../ls", b"bin//ls", b"bin/", b"./ls", b"a\0b"])
def test_a_list_that_would_lead_elsewhere_is_refused(line: bytes) -> None:
    with pytest.raises(FormatError, match=r"not a plain relative path") as caught:
        effects_of(box(b"bin/cp\n" + line + b"\n"))
    assert "busybox-1.0-r0.post-install" in str(caught.value)
    assert "etc/busybox-paths.d/busybox" in str(caught.value)


def test_a_list_without_end_is_refused() -> None:
    text = b"".join(b"bin/a%d\n" % number for number in range(busybox.MAX_APPLETS + 1))
    with pytest.raises(FormatError, match="more than 4096 applets"):
        busybox.applets(text, "etc/busybox-paths.d/x")
