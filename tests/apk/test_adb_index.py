"""Indexes of version 3: a real one in every bit, and what hand-made ones say."""

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.adb_files import ADB, INDEX, SIGNATURE, Value, block, blocks, described, payload, plain, unpacked
from support.shared import SHARED, needs_shared
from witchery.apk import archive
from witchery.apk.adb import index
from witchery.apk.adb.index import Listed
from witchery.apk.signature import Trust
from witchery.errors import FormatError, Refused, TrustError
from witchery.keys import PublicKey

FOLDER = SHARED / "openwrt-v3"
REAL = FOLDER / "noarch" / "packages.adb"


def keys() -> list[PublicKey]:
    return [PublicKey.parse(path.name, path.read_bytes()) for path in sorted((FOLDER / "keys").glob("*.pem"))]


def read(data: bytes) -> tuple[Trust, Listed]:
    file = index.parse(data)
    return file.trust(keys(), allow_untrusted=False), index.decode(file.payload)


@needs_shared
def test_a_real_index_is_signed_and_describes_the_packages_beside_it() -> None:
    trust, listed = read(REAL.read_bytes())
    assert trust.key
    assert trust.key.name == "apk.mossdef.org.pem"
    assert len(listed.packages) == 15
    for package in listed.packages:
        data = (REAL.parent / package.filename).read_bytes()
        found = archive.read([data], lambda _: None)
        assert found.is_named(package.identity)
        assert package.identity == found.identity
        assert package.size == len(data)
        assert package.stanza == found.info.stanza(found.identity, len(data)).rstrip("\n")


@needs_shared
def test_a_real_index_with_a_flipped_bit_in_any_block_is_refused() -> None:
    data, rng = unpacked(REAL.read_bytes()), random.Random(0)
    for kind, start, end, after in blocks(data):
        inside = range(start, end) if kind == SIGNATURE else rng.sample(range(start, end), 400)
        for place in (*range(8), *range(start, start + 4), *inside, *range(end, after)):
            broken = bytearray(data)
            broken[place] ^= 1 << rng.randrange(8)
            with pytest.raises(Refused):
                read(bytes(broken))


@needs_shared
def test_a_signature_of_an_index_does_not_vouch_for_a_package() -> None:
    data = unpacked(REAL.read_bytes())
    found = index.parse(data)
    with pytest.raises(FormatError, match="no index"):
        index.parse(b"ADB.pckg" + data[8:])
    with pytest.raises(TrustError, match="unknown key"):
        found.trust([], allow_untrusted=False)
    assert not found.trust([], allow_untrusted=True)


def listing(packages: Value, description: str = "", names: str = "") -> Listed:
    data = plain(INDEX, [block(ADB, payload([description, packages, names]))])
    return index.decode(index.parse(data).payload)


def test_an_index_says_how_it_is_called_and_how_its_files_are() -> None:
    found = listing([described(s3=bytes(20)), described("q", s3=bytes(32))], "mine", "${name}.apk")
    assert (found.packages.description, found.names) == ("mine", "${name}.apk")
    assert [(each.name, len(each.identity)) for each in found.packages] == [("p", 20), ("q", 32)]


def test_a_package_that_lacks_what_it_could_be_asked_for_by_is_left_out() -> None:
    whole = described("whole", s3=bytes(20))
    found = listing([described("a"), described("b", "", s3=bytes(20)), None, whole])
    assert [each.name for each in found.packages] == ["whole"]


def test_an_odd_dependency_makes_a_package_uninstallable_as_in_version_2() -> None:
    (found,) = listing([described(s3=bytes(20), s15=[["a", "x", 1]])]).packages
    assert found.problem


@pytest.mark.parametrize(
    "package",
    [described("a b", s3=bytes(20)), described(s3=bytes(21)), described(s3=bytes(20), s15=[["a", "1\n"]])],
    ids=["name", "identity", "dependency"],
)
def test_a_malformed_package_is_named_by_its_place(package: Value) -> None:
    with pytest.raises(FormatError, match="package 2"):
        listing([described(s3=bytes(20)), package])


def test_an_index_of_few_bytes_that_says_very_much_is_refused() -> None:
    with pytest.raises(FormatError, match="too often"):
        listing([described(s3=bytes(20), s4="x" * 60_000)] * 1_000)


@pytest.mark.property
@given(st.binary(max_size=200))
def test_any_bytes_are_an_index_or_refused(data: bytes) -> None:
    for start in (b"", b"ADB.indx", b"ADBd", b"ADBc\x02\x00", b"ADB.indx" + block(ADB, payload([]))):
        with suppress(Refused):
            read(start + data)
