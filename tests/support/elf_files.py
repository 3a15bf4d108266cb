"""ELF files written by hand: whole by default, and breakable in every part.

    made = ElfFile(needed=("libz.so.1",), symbols=(Sym("inflate"),)).build()
    made.data                                # a shared library that wants zlib
    made.patched("gnu_hash", b"\\xff" * 4)   # the same with 2^32 - 1 buckets

One `PT_LOAD` maps the whole file at `BASE`. The formats are written down here anew, not taken from the
reader.
"""

import struct
from collections.abc import Sequence

from witchery.value import field, frozen

BASE = 0x10000
"""Where the file is mapped."""
_ALIGN = 8

_HEADER = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}
_SECTION = {32: "IIIIIIIIII", 64: "IIQQQQIIQQ"}


@frozen
class Sym:
    """A symbol; wanted from elsewhere where `defined` is false."""

    name: str
    defined: bool = False
    bind: int = 1
    type: int = 2
    visibility: int = 0
    size: int = 0
    version: int | None = None


@frozen
class Built:
    """A file, and the offsets of its parts."""

    data: bytes
    places: dict[str, int]

    def patched(self, part: str, change: bytes, at: int = 0) -> bytes:
        """The file with other bytes in a part."""
        start = self.places[part] + at
        assert start + len(change) <= len(self.data)
        return self.data[:start] + change + self.data[start + len(change) :]


@frozen(kw_only=True)
class ElfFile:
    """What to write. Names in `header` and tags in `tags` override what would be written.

    Attributes:
        needs: Libraries and the versions wanted of them; versions are numbered from 2 on.
        definitions: Versions defined, numbered after the needs; the file's own name comes first.
        hashes: Which of `gnu` and `sysv` to write.
        relocations: Symbol and type of each; with addends in 64-bit files.
        notes: Owner, type and content of each.
        sections: Sections by name; None writes no section headers.
        segments: More program headers: type, flags, offset, address, sizes in file and memory, alignment.
        load_flags: Flags of the `PT_LOAD`.
    """

    bits: int = 64
    little: bool = True
    type: int = 3
    machine: int = 62
    interpreter: str | None = None
    dynamic: bool = True
    needed: Sequence[str] = ()
    soname: str | None = None
    rpath: str | None = None
    runpath: str | None = None
    more_tags: Sequence[tuple[int, int]] = ()
    tags: dict[int, int] = field(default_factory=dict)
    symbols: Sequence[Sym] = ()
    hashes: Sequence[str] = ("gnu",)
    needs: Sequence[tuple[str, Sequence[str]]] = ()
    definitions: Sequence[str] = ()
    relocations: Sequence[tuple[str, int]] = ()
    notes: Sequence[tuple[bytes, int, bytes]] = ()
    note_alignment: int = 4
    sections: dict[str, bytes] | None = None
    stack: tuple[int, int] | None = (6, 0)
    relro: bool = False
    load_flags: int = 5
    segments: Sequence[tuple[int, int, int, int, int, int, int]] = ()
    header: dict[str, int] = field(default_factory=dict)

    def build(self) -> Built:
        """Writes it."""
        return _Writer(self).built()


