"""Packages and indexes that Witchery writes are right when their owner, apk, says so."""

from pathlib import Path

import pytest

from support.real_apk import RealApk
from support.shared import SHARED, needs_shared
from witchery.apk import archive, signature, writer
from witchery.apk.archive import Archive
from witchery.apk.head import Script
from witchery.apk.pkginfo import PackageInfo
from witchery.codec import gunzip
from witchery.errors import FormatError, IntegrityError, Refused
from witchery.keys import Keyring, PrivateKey
from witchery.rootfs import tar
from witchery.rootfs.content import BytesContent, Content
from witchery.rootfs.entry import Entry, Kind, file, symlink

LONG = "usr/share/" + "/".join(["a-rather-long-folder-name"] * 6) + "/file"
FILES: list[tuple[Entry, Content]] = [
    (file("usr/bin/hello", 6, 0o755, mtime=1_700_000_000), BytesContent(b"hello\n")),
    (file(LONG, 2, mtime=1_700_000_000), BytesContent(b"x\n")),
    (file("usr/share/grüße", 1, mtime=1_700_000_000), BytesContent(b"\n")),
    (symlink("usr/bin/hi", "hello", mtime=1_700_000_000), BytesContent(b"")),
    (symlink("usr/share/far", "../" * 40 + "etc", mtime=1_700_000_000), BytesContent(b"")),
    (
        Entry("usr/bin/zz", Kind.HARDLINK, 0o755, mtime=1_700_000_000, target="usr/bin/hello"),
        BytesContent(b""),
    ),
]
INFO = PackageInfo(
    name="hello",
    version="1.2.3-r4",
    arch="x86_64",
    description="Greets",
    url="https://example.org/",
    license="MIT",
    origin="hello",
    build_time=1_700_000_000,
    depends=("!bye",),
    provides=("cmd:hello=1.2.3-r4", "greeter"),
    replaces=("hello-old",),
)


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return PrivateKey.generate("test@example.org-1.rsa.pub", 2048)


def verified(package: bytes, key: PrivateKey) -> Archive:
    """Reads a package with the strictness that even `--allow-untrusted` keeps."""
    made = read(package)
    signature.verify(made.signatures, made.control_segment, Keyring([key.public]), allow_untrusted=True)
    return made


def read(package: bytes) -> Archive:
    return archive.read([package], lambda _: None)


@pytest.mark.parametrize("algorithms", [("RSA",), ("RSA256",), ("RSA512",), writer.COMPATIBLE_ALGORITHMS])
def test_what_is_written_is_read_back(key: PrivateKey, algorithms: tuple[str, ...]) -> None:
    scripts = (Script(".post-install", b"#!/bin/sh\nexit 0\n"),)
    made = read(writer.package(INFO, FILES, scripts=scripts, key=key, algorithms=algorithms))

    assert (made.info.name, made.info.provides, made.scripts) == (INFO.name, INFO.provides, scripts)
    assert made.info.installed_size == 9
    assert [e.path for e in made.entries][:3] == ["usr", "usr/bin", "usr/bin/hello"]
    assert {e.path for e in made.entries} > {entry.path for entry, _ in FILES}
    assert [s.algorithm for s in made.signatures] == list(algorithms)
    trust = signature.verify(
        made.signatures, made.control_segment, Keyring([key.public]), allow_untrusted=False
    )
    assert trust.key == key.public


def test_the_same_arguments_give_the_same_bytes(key: PrivateKey) -> None:
    assert writer.package(INFO, FILES, key=key) == writer.package(INFO, reversed(FILES), key=key)


