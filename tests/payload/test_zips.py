"""Zip archives as a scan sees them, held against what the standard library writes; and any bytes at all."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.errors import FormatError
from witchery.payload.zips import Zip
from witchery.rootfs.content import BytesContent

FILES = {"a.py": b"print()\n" * 400, "folder/b.so": bytes(range(256)) * 64, "empty": b""}


def archive(
    files: dict[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED, before: bytes = b""
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return before + out.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("before", [b"", b"#!/usr/bin/env python3\n"])
def test_members_are_read_as_they_were_written_wherever_the_archive_begins(
    method: int, before: bytes
) -> None:
    found = Zip.of(BytesContent(archive(method=method, before=before)))
    assert {name: found.read(name, 1 << 20) for name in found.members} == FILES
    assert found.head("folder/b.so", 100) == FILES["folder/b.so"][:100]


def test_a_bomb_stops_at_the_limit() -> None:
    found = Zip.of(BytesContent(archive({"bomb": bytes(1 << 24)})))
    with pytest.raises(FormatError, match="more than"):
        found.read("bomb", 1 << 20)
    lying = bytearray(archive({"bomb": bytes(1 << 24)}))
    at = lying.rindex(b"PK\x01\x02")
    lying[at + 24 : at + 28] = (100).to_bytes(4, "little")
    with pytest.raises(FormatError, match="more than"):
        Zip.of(BytesContent(bytes(lying))).read("bomb", 1 << 20)
    assert found.head("bomb", 512) == bytes(512)


def test_what_is_encrypted_or_compressed_in_another_way_is_an_error() -> None:
    with pytest.raises(FormatError, match="unknown way"):
        Zip.of(BytesContent(archive(method=zipfile.ZIP_LZMA))).read("a.py", 1 << 20)
    locked = bytearray(archive())
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FormatError, match="encrypted"):
        Zip.of(BytesContent(bytes(locked))).read("a.py", 1 << 20)


WHOLE = archive()


@given(at=st.integers(0, len(WHOLE) - 1), to=st.binary(min_size=1, max_size=8), cut=st.integers(0, 60))
def test_any_damage_gives_a_value_or_a_format_error(at: int, to: bytes, cut: int) -> None:
    data = (WHOLE[:at] + to + WHOLE[at + len(to) :])[: len(WHOLE) - cut]
    try:
        found = Zip.of(BytesContent(data))
    except FormatError:
        return
    for name in found.members:
        for look in (found.read, found.head):
            try:
                assert len(look(name, 1 << 16)) <= 1 << 16
            except FormatError:
                continue