class _Writer:
    def __init__(self, file: ElfFile) -> None:
        self.file = file
        self.order = "<" if file.little else ">"
        self.word = "Q" if file.bits == 64 else "I"
        self.strings = bytearray(b"\0")
        self.places: dict[str, int] = {"header": 0}
        self.data = bytearray()
        defined = [s for s in file.symbols if s.defined]
        self.symbols = [s for s in file.symbols if not s.defined] + defined
        self.first_defined = len(self.symbols) - len(defined) + 1

    def pack(self, codes: str, *values: int) -> bytes:
        return struct.pack(self.order + codes, *values)

    def string(self, text: str) -> int:
        raw = text.encode("utf-8", "surrogateescape") + b"\0"
        found = bytes(self.strings).find(b"\0" + raw)
        if found >= 0:
            return found + 1
        self.strings += raw
        return len(self.strings) - len(raw)

    def put(self, part: str, content: bytes) -> int:
        """Adds a part, and returns its offset."""
        self.data += bytes(-len(self.data) % _ALIGN)
        self.places[part] = len(self.data)
        self.data += content
        return self.places[part]

    def built(self) -> Built:
        file = self.file
        header_size, segment_size = (64, 56) if file.bits == 64 else (52, 32)
        fixed = [
            file.interpreter is not None,
            bool(file.notes),
            file.dynamic,
            file.stack is not None,
            file.relro,
        ]
        count = 1 + sum(fixed) + len(file.segments)
        self.places["segments"] = header_size
        self.data = bytearray(header_size + count * segment_size)
        rows: list[tuple[int, ...]] = []
        if file.interpreter is not None:
            path = file.interpreter.encode() + b"\0"
            at = self.put("interpreter", path)
            rows.append((3, 4, at, BASE + at, len(path), len(path), 1))
        if file.notes:
            raw = b"".join(self.note(*each) for each in file.notes)
            at = self.put("notes", raw)
            rows.append((4, 4, at, BASE + at, len(raw), len(raw), file.note_alignment))
        if file.dynamic:
            at, size = self.dynamic()
            rows.append((2, 6, at, BASE + at, size, size, 8))
            if file.relro:
                rows.append((0x6474E552, 4, at, BASE + at, size, size, 1))
        if file.stack is not None:
            rows.append((0x6474E551, file.stack[0], 0, 0, 0, file.stack[1], 16))
        sections = self.section_headers() if file.sections is not None else (0, 0, 0)
        rows.insert(0, (1, file.load_flags, 0, BASE, len(self.data), len(self.data), 4096))
        rows += list(file.segments)
        table = b"".join(map(self.segment, rows))
        self.data[header_size : header_size + len(table)] = table
        self.data[:header_size] = self.elf_header(header_size, segment_size, len(rows), sections)
        return Built(bytes(self.data), self.places)

    def elf_header(
        self, header_size: int, segment_size: int, count: int, sections: tuple[int, int, int]
    ) -> bytes:
        file = self.file
        fields = {
            "type": file.type,
            "machine": file.machine,
            "version": 1,
            "entry": BASE + 0x40,
            "segments_at": header_size,
            "sections_at": sections[0],
            "flags": 0,
            "header_size": header_size,
            "segment_size": segment_size,
            "segment_count": count,
            "section_size": 64 if file.bits == 64 else 40,
            "section_count": sections[1],
            "section_names": sections[2],
        }
        assert file.header.keys() <= fields.keys()
        ident = b"\x7fELF" + bytes([file.bits // 32, 1 if file.little else 2, 1, 0]) + bytes(8)
        return ident + self.pack(_HEADER[file.bits], *(fields | file.header).values())

    def segment(self, row: tuple[int, ...]) -> bytes:
        kind, flags, offset, address, in_file, in_memory, alignment = row
        if self.file.bits == 64:
            return self.pack("IIQQQQQQ", kind, flags, offset, address, address, in_file, in_memory, alignment)
        return self.pack("IIIIIIII", kind, offset, address, address, in_file, in_memory, flags, alignment)

    def note(self, owner: bytes, kind: int, content: bytes) -> bytes:
        raw = self.pack("III", len(owner) + 1, len(content), kind) + owner + b"\0"
        raw += bytes(-len(raw) % self.file.note_alignment) + content
        return raw + bytes(-len(raw) % self.file.note_alignment)

    def dynamic(self) -> tuple[int, int]:
        file = self.file
        tags = [(1, self.string(name)) for name in file.needed]
        texts = {14: file.soname, 15: file.rpath, 29: file.runpath}
        tags += [(tag, self.string(text)) for tag, text in texts.items() if text is not None]
        if file.symbols or file.hashes:
            tags += self.symbol_tables()
        if file.relocations:
            tags += self.relocation_table()
        tags += self.version_tables()
        at = self.put("strings", bytes(self.strings))
        tags += [(5, BASE + at), (10, len(self.strings)), *file.more_tags]
        tags = [(tag, file.tags.get(tag, value)) for tag, value in tags]
        raw = b"".join(self.pack(self.word * 2, tag, value) for tag, value in [*tags, (0, 0)])
        return self.put("dynamic", raw), len(raw)

    def symbol_tables(self) -> list[tuple[int, int]]:
        sized = 24 if self.file.bits == 64 else 16
        raw = bytes(sized) + b"".join(map(self.symbol, self.symbols))
        tags = [(6, BASE + self.put("symbols", raw)), (11, sized)]
        if "gnu" in self.file.hashes:
            tags.append((0x6FFFFEF5, BASE + self.put("gnu_hash", self.gnu_hash())))
        if "sysv" in self.file.hashes:
            code = "Q" if self.file.machine == 22 and self.file.bits == 64 else "I"
            total = len(self.symbols) + 1
            chain = [*range(2, total), 0] if total > 1 else []
            words = [1, total, 1 if total > 1 else 0, 0, *chain]
            tags.append((4, BASE + self.put("hash", self.pack(code * len(words), *words))))
        return tags

    def relocation_table(self) -> list[tuple[int, int]]:
        numbers = {each.name: number for number, each in enumerate(self.symbols, 1)}
        wide = self.file.bits == 64
        rows = [(numbers[name] << (32 if wide else 8)) | kind for name, kind in self.file.relocations]
        packed = [self.pack("QQQ", BASE, row, 0) if wide else self.pack("II", BASE, row) for row in rows]
        at = BASE + self.put("relocations", b"".join(packed))
        first, sized = (7, 24) if wide else (17, 8)
        return [(first, at), (first + 1, sized * len(rows)), (first + 2, sized)]

    def symbol(self, each: Sym) -> bytes:
        name, info, section = self.string(each.name), each.bind << 4 | each.type, 1 if each.defined else 0
        value = BASE + 0x40 if each.defined else 0
        if self.file.bits == 64:
            return self.pack("IBBHQQ", name, info, each.visibility, section, value, each.size)
        return self.pack("IIIBBH", name, value, each.size, info, each.visibility, section)

    def gnu_hash(self) -> bytes:
        """One bucket, and a filter that lets everything through."""
        defined = self.symbols[self.first_defined - 1 :]
        first = self.first_defined if defined else 1  # what GNU ld writes
        raw = self.pack("IIII", 1, first, 1, 0) + b"\xff" * (self.file.bits // 8)
        raw += self.pack("I", first if defined else 0)
        words = [_gnu_hash(each.name) & ~1 for each in defined]
        if words:
            words[-1] |= 1
        return raw + self.pack("I" * len(words), *words)

    def version_tables(self) -> list[tuple[int, int]]:
        file, tags = self.file, list[tuple[int, int]]()
        number = 2
        raw = b""
        for index, (library, wanted) in enumerate(file.needs):
            after = 16 * (1 + len(wanted)) if index < len(file.needs) - 1 else 0
            raw += self.pack("HHIII", 1, len(wanted), self.string(library), 16, after)
            for place, version in enumerate(wanted):
                beyond = 16 if place < len(wanted) - 1 else 0
                raw += self.pack("IHHII", 0, 0, number, self.string(version), beyond)
                number += 1
        if raw:
            tags += [(0x6FFFFFFE, BASE + self.put("verneed", raw)), (0x6FFFFFFF, len(file.needs))]
        raw = b""
        names = [file.soname or "self", *file.definitions] if file.definitions else []
        for index, name in enumerate(names):
            flags, own = (1, 1) if index == 0 else (0, number + index - 1)
            after = 28 if index < len(names) - 1 else 0
            raw += self.pack("HHHHIII", 1, flags, own, 1, 0, 20, after) + self.pack(
                "II", self.string(name), 0
            )
        if raw:
            tags += [(0x6FFFFFFC, BASE + self.put("verdef", raw)), (0x6FFFFFFD, len(names))]
        if tags:
            numbers = [0] + [1 if each.version is None else each.version for each in self.symbols]
            versym = self.pack("H" * len(numbers), *numbers)
            tags.append((0x6FFFFFF0, BASE + self.put("versym", versym)))
        return tags

    def section_headers(self) -> tuple[int, int, int]:
        """Offset, count, and the number of the section of names."""
        assert self.file.sections is not None
        names, rows = bytearray(b"\0"), [(0,) * 10]

        def add(name: str, kind: int, at: int, size: int, entry: int) -> None:
            address = BASE + at if kind == 11 else 0
            rows.append((len(names), kind, 0, address, at, size, 0, 0, 1, entry))
            names.extend(name.encode() + b"\0")

        for name, content in self.file.sections.items():
            add(name, 1, self.put(name, content), len(content), 0)
        if "symbols" in self.places:
            size = 24 if self.file.bits == 64 else 16
            add(".dynsym", 11, self.places["symbols"], size * (len(self.symbols) + 1), size)
        add(".shstrtab", 3, len(self.data) + -len(self.data) % _ALIGN, len(names) + len(".shstrtab") + 1, 0)
        self.put("section_names", bytes(names))
        codes = _SECTION[self.file.bits]
        at = self.put("sections", b"".join(self.pack(codes, *row) for row in rows))
        return at, len(rows), len(rows) - 1


def _gnu_hash(name: str) -> int:
    value = 5381
    for byte in name.encode("utf-8", "surrogateescape"):
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value
