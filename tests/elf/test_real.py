"""Every ELF file of the real packages, held against pyelftools, an independent reader.

What the loader uses is compared for all of them. Symbols are compared for a sample, because pyelftools takes
seconds for what takes milliseconds here; how many there are is compared for all.
"""

import io
from collections import Counter
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from support.real_elf import RealFile, elf_files
from support.shared import needs_shared
from witchery.arch import Arch
from witchery.elf.file import Elf, Relro, read
from witchery.elf.header import DYN

pytestmark = needs_shared

_BINDS = {"LOCAL": "local", "GLOBAL": "global", "WEAK": "weak", "LOOS": "unique"}
_TYPES = {"NOTYPE": "none", "OBJECT": "object", "FUNC": "function", "TLS": "tls", "LOOS": "ifunc"}
_TYPES |= {"SECTION": "section", "FILE": "file", "COMMON": "common"}
SAMPLE_EVERY = 25
SAMPLE_SYMBOLS = 600
"""A file with more symbols is not in the sample, unless it is one of these:"""
SAMPLE_ALWAYS = ("libgcc_s", "libblkid", "libresolv")


@pytest.fixture(scope="module")
def pairs() -> list[tuple[RealFile, Elf, Any]]:
    """Each file, as we read it and as pyelftools does."""
    return [(file, read(file.data), ELFFile(io.BytesIO(file.data))) for file in elf_files()]


def test_there_is_something_to_compare(pairs: list[tuple[RealFile, Elf, Any]]) -> None:
    machines = Counter((elf.header.machine_name, elf.header.bits, elf.header.little) for _, elf, _ in pairs)
    assert len(pairs) > 1400
    assert set(machines) == {
        ("x86-64", 64, True),
        ("AArch64", 64, True),
        ("ARM", 32, True),
        ("i386", 32, True),
        ("PowerPC 64", 64, True),
        ("S/390", 64, False),
    }
    assert min(machines.values()) > 100


def test_headers_segments_and_interpreters_agree(pairs: list[tuple[RealFile, Elf, Any]]) -> None:
    for file, ours, theirs in pairs:
        header = ours.header
        assert (header.bits, header.little) == (theirs.elfclass, theirs.little_endian), file
        assert header.entry == theirs["e_entry"], file
        assert header.flags == theirs["e_flags"], file
        assert header.fits(Arch.parse(file.arch)), file
        names = ("p_flags", "p_offset", "p_vaddr", "p_filesz", "p_memsz", "p_align")
        found = list(theirs.iter_segments())
        assert [each[1:] for each in ours.segments] == [tuple(s[n] for n in names) for s in found], file
        paths = [s.get_interp_name() for s in found if isinstance(s, InterpSegment)]
        assert ours.interpreter == (paths[0] if paths else None), file


def test_dynamic_sections_agree(pairs: list[tuple[RealFile, Elf, Any]]) -> None:
    for file, ours, theirs in pairs:
        found = [s for s in theirs.iter_segments() if isinstance(s, DynamicSegment)]
        assert bool(found) == (ours.dynamic is not None), file
        if ours.dynamic is None:
            continue
        tags = list(found[0].iter_tags())
        assert [value for _, value in ours.dynamic.entries] == [t.entry.d_val for t in tags[:-1]], file
        by_tag = {t.entry.d_tag: t for t in tags}
        assert list(ours.needed) == [t.needed for t in map(_any, tags) if t.entry.d_tag == "DT_NEEDED"], file
        assert ours.soname == getattr(by_tag.get("DT_SONAME"), "soname", None), file
        assert ours.dynamic.rpath == getattr(by_tag.get("DT_RPATH"), "rpath", None), file
        assert ours.dynamic.runpath == getattr(by_tag.get("DT_RUNPATH"), "runpath", None), file


