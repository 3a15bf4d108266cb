"""How files are hardened: by hand, by compilers, and as two independent readers see real ones."""

import io
import re
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from support.elf_files import ElfFile, Sym
from support.real_elf import RealFile, elf_files
from support.shared import needs_shared
from witchery.audit.inspection import UNGUARDED
from witchery.elf.file import Relro, read
from witchery.elf.hardening import Answer, Hardening, Sort, hardening
from witchery.errors import FormatError

MUSL = "/lib/ld-musl-x86_64.so.1"
GLIBC = "/lib64/ld-linux-x86-64.so.2"
NEEDED, COMPAT_NEEDED, COMPAT_2_NEEDED, ISA_USED = 0xC0008002, 0xC0000001, 0xC0008000, 0xC0010002


def facts(**file: Any) -> Hardening:
    return hardening(read(ElfFile(**file).build().data))


def properties(*pairs: tuple[int, int], alignment: int = 8) -> tuple[bytes, int, bytes]:
    content = b"".join(struct.pack("<III", kind, 4, value) + bytes(alignment - 4) for kind, value in pairs)
    return b"GNU", 5, content


class Facts(NamedTuple):
    """What all readers are asked."""

    sort: str
    pie: str
    relro: str
    nx: bool
    rwx: bool
    textrel: bool
    canary: bool
    run_path: tuple[str, ...]
    stripped: bool
    ibt: bool
    isa: tuple[str, ...]


def ours(file: RealFile) -> Facts:
    found = hardening(read(file.data))
    return Facts(
        sort=found.sort.value,
        pie=found.pie.value,
        relro=found.relro.value,
        nx=found.nx,
        rwx=found.rwx,
        textrel=found.textrel,
        canary=found.stack_protector is Answer.YES,
        run_path=found.run_path,
        stripped=found.stripped,
        ibt="ibt" in found.control_flow,
        isa=found.needs,
    )


LEVELS = {"x86-64-baseline": "x86-64", "x86-64-v2": "x86-64-v2", "x86-64-v3": "x86-64-v3"}


def by_pyelftools(file: RealFile) -> Facts:
    """The same by pyelftools; how it follows from headers is written down here anew."""
    elf = ELFFile(io.BytesIO(file.data))
    segments = list(elf.iter_segments())
    kinds = {each["p_type"] for each in segments}
    dynamic = next((each for each in segments if isinstance(each, DynamicSegment)), None)
    tags: list[Any] = list(dynamic.iter_tags()) if dynamic else []
    by_tag = {tag.entry.d_tag: tag.entry.d_val for tag in tags}
    flags, flags_1 = by_tag.get("DT_FLAGS", 0), by_tag.get("DT_FLAGS_1", 0)
    now = "DT_BIND_NOW" in by_tag or flags & 8 or flags_1 & 1 or not by_tag.get("DT_PLTRELSZ")
    program = "PT_INTERP" in kinds or bool(flags_1 & 0x08000000)
    if elf["e_type"] not in ("ET_DYN", "ET_EXEC"):
        sort = "other"
    elif elf["e_type"] == "ET_EXEC" or program:
        sort = "program" if "PT_INTERP" in kinds or "DT_NEEDED" in by_tag else "static program"
    else:
        sort = "library"
    strings: Any = elf.get_section_by_name(".dynstr")
    paths = {tag.entry.d_tag: getattr(tag, "runpath", getattr(tag, "rpath", "")) for tag in tags}
    path = (
        paths["DT_RUNPATH"]
        if "DT_RUNPATH" in by_tag
        else paths.get("DT_RPATH")
        if "DT_RPATH" in by_tag
        else None
    )
    stack = [each["p_flags"] for each in segments if each["p_type"] == "PT_GNU_STACK"]
    return Facts(
        sort=sort,
        pie="n/a" if sort in ("library", "other") else "yes" if elf["e_type"] == "ET_DYN" else "no",
        relro=("full" if now else "partial") if "PT_GNU_RELRO" in kinds else "none",
        nx=not stack[-1] & 1 if stack else False,
        rwx=any(each["p_type"] == "PT_LOAD" and each["p_flags"] & 3 == 3 for each in segments),
        textrel="DT_TEXTREL" in by_tag or bool(flags & 4),
        canary=strings is not None and b"\0__stack_chk_fail\0" in strings.data(),
        run_path=() if path is None else tuple(path.split(":")),
        stripped=elf.get_section_by_name(".symtab") is None,
        ibt=any(kind == 0xC0000002 and value & 1 for kind, value in _properties(elf)),
        isa=tuple(
            name
            for kind, value in _properties(elf)
            if kind == NEEDED
            for name in [("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4")[value.bit_length() - 1]]
        ),
    )


