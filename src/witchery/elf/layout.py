"""How the structures of ELF lie in bytes: two classes, two byte orders.

Sources: System V gABI, chapter 4 ("ELF Header", "Sections", "Symbol Table") and chapter 5 ("Program Header",
"Dynamic Section", "Note Section"); the LSB, "Symbol Versioning", for the version structures.
"""

from struct import Struct

from witchery.value import frozen

CLASSES = {1: 32, 2: 64}
"""`EI_CLASS` to bits."""
ORDERS = {1: "<", 2: ">"}
"""`EI_DATA` to the byte order, as `struct` writes it."""


@frozen(kw_only=True, eq=False)
class Layout:
    """The structures of one class and byte order.

    Attributes:
        bits: 32 or 64.
        order: `<` for little-endian, `>` for big-endian.
        header: `Ehdr` after `e_ident`.
        segment: `Phdr`; the place of `p_flags` depends on the class.
        section: `Shdr`.
        symbol: `Sym`; the order of its fields depends on the class.
        dynamic: `Dyn`, the tag unsigned.
        half: 16 bits.
        word: 32 bits.
        xword: 64 bits.
        note: The three words before a note.
        prop: The two words before a property.
        gnu_hash: The four words before a `DT_GNU_HASH` table.
        need: `Verneed`.
        need_version: `Vernaux`.
        definition: `Verdef`.
        definition_name: `Verdaux`.
    """

    bits: int
    order: str
    header: Struct
    segment: Struct
    section: Struct
    symbol: Struct
    dynamic: Struct
    half: Struct
    word: Struct
    xword: Struct
    note: Struct
    prop: Struct
    gnu_hash: Struct
    need: Struct
    need_version: Struct
    definition: Struct
    definition_name: Struct

    @property
    def little(self) -> bool:
        """Whether the least significant byte comes first."""
        return self.order == "<"

    @property
    def word_bytes(self) -> int:
        """The size of an address, in bytes."""
        return self.bits // 8


_BY_CLASS = {
    32: {"header": "HHIIIIIHHHHHH", "segment": "8I", "section": "10I", "symbol": "IIIBBH", "dynamic": "2I"},
    64: {
        "header": "HHIQQQIHHHHHH",
        "segment": "2I6Q",
        "section": "2I4Q2I2Q",
        "symbol": "IBBHQQ",
        "dynamic": "2Q",
    },
}
_SHARED = {
    "half": "H",
    "word": "I",
    "xword": "Q",
    "note": "3I",
    "prop": "2I",
    "gnu_hash": "4I",
    "need": "HHIII",
    "need_version": "IHHII",
    "definition": "HHHHIII",
    "definition_name": "II",
}


def _made(bits: int, order: str) -> Layout:
    structs = {name: Struct(order + codes) for name, codes in (_BY_CLASS[bits] | _SHARED).items()}
    return Layout(bits=bits, order=order, **structs)


LAYOUTS = {(bits, order): _made(bits, order) for bits in CLASSES.values() for order in ORDERS.values()}
"""Every layout there is, by bits and byte order."""