@pytest.mark.peer
@needs_shared
def test_apk_verifies_installs_and_indexes_it(key: PrivateKey, real_apk: RealApk, tmp_path: Path) -> None:
    """Both versions of apk: signature, every entry, and the text of an index that apk itself would write."""
    package = writer.package(INFO, FILES, key=key, algorithms=writer.COMPATIBLE_ALGORITHMS)
    (tmp_path / "hello-1.2.3-r4.apk").write_bytes(package)
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / key.name).write_bytes(key.public.pem)

    assert "OK" in real_apk.run("--keys-dir", keys, "verify", "hello-1.2.3-r4.apk", folder=tmp_path).stdout

    (tmp_path / "r" / "x86_64").mkdir(parents=True)
    (tmp_path / "r" / "x86_64" / "hello-1.2.3-r4.apk").write_bytes(package)
    ours = writer.index([writer.stanza(read(package))], description="tests", key=key)
    (tmp_path / "r" / "x86_64" / "APKINDEX.tar.gz").write_bytes(ours)
    common = ("--keys-dir", keys, "--root", tmp_path / "root", "--arch", "x86_64", "-X", tmp_path / "r")
    real_apk.run(*common, "add", "--initdb", "--no-cache", "--no-scripts", "hello", folder=tmp_path)
    root = tmp_path / "root"
    assert (root / "usr/bin/hello").read_bytes() == b"hello\n"
    assert (root / LONG).read_bytes() == b"x\n"
    assert (root / "usr/bin/hello").stat().st_ino == (root / "usr/bin/zz").stat().st_ino
    assert (root / "usr/share/far").readlink() == Path("../" * 40 + "etc")

    index = ("--keys-dir", keys, "index", "-d", "tests", "-o", "theirs.tar.gz", "hello-1.2.3-r4.apk")
    real_apk.run(*index, folder=tmp_path)
    assert index_text((tmp_path / "theirs.tar.gz").read_bytes()) == index_text(signature.split(ours)[1])


def index_text(index: bytes) -> dict[str, bytes]:
    return {m.entry.path: b"".join(m.content) for m in tar.read([gunzip(index, 1 << 20)])}


@needs_shared
def test_the_index_lines_of_official_packages_equal_alpines(boot_set: Path) -> None:
    """Each stanza made from a package equals, byte for byte, the one in the index that Alpine signed."""
    _, unsigned = signature.split((boot_set / "x86_64/APKINDEX.tar.gz").read_bytes())
    official = set(index_text(unsigned)["APKINDEX"].decode().split("\n\n"))
    made = {
        writer.stanza(read(path.read_bytes()), "x86_64").rstrip("\n")
        for path in (boot_set / "x86_64").glob("*.apk")
    }
    assert len(made) == 100
    assert made <= official


@needs_shared
def test_every_real_package_is_read(tmp_path: Path) -> None:
    """All official and third-party v2 packages pass every check of the reader."""
    packages = [p for p in (SHARED / "alpine").glob("*/*/*.apk") if p.stat().st_size > 200]
    assert len(packages) > 350
    for package in packages:
        made = read(package.read_bytes())
        assert made.size == package.stat().st_size
        assert not made.oddities


def test_a_data_segment_of_another_package_is_refused(key: PrivateKey) -> None:
    one = writer.package(INFO, FILES, key=key)
    other = writer.package(INFO, FILES[:1], key=key)
    head = len(one) - read(one).data_size
    tail = len(other) - read(other).data_size
    with pytest.raises(IntegrityError, match="expected sha256:") as caught:
        read(one[:head] + other[tail:])
    assert caught.value.hints


@pytest.mark.parametrize("where", ["signature", "control", "data"])
def test_a_flipped_byte_in_any_segment_is_refused(key: PrivateKey, where: str) -> None:
    package = bytearray(writer.package(INFO, FILES, key=key))
    made = read(bytes(package))
    at = {
        "signature": len(made.signature_segment) // 2,
        "control": len(made.signature_segment) + len(made.control_segment) // 2,
        "data": len(package) - made.data_size // 2,
    }[where]
    package[at] ^= 0x20
    with pytest.raises(Refused):
        verified(bytes(package), key)


@pytest.mark.parametrize("cut", [0, 1, 100, 400, 700, -1, -9, -500])
def test_a_truncated_package_is_refused(key: PrivateKey, cut: int) -> None:
    package = writer.package(INFO, FILES, key=key)
    with pytest.raises(FormatError, match=r"truncated|missing"):
        read(package[:cut])


def test_bytes_after_the_data_segment_are_refused(key: PrivateKey) -> None:
    with pytest.raises(FormatError, match="followed by more bytes"):
        read(writer.package(INFO, FILES, key=key) + b"\0")