def _properties(elf: Any) -> Iterator[tuple[int, int]]:
    section = elf.get_section_by_name(".note.gnu.property")
    if section is None:
        return
    data = section.data()[16:]
    while data:
        kind, size = struct.unpack_from("<II", data)
        if size == 4:
            yield kind, struct.unpack_from("<I", data, 8)[0]
        data = data[8 + -(-size // 8) * 8 :]


def by_readelf(files: Sequence[RealFile], folder: Path) -> list[Facts]:
    """The same by GNU readelf, from what it prints for people."""
    names = []
    for number, file in enumerate(files):
        name = folder / f"{number:04}"
        name.write_bytes(file.data)
        names.append(str(name))
    words = ["readelf", "-W", "-h", "-l", "-d", "-n", "-S", "--dyn-syms", *names]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin"}
    )
    reports = re.split(r"^File: .*\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(reports) == len(files)
    return [_of_report(report) for report in reports]


def _of_report(text: str) -> Facts:
    def has(pattern: str) -> bool:
        return re.search(pattern, text, re.MULTILINE) is not None

    kind = re.search(r"^  Type: +(\w+)", text, re.MULTILINE)
    assert kind is not None
    interpreter = has(r"^  INTERP ")
    if kind[1] not in ("DYN", "EXEC"):
        sort = "other"
    elif kind[1] == "EXEC" or interpreter or has(r"\(FLAGS_1\).*\bPIE\b"):
        sort = "program" if interpreter or has(r"\(NEEDED\)") else "static program"
    else:
        sort = "library"
    now = has(r"\(BIND_NOW\)") or has(r"\(FLAGS\).*BIND_NOW") or has(r"\(FLAGS_1\).*\bNOW\b")
    lazy = has(r"\(PLTRELSZ\) +[1-9]")
    stacks = re.findall(r"^  GNU_STACK +(?:0x\w+ +){5}(.{3})", text, re.MULTILINE)
    path = re.search(r"\(RUNPATH\).*\[(.*)\]", text) or re.search(r"\(RPATH\).*\[(.*)\]", text)
    isa = re.search(r"x86 ISA needed: (.*?)(?:, x86|$)", text, re.MULTILINE)
    return Facts(
        sort=sort,
        pie="n/a" if sort in ("library", "other") else "yes" if kind[1] == "DYN" else "no",
        relro=("full" if now or not lazy else "partial") if has(r"^  GNU_RELRO ") else "none",
        nx="E" not in stacks[-1] if stacks else False,
        rwx=has(r"^  LOAD +(?:0x\w+ +){5}RWE"),
        textrel=has(r"\(TEXTREL\)") or has(r"\(FLAGS\).*TEXTREL"),
        canary=has(r" __stack_chk_fail$| __stack_chk_fail@"),
        run_path=() if path is None else tuple(path[1].split(":")),
        stripped=not has(r"^ +\[ *\d+\] \.symtab "),
        ibt=has(r"x86 feature: .*IBT"),
        isa=() if isa is None else tuple([LEVELS[each] for each in isa[1].split(", ")][-1:]),
    )


@needs_shared
def test_two_independent_readers_agree_on_every_file_of_a_release(tmp_path: Path) -> None:
    """All ELF files of Alpine 3.19 at hand: pyelftools and readelf say what we say, property by property."""
    files = elf_files("v3.19-x86_64")
    mine = [ours(each) for each in files]
    assert [by_pyelftools(each) for each in files] == mine
    assert by_readelf(files, tmp_path) == mine
    counts = Counter(each.sort for each in mine)
    assert min(counts["program"], counts["library"]) > 100, counts
    assert {each.canary for each in mine} == {True, False}


@needs_shared
def test_the_files_of_alpine_are_the_baseline_that_rules_are_made_by() -> None:
    """Every official file that can be loaded is PIE or a library, has full RELRO, no executable stack."""
    found = [(each, hardening(read(each.data))) for each in elf_files("v3.19-x86_64")]
    loaded = [(file, each) for file, each in found if each.sort is not Sort.OTHER]
    assert {each.pie for _, each in loaded} <= {Answer.YES, Answer.NOT_APPLICABLE}
    assert {(each.nx, each.rwx, each.textrel) for _, each in loaded} == {(True, False, False)}
    assert {each.fortify for _, each in loaded} == {Answer.NOT_APPLICABLE}
    assert {each.relro for _, each in loaded} == {Relro.FULL}
    large = [
        file.path for file, each in loaded if each.stack_protector is Answer.NO and each.code > UNGUARDED
    ]
    assert large == ["usr/lib/libgcc_s.so.1"], "GCC builds its own library without"


def test_a_library_has_no_pie_to_lack() -> None:
    assert facts(soname="libx.so.1").pie is Answer.NOT_APPLICABLE
    assert facts(interpreter=MUSL).pie is Answer.YES
    assert facts(type=2, interpreter=MUSL).pie is Answer.NO


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ({"interpreter": MUSL, "symbols": [Sym("printf")]}, Answer.NOT_APPLICABLE),
        ({"needed": ["libc.musl-x86_64.so.1"], "symbols": [Sym("memcpy")]}, Answer.NOT_APPLICABLE),
        ({"interpreter": GLIBC, "needed": ["libc.so.6"], "symbols": [Sym("printf")]}, Answer.NO),
        ({"interpreter": GLIBC, "needed": ["libc.so.6"], "symbols": [Sym("__printf_chk")]}, Answer.YES),
        ({"interpreter": GLIBC, "needed": ["libc.so.6"], "symbols": [Sym("qsort")]}, Answer.NOT_APPLICABLE),
        ({"type": 2, "dynamic": False}, Answer.UNKNOWN),
    ],
    ids=["musl program", "musl library", "glibc, none", "glibc, fortified", "nothing to fortify", "static"],
)
def test_fortified_functions_are_missed_only_where_they_leave_a_trace(
    file: dict[str, Any], expected: Answer
) -> None:
    """On musl the answer is never no: fortify-headers check inline."""
    assert facts(**file).fortify is expected


