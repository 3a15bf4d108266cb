"""Layouts and archives: whole or not at all, and nothing read that should not be."""

import hashlib
import io
import json
import multiprocessing
import os
import resource
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.images import Made, image_of, image_of_tars, layer_of, link, member, tar_of
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError, StorageError, WitcheryError
from witchery.oci import media
from witchery.oci.descriptor import CONTAINERD_NAME, REF_NAME
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.manifest import Index
from witchery.oci.reference import Reference
from witchery.rootfs.content import BytesContent, Content
from witchery.store import archive, layout

NAME = Reference.parse("example.org/app:1")


def made(text: bytes = b"x") -> Made:
    """A small image that differs with `text`."""
    return image_of_tars(tar_of(member("common", b"c")), tar_of(member("own", text)))


def write(folder: Path, image: Made, tag: str = "") -> None:
    layout.write(folder, image.image, image.contents, tag=tag)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


class Failing:
    """A content that breaks after some bytes."""

    def __init__(self, size: int, error: BaseException) -> None:
        self.size = size
        self._error = error

    def chunks(self) -> Iterator[bytes]:
        yield b"partly"
        raise self._error


def test_an_image_is_read_back_equal_from_both_forms(tmp_path: Path) -> None:
    one = made()
    layout.write(tmp_path / "l", one.image, one.contents, name=NAME)
    archive.write(tmp_path / "a.tar", one.image, one.contents, name=NAME)
    for source in (layout.read(tmp_path / "l"), archive.read(tmp_path / "a.tar")):
        assert source.image("1") == one.image
        for layer in one.image.layers:
            digest = layer.descriptor.digest
            assert b"".join(source.blob(layer.descriptor).chunks()) == b"".join(one.contents[digest].chunks())


def test_a_layout_holds_what_the_specification_says(tmp_path: Path) -> None:
    """image-spec, image-layout.md; the index is flat, names the tag, and the full name for containerd."""
    one = made()
    layout.write(tmp_path / "l", one.image, one.contents, name=NAME)
    files = tree(tmp_path / "l")
    assert json.loads(files.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files.pop("index.json"))["manifests"]
    assert entry["digest"] == str(one.image.digest)
    assert entry["mediaType"] == media.MANIFEST
    assert entry["annotations"] == {REF_NAME: "1", CONTAINERD_NAME: "example.org/app:1"}
    assert entry["platform"] == {"os": "linux", "architecture": "amd64"}
    assert len(files) == 4
    for path, data in files.items():
        assert path == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"


def test_a_second_tag_keeps_the_first_and_shares_its_blobs(tmp_path: Path) -> None:
    one, two = made(b"1"), made(b"2")
    write(tmp_path, one, "one")
    common = tmp_path / "blobs" / "sha256" / one.image.layers[0].descriptor.digest.hex
    before = common.stat().st_ino
    write(tmp_path, two, "two")
    assert layout.read(tmp_path).image("one") == one.image
    assert layout.read(tmp_path).image("two") == two.image
    assert common.stat().st_ino == before, "a good blob is not written again"


def test_a_tag_that_is_written_again_points_to_the_new_image(tmp_path: Path) -> None:
    for text in (b"1", b"2", b"2"):
        write(tmp_path, made(text))
    assert layout.read(tmp_path).image("latest") == made(b"2").image
    assert len(layout.read(tmp_path).index.manifests) == 1


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_blob_is_replaced(tmp_path: Path, damage: bytes | None) -> None:
    one = made()
    write(tmp_path, one)
    blob = tmp_path / "blobs" / "sha256" / one.image.layers[0].descriptor.digest.hex
    good = blob.read_bytes()
    blob.write_bytes(good[:-1] + b"?" if damage is None else damage)
    write(tmp_path, one)
    assert blob.read_bytes() == good


@pytest.mark.parametrize(
    "error", [IntegrityError("flipped"), OSError(28, "No space left"), KeyboardInterrupt()]
)
def test_a_failed_write_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    """Neither a new layout nor a trace in one that is there, nor an archive."""
    there, one = tmp_path / "there", made(b"new")
    write(there, made(b"old"))
    before = tree(there)
    last = one.image.layers[1].descriptor
    contents: dict[Digest, Content] = {**one.contents, last.digest: Failing(last.size, error)}
    for target in (tmp_path / "deep" / "new", there):
        with pytest.raises((WitcheryError, KeyboardInterrupt)):
            layout.write(target, one.image, contents)
    with pytest.raises((WitcheryError, KeyboardInterrupt)):
        archive.write(tmp_path / "a.tar", one.image, contents)
    assert tree(there) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]


