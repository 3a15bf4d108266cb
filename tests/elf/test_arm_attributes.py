"""What ARM files say of their processor, as GNU readelf reads it, and what is made of nonsense."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.elf_files import ElfFile
from support.real_elf import elf_files
from support.shared import needs_shared
from witchery.elf.arm_attributes import processor
from witchery.elf.file import read
from witchery.elf.hardening import hardening

ARCHES = {"v6KZ": "armv6", "v7": "armv7", "v5TE": "armv5", "v8": "armv8"}
FPS = {"VFPv2": "vfpv2", "VFPv3-D16": "vfpv3-d16", "VFPv3": "vfpv3", "VFPv4": "vfpv4"}


def section(*pairs: tuple[int, int], before: bytes = b"", vendor: bytes = b"aeabi") -> bytes:
    inner = before + b"".join(bytes(pair) for pair in pairs)
    file = b"\1" + (len(inner) + 5).to_bytes(4, "little") + inner
    whole = vendor + b"\0" + file
    return b"A" + (len(whole) + 4).to_bytes(4, "little") + whole


@needs_shared
@pytest.mark.parametrize("arch", ["armhf", "armv7"])
def test_readelf_reads_the_same_of_real_files(arch: str, tmp_path: Path) -> None:
    files = [each for each in elf_files("thirdparty-multiarch-v3.12") if each.arch == arch][:40]
    for number, file in enumerate(files):
        place = tmp_path / str(number)
        place.write_bytes(file.data)
        words = ["readelf", "-A", str(place)]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        found = dict(re.findall(r"Tag_(CPU_arch|FP_arch|ABI_VFP_args): (.*)", told))
        expected = [ARCHES[found["CPU_arch"]], FPS[found["FP_arch"]]]
        expected += ["hard-float"] if found.get("ABI_VFP_args") == "VFP registers" else []
        assert list(hardening(read(file.data)).needs) == expected, file
    assert len(files) == 40


def test_texts_between_the_numbers_are_passed_over() -> None:
    text = b"\x05Cortex-A8\0" + b"\x20\1gnu\0" + b"\x43" + b"2.09\0"
    assert processor(section((6, 10), (10, 4), (12, 1), (28, 1), before=text)) == (
        *("armv7", "vfpv3-d16", "neon", "hard-float"),
    )


def test_only_the_vendor_that_the_abi_names_is_read() -> None:
    assert processor(section((6, 10), vendor=b"gnu")) == ()
    other = section((6, 6), vendor=b"gnu")
    assert processor(other + section((6, 10))[1:]) == ("armv7",)


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: section((6, 10))[:20] + tail))
def test_nonsense_is_nothing_said(data: bytes) -> None:
    assert isinstance(processor(data), tuple)
    assert isinstance(processor(b"A" + data), tuple)


def test_a_file_without_the_section_says_nothing() -> None:
    assert hardening(read(ElfFile(bits=32, machine=40).build().data)).needs == ()
    made = ElfFile(bits=32, machine=40, sections={".ARM.attributes": section((6, 10))}).build()
    assert hardening(read(made.data)).needs == ("armv7",)