def test_the_handler_of_the_stack_protector_shows_that_it_is_used() -> None:
    assert facts(interpreter=MUSL, symbols=[Sym("__stack_chk_fail")]).stack_protector is Answer.YES
    assert facts(interpreter=MUSL, symbols=[Sym("puts")]).stack_protector is Answer.NO


def test_go_needs_no_stack_protector() -> None:
    go = facts(type=2, dynamic=False, notes=[(b"Go", 4, b"id")])
    assert go.stack_protector is Answer.NOT_APPLICABLE
    assert go.fortify is Answer.NOT_APPLICABLE


def test_what_cannot_be_told_of_a_static_file_is_unknown_not_no() -> None:
    assert facts(type=2, dynamic=False).stack_protector is Answer.UNKNOWN


def test_a_static_file_that_loads_the_guard_is_protected() -> None:
    """`mov %fs:0x28, %rax`, in a file without any symbols."""
    code = bytes.fromhex("64488b042528000000")
    assert facts(type=2, dynamic=False, sections={".text": code}).stack_protector is Answer.YES
    assert (
        facts(type=2, dynamic=False, machine=183, sections={".text": code}).stack_protector is Answer.UNKNOWN
    )


@pytest.mark.parametrize(
    ("file", "needs"),
    [
        ({"notes": [properties((NEEDED, 1))]}, ("x86-64",)),
        ({"notes": [properties((NEEDED, 5))]}, ("x86-64-v3",)),
        ({"notes": [properties((NEEDED, 15))]}, ("x86-64-v4",)),
        ({"notes": [properties((ISA_USED, 15))]}, ()),
        ({}, ()),
    ],
)
def test_the_level_that_a_file_needs_is_the_highest_it_names(
    file: dict[str, Any], needs: tuple[str, ...]
) -> None:
    assert facts(note_alignment=8, **file).needs == needs


