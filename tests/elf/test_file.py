"""Reading whole ELF files, made by hand: every class and byte order, every part."""

import itertools
from typing import Any

import pytest

from support.elf_files import BASE, ElfFile, Sym
from witchery.arch import ALL, Arch
from witchery.elf import segments
from witchery.elf.file import Relro, read
from witchery.elf.header import EM_386, EM_AARCH64, EM_ARM, EM_S390, EM_X86_64, EXEC, REL, Header
from witchery.elf.symbols import Bind, Symbol, Type, Visibility
from witchery.elf.versions import VersionNeed
from witchery.errors import FormatError

FORMS = pytest.mark.parametrize(
    ("bits", "little"),
    list(itertools.product((32, 64), (True, False))),
    ids=str,
)
DF_1_PIE = (0x6FFFFFFB, 0x08000000)


def elf(**what: Any) -> Any:
    return read(ElfFile(**what).build().data)


@FORMS
def test_a_library_says_the_same_in_every_class_and_byte_order(bits: int, little: bool) -> None:
    got = elf(
        bits=bits,
        little=little,
        needed=("libz.so.1", "libc.musl-x86_64.so.1"),
        soname="libfoo.so.2",
        runpath="$ORIGIN/../lib:/opt/foo",
        symbols=(
            Sym("inflate", version=2),
            Sym("foo", defined=True, size=40, version=0x8004),
            Sym("table", defined=True, bind=2, type=1, visibility=3, size=16),
        ),
        needs=(("libz.so.1", ("ZLIB_1.2", "ZLIB_1.3")),),
        definitions=("FOO_1",),
        notes=((b"GNU", 3, b"\xab" * 20),),
        sections={".dep-v0": b"evidence"},
        stack=(6, 1 << 20),
    )
    assert (got.header.bits, got.header.little) == (bits, little)
    assert got.needed == ("libz.so.1", "libc.musl-x86_64.so.1")
    assert got.soname == "libfoo.so.2"
    assert got.dynamic.rpath is None
    assert got.dynamic.search_path == ("$ORIGIN/../lib", "/opt/foo")
    address = BASE + 0x40
    assert got.symbols == (
        Symbol("inflate", Bind.GLOBAL, Type.FUNCTION, Visibility.DEFAULT, 0, 0, 0, "ZLIB_1.2"),
        Symbol("foo", Bind.GLOBAL, Type.FUNCTION, Visibility.DEFAULT, 1, address, 40, "FOO_1", default=False),
        Symbol("table", Bind.WEAK, Type.OBJECT, Visibility.PROTECTED, 1, address, 16),
    )
    assert got.version_needs == (
        VersionNeed("libz.so.1", "ZLIB_1.2", weak=False),
        VersionNeed("libz.so.1", "ZLIB_1.3", weak=False),
    )
    assert got.versions.definitions == ("FOO_1",)
    assert got.build_id == "ab" * 20
    assert bytes(got.content(got.section(".dep-v0"))) == b"evidence"
    assert got.section(".none") is None
    assert got.stack_size == 1 << 20
    assert got.interpreter is None
    assert bytes(got.content_at(BASE, 4)) == b"\x7fELF"


@FORMS
@pytest.mark.parametrize("machine", [EM_X86_64, EM_S390])
@pytest.mark.parametrize("hashes", [("gnu",), ("sysv",), ("gnu", "sysv"), ()], ids="+".join)
@pytest.mark.parametrize("defined", [0, 1, 5])
def test_symbols_are_counted_by_whatever_table_there_is(
    bits: int, little: bool, machine: int, hashes: tuple[str, ...], defined: int
) -> None:
    wanted = tuple(Sym(f"wanted{n}") for n in range(3))
    given = tuple(Sym(f"given{n}", defined=True) for n in range(defined))
    got = elf(bits=bits, little=little, machine=machine, symbols=wanted + given, hashes=hashes)
    assert [each.name for each in got.symbols] == [each.name for each in wanted + given]


def test_a_hash_table_without_entries_is_helped_out_by_the_section_header() -> None:
    made = ElfFile(symbols=(Sym("a"), Sym("b")), sections={}).build()
    assert [each.name for each in read(made.data).symbols] == ["a", "b"]


@pytest.mark.parametrize("each", ALL, ids=str)
def test_a_file_fits_its_architecture_and_no_other(each: Arch) -> None:
    made = ElfFile(bits=each.elf_class, little=each.elf_little, machine=each.elf_machine).build()
    fitting = {arch.apk for arch in ALL if read(made.data).fits(arch)}
    assert fitting == ({"armv7", "armhf"} if each.elf_machine == EM_ARM else {each.apk})


def test_what_a_file_is_follows_from_type_interpreter_and_flags() -> None:
    def kind(**what: Any) -> tuple[bool, ...]:
        got = elf(**what)
        return got.is_executable, got.is_pie, got.is_static, got.is_shared_library

    loader = "/lib/ld-musl-x86_64.so.1"
    assert kind(interpreter=loader, needed=("libc.so",)) == (True, True, False, False)
    assert kind(type=EXEC, interpreter=loader, needed=("libc.so",)) == (True, False, False, False)
    assert kind(type=EXEC, dynamic=False) == (True, False, True, False)
    assert kind(more_tags=(DF_1_PIE,)) == (True, True, True, False)
    assert kind(soname="libfoo.so.1") == (False, False, False, True)
    assert kind() == (False, False, False, True)
    assert kind(soname="libc.so.6", interpreter="/lib64/ld-linux-x86-64.so.2") == (True, True, False, True)
    assert kind(type=REL) == (False, False, False, False)


