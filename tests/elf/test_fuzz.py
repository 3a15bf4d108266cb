"""Laws of reading: any bytes give a value or a `FormatError`, and reading costs no more than its due."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.elf_files import ElfFile, Sym
from support.real_elf import elf_files
from support.shared import needs_shared
from witchery.elf.file import Elf, read
from witchery.elf.sections import Section
from witchery.elf.segments import Segment
from witchery.errors import FormatError

pytestmark = pytest.mark.property

SMALL = 80_000
MADE = [
    ElfFile(
        bits=bits,
        little=little,
        interpreter="/lib/ld-musl.so.1",
        symbols=(Sym("a", version=2), Sym("b", defined=True), Sym("c", defined=True)),
        needed=("libz.so.1",),
        soname="libfoo.so.1",
        runpath="$ORIGIN",
        needs=(("libz.so.1", ("Z_1", "Z_2")),),
        definitions=("D_1",),
        notes=((b"GNU", 3, b"1234"),),
        hashes=("gnu", "sysv") if little else ("gnu",),
        sections={".x": b"y"},
    )
    .build()
    .data
    for bits in (32, 64)
    for little in (True, False)
]


@cache
def real() -> list[bytes]:
    """Small real files of every architecture."""
    small: dict[str, bytes] = {}
    for folder in ("thirdparty-multiarch-v3.12", "v3.13-aarch64"):
        for file in elf_files(folder):
            if len(file.data) < len(small.get(file.arch, bytes(SMALL))):
                small[file.arch] = file.data
    assert len(small) == 7
    return list(small.values())


class CountingFile:
    """A file that counts how often, and how much, is read of it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.reads = 0
        self.bytes_read = 0

    def read_at(self, offset: int, size: int) -> bytes:
        assert offset >= 0
        assert size >= 0
        assert offset + size <= self.size
        self.reads += 1
        self.bytes_read += size
        return self.data[offset : offset + size]


def checked(data: bytes) -> Elf | None:
    """Reads the bytes, all properties too, and holds the cost against the size."""
    file = CountingFile(data)
    elf: Elf | None
    try:
        elf = read(file)
        for name in dir(type(elf)):
            if not name.startswith("_"):
                getattr(elf, name)
        both: list[Section | Segment] = [*elf.sections, *elf.segments]
        for part in both:
            try:
                elf.content(part)
            except FormatError:
                continue
    except FormatError:
        elf = None
    # Segments and sections may cover the same bytes, each once; records are read one by one.
    parts = 0 if elf is None else len(elf.sections) + len(elf.segments)
    assert file.reads <= 64 + parts + len(data) // 4
    assert file.bytes_read <= (8 + parts) * len(data) + 4096
    return elf


@st.composite
def mutated(draw: st.DrawFn, files: list[bytes]) -> bytes:
    """A file with some bytes changed, put in, or cut off; mostly where the tables are."""
    data = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(1, 6))):
        where = draw(st.integers(0, len(data) - 1) | st.integers(0, min(1500, len(data) - 1)))
        kind = draw(st.sampled_from(("flip", "word", "word", "insert", "cut", "end")))
        if kind == "flip":
            data[where] ^= 1 << draw(st.integers(0, 7))
        elif kind == "word":
            size = draw(st.sampled_from((1, 2, 4, 8)))
            word = draw(st.sampled_from((b"\0" * 8, b"\xff" * 8, b"\1" + bytes(7), bytes(7) + b"\1")))
            data[where : where + size] = word[:size]
        elif kind == "insert":
            data[where:where] = draw(st.binary(min_size=1, max_size=16))
        elif kind == "cut":
            del data[where : where + draw(st.integers(1, 16))]
        else:
            del data[max(where, 1) :]
        if len(data) < 2:
            break
    return bytes(data)


@given(mutated(MADE))
@settings(max_examples=700, deadline=None)
def test_a_made_file_with_changed_bytes_gives_a_value_or_a_format_error(data: bytes) -> None:
    checked(data)


@needs_shared
@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_real_file_with_changed_bytes_gives_a_value_or_a_format_error(data: st.DataObject) -> None:
    checked(data.draw(mutated(real())))


@given(st.binary(max_size=300))
def test_any_bytes_after_a_header_give_a_value_or_a_format_error(rest: bytes) -> None:
    for made in MADE:
        checked(made[:20] + rest)


def test_the_cost_is_held_against_whole_files_too() -> None:
    for made in MADE:
        assert checked(made) is not None


@needs_shared
def test_the_cost_of_real_files_is_bounded() -> None:
    for data in real():
        assert checked(data) is not None