@pytest.mark.parametrize(
    ("pair", "needs"),
    [
        ((COMPAT_NEEDED, 0b1), ("i486",)),
        ((COMPAT_NEEDED, 0b10), ("cmpxchg8b",)),
        ((COMPAT_NEEDED, 0b110), ("cmpxchg8b", "cmov")),
        ((COMPAT_2_NEEDED, 0b1), ("cmov",)),
        ((COMPAT_2_NEEDED, 0b111), ("cmov", "sse", "sse2")),
        ((NEEDED, 1), ("cmov", "cmpxchg8b", "mmx", "sse", "sse2")),
    ],
)
def test_on_32_bits_it_is_told_what_older_processors_lack(
    pair: tuple[int, int], needs: tuple[str, ...]
) -> None:
    """The three ways in which tools wrote it: a Pentium lacks CMOV, an i486 cmpxchg8b."""
    note = properties(pair, alignment=4)
    assert facts(bits=32, machine=3, notes=[note]).needs == needs


def test_what_means_something_on_arm_means_nothing_on_x86() -> None:
    note = properties((0xC0000000, 3))
    assert facts(machine=183, notes=[note], note_alignment=8).control_flow == ("bti", "pac")
    assert facts(notes=[note], note_alignment=8).control_flow == ()


SOURCE = """
#include <string.h>
#include <stdio.h>
int main(int count, char **words) { char all[64]; strcpy(all, words[0]); return puts(all) + count; }
"""


def compiled(folder: Path, compiler: str, *flags: str) -> Hardening:
    source, program = folder / "main.c", folder / "main"
    source.write_text(SOURCE)
    subprocess.run([compiler, *flags, str(source), "-o", str(program)], check=True, capture_output=True)
    return hardening(read(program.read_bytes()))


def test_a_compiler_is_taken_at_its_word(tmp_path: Path) -> None:
    """What flags ask for is what is found: for musl and for glibc, dynamic and static."""
    plain = ("-O2", "-fno-stack-protector", "-no-pie", "-Wl,-z,norelro,-z,execstack")
    hard = ("-O2", "-fstack-protector-strong", "-fPIE", "-pie", "-Wl,-z,relro,-z,now,-z,noexecstack", "-s")
    soft = compiled(tmp_path, "musl-gcc", *plain)
    assert (soft.pie, soft.relro, soft.nx, soft.stack_protector) == (Answer.NO, Relro.NONE, False, Answer.NO)
    assert (soft.stripped, soft.libc, soft.fortify) == (False, "musl", Answer.NOT_APPLICABLE)
    good = compiled(tmp_path, "musl-gcc", *hard)
    assert (good.pie, good.relro, good.nx, good.stack_protector) == (Answer.YES, Relro.FULL, True, Answer.YES)
    assert good.stripped
    static = compiled(tmp_path, "musl-gcc", "-static", "-O2", "-fstack-protector-strong", "-no-pie", "-s")
    assert (static.sort, static.stack_protector) == (Sort.STATIC, Answer.YES)
    fortified = compiled(tmp_path, "gcc", "-O2", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2")
    assert (fortified.libc, fortified.fortify) == ("glibc", Answer.YES)
    bare = compiled(tmp_path, "gcc", "-O2", "-U_FORTIFY_SOURCE")
    assert (bare.libc, bare.fortify) == ("glibc", Answer.NO)


def test_a_linker_that_was_told_the_level_is_believed(tmp_path: Path) -> None:
    assert compiled(tmp_path, "musl-gcc", "-Wl,-z,x86-64-v3").needs == ("x86-64-v3",)


def test_facts_of_broken_files_are_found_or_refused() -> None:
    """Every byte of a small file changed, one at a time: an answer or a `FormatError`, nothing else."""
    made = ElfFile(
        interpreter=MUSL,
        needed=["libc.musl-x86_64.so.1"],
        runpath="$ORIGIN",
        symbols=[Sym("puts"), Sym("mine", defined=True)],
        notes=[properties((NEEDED, 5))],
        note_alignment=8,
        sections={".text": b"code"},
        relro=True,
    ).build()
    answered = 0
    for at in range(len(made.data)):
        broken = made.data[:at] + bytes([made.data[at] ^ 0xFF]) + made.data[at + 1 :]
        try:
            answered += isinstance(hardening(read(broken)), Hardening)
        except FormatError:
            continue
    assert 0 < answered < len(made.data)
