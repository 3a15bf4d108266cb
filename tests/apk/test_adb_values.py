"""The notation of an ADB: every value it has, and offsets that lead nowhere."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.adb_files import Raw, Value, payload
from witchery.apk.adb.values import Adb
from witchery.errors import FormatError


def adb(*slots: Value) -> Adb:
    return Adb(payload(slots))


@pytest.mark.parametrize("number", [0, 1, (1 << 28) - 1, 1 << 28, (1 << 32) - 1, 1 << 32, (1 << 64) - 1])
def test_numbers_of_every_length(number: int) -> None:
    assert adb(None, number).root.integer(2) == number


@pytest.mark.parametrize("size", [1, 255, 256, 65535, 65536, 1 << 20])
def test_byte_strings_of_every_length(size: int) -> None:
    assert adb(b"x" * size).root.blob(1) == b"x" * size


def test_what_is_missing_is_null() -> None:
    root = adb(None, "text").root
    assert (root.text(1), root.integer(1), root.blob(9), root.integer(9)) == ("", None, b"", None)
    assert list(root.records(1)) == []
    assert list(root.blobs(9)) == []
    assert root.record(9).text(1) == ""


@pytest.mark.parametrize("tag", [0xD, 0xE])
def test_an_array_is_read_whatever_its_tag(tag: int) -> None:
    data = payload([["a", "b"]])
    at = int.from_bytes(data[4:8], "little") & 0xFFFFFFF
    word = (int.from_bytes(data[at + 4 : at + 8], "little") & 0xFFFFFFF) | tag << 28
    root = Adb(data[: at + 4] + word.to_bytes(4, "little") + data[at + 8 :]).root
    assert list(root.blobs(1)) == [b"a", b"b"]


def test_an_error_value_as_converters_leave_it_is_null() -> None:
    root = adb(Raw(0xF0000016), ["a", Raw(0xF0000016), "b"]).root
    assert root.text(1) == ""
    assert root.integer(1) is None
    assert list(root.blobs(2)) == [b"a", b"", b"b"]


def test_places_in_an_array_count_also_where_nothing_is() -> None:
    assert [each.text(1) for each in adb([None, ["a"], None, ["b"]]).root.records(1)] == ["", "a", "", "b"]


@pytest.mark.parametrize(
    "word",
    [
        *(kind << 28 | offset for kind in (2, 3, 8, 9, 0xA, 0xD, 0xE) for offset in (0, 4, 7, 0xFFFFFFF)),
        0x90000009,  # not where its length could stand
        0x20000009,
        0xE000000A,
        0x40000008,  # no such type
        0x70000008,
        0xB0000008,
    ],
)
def test_an_offset_that_does_not_lie_in_the_block_or_is_of_another_type_is_refused(word: int) -> None:
    root = adb(Raw(word), b"x").root
    for read in (root.blob, root.integer, root.record):
        with pytest.raises(FormatError):
            read(1)


@pytest.mark.parametrize("count", [0, 5, 1 << 20, 0xFFFFFFFF])
def test_an_array_that_says_a_wrong_length_is_refused(count: int) -> None:
    data = bytes(4) + (0xE0000008).to_bytes(4, "little") + count.to_bytes(4, "little")
    with pytest.raises(FormatError, match="longer than its ADB block"):
        Adb(data)


@pytest.mark.parametrize("data", [b"", bytes(7), b"\1" + bytes(7)], ids=["empty", "cut off", "newer"])
def test_what_is_no_adb_that_can_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        Adb(data)


def test_few_bytes_that_stand_for_very_much_are_refused() -> None:
    root = adb([b"x" * 10_000] * 10_000).root
    with pytest.raises(FormatError, match="too often"):
        list(root.blobs(1))


@pytest.mark.property
@given(st.binary(max_size=80), st.integers(0, 0xFFFFFFFF))
def test_any_bytes_give_values_or_a_format_error(heap: bytes, word: int) -> None:
    try:
        root = Adb(bytes(4) + word.to_bytes(4, "little") + heap).root
    except FormatError:
        return
    for read in (
        root.blob,
        root.text,
        root.integer,
        root.offset_of_blob,
        lambda slot: list(root.blobs(slot)),
        lambda slot: [each.text(1) for each in root.records(slot)],
    ):
        for slot in (1, 2, 3):
            with suppress(FormatError):
                read(slot)
