"""A program that greets, as an ELF executable written byte by byte: no compiler is needed to make it.

It is static, has one segment that can be read and executed and none that can be written, wants no stack
that can be executed, and does two system calls: `write(1, text, length)` and `exit(0)` (gABI, chapters 4
and 5; the calling conventions of Linux).
"""

import struct

TEXT = b"Hello from an image that holds nothing else.\n"

_ADDRESS = 0x400000
_HEADERS = 64 + 2 * 56  # the ELF header and two program headers


def _x86_64(text_address: int) -> bytes:
    return b"".join(
        (
            b"\xbf\x01\x00\x00\x00",  # mov edi, 1
            b"\x48\xbe" + struct.pack("<Q", text_address),  # movabs rsi, text
            b"\xba" + struct.pack("<I", len(TEXT)),  # mov edx, length
            b"\xb8\x01\x00\x00\x00",  # mov eax, 1 (write)
            b"\x0f\x05",  # syscall
            b"\x31\xff",  # xor edi, edi
            b"\xb8\x3c\x00\x00\x00",  # mov eax, 60 (exit)
            b"\x0f\x05",  # syscall
        )
    )


def _aarch64(text_address: int) -> bytes:
    def movz(register: int, value: int, shift: int = 0) -> int:
        return 0xD2800000 | (shift // 16) << 21 | value << 5 | register

    def movk(register: int, value: int, shift: int) -> int:
        return 0xF2800000 | (shift // 16) << 21 | value << 5 | register

    svc = 0xD4000001
    return struct.pack(
        "<9I",
        movz(0, 1),
        movz(1, text_address & 0xFFFF),
        movk(1, text_address >> 16, 16),
        movz(2, len(TEXT)),
        movz(8, 64),  # write
        svc,
        movz(0, 0),
        movz(8, 93),  # exit
        svc,
    )


_MACHINES = {"x86_64": (62, _x86_64), "aarch64": (183, _aarch64)}


def executable(arch: str) -> bytes:
    """The program for `x86_64` or `aarch64`."""
    machine, code_for = _MACHINES[arch]
    length = len(code_for(0))
    code = code_for(_ADDRESS + _HEADERS + length)
    size = _HEADERS + length + len(TEXT)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)  # 64 bits, little-endian, version 1
    header += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _ADDRESS + _HEADERS, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, 0x1000)
    stack = struct.pack("<IIQQQQQQ", 0x6474E551, 6, 0, 0, 0, 0, 0, 16)  # PT_GNU_STACK: read and write
    return header + segment + stack + code + TEXT
