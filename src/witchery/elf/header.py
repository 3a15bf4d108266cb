"""The ELF header (gABI chapter 4, "ELF Header"): for which machine a file is, and of what type."""

from witchery.arch import Arch
from witchery.elf.layout import CLASSES, LAYOUTS, ORDERS, Layout
from witchery.elf.view import Bytes, Source, View
from witchery.errors import FormatError
from witchery.value import frozen

MAGIC = b"\x7fELF"
IDENT = 16
"""The size of `e_ident`, in bytes."""

REL, EXEC, DYN, CORE = 1, 2, 3, 4
"""`e_type`: relocatable, executable at a fixed place, shared object (or position-independent), core dump."""

EM_386, EM_PPC64, EM_S390, EM_ARM, EM_X86_64, EM_AARCH64 = 3, 21, 22, 40, 62, 183
MACHINES = {
    2: "SPARC",
    EM_386: "i386",
    8: "MIPS",
    20: "PowerPC",
    EM_PPC64: "PowerPC 64",
    EM_S390: "S/390",
    EM_ARM: "ARM",
    43: "SPARC v9",
    50: "IA-64",
    EM_X86_64: "x86-64",
    EM_AARCH64: "AArch64",
    243: "RISC-V",
    247: "BPF",
    258: "LoongArch",
}
"""`e_machine` in words."""


@frozen(kw_only=True)
class Header:
    """What the first bytes of a file say.

    Attributes:
        bits: 32 or 64, the class.
        little: Whether the least significant byte comes first.
        abi: `EI_OSABI`: 0 is System V, 3 GNU.
        type: `e_type`, such as `DYN`.
        machine: `e_machine`, such as `EM_X86_64`.
        entry: The address where execution begins, or 0.
        flags: `e_flags`, whose meaning depends on the machine.
        segments_at: Offset of the program headers.
        segment_size: Size of one, in bytes.
        segment_count: How many there are, as far as 16 bits say.
        sections_at: Offset of the section headers.
        section_size: Size of one, in bytes.
        section_count: How many there are; 0 where the first one says.
        section_names: Which one holds the names.
    """

    bits: int
    little: bool
    abi: int
    type: int
    machine: int
    entry: int
    flags: int
    segments_at: int
    segment_size: int
    segment_count: int
    sections_at: int
    section_size: int
    section_count: int
    section_names: int

    @staticmethod
    def read(content: Bytes | Source | View) -> "Header":
        """Reads the header alone: 52 or 64 bytes are enough.

        Raises:
            FormatError: if it is not ELF, or of an unknown class or byte order, or cut off.
        """
        view = content if isinstance(content, View) else View.of(content)
        ident = bytes(view.cut(0, min(IDENT, view.size)))
        if not ident.startswith(MAGIC):
            raise FormatError(f"expected an ELF file, got one that begins with `{ident[:4].hex(' ')}`")
        if len(ident) < IDENT:
            raise FormatError(f"truncated: the file has {len(ident)} bytes")
        bits, order = CLASSES.get(ident[4]), ORDERS.get(ident[5])
        if bits is None:
            raise FormatError(f"unknown class: `{ident[4]}`")
        if order is None:
            raise FormatError(f"unknown byte order: `{ident[5]}`")
        got = view.unpack(LAYOUTS[bits, order].header, IDENT)
        return Header(
            bits=bits,
            little=order == "<",
            abi=ident[7],
            type=got[0],
            machine=got[1],
            entry=got[3],
            segments_at=got[4],
            sections_at=got[5],
            flags=got[6],
            segment_size=got[8],
            segment_count=got[9],
            section_size=got[10],
            section_count=got[11],
            section_names=got[12],
        )

    @property
    def layout(self) -> Layout:
        """How the structures of this class and byte order lie in bytes."""
        return LAYOUTS[self.bits, "<" if self.little else ">"]

    @property
    def machine_name(self) -> str:
        """The machine in words, with the class where it is not the usual one."""
        return MACHINES.get(self.machine, f"machine {self.machine}")

    @property
    def loadable(self) -> bool:
        """Whether a kernel or a loader would map it."""
        return self.type in (EXEC, DYN)

    def fits(self, arch: Arch) -> bool:
        """Whether it is for this architecture. `armhf` and `armv7` are the same here."""
        return (self.machine, self.bits, self.little) == (arch.elf_machine, arch.elf_class, arch.elf_little)
