"""Packages of version 3: real ones in every bit, and hand-made ones with every fault."""

import hashlib
import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.adb_files import (
    ADB,
    DATA,
    PACKAGE,
    PACKINGS,
    SIGNATURE,
    Value,
    block,
    blocks,
    described,
    file,
    package,
    packed,
    payload,
    plain,
    unpacked,
)
from support.shared import SHARED, needs_shared
from witchery.apk import archive, archive_record
from witchery.apk.adb import files, schema
from witchery.apk.adb.values import Adb
from witchery.apk.archive import Archive
from witchery.apk.pkginfo import PackageInfo
from witchery.errors import FormatError, IntegrityError, Refused, TrustError
from witchery.keys import Keyring, PublicKey
from witchery.rootfs.entry import Kind

FOLDER = SHARED / "openwrt-v3" / "noarch"
REAL = sorted(FOLDER.glob("*.apk"))
each_real = pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)


@cache
def keys() -> Keyring:
    return Keyring(
        PublicKey.parse(path.name, path.read_bytes())
        for path in sorted((SHARED / "openwrt-v3" / "keys").iterdir())
    )


def read(data: bytes) -> Archive:
    return archive.read([data], lambda _: None)


def trusted(data: bytes) -> Archive:
    found = read(data)
    assert found.trust(keys(), allow_untrusted=False)
    return found


@needs_shared
@each_real
def test_a_real_package_is_signed_and_has_the_files_that_it_lists(path: Path) -> None:
    kept = bytearray()
    found = archive.read([path.read_bytes()], kept.extend)
    trust = found.trust(keys(), allow_untrusted=False)
    contents = {each.entry.path: b"".join(each.content) for each in found.members([bytes(kept)])}

    assert trust.key
    assert trust.key.name == "apk.mossdef.org.pem"
    assert kept == path.read_bytes()
    assert found.file_name == path.name
    assert found.size == path.stat().st_size
    assert list(contents) == [entry.path for entry in found.entries]
    for entry in found.entries:
        if entry.kind is Kind.FILE:
            assert hashlib.sha256(contents[entry.path]).digest() == entry.checksum


@needs_shared
@each_real
def test_a_real_package_with_a_flipped_bit_in_any_block_is_refused(path: Path) -> None:
    data = unpacked(path.read_bytes())
    rng = random.Random(path.name)
    for kind, start, end, after in blocks(data):
        inside = (
            range(start, end) if kind == SIGNATURE else rng.sample(range(start, end), min(8, end - start))
        )
        places = {*range(start, start + (12 if kind == DATA else 4)), *inside, *range(end, after)}
        for place in sorted(places):
            broken = bytearray(data)
            broken[place] ^= 1 << rng.randrange(8)
            with pytest.raises(Refused):
                trusted(bytes(broken))


@needs_shared
def test_a_flipped_bit_in_a_packed_file_is_refused_or_changes_nothing() -> None:
    path = min(REAL, key=lambda each: each.stat().st_size)
    data, rng = path.read_bytes(), random.Random(0)
    for place in rng.sample(range(len(data)), 400):
        broken = bytearray(data)
        broken[place] ^= 1 << rng.randrange(8)
        try:
            found = trusted(bytes(broken))
        except Refused:
            continue
        assert found.entries == trusted(data).entries
        assert found.control_segment == trusted(data).control_segment


@needs_shared
@pytest.mark.parametrize("how", PACKINGS)
def test_a_package_is_the_same_however_it_is_packed(how: str) -> None:
    path = FOLDER / "pbr-1.2.3-r71.apk"
    again = trusted(packed(unpacked(path.read_bytes()), how))
    assert again.entries == trusted(path.read_bytes()).entries
    assert again.identity == trusted(path.read_bytes()).identity


@needs_shared
@each_real
def test_a_package_is_read_back_from_its_record(path: Path) -> None:
    found = read(path.read_bytes())
    assert archive_record.decode(archive_record.encode(found)) == found


@needs_shared
def test_a_package_without_its_signatures_is_untrusted_and_one_with_a_bad_one_is_refused_all_the_same() -> (
    None
):
    data = unpacked((FOLDER / "sunwait-0.9.1-r2.apk").read_bytes())
    (_, start, end, after) = next(each for each in blocks(data) if each[0] == SIGNATURE)
    unsigned = read(data[:start] + data[after:])
    with pytest.raises(TrustError, match="not signed") as missing:
        unsigned.trust(keys(), allow_untrusted=False)
    assert missing.value.missing
    assert not unsigned.trust(keys(), allow_untrusted=True)
    with pytest.raises(TrustError, match="unknown key, of the id"):
        read(data).trust(Keyring(), allow_untrusted=False)

    bad = data[: end - 1] + bytes([data[end - 1] ^ 1]) + data[end:]
    with pytest.raises(TrustError, match="bad signature") as failed:
        read(bad).trust(keys(), allow_untrusted=True)
    assert not failed.value.missing

    other = data[: start + 5] + b"\x05" + data[start + 6 :]  # another hash than SHA-512
    with pytest.raises(TrustError, match="algorithm that is not accepted"):
        read(other).trust(keys(), allow_untrusted=False)


