"""Hostile packages: each is refused, with the place and the reason, however well it is signed."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.apk import archive, archive_record, writer
from witchery.apk.archive import Archive
from witchery.apk.pkginfo import PackageInfo
from witchery.codec import Effort, gzip
from witchery.errors import FormatError, IntegrityError, Refused
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import Entry, Kind, directory, file, symlink
from witchery.rootfs.tar_writer import TarWriter
from witchery.value import replace

INFO = PackageInfo(name="p", version="1-r0", arch="x86_64", build_time=1)


def package(*members: tuple[Entry, bytes], end: bool = True) -> bytes:
    """A package whose data segment holds just these members, as they are."""
    raw = bytearray()
    tar = TarWriter(raw.extend, checksums=True)
    for entry, data in members:
        tar.add(entry, (data,))
    tar.close(end=end)
    data = gzip(bytes(raw), Effort.PACKAGE)
    info = replace(INFO, datahash=hashlib.sha256(data).hexdigest(), installed_size=1)
    return writer.control_segment(info) + data


def with_sum(path: str, data: bytes = b"x", mode: int = 0o644) -> tuple[Entry, bytes]:
    return file(path, len(data), mode)._replace(checksum=hashlib.sha1(data).digest()), data


def read(data: bytes) -> Archive:
    return archive.read([data], lambda _: None)


A = (directory("a"), b"")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([with_sum("../etc/passwd")], "climbs out"),
        ([A, with_sum("a/../../b")], "climbs out"),
        ([with_sum("/etc")], "plain form"),
        ([with_sum("./etc")], "plain form"),
        ([A, with_sum("a/b\x1b[2J")], "control character"),
        ([with_sum("a/b")], "folder `a` is not listed before it"),
        ([with_sum("a"), with_sum("a/b")], "folder `a` is not listed before it"),
        ([A, with_sum("a/b"), with_sum("a/b")], "stands twice"),
        ([A, A], "stands twice"),
        ([(Entry("dev", Kind.CHARACTER, 0o666, device=(1, 3)), b"")], "device node"),
        ([(Entry("dev", Kind.BLOCK, 0o666, device=(8, 0)), b"")], "device node"),
        ([(Entry("pipe", Kind.FIFO, 0o666), b"")], "FIFO"),
        ([A, (Entry("a/b", Kind.HARDLINK, target="etc/shadow"), b"")], "no earlier file of the package"),
        ([(Entry("b", Kind.HARDLINK, target="../x"), b"")], "climbs out"),
        ([(symlink("l", "x"), b""), (Entry("b", Kind.HARDLINK, target="l"), b"")], "no earlier file"),
        ([(file("a", 1), b"x")], "no checksum"),
    ],
)
def test_a_hostile_member_is_refused(members: list[tuple[Entry, bytes]], reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        read(package(*members))


def test_a_file_that_is_not_what_the_package_states_is_refused() -> None:
    entry, _ = with_sum("a", b"good")
    with pytest.raises(IntegrityError, match=r"data segment: a: expected SHA-1"):
        read(package((entry, b"evil")))


def test_a_link_that_is_not_what_the_package_states_is_refused() -> None:
    link = symlink("a", "evil")._replace(checksum=hashlib.sha1(b"good").digest())
    with pytest.raises(IntegrityError, match="target does not match"):
        read(package((link, b"")))


def test_names_that_apk_skips_are_kept_apart() -> None:
    made = read(package(with_sum(".dummy"), with_sum("a")))
    assert made.hidden == (".dummy",)
    assert [e.path for e in made.entries] == ["a"]


def test_a_second_data_segment_is_refused() -> None:
    with pytest.raises(FormatError, match="followed by more bytes"):
        read(package(with_sum("a")) + gzip(b""))


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        (b"pkgname = p\npkgver = 1\n", "`datahash` is missing"),
        (b"pkgname = p\ndatahash = " + b"0" * 64 + b"\n", "`pkgver` is missing"),
        (b"pkgname = p\npkgver = 1\ndatahash = xyz\n", "not a SHA-256"),
        (b"pkgname = p\npkgver = 1\nsize = -1\ndatahash = " + b"0" * 64 + b"\n", "not a number"),
        (b"pkgname = p\x1b\npkgver = 1\ndatahash = " + b"0" * 64 + b"\n", "control character"),
        (b"\xff", "not UTF-8"),
    ],
)
def test_a_malformed_pkginfo_is_refused(control: bytes, reason: str) -> None:
    raw = bytearray()
    tar = TarWriter(raw.extend)
    tar.add(file(".PKGINFO", len(control)), (control,))
    with pytest.raises(FormatError, match=reason):
        read(gzip(bytes(raw)) + gzip(bytes(1024)))


def control_of(*names: str) -> bytes:
    raw = bytearray()
    tar = TarWriter(raw.extend)
    for name in names:
        tar.add(file(name, 0), ())
    return gzip(bytes(raw))


@pytest.mark.parametrize("names", [("usr",), (".INSTALL", ".PKGINFO"), (".PKGINFO", ".PKGINFO"), ()])
def test_a_control_segment_of_other_files_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(FormatError, match=r"holds"):
        read(control_of(*names) + gzip(bytes(1024)))


def test_zeros_that_never_end_stop_at_the_limit() -> None:
    """A signature segment of 50 MB in 50 kB."""
    with pytest.raises(FormatError, match="limit"):
        read(gzip(bytes(50_000_000), Effort.PACKAGE))


@given(st.data())
def test_any_change_of_a_byte_is_refused_or_changes_nothing_that_counts(data: st.DataObject) -> None:
    whole = bytearray(package(A, with_sum("a/b", b"content"), (symlink("a/c", "b"), b"")))
    before = read(bytes(whole))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    try:
        after = read(bytes(whole))
    except Refused:
        return
    assert after.data == before.data, "the data segment is covered by its digest"
    assert after.identity != before.identity, "the control segment is covered by its identity"


WHOLE = package(A, with_sum("a/b", b"content"), (symlink("a/ü", "b"), b""))


def test_a_record_holds_the_archive() -> None:
    made = read(WHOLE)
    assert archive_record.decode(archive_record.encode(made)) == made


@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: record[:-1],
        lambda record: record.replace(b'"format":1', b'"format":2'),
        lambda record: record.replace(b'"entries"', b'"entry"'),
        lambda record: record.replace(b'"data":"sha256:', b'"data":"sha256:0')[:-1],
        lambda _: b"{}",
        lambda _: b"[]",
        lambda _: b'{"format":1,"control":"!"}',
    ],
)
def test_a_spoiled_record_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Refused):
        archive_record.decode(spoil(archive_record.encode(read(WHOLE))))


def test_a_record_of_other_data_is_refused() -> None:
    made = replace(read(WHOLE), data=read(package(with_sum("z"))).data)
    with pytest.raises(IntegrityError, match="another data segment"):
        archive_record.decode(archive_record.encode(made))


def test_contents_are_checked_again_when_they_are_copied() -> None:
    made = read(WHOLE)
    segment = WHOLE[len(made.control_segment) :]
    copied = {m.entry.path: b"".join(m.content) for m in archive.members([segment])}
    assert copied["a/b"] == b"content"
    assert list(copied) == [e.path for e in made.entries]


def test_a_writer_refuses_what_apk_would_skip_or_mistake() -> None:
    hidden = (file(".env", 1), BytesContent(b"x"))
    twice = (file("a", 1), BytesContent(b"x"))
    for files in ([hidden], [twice, twice]):
        with pytest.raises(FormatError):
            writer.package(INFO, files)
    with pytest.raises(FormatError, match="control character"):
        replace(INFO, description="one\nmaintainer = somebody else")
    with pytest.raises(FormatError, match="160 bytes"):
        writer.index([], description="x" * 161)
