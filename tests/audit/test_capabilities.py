"""File capabilities: read as the kernel writes them, and as getcap(8) prints them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from witchery.audit import capabilities
from witchery.audit.capabilities import ATTRIBUTE, NAMES, ROOT, read
from witchery.errors import FormatError


def attribute(magic: int, *words: int) -> bytes:
    return b"".join(each.to_bytes(4, "little") for each in (magic, *words))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (attribute(0x02000001, 1 << 10, 0, 0, 0), "cap_net_bind_service=ep"),
        (attribute(0x02000000, 1 << 13, 0, 0, 0), "cap_net_raw=p"),
        (attribute(0x02000001, 1 << 10 | 1 << 13, 1 << 13, 0, 0), "cap_net_raw=eip cap_net_bind_service=ep"),
        (attribute(0x02000000, 0, 1 << 21, 0, 0), "cap_sys_admin=i"),
        (attribute(0x02000001, 0, 0, 1 << 8, 0), "cap_checkpoint_restore=ep"),
        (attribute(0x01000001, 1, 0), "cap_chown=ep"),
        (attribute(0x02000000, 0, 0, 0, 0), "none"),
        (attribute(0x02000001, 0, 0, 1 << 30, 0), "cap_62=ep"),
    ],
)
def test_they_are_named(value: bytes, text: str) -> None:
    assert str(read(value)) == text


def test_those_of_a_namespace_say_whose_root_they_are_for() -> None:
    assert read(attribute(0x03000001, 1 << 21, 0, 0, 0, 1000)).root == 1000
    assert read(attribute(0x02000001, 1 << 21, 0, 0, 0)).root is None


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\1",
        attribute(0x02000001, 1),
        attribute(0x04000001, 1, 0, 0, 0),
        attribute(0x02000001, *[0] * 9),
    ],
)
def test_what_is_none_is_refused(value: bytes) -> None:
    with pytest.raises(FormatError, match="malformed file capabilities"):
        read(value)


def test_every_name_that_leads_to_root_is_a_name() -> None:
    assert set(NAMES) > ROOT
    assert len(NAMES) == 41


@pytest.mark.skipif(
    (os.geteuid() != 0 or shutil.which("setcap") is None) and os.environ.get("CI") != "true",
    reason="needs root and setcap",
)
@pytest.mark.parametrize(
    "text", ["cap_net_bind_service=ep", "cap_net_raw=p", "cap_sys_admin=i", "cap_net_admin,cap_net_raw=ep"]
)
def test_what_setcap_writes_is_read(text: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"x")
    subprocess.run(["setcap", text, str(program)], check=True)
    assert str(capabilities.read(os.getxattr(program, ATTRIBUTE))) == text
