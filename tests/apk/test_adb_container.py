"""The file around an ADB: how it is packed, and what order and form its blocks have."""

import pytest

from support.adb_files import (
    ADB,
    DATA,
    INDEX,
    PACKAGE,
    PACKINGS,
    SIGNATURE,
    block,
    deflated,
    packed,
    payload,
    plain,
)
from witchery.apk.adb.container import Kind, Reader
from witchery.errors import FormatError

ROOT = block(ADB, payload([]))
SIGNED = block(SIGNATURE, bytes(30))
FILE = block(DATA, bytes(13))
WHOLE = plain(PACKAGE, [ROOT, SIGNED, SIGNED, FILE, FILE])


def read(data: bytes, *, limit: int = 1 << 20, step: int = 1 << 20) -> list[tuple[Kind, bytes]]:
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    return [(each.kind, each.read(limit)) for each in Reader(chunks, limit).blocks()]


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize("how", PACKINGS)
def test_blocks_are_found_however_the_file_is_packed_and_arrives(how: str, step: int) -> None:
    found = read(packed(WHOLE, how), step=step)
    assert [kind for kind, _ in found] == [Kind.ADB, *[Kind.SIGNATURE] * 2, *[Kind.DATA] * 2]
    assert [content for _, content in found] == [payload([]), *[bytes(30)] * 2, *[bytes(13)] * 2]


def test_a_long_header_means_the_same() -> None:
    data = plain(PACKAGE, [block(ADB, payload([]), extended=True), block(DATA, b"abc", extended=True)])
    assert read(data) == [(Kind.ADB, payload([])), (Kind.DATA, b"abc")]


def test_what_of_a_block_is_not_read_is_passed_over() -> None:
    assert [each.kind for each in Reader([WHOLE], 1 << 20).blocks()] == [
        Kind.ADB,
        *[Kind.SIGNATURE] * 2,
        *[Kind.DATA] * 2,
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (plain(PACKAGE, []), "without blocks"),
        (plain(PACKAGE, [SIGNED]), "out of order"),
        (plain(PACKAGE, [FILE]), "out of order"),
        (plain(PACKAGE, [ROOT, ROOT]), "out of order"),
        (plain(PACKAGE, [ROOT, FILE, SIGNED]), "out of order"),
        (plain(INDEX, [ROOT, FILE]), "no package"),
        (plain(PACKAGE, [ROOT, *[SIGNED] * 65]), "more than 64 signatures"),
        (plain(PACKAGE, [ROOT])[:-1], "truncated"),
        (plain(PACKAGE, [ROOT]) + b"\0", "truncated"),
        (plain(PACKAGE, [ROOT, (3).to_bytes(4, "little"), bytes(4)]), "malformed block header"),
        (plain(PACKAGE, [ROOT, (3 << 30 | 3).to_bytes(4, "little"), bytes(4), b"\x10" + bytes(7)]), "header"),
        (plain(PACKAGE, [ROOT, (3 << 30 | 2).to_bytes(4, "little"), b"\1" + bytes(11)]), "header"),
        (plain(PACKAGE, [ROOT, (3 << 30 | 2).to_bytes(4, "little"), bytes(4), b"\x0f" + bytes(7)]), "header"),
        (
            plain(PACKAGE, [ROOT, (3 << 30 | 2).to_bytes(4, "little"), bytes(4), b"\xff" * 8]),
            "exceeds the limit",
        ),
        (plain(PACKAGE, [ROOT, FILE[:-1] + b"\1"]), "not zero"),
        (b"ADB,pckg", "unknown packing"),
        (b"ADBc\x03\x00" + WHOLE, "unknown compression"),
        (b"ADBd" + deflated(b"ADBd" + deflated(WHOLE)), "no plain ADB file"),
        (b"ADBd" + deflated(WHOLE)[:-1], "truncated deflate"),
        (b"ADBd" + deflated(WHOLE) + b"x", "more bytes after"),
        (packed(WHOLE, PACKINGS[4])[:-1], "truncated Zstandard"),
        (packed(WHOLE, PACKINGS[4]) + b"x", "more bytes after"),
        (packed(WHOLE, PACKINGS[4])[:6] + b"x" * 50, "malformed Zstandard"),
        (b"", "truncated"),
        (b"ADB", "truncated"),
        (b"\x1f\x8b\x08\x00", "not a file of apk version 3"),
    ],
    ids=lambda each: each if isinstance(each, str) else "file",
)
def test_a_file_that_does_not_follow_the_format_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(data)


@pytest.mark.parametrize("how", PACKINGS)
def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(how: str) -> None:
    data = packed(plain(PACKAGE, [ROOT, block(DATA, bytes(1 << 22))]), how)
    with pytest.raises(FormatError, match="limit of 1048576"):
        read(data)


def test_a_zstd_frame_that_wants_a_large_window_is_refused() -> None:
    frame = bytes.fromhex("28b52ffd") + b"\x00" + bytes([(28 - 10) << 3]) + b"\x01\x00\x00"
    with pytest.raises(FormatError, match="malformed Zstandard"):
        read(b"ADBc\x02\x16" + frame)
