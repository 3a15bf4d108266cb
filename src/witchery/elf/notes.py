"""Notes: what tools left in a file for other tools (gABI chapter 5, "Note Section").

Known here are the GNU notes (ABI tag, build ID, and properties: Linux Extensions to gABI, "Program Property";
the x86-64 psABI and the AArch64 ELF ABI for their meaning) and those of systemd's ELF notes specifications
(libraries that a program opens by itself).

No loader refuses a file for a broken note, so neither do we: what cannot be read ends the notes of its
segment.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from witchery.elf.layout import Layout
from witchery.elf.segments import NOTE, Segment
from witchery.elf.view import View
from witchery.errors import FormatError
from witchery.value import frozen

ABI_TAG, BUILD_ID, PROPERTIES = 1, 3, 5
"""Types of notes of the owner `GNU`."""
DLOPEN, PACKAGE = 0x407C0C0A, 0xCAFE1A7E
"""Types of notes of the owner `FDO`."""

MAX_BYTES = 1 << 20
"""How much of a file may be notes, in bytes; what is beyond is not read."""
MAX_NOTES = 4096

_AARCH64_FEATURES = 0xC0000000
_X86_FEATURES, _X86_ISA_NEEDED, _X86_ISA_USED = 0xC0000002, 0xC0008002, 0xC0010002
_X86_COMPAT_NEEDED = 0xC0000001
_X86_COMPAT_2_NEEDED, _X86_COMPAT_2_USED = 0xC0008000, 0xC0010000
_SYSTEMS = ("Linux", "Hurd", "Solaris", "FreeBSD")


class Note(NamedTuple):
    """One note.

    Attributes:
        owner: Who gives the type its meaning, such as `GNU`.
        type: The type.
        content: The bytes.
    """

    owner: str
    type: int
    content: bytes


class AbiTag(NamedTuple):
    """The oldest system that a program wants, such as Linux 3.2.0."""

    system: str
    version: tuple[int, int, int]


@frozen(kw_only=True)
class Properties:
    """What the program properties promise; all absent where there are none, which proves nothing.

    Attributes:
        x86_isa_needed: Bits of the x86-64 levels without which it must not run: 1 baseline, 2 v2, 4 v3, 8 v4.
        x86_isa_used: The same, of what it may use; for information.
        x86_compat_needed: Bits of single abilities, as old tools wrote them: 1 i486, 2 i586, 4 i686, 8 SSE.
        x86_compat_2_needed: Bits of single abilities, as they were written next: 1 CMOV, 2 SSE, 4 SSE2.
        x86_compat_2_used: The same, of what it may use.
        x86_ibt: Indirect branches land where they are meant to (CET).
        x86_shstk: Fit for shadow stacks (CET).
        aarch64_bti: The same as IBT.
        aarch64_pac: Return addresses are signed.
    """

    x86_isa_needed: int | None = None
    x86_isa_used: int | None = None
    x86_compat_needed: int | None = None
    x86_compat_2_needed: int | None = None
    x86_compat_2_used: int | None = None
    x86_ibt: bool = False
    x86_shstk: bool = False
    aarch64_bti: bool = False
    aarch64_pac: bool = False


def read(view: View, layout: Layout, segments: Iterable[Segment]) -> tuple[Note, ...]:
    """Reads the notes of all `PT_NOTE` segments, as far as they make sense."""
    found: list[Note] = []
    left = MAX_BYTES
    for each in segments:
        if each.type != NOTE or each.file_size > left:
            continue
        left -= each.file_size
        try:
            data = bytes(view.cut(each.offset, each.file_size))
        except FormatError:
            continue
        for note in _notes(data, layout, 8 if each.alignment == 8 else 4):
            if len(found) == MAX_NOTES:
                return tuple(found)
            found.append(note)
    return tuple(found)


def _notes(data: bytes, layout: Layout, alignment: int) -> Iterator[Note]:
    at, head = 0, layout.note
    while at + head.size <= len(data):
        name_size, size, kind = head.unpack_from(data, at)
        name_at = at + head.size
        content_at = _aligned(name_at + name_size, alignment)
        end = content_at + size
        if end > len(data):
            return
        owner = data[name_at : name_at + name_size].rstrip(b"\0").decode("utf-8", "surrogateescape")
        yield Note(owner, kind, data[content_at:end])
        at = _aligned(end, alignment)


def build_id(notes: Iterable[Note]) -> str | None:
    """The build ID in hexadecimal, by which debugging information is found."""
    return next((n.content.hex() for n in notes if n.type == BUILD_ID and n.owner == "GNU"), None)


def abi_tag(notes: Iterable[Note], layout: Layout) -> AbiTag | None:
    """The ABI tag (LSB, "`.note.ABI-tag`"). Musl's tool chains leave none."""
    for note in notes:
        if note.owner == "GNU" and note.type == ABI_TAG and len(note.content) >= 16:
            system, *version = (layout.word.unpack_from(note.content, at)[0] for at in (0, 4, 8, 12))
            known = _SYSTEMS[system] if system < len(_SYSTEMS) else f"system {system}"
            return AbiTag(known, (version[0], version[1], version[2]))
    return None


def dlopen(notes: Iterable[Note]) -> tuple[bytes, ...]:
    """The JSON texts about libraries that the program opens by itself, as they stand."""
    return tuple(n.content.rstrip(b"\0") for n in notes if n.type == DLOPEN and n.owner == "FDO")


def properties(notes: Iterable[Note], layout: Layout) -> Properties:
    """The program properties. Where one stands twice, the last counts."""
    words: dict[int, int] = {}
    for note in notes:
        if note.owner == "GNU" and note.type == PROPERTIES:
            words |= _words(note.content, layout)
    x86, arm = words.get(_X86_FEATURES, 0), words.get(_AARCH64_FEATURES, 0)
    return Properties(
        x86_isa_needed=words.get(_X86_ISA_NEEDED),
        x86_isa_used=words.get(_X86_ISA_USED),
        x86_compat_needed=words.get(_X86_COMPAT_NEEDED),
        x86_compat_2_needed=words.get(_X86_COMPAT_2_NEEDED),
        x86_compat_2_used=words.get(_X86_COMPAT_2_USED),
        x86_ibt=bool(x86 & 1),
        x86_shstk=bool(x86 & 2),
        aarch64_bti=bool(arm & 1),
        aarch64_pac=bool(arm & 2),
    )


def _words(data: bytes, layout: Layout) -> dict[int, int]:
    """The properties that are one word, by type."""
    at, head, found = 0, layout.prop, dict[int, int]()
    while at + head.size <= len(data):
        kind, size = head.unpack_from(data, at)
        at += head.size
        if size == 4 and at + size <= len(data):
            (found[kind],) = layout.word.unpack_from(data, at)
        at = _aligned(at + size, layout.word_bytes)
    return found


def _aligned(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment
