"""Program headers: what is mapped into memory, with what rights (gABI chapter 5, "Program Header").

`PT_GNU_STACK`, `PT_GNU_RELRO` and `PT_GNU_PROPERTY` are Linux extensions (LSB, "Program Header"; the x86-64
psABI).
"""

from typing import NamedTuple

from witchery.elf.header import Header
from witchery.elf.view import View
from witchery.errors import FormatError

LOAD, DYNAMIC, INTERP, NOTE, TLS = 1, 2, 3, 4, 7
GNU_STACK, GNU_RELRO = 0x6474E551, 0x6474E552
EXECUTE, WRITE, READ = 1, 2, 4
"""Bits of `p_flags`."""

TOO_MANY = 0xFFFF
"""`PN_XNUM`: the count stands elsewhere, which no kernel follows."""
MAX_INTERPRETER = 4096
"""The kernel's limit on the path of the interpreter, in bytes."""


class Segment(NamedTuple):
    """One program header.

    Attributes:
        type: `p_type`, such as `LOAD`.
        flags: `READ`, `WRITE` and `EXECUTE`.
        offset: Where its bytes stand in the file.
        address: Where they are mapped.
        file_size: How many bytes of the file it has.
        memory_size: How many bytes of memory; the rest is zero.
        alignment: `p_align`.
    """

    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    alignment: int


def read(view: View, header: Header) -> tuple[Segment, ...]:
    """Reads the program headers. What is loaded is held against the size of the file.

    Raises:
        FormatError: if the table, or a loaded segment, does not lie in the file.
    """
    if not header.segment_count:
        return ()
    layout = header.layout
    if not header.segments_at:  # gABI: "If the file has no program header table, this member holds zero."
        raise FormatError(f"{header.segment_count} are announced, and there is no table")
    if header.segment_count == TOO_MANY:
        raise FormatError(f"more than {TOO_MANY - 1} program headers")
    if header.segment_size != layout.segment.size:
        raise FormatError(
            f"expected program headers of {layout.segment.size} bytes, got `{header.segment_size}`"
        )
    table = view.cut(header.segments_at, header.segment_count * layout.segment.size)
    rows = layout.segment.iter_unpack(table)
    if header.bits == 64:
        found = tuple([Segment(t, fl, o, va, fs, ms, al) for t, fl, o, va, _, fs, ms, al in rows])
    else:
        found = tuple([Segment(t, fl, o, va, fs, ms, al) for t, o, va, _, fs, ms, fl, al in rows])
    if header.loadable:
        for each in found:
            _check(each, view.size)
    return found


def _check(segment: Segment, size: int) -> None:
    if segment.type != LOAD:
        return
    end = segment.offset + segment.file_size
    if segment.file_size and end > size:
        raise FormatError(f"truncated: a loaded segment ends at byte {end}, and the file has {size}")
    if segment.file_size > segment.memory_size:
        raise FormatError("a loaded segment has more bytes in the file than in memory")


def interpreter(view: View, segments: tuple[Segment, ...]) -> str | None:
    """The path in the first `PT_INTERP`, which is the one that Linux follows.

    Raises:
        FormatError: if it is cut off, too long for Linux, or has no end.
    """
    for each in segments:
        if each.type != INTERP:
            continue
        if not each.file_size:
            return None  # a file with debugging information keeps the header alone
        if each.file_size > MAX_INTERPRETER:
            raise FormatError(f"path of the interpreter is longer than {MAX_INTERPRETER} bytes")
        raw = bytes(view.cut(each.offset, each.file_size))
        path, end, _ = raw.partition(b"\0")
        if not end:
            raise FormatError("path of the interpreter does not end with a NUL byte")
        return path.decode("utf-8", "surrogateescape")
    return None
