"""The trusted keys: files, folders, and a key fetched by https."""

from pathlib import Path

import pytest

from support.alpine import repository
from support.fetching import QUICK, Place
from support.repositories import key
from support.servers import Server, authority, files
from support.shared import SHARED, needs_shared
from witchery.arch import ALL, Arch
from witchery.errors import FormatError, StorageError, TrustError, UsageError
from witchery.http import Url
from witchery.net.client import Client
from witchery.repository.keyrings import embedded_keys, fetch_key, keyring, read_keys
from witchery.value import replace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / key().name).write_bytes(key().public.pem)
    (folder / "secret.rsa").write_bytes(key().pem)
    (folder / "README").write_text("about these keys")
    return folder


def test_a_folder_is_its_public_keys_and_a_file_is_itself(folder: Path) -> None:
    assert read_keys(folder) == (key().public,)
    assert read_keys(folder / key().name) == (key().public,)


def test_a_folder_may_call_its_public_keys_pem_and_hold_private_ones_too(folder: Path) -> None:
    (folder / "own.pem").write_bytes(key().pem)
    (folder / "other.pem").write_bytes(key("other").public.pem)
    assert [each.name for each in read_keys(folder)] == ["other.pem", key().name]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a key",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\n\xff\n-----END PUBLIC KEY-----\n",
    ],
)
def test_a_malformed_key_is_an_error_that_names_its_file(folder: Path, data: bytes) -> None:
    (folder / "bad.rsa.pub").write_bytes(data)
    for path in (folder, folder / "bad.rsa.pub"):
        with pytest.raises(FormatError, match=r"keys: bad\.rsa\.pub: not an? (PEM public|RSA) key"):
            read_keys(path)


def test_a_private_key_is_not_taken_for_a_public_one(folder: Path) -> None:
    with pytest.raises(FormatError, match=r"secret\.rsa"):
        read_keys(folder / "secret.rsa")


def test_no_keys_and_no_file_are_errors(folder: Path, tmp_path: Path) -> None:
    (folder / key().name).unlink()
    with pytest.raises(UsageError, match="no key"):
        read_keys(folder)
    with pytest.raises(StorageError, match="nowhere"):
        read_keys(tmp_path / "nowhere.rsa.pub")
    (tmp_path / "long.pub").write_bytes(bytes(1 << 20))
    with pytest.raises(StorageError, match="longer than the limit"):
        read_keys(tmp_path / "long.pub")


def test_the_users_key_counts_before_an_embedded_one_of_the_same_name() -> None:
    ring = keyring([key().public, replace(key("other.rsa.pub").public, name=key().name)], embedded=False)
    assert ring[key().name] == key().public
    assert len(ring) == 1


def test_embedded_keys_are_keys() -> None:
    assert embedded_keys()
    for each in embedded_keys():
        assert type(each).parse(each.name, each.pem) == each


@needs_shared
@pytest.mark.parametrize(("name", "arch"), [("v3.19.1-boot-x86_64", "x86_64"), ("v3.13-aarch64", "aarch64")])
def test_alpines_indexes_are_believed_with_what_comes_with_the_program(
    tmp_path: Path, name: str, arch: str
) -> None:
    root = repository(name, tmp_path)
    chosen = Arch.parse(arch)
    place = Place(str(root), tmp_path / "cache", keys=keyring([], arch=chosen), arch=chosen)
    assert place.index().trust
    other = next(each for each in ALL if each != chosen)
    with pytest.raises(TrustError, match="unknown key"):
        replace(place, keys=keyring([], arch=other)).index()
    assert replace(place, keys=keyring([])).index().trust


def test_a_key_is_fetched_by_https_only_and_then_asked_for_anew(folder: Path, tmp_path: Path) -> None:
    tls = authority(tmp_path)
    place = Place("/nowhere", tmp_path / "cache")
    settings = replace(QUICK, ca_file=tls.ca_file)
    with Server(files(folder), tls=tls.server) as server, Client(settings) as client:
        url = Url.parse(f"{server.url}/{key().name}")
        assert fetch_key(place.access(client), url) == key().public
        assert fetch_key(place.access(client), url) == key().public
        assert fetch_key(replace(place, offline=True).access(None), url) == key().public
        with pytest.raises(FormatError, match="README"):
            fetch_key(place.access(client), Url.parse(f"{server.url}/README"))
        with pytest.raises(UsageError, match="https only"):
            fetch_key(place.access(client), Url.parse("http://host/key.rsa.pub"))
    assert len(server.asked) == 3


@needs_shared
@pytest.mark.parametrize("name", ["v3.19.1-boot-x86_64", "v3.13-aarch64", "rsa256-melange", "test-key"])
def test_real_key_folders_are_read(name: str) -> None:
    folder = SHARED / "alpine" / name
    assert read_keys(folder / "keys" if (folder / "keys").is_dir() else folder)