@pytest.mark.parametrize(
    ("relro", "tags", "expected"),
    [
        (False, (), Relro.NONE),
        (True, (), Relro.FULL),
        (True, ((2, 24),), Relro.PARTIAL),
        (True, ((2, 24), (24, 0)), Relro.FULL),
        (True, ((2, 24), (30, 8)), Relro.FULL),
        (True, ((2, 24), (0x6FFFFFFB, 1)), Relro.FULL),
    ],
)
def test_relro_is_full_when_nothing_is_bound_late(
    relro: bool, tags: tuple[tuple[int, int], ...], expected: Relro
) -> None:
    assert elf(relro=relro, more_tags=tags).relro is expected


@pytest.mark.parametrize(
    ("machine", "stack", "nx"),
    [
        (EM_X86_64, (6, 0), True),
        (EM_X86_64, (7, 0), False),
        (EM_X86_64, None, False),
        (EM_386, None, False),
        (EM_AARCH64, None, True),
    ],
)
def test_a_stack_is_executable_when_it_says_so_or_says_nothing_on_old_machines(
    machine: int, stack: tuple[int, int] | None, nx: bool
) -> None:
    assert elf(machine=machine, stack=stack).nx is nx


def test_the_last_stack_header_counts() -> None:
    assert elf(segments=((segments.GNU_STACK, 7, 0, 0, 0, 4096, 16),)).stack_size == 4096


def test_writable_code_is_seen() -> None:
    assert elf(load_flags=7).has_rwx_segment
    assert not elf(load_flags=5).has_rwx_segment
    assert elf(more_tags=((22, 0),)).has_textrel
    assert elf(more_tags=((30, 4),)).has_textrel
    assert not elf().has_textrel


def test_the_newer_search_path_wins_and_empty_folders_are_kept() -> None:
    assert elf(rpath="/old", runpath="/new::").dynamic.search_path == ("/new", "", "")
    assert elf(rpath="/old").dynamic.search_path == ("/old",)
    assert elf(rpath="/old", runpath="/new").dynamic.rpath == "/old"


def test_names_that_are_no_utf_8_survive() -> None:
    got = elf(needed=("libé.so", "lib\udcff.so"), symbols=(Sym("größe"),))
    assert got.needed == ("libé.so", "lib\udcff.so")
    assert got.symbols[0].name == "größe"


def test_the_dynamic_section_is_read_as_far_as_a_loader_reads_it() -> None:
    """A size in the program header that is too small hides nothing."""
    made = ElfFile(needed=("libhidden.so",)).build()
    small = made.patched("segments", (1).to_bytes(8, "little"), 56 + 32)
    assert small != made.data
    assert read(small).needed == ("libhidden.so",)


def test_loaded_segments_that_overlap_are_refused() -> None:
    """Which of them counts would depend on the loader, and a scanner could be shown another file."""
    with pytest.raises(FormatError, match="program headers: loaded segments overlap"):
        elf(segments=((segments.LOAD, 4, 0, BASE + 100, 20, 20, 1),))


def test_a_reader_that_can_seek_is_as_good_as_bytes() -> None:
    made = ElfFile(needed=("libz.so.1",), symbols=(Sym("a"), Sym("b", defined=True)), sections={".x": b"1"})
    data = made.build().data

    class File:
        size = len(data)

        def read_at(self, offset: int, size: int) -> bytes:
            assert offset >= 0
            assert offset + size <= len(data)
            return data[offset : offset + size]

    assert read(File()) == read(data) == read(bytearray(data)) == read(memoryview(data))


def test_a_reader_that_runs_dry_is_refused() -> None:
    class File:
        size = 1000

        def read_at(self, offset: int, size: int) -> bytes:
            return b""

    with pytest.raises(FormatError, match="truncated"):
        read(File())


def test_the_header_alone_can_be_read() -> None:
    data = ElfFile(machine=EM_AARCH64, header={"flags": 5}).build().data[:64]
    header = Header.read(data)
    assert (header.machine_name, header.flags, header.loadable) == ("AArch64", 5, True)
    assert Header.read(ElfFile(machine=999).build().data).machine_name == "machine 999"


def test_an_object_file_is_a_value_whatever_its_tables_say() -> None:
    got = elf(type=REL, needed=("ignored.so",), sections={".text": b"\x90"})
    assert got.dynamic is None
    assert got.symbols == ()
    assert bytes(got.content(got.section(".text"))) == b"\x90"


def test_a_file_of_debugging_information_has_headers_without_contents() -> None:
    """`objcopy --only-keep-debug` keeps the program headers and empties them."""
    empty = ((2, 6, 0, 0x900000, 0, 64, 8), (3, 4, 0, 0x900000, 0, 28, 1))
    got = elf(dynamic=False, segments=empty)
    assert got.dynamic is None
    assert got.interpreter is None