@needs_shared
def test_contents_come_only_from_the_package_that_was_checked() -> None:
    one, other = ((FOLDER / name).read_bytes() for name in ("sunwait-0.9.1-r2.apk", "pbr-1.2.3-r71.apk"))
    with pytest.raises(IntegrityError, match="not have the ADB block"):
        list(read(one).members([other]))


ONE = [("", []), ("usr", [(file("a", b"hello"), b"hello"), (file("b"), b""), (file("c", b"x"), b"x")])]


def test_a_package_made_by_hand_is_read() -> None:
    found = read(package(ONE))
    assert [entry.path for entry in found.entries] == ["usr", "usr/a", "usr/b", "usr/c"]
    assert {each.entry.path: b"".join(each.content) for each in found.members([package(ONE)])} == {
        "usr": b"",
        "usr/a": b"hello",
        "usr/b": b"",
        "usr/c": b"x",
    }


def test_folders_that_are_not_listed_are_added_and_known_as_such() -> None:
    found = read(package([("a/b/c", []), ("a/b/c/d", []), ("a/x", [])]))
    assert [entry.path for entry in found.entries] == ["a", "a/b", "a/b/c", "a/b/c/d", "a/x"]
    assert found.implied == ("a", "a/b")
    late = read(package([("a/b", []), ("a", [])]))
    assert ([entry.path for entry in late.entries], late.implied) == (["a", "a/b"], ())


def test_owners_modes_attributes_and_links_are_read() -> None:
    acl: Value = [0o4750, "root", "wheel", [b"user.x\0\1\2"]]
    folder = (
        "bin",
        [
            (file("ln", target=b"\x00\x80bin/sh"), b""),
            (file("sh", b"!", acl=acl), b"!"),
            (file("sl", target=b"\x00\xa0/x"), b""),
        ],
    )
    entries = {entry.path: entry for entry in read(package([folder])).entries}
    assert list(entries) == ["bin", "bin/sh", "bin/sl", "bin/ln"]  # a hard link after its file
    sh = entries["bin/sh"]
    assert (sh.mode, sh.uname, sh.gname, sh.uid, sh.gid) == (0o4750, "root", "wheel", 0, 65534)
    assert sh.xattrs == (("user.x", b"\1\2"),)
    assert (entries["bin/ln"].kind, entries["bin/ln"].target) == (Kind.HARDLINK, "bin/sh")
    assert (entries["bin/sl"].kind, entries["bin/sl"].target) == (Kind.SYMLINK, "/x")
    assert entries["bin/sl"].checksum == hashlib.sha256(b"/x").digest()


def data_block(folder: int, number: int, content: bytes) -> bytes:
    return block(DATA, folder.to_bytes(4, "little") + number.to_bytes(4, "little") + content)


def with_data(*data: bytes) -> bytes:
    """`ONE` with these data blocks in place of its own."""
    whole = package(ONE)
    (_, start, _, after) = blocks(whole)[0]
    return whole[:8] + whole[start:after] + b"".join(data)


HELLO, X = data_block(2, 1, b"hello"), data_block(2, 3, b"x")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_data(), "truncated"),
        (with_data(HELLO), "truncated"),
        (with_data(X, HELLO), "another size"),
        (with_data(HELLO, X, X), "more data blocks"),
        (with_data(HELLO, data_block(2, 2, b"x")), "names another file"),
        (with_data(HELLO, data_block(1, 3, b"x")), "names another file"),
        (with_data(HELLO, block(DATA, b"1234")), "another size"),
        (with_data(data_block(2, 1, b"hallo"), X), "expected"),
        (with_data(data_block(2, 1, b"hello!"), X), "another size"),
        (plain(b"indx", [block(ADB, payload([]))]), "no package"),
        (plain(PACKAGE, [block(ADB, payload([]))]), "without name"),
    ],
    ids=lambda each: each if isinstance(each, str) else "package",
)
def test_data_that_is_not_what_the_package_says_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read(data)


