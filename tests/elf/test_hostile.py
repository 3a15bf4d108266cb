"""Files made to hurt: each gives a value or a `FormatError`, soon and in little memory."""

import struct
import tracemalloc

import pytest

from support.elf_files import BASE, ElfFile, Sym
from witchery.elf import dynamic as tags
from witchery.elf.file import Elf, read
from witchery.elf.header import MAGIC
from witchery.elf.segments import INTERP, LOAD
from witchery.errors import FormatError

HUGE = (1 << 64) - 1
Row = tuple[int, int, int, int, int, int, int]
SYMBOLS = (Sym("a"), Sym("b", defined=True), Sym("c", defined=True))


def refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(data)


def u32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def tagged(tag: int, value: int) -> bytes:
    """A file in which one tag has another value."""
    made = ElfFile(
        symbols=SYMBOLS,
        needed=("libz.so.1",),
        needs=(("libz.so.1", ("Z_1",)),),
        hashes=("gnu", "sysv"),
        tags={tag: value},
    )
    return made.build().data


@pytest.mark.parametrize("data", [b"", b"\x7fEL", b"#!/bin/sh\n", b"MZ" + bytes(100)])
def test_what_is_no_elf_is_refused(data: bytes) -> None:
    refused(data, "expected an ELF file")


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (4, 0, "unknown class: `0`"),
        (4, 3, "unknown class"),
        (5, 0, "unknown byte order: `0`"),
        (5, 9, "order"),
    ],
)
def test_an_unknown_class_or_byte_order_is_refused(at: int, value: int, message: str) -> None:
    refused(ElfFile().build().patched("header", bytes([value]), at), message)


@pytest.mark.parametrize("bits", [32, 64])
def test_a_file_cut_off_anywhere_is_refused(bits: int) -> None:
    """At every byte: what is loaded reaches to the end of the file."""
    data = ElfFile(bits=bits, symbols=SYMBOLS, sections={".x": b"y"}).build().data
    for size in range(len(data)):
        refused(data[:size], r"truncated|expected an ELF")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"segment_size": 55}, "expected program headers of 56 bytes, got `55`"),
        ({"segment_count": 0xFFFF}, "more than 65534 program headers"),
        ({"segment_count": 0xFFFE}, "truncated"),
        ({"segments_at": HUGE}, "truncated"),
        ({"segments_at": HUGE // 2}, "truncated"),
    ],
)
def test_program_headers_that_are_nowhere_are_refused(header: dict[str, int], message: str) -> None:
    refused(ElfFile(header=header).build().data, message)


@pytest.mark.parametrize(
    "header",
    [
        {"sections_at": HUGE},
        {"sections_at": 3},
        {"section_size": 1},
        {"section_count": 0xFFFF},
        {"section_count": 0},
        {"section_names": 0},
        {"section_names": 77},
        {"section_names": 0xFFFF},
    ],
    ids=str,
)
def test_broken_section_headers_count_as_none(header: dict[str, int]) -> None:
    got = read(ElfFile(sections={".x": b"y"}, needed=("libz.so.1",), header=header).build().data)
    assert got.needed == ("libz.so.1",)
    assert got.section(".x") is None


def test_a_section_outside_the_file_is_refused_when_it_is_asked_for() -> None:
    made = ElfFile(sections={".x": b"y"}).build()
    elf = read(made.patched("sections", struct.pack("<Q", HUGE), 64 + 24))
    section = elf.section(".x")
    assert section is not None
    with pytest.raises(FormatError, match="truncated"):
        elf.content(section)


@pytest.mark.parametrize(
    "segment",
    [
        (LOAD, 4, 0, 0, HUGE, HUGE, 1),
        (LOAD, 4, HUGE, 0, 1, 1, 1),
        (LOAD, 4, HUGE, HUGE, HUGE, HUGE, HUGE),
        (LOAD, 4, 0, 0, 1 << 63, 1 << 63, 1),
        (LOAD, 4, 0, 0, 10, 9, 1),
        (LOAD, 4, 0, BASE + 8, 8, 8, 1),
    ],
)
def test_loaded_segments_that_cannot_be_are_refused(
    segment: tuple[int, int, int, int, int, int, int],
) -> None:
    refused(ElfFile(segments=(segment,)).build().data, "program headers: .*(truncated|loaded segment)")


