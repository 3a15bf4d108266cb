"""Notes: what tools left for other tools."""

import struct

import pytest

from support.elf_files import ElfFile
from witchery.elf.file import Elf, read
from witchery.elf.header import EM_386, EM_AARCH64, EM_X86_64
from witchery.elf.notes import MAX_NOTES, Note, Properties

X86_FEATURES, X86_NEEDED, X86_USED, ARM_FEATURES = 0xC0000002, 0xC0008002, 0xC0010002, 0xC0000000


def noted(*notes: tuple[bytes, int, bytes], bits: int = 64, little: bool = True, alignment: int = 4) -> Elf:
    return read(ElfFile(notes=notes, bits=bits, little=little, note_alignment=alignment).build().data)


def words(bits: int, order: str, *properties: tuple[int, int]) -> bytes:
    padding = bytes(4) if bits == 64 else b""
    return b"".join(struct.pack(order + "3I", kind, 4, value) + padding for kind, value in properties)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("bits", "machine"), [(64, EM_X86_64), (32, EM_386), (64, EM_AARCH64)])
def test_properties_are_read_in_every_class_and_byte_order(bits: int, machine: int, order: str) -> None:
    content = words(bits, order, (ARM_FEATURES, 3), (X86_FEATURES, 1), (X86_NEEDED, 5), (X86_USED, 13))
    made = ElfFile(
        bits=bits,
        little=order == "<",
        machine=machine,
        notes=[(b"GNU", 5, content), (b"GNU", 3, b"\1\2")],
        note_alignment=bits // 8,
    )
    got = read(made.build().data)
    assert got.properties == Properties(
        x86_isa_needed=5, x86_isa_used=13, x86_ibt=True, aarch64_bti=True, aarch64_pac=True
    )
    assert got.build_id == "0102"


def test_shadow_stacks_are_known_apart_from_branch_tracking() -> None:
    got = noted((b"GNU", 5, words(64, "<", (X86_FEATURES, 2))), alignment=8).properties
    assert (got.x86_ibt, got.x86_shstk) == (False, True)


def test_a_file_without_notes_promises_nothing() -> None:
    got = noted()
    assert got.properties == Properties()
    assert (got.build_id, got.abi_tag, got.dlopen_notes, got.notes) == (None, None, (), ())


def test_the_abi_tag_names_the_oldest_kernel() -> None:
    tag = noted((b"GNU", 1, struct.pack("<4I", 0, 3, 2, 0))).abi_tag
    assert tag == ("Linux", (3, 2, 0))
    big = noted((b"GNU", 1, struct.pack(">4I", 9, 1, 0, 7)), little=False).abi_tag
    assert big == ("system 9", (1, 0, 7))
    assert noted((b"GNU", 1, b"short")).abi_tag is None


def test_libraries_to_open_are_handed_on_as_they_stand() -> None:
    text = b'[{"soname":["libzstd.so.1"]}]'
    got = noted((b"FDO", 0x407C0C0A, text + b"\0"), (b"FDO", 0xCAFE1A7E, b"{}"), (b"GNU", 3, b"\1"))
    assert got.dlopen_notes == (text,)
    assert got.build_id == "01"


def test_the_notes_of_another_owner_are_not_taken_for_gnu_ones() -> None:
    got = noted((b"Go", 3, b"\1\2\3\4"), (b"XEN", 5, words(64, "<", (X86_FEATURES, 3))))
    assert got.build_id is None
    assert got.properties == Properties()
    assert got.notes[0] == Note("Go", 3, b"\1\2\3\4")


@pytest.mark.parametrize("at", [0, 4], ids=["name", "content"])
def test_a_broken_note_ends_the_notes_and_nothing_else(at: int) -> None:
    made = ElfFile(notes=[(b"GNU", 3, b"\1\2\3\4"), (b"GNU", 1, bytes(16))], needed=("libz.so.1",)).build()
    assert len(read(made.data).notes) == 2
    broken = read(made.patched("notes", b"\xff\xff\xff\xff", 20 + at))
    assert [note.type for note in broken.notes] == [3]
    assert broken.needed == ("libz.so.1",)


def test_properties_of_odd_sizes_are_passed_over() -> None:
    content = struct.pack("<2I", 1, 8) + bytes(8) + words(64, "<", (X86_NEEDED, 4)) + b"\2\0\0"
    assert noted((b"GNU", 5, content), alignment=8).properties.x86_isa_needed == 4
    assert noted((b"GNU", 5, struct.pack("<2I", X86_NEEDED, 400)), alignment=8).properties == Properties()


def test_notes_are_counted_and_so_bounded() -> None:
    assert len(noted(*[(b"A", 1, b"")] * (MAX_NOTES + 5)).notes) == MAX_NOTES
    many = ElfFile(notes=[(b"A", 1, b"")] * 1000, segments=[(4, 4, 0, 0, 1000, 1000, 4)] * 5000).build()
    assert len(read(many.data).notes) <= MAX_NOTES
    outside = ElfFile(segments=[(4, 4, 1 << 40, 0, 64, 64, 4)]).build()
    assert read(outside.data).notes == ()
