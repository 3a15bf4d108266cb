"""The compressor: members are split exactly, and no input makes it lie or grow without bound."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.codec import Effort, GzipReader, GzipWriter, gunzip, inflate_start
from witchery.codec import gzip as compressed
from witchery.errors import FormatError

LIMIT = 1 << 30


def split(stream: bytes, size: int) -> tuple[list[bytes], list[bytes]]:
    reader = GzipReader(stream[i : i + size] for i in range(0, len(stream), size))
    plain, raw = [], []
    while not reader.at_end():
        kept = bytearray()
        plain.append(b"".join(reader.member(kept.extend, LIMIT)))
        raw.append(bytes(kept))
    return plain, raw


@given(
    st.lists(st.binary(max_size=500).map(lambda b: b * 9), min_size=1, max_size=4),
    st.integers(min_value=1, max_value=3000),
)
def test_members_are_split_exactly_however_the_bytes_arrive(parts: list[bytes], size: int) -> None:
    members = [compressed(part, Effort.LAYER if i % 2 else Effort.PACKAGE) for i, part in enumerate(parts)]
    assert split(b"".join(members), size) == (parts, members)


@given(st.binary(max_size=4000))
def test_what_is_written_is_read_by_another_library(data: bytes) -> None:
    for effort in Effort:
        assert gzip.decompress(compressed(data, effort)) == data


def test_a_large_member_written_in_pieces_is_one_member() -> None:
    out = bytearray()
    writer = GzipWriter(out.extend)
    for number in range(2000):
        writer.write(b"%d" % number * 500)
    writer.close()
    assert split(bytes(out), 65536)[0] == [b"".join(b"%d" % n * 500 for n in range(2000))]


def test_a_header_tells_nothing_of_the_machine() -> None:
    assert compressed(b"x")[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
    assert compressed(b"x", Effort.PACKAGE)[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x02\x03"


def test_a_bomb_stops_at_the_limit() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9, 31)
    assert len(bomb) < 60_000
    with pytest.raises(FormatError, match="limit of 1000000"):
        gunzip(bomb, 1_000_000)


@pytest.mark.parametrize("cut", [1, 9, 10, 20, -1, -8])
def test_a_truncated_stream_is_an_error(cut: int) -> None:
    with pytest.raises(FormatError, match="truncated"):
        gunzip(compressed(b"some bytes " * 50)[:cut], LIMIT)


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_give_a_value_or_a_format_error(data: bytes) -> None:
    try:
        gunzip(data, 1 << 20)
    except FormatError:
        return
    assert gzip.decompress(data) is not None


def test_a_wrong_checksum_is_an_error() -> None:
    data = bytearray(compressed(b"some bytes " * 50))
    data[-6] ^= 1
    with pytest.raises(FormatError, match="malformed"):
        gunzip(bytes(data), LIMIT)


@given(st.binary(max_size=300).map(lambda data: data * 40), st.integers(min_value=1, max_value=200))
def test_the_start_of_a_deflate_stream_inflates_to_no_more_than_was_asked_for(data: bytes, size: int) -> None:
    packed = zlib.compress(data)[2:-4]
    assert inflate_start(packed, size) == data[:size]


def test_a_malformed_deflate_stream_has_no_start() -> None:
    with pytest.raises(FormatError, match="malformed deflate stream"):
        inflate_start(b"\xff" * 20, 8)
