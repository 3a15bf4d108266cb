"""What a file is, told from its first bytes; each file is looked at once."""

from enum import Enum

HEAD = 512
"""How many of the first bytes of a file are looked at."""


class FileKind(Enum):
    """What a file is."""

    ELF = "ELF"
    SCRIPT = "script"
    ZIP = "zip archive"
    JAVA_CLASS = "Java class"
    AR = "static library"
    PE = "Windows program"
    MACHO = "macOS program"
    PYC = "compiled Python"
    GZIP = "gzip"
    PEM = "PEM"
    TEXT = "text"
    EMPTY = "empty"
    OTHER = "data"


_MAGICS = (
    (b"\x7fELF", FileKind.ELF),
    (b"#!", FileKind.SCRIPT),
    (b"PK\x03\x04", FileKind.ZIP),
    (b"PK\x05\x06", FileKind.ZIP),
    (b"!<arch>\n", FileKind.AR),
    (b"!<thin>\n", FileKind.AR),
    (b"\xfe\xed\xfa\xce", FileKind.MACHO),
    (b"\xfe\xed\xfa\xcf", FileKind.MACHO),
    (b"\xce\xfa\xed\xfe", FileKind.MACHO),
    (b"\xcf\xfa\xed\xfe", FileKind.MACHO),
    (b"\x1f\x8b", FileKind.GZIP),
    (b"-----BEGIN ", FileKind.PEM),
)
_FAT = b"\xca\xfe\xba\xbe"  # of Java classes and of macOS programs for several machines
_MAX_FAT = 40  # what follows is a small number of machines there, a class-file version (from 45 on) here
_TEXT = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0C, 0x0D} | frozenset(range(0x80, 0x100))


def classify(head: bytes) -> FileKind:
    """What a file is whose first bytes (up to `HEAD`) these are."""
    if not head:
        return FileKind.EMPTY
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    if head.startswith(_FAT) and len(head) >= 8:
        machines = int.from_bytes(head[4:8], "big")
        return FileKind.MACHO if machines < _MAX_FAT else FileKind.JAVA_CLASS
    if _is_pe(head):
        return FileKind.PE
    if head[2:4] == b"\r\n" and len(head) >= 16:
        return FileKind.PYC
    return FileKind.TEXT if _TEXT.issuperset(head) else FileKind.OTHER


def _is_pe(head: bytes) -> bool:
    """Whether a DOS header leads to that of a Windows program, as far as the bytes reach."""
    if not head.startswith(b"MZ") or len(head) < 64:
        return False
    at = int.from_bytes(head[60:64], "little")
    return at >= len(head) or head[at : at + 4] == b"PE\0\0"
