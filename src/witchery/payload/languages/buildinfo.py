"""What the Go linker writes into a program about how it was made.

Source: the Go standard library's documentation of `debug/buildinfo` and `runtime/debug` (`BuildInfo`,
"modules" and "settings"), and what `go version -m` shows of programs by Go 1.13 to 1.27. The information
begins at a multiple of 16 bytes with a magic string, the size of a pointer, and flags. Since Go 1.18 (flag 2)
two strings follow after 32 bytes, each after its length as a varint; before, two pointers to Go strings (an
address and a length).
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

from witchery.elf.file import Elf
from witchery.elf.segments import EXECUTE, LOAD
from witchery.errors import FormatError
from witchery.payload import sweep

MAGIC = b"\xff Go buildinf:"
MAX_SIZE = 1 << 22
"""How long the list of modules may be, in bytes."""
MAX_LINES = 20_000
"""How many lines it may have."""
SECTION = ".go.buildinfo"
_TABLES = (".gopclntab", ".data.rel.ro.gopclntab")
_ALIGNMENT = 16
_HEADER = 32
_BIG_ENDIAN, _INLINE = 1, 2
_SENTINEL = 16  # bytes of the marks around the list of modules
_TRIES = 64
Order = Literal["big", "little"]
_PCLNTAB = (0xFFFFFFF1, 0xFFFFFFF0, 0xFFFFFFFA, 0xFFFFFFFB)
"""The first words of the table of functions, since Go 1.20, 1.18, 1.16 and 1.2."""


class Module(NamedTuple):
    """A module: its path, and its version or an empty string where it was built from a folder."""

    path: str
    version: str


class BuildInfo(NamedTuple):
    """How a Go program was made.

    Attributes:
        go: The version of Go: `go1.22.1`.
        path: The package that is its main one.
        main: The module that this is in, if it was built with modules.
        modules: The modules that it is made of besides, each as it was really taken (`replace`).
        settings: Settings of the build: `CGO_ENABLED`, `vcs.revision`.
    """

    go: str
    path: str
    main: Module | None
    modules: tuple[Module, ...]
    settings: dict[str, str]


def is_go(elf: Elf) -> bool:
    """Whether a file was made by the Go linker.

    Raises:
        StorageError: if it cannot be read.
    """
    if elf.sections:
        return any(each.name == SECTION or each.name in _TABLES for each in elf.sections)
    return bool(sweep.first(elf, (MAGIC, *_tables(elf)), sweep.mapped(elf)))


def read(elf: Elf) -> BuildInfo | None:
    """What a program says of its making; None where it says nothing that makes sense.

    Raises:
        StorageError: if the file cannot be read.
    """
    for offset in _places(elf):
        try:
            return _read(elf, offset)
        except FormatError:
            continue
    return None


def functions(elf: Elf) -> tuple[tuple[int, int], ...]:
    """Where the names of a Go program's functions stand, as offsets in the file."""
    for name in _TABLES:
        table = elf.section(name)
        if table is not None and table.size and table.offset + table.size <= elf.view.size:
            return ((table.offset, table.offset + table.size),)
    return sweep.constants(elf)


def _tables(elf: Elf) -> tuple[bytes, ...]:
    """How the table of functions begins on this machine: magic, two zeros, instruction unit, pointer size."""
    order: Order = "little" if elf.header.little else "big"
    units = {3: 1, 62: 1, 22: 2}  # i386, x86-64, s390; 4 on all others
    tail = bytes((0, 0, units.get(elf.header.machine, 4), elf.header.bits // 8))
    return tuple(word.to_bytes(4, order) + tail for word in _PCLNTAB)


def _places(elf: Elf) -> Iterator[int]:
    section = elf.section(SECTION)
    if section is not None and section.size >= _HEADER:
        yield section.offset
    elif not elf.sections:
        yield from _aligned(elf)


def _aligned(elf: Elf) -> Iterator[int]:
    """Where the magic stands at an address that is a multiple of 16, in data."""
    tries = 0
    for load in elf.segments:
        if load.type != LOAD or load.flags & EXECUTE:
            continue
        for start, piece in sweep.pieces(elf, [(load.offset, load.offset + load.file_size)]):
            at = piece.find(MAGIC)
            while at >= 0 and tries < _TRIES:
                tries += 1
                if (load.address + start + at - load.offset) % _ALIGNMENT == 0:
                    yield start + at
                at = piece.find(MAGIC, at + 1)


def _read(elf: Elf, offset: int) -> BuildInfo:
    header = bytes(elf.view.cut(offset, _HEADER))
    if not header.startswith(MAGIC):
        raise FormatError("expected Go build information")
    if header[15] & _INLINE:
        go, at = _inline(elf, offset + _HEADER)
        modules, _ = _inline(elf, at)
    else:
        order: Order = "big" if header[15] & _BIG_ENDIAN else "little"
        size = header[14]
        if size not in (4, 8):
            raise FormatError(f"pointers of {size} bytes")
        go, modules = (_pointed(elf, header[at : at + size], order, size) for at in (16, 16 + size))
    if not go:
        raise FormatError("no version of Go")
    return _parsed(go.decode(errors="replace"), modules)


def _inline(elf: Elf, offset: int) -> tuple[bytes, int]:
    size, shift = 0, 0
    while True:
        (byte,) = elf.view.cut(offset, 1)
        offset += 1
        size |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 28:
            raise FormatError("a length without end")
    return _limited(elf, size, offset), offset + size


def _limited(elf: Elf, size: int, offset: int) -> bytes:
    if size > MAX_SIZE:
        raise FormatError(f"{size} bytes exceed the limit of {MAX_SIZE}")
    return bytes(elf.view.cut(offset, size))


def _pointed(elf: Elf, pointer: bytes, order: Order, size: int) -> bytes:
    """The Go string whose header (an address and a length) stands at an address."""
    where = int.from_bytes(pointer, order)
    if not where:
        return b""
    raw = bytes(elf.content_at(where, 2 * size))
    address, length = (int.from_bytes(raw[at : at + size], order) for at in (0, size))
    if length > MAX_SIZE:
        raise FormatError(f"{length} bytes exceed the limit of {MAX_SIZE}")
    return bytes(elf.content_at(address, length))


def _parsed(go: str, raw: bytes) -> BuildInfo:
    if len(raw) > 2 * _SENTINEL and raw[-_SENTINEL - 1 : -_SENTINEL] == b"\n":
        raw = raw[_SENTINEL:-_SENTINEL]
    path = ""
    listed: list[tuple[str, Module]] = []
    settings: dict[str, str] = {}
    for line in raw.decode(errors="replace").split("\n", MAX_LINES)[:MAX_LINES]:
        word, _, rest = line.partition("\t")
        columns = rest.split("\t")
        if word == "path":
            path = rest
        elif word in ("mod", "dep"):
            listed.append((word, Module(columns[0], _version(columns))))
        elif word == "=>" and listed:
            kind, replaced = listed[-1]
            version = _version(columns)
            listed[-1] = (kind, Module(columns[0], version) if version else Module(replaced.path, ""))
        elif word == "build":
            key, _, value = rest.partition("=")
            settings.setdefault(key, value)
    main = next((module for kind, module in listed if kind == "mod"), None)
    modules = tuple(dict.fromkeys(module for kind, module in listed if kind == "dep" and module.path))
    return BuildInfo(go, path, main, modules, settings)


def _version(columns: list[str]) -> str:
    version = columns[1] if len(columns) > 1 else ""
    return "" if version == "(devel)" else version