def test_a_segment_at_the_end_of_memory_hurts_nobody() -> None:
    assert read(ElfFile(segments=((LOAD, 4, 0, HUGE, 8, 8, 1),)).build().data).needed == ()


@pytest.mark.parametrize(
    ("offset", "size", "message"),
    [
        (0, 5000, "longer than 4096 bytes"),
        (HUGE, 20, "truncated"),
        (0, HUGE, "longer"),
        (1, 3, "does not end with a NUL byte"),
    ],
)
def test_an_interpreter_without_a_path_is_refused(offset: int, size: int, message: str) -> None:
    refused(ElfFile(segments=((INTERP, 4, offset, 0, size, size, 1),)).build().data, message)


def test_a_dynamic_section_without_an_end_is_refused() -> None:
    made = ElfFile(needed=("libz.so.1",)).build()
    at = made.places["dynamic"]
    endless = made.data[:at] + struct.pack("<2Q", 21, 0) * ((len(made.data) - at) // 16)
    refused(endless.ljust(len(made.data), b"\1"), "dynamic section: no end within its segment")


def test_a_dynamic_section_that_lies_elsewhere_is_refused() -> None:
    refused(ElfFile(dynamic=False, segments=((2, 6, 0, 0x900000, 64, 64, 8),)).build().data, "no end")


def test_a_dynamic_section_with_too_many_entries_is_refused() -> None:
    many = ((21, 0),) * (tags.MAX_ENTRIES + 1)
    refused(ElfFile(more_tags=many).build().data, "more than 65536 entries")


def test_tables_that_point_into_the_dynamic_section_give_something_or_an_error() -> None:
    inside = BASE + ElfFile(symbols=SYMBOLS, needed=("x",)).build().places["dynamic"]
    for tag in (tags.STRTAB, tags.SYMTAB, tags.GNU_HASH, tags.VERSYM):
        data = ElfFile(symbols=SYMBOLS, needed=("x",), tags={tag: inside}).build().data
        assert harmless(data)


@pytest.mark.parametrize(
    "tag", [tags.STRTAB, tags.STRSZ, tags.SYMTAB, tags.HASH, tags.VERSYM, tags.VERNEED, tags.NEEDED]
)
@pytest.mark.parametrize("value", [0x900000, 1 << 31, 1 << 63, HUGE], ids=hex)
def test_tables_that_are_nowhere_are_refused(tag: int, value: int) -> None:
    refused(tagged(tag, value), "dynamic (section|symbols): .")


def test_a_string_table_without_a_nul_is_refused() -> None:
    made = ElfFile(needed=("libz.so.1",)).build()
    refused(made.patched("strings", b"x" * 11), "no name that ends within the string table of 11 bytes")


def test_strings_without_their_size_or_without_a_table_are_refused() -> None:
    made = ElfFile(needed=("libz.so.1",)).build()
    raw = struct.pack("<Q", tags.STRSZ)
    at = made.data.index(raw, made.places["dynamic"]) - made.places["dynamic"]
    refused(made.patched("dynamic", struct.pack("<Q", 21), at), "a string table without its size")
    raw = struct.pack("<Q", tags.STRTAB)
    at = made.data.index(raw, made.places["dynamic"]) - made.places["dynamic"]
    refused(made.patched("dynamic", struct.pack("<Q", 21), at), "string table of 0 bytes")


def test_2_to_the_32_symbols_are_refused() -> None:
    made = ElfFile(symbols=SYMBOLS, hashes=("sysv",)).build()
    refused(made.patched("hash", u32(0xFFFFFFFF), 4), "symbols: 4294967295 symbols exceed the limit")
    refused(made.patched("hash", u32(1 << 20), 4), "leave their segment")
    made = ElfFile(symbols=SYMBOLS).build()
    for words in ((0xFFFFFFFF,), (1, 0xFFFFFFFF), (1, 1, 0xFFFFFFFF), (1 << 20,)):
        refused(made.patched("gnu_hash", u32(*words)), "dynamic symbols: ")


def test_hash_buckets_that_name_no_symbol_are_refused() -> None:
    made = ElfFile(symbols=SYMBOLS).build()
    bucket = 16 + 8
    refused(made.patched("gnu_hash", u32(1), bucket), "a hash bucket names symbol 1, and the first .* is 2")
    refused(made.patched("gnu_hash", u32(1 << 31), bucket), "leaves its segment|more than")


def test_a_hash_chain_without_an_end_is_refused() -> None:
    """A chain ends with an odd word; here every word to the end of the segment is even."""
    chain = {".chain": u32(1, 1, 1, 0, 0, 0, 1) + b"\2\0\0\0" * 5000}
    at = BASE + ElfFile(symbols=SYMBOLS, sections=chain).build().places[".chain"]
    made = ElfFile(
        symbols=SYMBOLS,
        sections=chain,
        tags={tags.GNU_HASH: at},
    ).build()
    end = made.places["section_names"]
    refused(made.data[:end] + bytes(len(made.data) - end), "dynamic symbols: a hash chain leaves its segment")


def test_a_looped_hash_chain_is_not_followed() -> None:
    """Only the number of chains is read from `DT_HASH`; where they lead does not matter."""
    made = ElfFile(symbols=SYMBOLS, hashes=("sysv",)).build()
    looped = made.patched("hash", u32(1, 1, 1, 1), 8)
    assert [each.name for each in read(looped).symbols] == ["a", "b", "c"]


def test_names_that_overlap_a_thousandfold_are_refused() -> None:
    """A megabyte of names read from every offset would be half a terabyte."""
    long = "x" * 1_000_000
    symbols = (Sym(long), *(Sym(long[n:]) for n in range(1, 50)))
    data = ElfFile(symbols=symbols[:1], hashes=("sysv",), sections={".pad": bytes(24 * 60_000)}).build()
    forged = bytearray(data.patched("hash", u32(50_000), 4))
    table = data.places[".pad"]
    for n in range(50_000):
        forged[table + 24 * n : table + 24 * n + 4] = u32(n + 1)
    at = data.data.index(struct.pack("<Q", tags.SYMTAB), data.places["dynamic"])
    forged[at + 8 : at + 16] = struct.pack("<Q", BASE + table)
    tracemalloc.start()
    refused(bytes(forged), "names overlap too much")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * len(forged)


def test_version_lists_that_loop_or_never_end_are_refused_or_end() -> None:
    made = ElfFile(symbols=SYMBOLS, needs=(("libz.so.1", ("Z_1", "Z_2")),), definitions=("D_1",)).build()
    assert len(read(made.data).version_needs) == 2
    assert read(made.patched("verneed", u32(0), 16 + 12)).version_needs[-1].version == "Z_1"
    for part in ("verneed", "verdef"):
        for at in range(0, 40, 2):
            for change in (b"\xff\xff", b"\0\0", b"\x10\0"):
                assert harmless(made.patched(part, change, at))


def test_many_versions_over_the_same_records_are_refused() -> None:
    """65535 records, each with a list of 65535 over the same bytes: four thousand million steps."""
    filler = struct.pack("<HHIII", 1, 0xFFFF, 1, 16, 16) * 4000
    made = ElfFile(symbols=SYMBOLS, needs=(("z", ("y",)),), sections={".filler": filler}).build()
    at = BASE + made.places[".filler"]
    data = (
        ElfFile(
            symbols=SYMBOLS,
            needs=(("z", ("y",)),),
            sections={".filler": filler},
            tags={tags.VERNEED: at, tags.VERNEEDNUM: 0xFFFF},
        )
        .build()
        .data
    )
    refused(data, "version needs: more than 16384 records")


def test_an_address_is_found_among_many_segments_without_looking_at_each() -> None:
    """Ten thousand lookups among sixty thousand segments would otherwise be half a minute."""
    many = tuple((LOAD, 4, 0, 0x100 + n, 1, 1, 1) for n in range(60_000))
    got = read(ElfFile(symbols=SYMBOLS, needs=[("z", ("y",))] * 5000, segments=many).build().data)
    assert len(got.version_needs) == 5000


def test_every_word_of_every_table_may_be_anything() -> None:
    made = ElfFile(
        symbols=SYMBOLS,
        interpreter="/lib/ld.so",
        needed=("libz.so.1",),
        needs=(("libz.so.1", ("Z_1",)),),
        definitions=("D_1",),
        notes=((b"GNU", 3, b"1234"),),
        hashes=("gnu", "sysv"),
        sections={".x": b"y"},
    ).build()
    for at in range(4, len(made.data) - 4, 4):
        for word in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, BASE):
            assert harmless(made.patched("header", u32(word), at))


def harmless(data: bytes) -> bool:
    """Whether the bytes give a value, or the one error that they may."""
    try:
        return isinstance(read(data), Elf)
    except FormatError as error:
        return bool(error.message) and data.startswith(MAGIC)
