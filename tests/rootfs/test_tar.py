"""Tar: what is written is read by others, what others wrote is read, and hostile bytes give errors."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.shared import SHARED, needs_shared
from witchery.errors import FormatError, IntegrityError
from witchery.rootfs import tar
from witchery.rootfs.entry import Entry, Kind, directory, file, symlink
from witchery.rootfs.tar import oddities
from witchery.rootfs.tar_writer import TarWriter

names = st.text("aZ09._- ü√+", min_size=1, max_size=60).filter(lambda name: name not in (".", ".."))
paths = st.lists(names, min_size=1, max_size=6).map("/".join)
numbers = st.sampled_from([0, 1, 65532, 0o7777777, 0o7777777 + 1, 4_000_000_000])
owners = st.sampled_from(["", "root", "chrony", "ü"])
xattrs = st.sampled_from([(), (("user.a", b"\0\n="),)])


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from([Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK]))
    if kind is Kind.SYMLINK:
        return symlink(draw(paths), "/" + draw(paths))
    ids = draw(numbers), draw(numbers), draw(owners), draw(owners)
    times = draw(st.integers(0, 2**33 - 1))
    return Entry(draw(paths), kind, draw(st.integers(0, 0o7777)), *ids, times, xattrs=draw(xattrs))


@st.composite
def members(draw: st.DrawFn) -> list[tuple[Entry, bytes]]:
    """Entries with contents, of which only files have any."""
    found = []
    for entry in draw(st.lists(entries(), max_size=5)):
        data = draw(st.binary(max_size=9)) * draw(st.sampled_from([1, 57, 150]))
        is_file = entry.kind is Kind.FILE
        found.append((entry._replace(size=len(data)), data) if is_file else (entry, b""))
    return found


def written(*members: tuple[Entry, bytes], checksums: bool = False) -> bytes:
    out = bytearray()
    writer = TarWriter(out.extend, checksums=checksums)
    for entry, data in members:
        writer.add(entry, (data,))
    writer.close()
    return bytes(out)


def read(data: bytes, size: int = 700) -> list[tuple[Entry, bytes, tuple[str, ...]]]:
    chunks = (data[i : i + size] for i in range(0, len(data), size))
    return [(m.entry, b"".join(m.content), m.oddities) for m in tar.read(chunks)]


@given(members(), st.integers(1, 2000))
def test_what_is_written_is_read_back(sized: list[tuple[Entry, bytes]], size: int) -> None:
    found = read(written(*sized), size)
    assert [(entry, data) for entry, data, _ in found] == sized
    odd = {oddity for _, _, found_here in found for oddity in found_here}
    assert odd <= {oddities.PAX_NUMBERS}  # of owners that need more than seven octal digits


@given(members())
def test_another_library_reads_the_same(sized: list[tuple[Entry, bytes]]) -> None:
    with tarfile.open(fileobj=io.BytesIO(written(*sized)), errorlevel=2) as archive:
        for (entry, data), member in zip(sized, archive.getmembers(), strict=True):
            numbers = (member.name, member.mode, member.uid, member.gid)
            assert numbers == (entry.path, entry.mode, entry.uid, entry.gid)
            assert (member.uname, member.gname, member.mtime) == (entry.uname, entry.gname, entry.mtime)
            if entry.kind is Kind.FILE:
                content = archive.extractfile(member)
                assert content is not None
                assert content.read() == data
            assert member.linkname == entry.target


@needs_shared
def test_archives_of_other_projects_are_read_or_refused_never_misread() -> None:
    """The awkward files of other projects' test data: each gives members or a format error."""
    refused = {}
    count = 0
    for path in sorted((SHARED / "hostile").glob("*/*.tar")):
        try:
            count += bool(read(path.read_bytes()))
        except FormatError as error:
            refused[path.name] = str(error)
    assert count > 20
    assert "climbs out" not in str(refused.get("gnu.tar"))
    assert "sparse" in refused["pax-sparse-big.tar"]
    assert "negative size" in refused["neg-size.tar"]
    assert "pax record" in refused["pax-bad-hdr-file.tar"]


@needs_shared
def test_the_archive_with_everything_reads_as_python_reads_it() -> None:
    path = SHARED / "hostile" / "cpython" / "testtar.tar"
    if not path.exists():
        pytest.skip("not in this copy of the data")
    with pytest.raises(FormatError, match=r"sparse|unknown type"):
        read(path.read_bytes())


@given(st.binary(max_size=1600))
def test_any_bytes_give_members_or_a_format_error(data: bytes) -> None:
    try:
        read(data)
    except FormatError:
        return


@given(st.data())
def test_a_changed_header_gives_members_or_a_format_error(data: st.DataObject) -> None:
    raw = bytearray(written((directory("a"), b""), (file("a/b", 3), b"abc"), (symlink("a/c", "b"), b"")))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    try:
        read(bytes(raw))
    except FormatError:
        return


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/../x", "a\nb", "a\x7f"])
def test_a_path_that_climbs_out_or_hides_is_refused(name: str) -> None:
    raw = tar_of(tarfile.TarInfo(name))
    with pytest.raises(FormatError, match=r"climbs out|control character"):
        read(raw)


def tar_of(info: tarfile.TarInfo, data: bytes = b"", form: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    info.size = len(data)
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "link", "oddity"),
    [
        ("/a", "", oddities.NAME_FORM),
        ("./a", "", oddities.NAME_FORM),
        ("a//b", "", oddities.NAME_FORM),
        ("a/./b", "", oddities.NAME_FORM),
        ("a", "t" * 120, oddities.GNU_LONG_LINK),
    ],
)
def test_what_readers_do_not_agree_on_is_named(name: str, link: str, oddity: str) -> None:
    info = tarfile.TarInfo(name)
    if link:
        info.type, info.linkname = tarfile.SYMTYPE, link
    ((entry, _, odd),) = read(tar_of(info))
    assert oddity in odd
    assert not entry.path.startswith(("/", "./"))


def test_a_global_header_is_named() -> None:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "hello"}
    ) as archive:
        archive.addfile(tarfile.TarInfo("a"))
        archive.addfile(tarfile.TarInfo("b"))
    assert [odd for _, _, odd in read(buffer.getvalue())] == [(oddities.GLOBAL_HEADER,)] * 2


def test_bytes_after_the_end_are_an_error() -> None:
    with pytest.raises(FormatError, match="after the end"):
        read(written((file("a", 1), b"x")) + b"\1" * 512)


def test_content_shorter_or_longer_than_promised_is_an_error() -> None:
    for data in (b"ab", b"abcd"):
        with pytest.raises(IntegrityError, match="expected 3 bytes"):
            written((file("a", 3), data))


def test_a_size_that_the_stream_does_not_hold_is_an_error() -> None:
    """Ten gigabytes promised in a header, a kilobyte delivered."""
    raw = tar_of(tarfile.TarInfo("a"), b"x" * 1000, tarfile.PAX_FORMAT)
    header = bytearray(raw[:512])
    header[124:136] = b"%011o\0" % (10 << 30 if (10 << 30) < 8**11 else 8**11 - 1)
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(FormatError, match="truncated"):
        read(bytes(header) + raw[512:])