@pytest.mark.parametrize("wrong", [b"", b"other", b"x" * 4096])
def test_a_layer_that_is_not_what_the_image_says_is_never_written(tmp_path: Path, wrong: bytes) -> None:
    one = made()
    digest = one.image.layers[0].descriptor.digest
    contents: dict[Digest, Content] = {**one.contents, digest: BytesContent(wrong)}
    with pytest.raises(IntegrityError, match="expected"):
        layout.write(tmp_path / "l", one.image, contents)
    with pytest.raises(IntegrityError, match="expected"):
        archive.write(tmp_path / "a", one.image, contents)
    with pytest.raises(IntegrityError, match="was not given"):
        layout.write(tmp_path / "l", one.image, {})
    assert not list(tmp_path.iterdir())


def _limited_write(folder: str, size: int) -> None:
    """In a process of its own: no file may grow beyond `size`."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    one = image_of([layer_of(os.urandom(1 << 20), compress=False)])
    for write_form, name in ((layout.write, "l"), (archive.write, "a.tar")):
        try:
            write_form(Path(folder, name), one.image, one.contents)
        except StorageError:
            continue
        os._exit(1)
    os._exit(0)


def test_a_file_system_that_takes_no_more_leaves_nothing(tmp_path: Path) -> None:
    """The kernel itself refuses to write: what is left is an empty folder, and the error is ours."""
    process = multiprocessing.get_context("fork").Process(
        target=_limited_write, args=(str(tmp_path), 100_000)
    )
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_with_advice(tmp_path: Path) -> None:
    one = made()
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(StorageError, match="no space left"),
    ):
        archive.stream(full.write, one.image, one.contents)


def test_a_path_that_cannot_be_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match="not a directory"):
            write(target, made())


def _write_many(folder: str, worker: int) -> None:
    for number in range(10):
        write(Path(folder), made(b"%d" % number), f"{worker}-{number}")


def test_writers_at_the_same_time_lose_no_tag(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_write_many, args=(str(tmp_path / "l"), w)) for w in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    source = layout.read(tmp_path / "l")
    assert {entry.tag for entry in source.index.manifests} == {
        f"{w}-{n}" for w in range(4) for n in range(10)
    }
    for number in range(10):
        assert source.image(f"3-{number}") == made(b"%d" % number).image
    assert not [name for name in tree(tmp_path / "l") if ".tmp" in name]


def _write_slowly(folder: str) -> None:
    one = made(b"slow")
    last = one.image.layers[1].descriptor

    class Slow:
        size = last.size

        def chunks(self) -> Iterator[bytes]:
            yield b"partly"
            Path(folder, "started").touch()
            import time

            time.sleep(60)

    layout.write(Path(folder, "l"), one.image, {**one.contents, last.digest: Slow()})


def test_a_killed_writer_leaves_no_blob_under_a_name_it_does_not_have(tmp_path: Path) -> None:
    write(tmp_path / "l", made(b"old"))
    process = multiprocessing.get_context("fork").Process(target=_write_slowly, args=(str(tmp_path),))
    process.start()
    while not (tmp_path / "started").exists():
        assert process.is_alive()
    process.kill()
    process.join()
    for path, data in tree(tmp_path / "l" / "blobs" / "sha256").items():
        assert path.startswith(".tmp-") or path == hashlib.sha256(data).hexdigest()
    write(tmp_path / "l", made(b"new"), "new")
    assert layout.read(tmp_path / "l").image("latest") == made(b"old").image
    assert not [name for name in tree(tmp_path / "l") if ".tmp" in name], "the next writer cleans up"


def test_an_archive_is_the_same_whoever_writes_it(tmp_path: Path) -> None:
    one = made()
    before = os.umask(0o077)
    try:
        archive.write(tmp_path / "a.tar", one.image, one.contents, name=NAME)
    finally:
        os.umask(before)
    out = io.BytesIO()
    archive.stream(out.write, one.image, one.contents, name=NAME)
    assert (tmp_path / "a.tar").read_bytes() == out.getvalue()
    with tarfile.open(tmp_path / "a.tar") as opened:
        members = opened.getmembers()
    names = [item.name for item in members]
    assert names == sorted(names)
    assert not [name for name in names if name.startswith((".", "/"))]
    assert {(m.uid, m.gid, m.mtime) for m in members} == {(0, 0, 0)}


def test_docker_finds_in_the_archive_what_it_looks_for(tmp_path: Path) -> None:
    one = made()
    archive.write(tmp_path / "a.tar", one.image, one.contents, name=NAME)
    with tarfile.open(tmp_path / "a.tar") as opened:
        names = opened.getnames()
        (item,) = json.load(opened.extractfile("manifest.json") or io.BytesIO())
    assert item["RepoTags"] == ["example.org/app:1"]
    assert item["Config"] in names
    assert all(layer in names for layer in item["Layers"])


def test_a_shorter_archive_leaves_no_tail_of_a_longer_one(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"x" * 1_000_000)
    one = made()
    archive.write(path, one.image, one.contents)
    assert path.stat().st_size < 100_000


def broken_layout(folder: Path, change: Callable[[Path], object]) -> Path:
    write(folder, made())
    change(folder)
    return folder


def _manifest_is_a_link(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.write_bytes(made().image.manifest.raw)
    blob = folder / "blobs" / "sha256" / made().image.digest.hex
    blob.unlink()
    blob.symlink_to(secret)


def _blobs_is_a_link(folder: Path) -> None:
    (folder / "blobs").rename(folder.parent / "elsewhere")
    (folder / "blobs").symlink_to(folder.parent / "elsewhere")


def _index_is_a_pipe(folder: Path) -> None:
    (folder / "index.json").unlink()
    os.mkfifo(folder / "index.json")


def _index_entry(**changes: object) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        document = json.loads((folder / "index.json").read_text())
        document["manifests"][0] |= changes
        (folder / "index.json").write_text(json.dumps(document))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / "oci-layout").unlink(), "missing from the layout: `oci-layout`"),
        (lambda f: (f / "oci-layout").write_text('{"imageLayoutVersion":"2.0.0"}'), "version 1"),
        (lambda f: (f / "index.json").write_bytes(b"x" * (MAX_DOCUMENT + 1)), "at most"),
        (lambda f: (f / "index.json").write_text("{"), "index.json: expected JSON"),
        (lambda f: (f / "blobs/sha256" / made().image.digest.hex).unlink(), "missing from the layout"),
        (_manifest_is_a_link, "a link"),
        (_blobs_is_a_link, "a link"),
        (_index_is_a_pipe, "not a regular file"),
        (_index_entry(digest="sha256:../../../../etc/passwd"), "expected a digest"),
        (_index_entry(digest="../../etc/passwd"), "expected a digest"),
        (_index_entry(digest=f"sha256:{'0' * 64}"), "missing from the layout"),
        (_index_entry(size=3), "expected 3 bytes, found more"),
        (_index_entry(size=1 << 40), "at most"),
        (lambda f: (f / "blobs/sha256" / made().image.digest.hex).write_text("{}"), "expected"),
    ],
)
def test_a_layout_that_lies_is_refused(
    tmp_path: Path, change: Callable[[Path], object], message: str
) -> None:
    folder = broken_layout(tmp_path / "l", change)
    with pytest.raises((FormatError, IntegrityError), match=message):
        layout.read(folder).image()


def test_no_layout_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such folder"):
        layout.read(tmp_path / "none")


def test_a_truncated_blob_is_found_while_it_is_read(tmp_path: Path) -> None:
    one = made()
    write(tmp_path, one)
    layer = one.image.layers[0].descriptor
    blob = tmp_path / "blobs" / "sha256" / layer.digest.hex
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=f"expected {layer.size} bytes, found {layer.size - 1}"):
        list(layout.read(tmp_path).blob(layer).chunks())


def repacked(path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], object]) -> Path:
    """An archive with its members changed."""
    one = made()
    archive.write(path, one.image, one.contents)
    with tarfile.open(path) as opened:
        members = [
            (item, (opened.extractfile(item) or io.BytesIO()).read() if item.isfile() else b"")
            for item in opened
        ]
    change(members)
    path.write_bytes(tar_of(*members))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.append(member("../index.json", b"{}")), "climbs out"),
        (lambda m: m.append(member("index.json", b"{}")), "stands twice"),
        (lambda m: m.append(member("/index.json", b"{}")), "stands twice"),
        (lambda m: m.clear(), "without `index.json`"),
        (lambda m: m.__delitem__(slice(-3, None)), "without `index.json`"),
        (lambda m: m.__delitem__(slice(0, 6)), "missing from the archive"),
        (lambda m: m.extend(member(f"x{n}", b"") for n in range(10_001)), "more than 10000 members"),
    ],
)
def test_an_archive_that_lies_is_refused(
    tmp_path: Path, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], object], message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        archive.read(repacked(tmp_path / "a.tar", change)).image()


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        members[:] = [m for m in members if m[0].name != "index.json"]
        members.append(link("index.json", "/etc/passwd"))

    with pytest.raises(FormatError, match=r"without `index\.json`"):
        archive.read(repacked(tmp_path / "a.tar", change))


@pytest.mark.parametrize("size", [0, 100, 512, 5000])
def test_a_truncated_archive_is_refused(tmp_path: Path, size: int) -> None:
    one = made()
    archive.write(tmp_path / "a.tar", one.image, one.contents)
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data[:size])
    with pytest.raises(FormatError):
        archive.read(tmp_path / "a.tar").image()


def test_an_image_behind_an_index_is_found_and_endless_nesting_is_not(tmp_path: Path) -> None:
    one = made()
    write(tmp_path, one)

    def wrap() -> None:
        outer = (tmp_path / "index.json").read_bytes()
        blob = tmp_path / "blobs" / "sha256" / hashlib.sha256(outer).hexdigest()
        blob.write_bytes(outer)
        (tmp_path / "index.json").write_bytes(Index.of([Index.read(outer).descriptor]).raw)

    wrap()
    assert layout.read(tmp_path).image() == one.image
    for _ in range(3):
        wrap()
    with pytest.raises(WitcheryError, match="indexes inside each other"):
        layout.read(tmp_path).image()