def test_sections_and_build_ids_agree(pairs: list[tuple[RealFile, Elf, Any]]) -> None:
    build_ids = 0
    for file, ours, theirs in pairs:
        found = [s for s in theirs.iter_sections() if s.header.sh_type != "SHT_NULL"]
        expected = [(s.name, s["sh_addr"], s["sh_offset"], s["sh_size"]) for s in found]
        assert [(s.name, s.address, s.offset, s.size) for s in ours.sections] == expected, file
        notes = theirs.get_section_by_name(".note.gnu.build-id")
        if notes is not None:
            build_ids += 1
            assert ours.build_id == next(notes.iter_notes())["n_desc"], file
    assert build_ids > 100


def test_as_many_symbols_are_found_as_the_section_header_says(pairs: list[tuple[RealFile, Elf, Any]]) -> None:
    """The reader counts by the hash tables; the section header is the independent witness."""
    total = 0
    for file, ours, _ in pairs:
        section = ours.section(".dynsym")
        if section is not None:
            assert len(ours.symbols) + 1 == section.size // section.entry_size, file
            total += len(ours.symbols)
    assert total > 100_000


def test_symbols_and_their_versions_agree(pairs: list[tuple[RealFile, Elf, Any]]) -> None:
    compared = versioned = 0
    for number, (file, ours, theirs) in enumerate(pairs):
        named = any(name in file.path for name in SAMPLE_ALWAYS)
        if named or (number % SAMPLE_EVERY == 0 and len(ours.symbols) <= SAMPLE_SYMBOLS):
            compared += _same_symbols(file, ours, theirs)
            versioned += any(each.version for each in ours.symbols)
    assert compared > 3000
    assert versioned > 2


def _any(tag: Any) -> Any:
    """A tag, whose attributes depend on what it is."""
    return tag


def _same_symbols(file: RealFile, ours: Elf, theirs: Any) -> int:
    table = theirs.get_section_by_name(".dynsym")
    if table is None:
        assert not ours.symbols, file
        return 0
    found = list(table.iter_symbols())[1:]
    for mine, other in zip(ours.symbols, found, strict=True):
        info = other["st_info"]
        assert mine.name == other.name, file
        assert mine.bind == _BINDS[info["bind"].removeprefix("STB_")], file
        assert mine.type == _TYPES[info["type"].removeprefix("STT_")], file
        assert mine.visibility == other["st_other"]["visibility"].removeprefix("STV_").lower(), file
        assert mine.defined == (other["st_shndx"] != "SHN_UNDEF"), file
        assert (mine.value, mine.size) == (other["st_value"], other["st_size"]), file
    versions = theirs.get_section_by_name(".gnu.version")
    if versions is not None:
        numbers = [versions.get_symbol(n + 1)["ndx"] for n in range(len(found))]
        names = [_version(theirs, number) for number in numbers]
        assert [each.version for each in ours.symbols] == names, file
    return len(found)


def _version(theirs: Any, number: int | str) -> str | None:
    if not isinstance(number, int):
        return None
    for section in (".gnu.version_r", ".gnu.version_d"):
        lists = theirs.get_section_by_name(section)
        found = lists.get_version(number & 0x7FFF) if lists is not None else None
        if found is None:
            continue
        if section == ".gnu.version_r":
            return str(found[1].name)
        return str(next(found[1]).name)
    return None


def test_what_alpine_ships_is_hardened() -> None:
    """Of the 3.19 boot medium all is position-independent, with full RELRO and a stack that is data."""
    found = [read(file.data) for file in elf_files("v3.19.1-boot-x86_64")]
    assert len(found) == 184
    assert {elf.header.type for elf in found} == {DYN}
    assert {elf.relro for elf in found} == {Relro.FULL}
    assert all(elf.nx for elf in found)
    assert not any(elf.has_rwx_segment or elf.has_textrel or elf.is_static for elf in found)
    assert all(elf.build_id for elf in found)
    assert {elf.interpreter for elf in found} == {None, "/lib/ld-musl-x86_64.so.1"}
    both = {elf.soname for elf in found if elf.is_executable and elf.is_shared_library}
    assert both == {"libcap.so.2", "libpsx.so.2"}  # they say their version when they are started
    assert all(elf.is_executable or elf.is_shared_library for elf in found)
    assert not any(elf.version_needs and "GLIBC" in elf.version_needs[0].version for elf in found)