@pytest.mark.parametrize(
    "folders",
    [
        [("/etc", [])],
        [("etc/", [])],
        [("a//b", [])],
        [("a/../b", [])],
        [("./a", [])],
        [("a\n", [])],
        [("a", []), ("a", [])],
        [("a", [(file("x"), b""), (file("x"), b"")])],
        [("a", [(file("b"), b"")]), ("a/b", [])],
        [("", [(file("a"), b"")]), ("a/b", [])],
        [("", [(file("a"), b"")]), ("a", [])],
        [("a", [(file("../x"), b"")])],
        [("a", [(file(".."), b"")])],
        [("a", [(file(""), b"")])],
        [("a", [(file("x", acl=[0o10000]), b"")])],
        [("a", [(file("x", acl=[0o644, "a:b"]), b"")])],
        [("a", [(file("x", acl=[0o644, None, None, [b"no value"]]), b"")])],
        [("a", [(file("x", hash=b"short"), b"")])],
        [("a", [(file("x", hash=bytes(32)), b"")])],
        [("a", [(file("x", target=b"\x00\x20" + bytes(8)), b"")])],
        [("a", [(file("x", target=b"\x00\x10"), b"")])],
        [("a", [(file("x", target=b"\x00\x40y"), b"")])],
        [("a", [(file("x", target=b"\x00\xa0"), b"")])],
        [("a", [(file("x", target=b"\x00\xa0y\0z"), b"")])],
        [("a", [(file("x", target=b"\x00\x80nowhere"), b"")])],
        [("a", [(file("x", target=b"\x00\x80a/x"), b"")])],
        [("a", [(file("x", target=b"\x00\x80a"), b"")])],
    ],
    ids=str,
)
def test_paths_and_files_that_no_package_should_have_are_refused(
    folders: list[tuple[str, list[tuple[Value, bytes]]]],
) -> None:
    with pytest.raises(Refused):
        read(package(folders))


@pytest.mark.parametrize(
    "description",
    [
        described(name="a b"),
        described(name=""),
        described(version="1\nP:evil"),
        described(s15=[["a b"]]),
        described(s15=[["a>=1"]]),
        described(s15=[["a", "1 2"]]),
        described(s15=[["a", "1", 7 | 8]]),
        described(s15=[["a", None, 2]]),
        described(s20=1),
        described(s21=["a b"]),
        described(s3=b"12345"),
        described(s3=bytes(20)),
        described(s12="text"),
    ],
    ids=str,
)
def test_a_description_that_would_say_something_else_in_version_2_is_refused(description: Value) -> None:
    with pytest.raises(Refused):
        read(package(description=description))


def test_a_description_says_what_version_2_would() -> None:
    dependencies: Value = [
        ["a"],
        ["b", "1"],
        ["c", "1", 2],
        ["d", "1", 5],
        ["e", "1", 9],
        ["f", None, 23],
        ["g", "1", 24],
        ["h", "Q1abc", 6],
        None,
    ]
    info = read(package(description=described(s4="two\n  lines", s15=dependencies, s21=["t:a", "u"]))).info
    assert info == PackageInfo(
        name="p",
        version="1",
        description="two lines",
        depends=("a", "b=1", "c<1", "d>=1", "e~1", "!f", "!g~1", "h><Q1abc"),
        tags=("t:a", "u"),
    )


def test_scripts_are_called_as_in_version_2() -> None:
    found = read(package(scripts=["t", "prei", "posti", "pred", "postd", "preu", "postu"]))
    assert {script.name: script.text for script in found.scripts} == {
        ".trigger": b"t",
        ".pre-install": b"prei",
        ".post-install": b"posti",
        ".pre-deinstall": b"pred",
        ".post-deinstall": b"postd",
        ".pre-upgrade": b"preu",
        ".post-upgrade": b"postu",
    }


@needs_shared
@pytest.mark.property
@given(st.data())
def test_a_mangled_package_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(unpacked((FOLDER / "sunwait-0.9.1-r2.apk").read_bytes()))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 2000))
        whole[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        found = read(bytes(whole))
        found.trust(keys(), allow_untrusted=True)
        for member in found.members([bytes(whole)]):
            b"".join(member.content)
    except Refused:
        pass


@needs_shared
@pytest.mark.property
@given(st.data())
def test_a_mangled_adb_is_read_or_refused_without_its_hash_to_guard_it(data: st.DataObject) -> None:
    adb = bytearray(read((FOLDER / "pbr-1.2.3-r71.apk").read_bytes()).control_segment)
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(0, len(adb) // 4 - 1)) * 4
        word = (
            data.draw(st.integers(0, len(adb)))
            | data.draw(st.sampled_from([0, 1, 2, 8, 9, 13, 14, 15])) << 28
        )
        adb[place : place + 4] = word.to_bytes(4, "little")
    try:
        root = Adb(bytes(adb)).root
        schema.described(root.record(1))
        list(schema.words(root, 4))
        files.listing(root, 0)
    except FormatError:
        pass
    except IntegrityError as error:
        assert "empty" in str(error)  # noqa: PT017 - the only thing that is held against a hash here
