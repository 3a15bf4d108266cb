"""Repositories of apk version 3: fetched, checked and kept like all others."""

from pathlib import Path

import pytest

from support.fetching import Place
from support.servers import Answer, Asked, Server, files
from support.shared import SHARED, needs_shared
from witchery.errors import Refused, TrustError
from witchery.keys import Keyring
from witchery.repository.cache import Cache
from witchery.repository.keyrings import read_keys
from witchery.repository.packages import read_package
from witchery.rootfs.entry import Kind
from witchery.value import replace

pytestmark = needs_shared

OPENWRT = SHARED / "openwrt-v3"


def place(location: str, cache: Path, **more: object) -> Place:
    return replace(Place(location, cache, keys=Keyring(read_keys(OPENWRT / "keys"))), **more)


def test_packages_are_fetched_once_and_then_come_from_the_cache(tmp_path: Path) -> None:
    with Server(files(OPENWRT)) as server:
        here = place(f"{server.url}/noarch/packages.adb", tmp_path)
        fetched = here.fetch()
        asked = len(server.asked)
        again = here.fetch()
        assert len(server.asked) == asked + 1  # whether the index is still the same
    assert len(fetched) == 15
    assert [each.archive for each in again] == [each.archive for each in fetched]
    assert {each.source for each in again} == {"cache"}
    for each in (*fetched, *again):
        assert each.trust.key
        assert each.trust.key.name == "apk.mossdef.org.pem"


def test_what_the_cache_holds_of_a_package_is_the_file_as_it_was(tmp_path: Path) -> None:
    fetched = place(str(OPENWRT / "noarch/packages.adb"), tmp_path).fetch("moci", "sunwait")
    for each in fetched:
        content = Cache(tmp_path).blobs.content(each.archive.data)
        data = b"".join(content.chunks())
        assert data == (OPENWRT / "noarch" / each.archive.file_name).read_bytes()
        names = {member.entry.path for member in each.archive.members([data])}
        assert names == {entry.path for entry in each.archive.entries}
        assert any(entry.kind is Kind.FILE for entry in each.archive.entries)


@pytest.mark.parametrize("offset", [0, 3, 4, 2000, -1])
def test_a_package_that_was_altered_on_its_way_is_refused_and_not_kept(offset: int, tmp_path: Path) -> None:
    serve = files(OPENWRT)

    def altered(asked: Asked) -> Answer:
        answer = serve(asked)
        if not asked.path.endswith(".apk"):
            return answer
        body = bytearray(answer.body)
        body[offset] ^= 0x55
        return replace(answer, body=bytes(body))

    with Server(altered) as server, pytest.raises(Refused, match=r"sunwait"):
        place(f"{server.url}/noarch/packages.adb", tmp_path).fetch("sunwait")
    assert not list((tmp_path / "packages").rglob("*"))


def test_an_index_that_no_known_key_signed_is_refused(tmp_path: Path) -> None:
    location = str(OPENWRT / "noarch/packages.adb")
    with pytest.raises(TrustError, match="unknown key, of the id"):
        Place(location, tmp_path, keys=Keyring()).index()
    found = Place(location, tmp_path, keys=Keyring(), allow_untrusted=True).index()
    assert not found.trust
    assert len(found.index) == 15


def test_a_package_that_is_given_as_a_file_is_trusted_by_its_own_signature(tmp_path: Path) -> None:
    path = OPENWRT / "noarch/sunwait-0.9.1-r2.apk"
    here = place(str(OPENWRT), tmp_path)
    assert read_package(here.access(None), path).trust
    with pytest.raises(TrustError, match="unknown key"):
        read_package(replace(here, keys=Keyring()).access(None), path)
