"""What stands where in an image, without writing it: the same as in the folder that it unpacks to."""

import tarfile
from pathlib import Path

import pytest

from support.images import folder, image_of_tars, link, member, tar_of
from witchery.errors import FormatError, IntegrityError
from witchery.oci.image import Layer
from witchery.rootfs.content import BytesContent, Content
from witchery.rootfs.entry import Kind
from witchery.store import rootfs_dir
from witchery.store.stack import Limits, listing


def hard(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.LNKTYPE, linkname=target)


IMAGES = {
    "replaced": [[member("a", b"1")], [member("a", b"22")]],
    "whiteouts": [
        [folder("d"), member("d/a", b"1"), member("d/b", b"1"), folder("e"), member("e/x", b"1")],
        [member("d/.wh.a"), folder("e"), member("e/.wh..wh..opq"), member("e/y", b"1")],
    ],
    "links": [[folder("usr"), link("lib", "usr")], [member("lib/a", b"1"), hard("b", "usr/a")]],
    "a folder in place of a file": [[member("a", b"1")], [folder("a"), member("a/b", b"1")]],
    "a file in place of a folder": [[folder("a"), member("a/b", b"1")], [member("a", b"1")]],
    "folders that nobody mentions": [[member("a/b/c", b"1")]],
}


@pytest.mark.parametrize("name", IMAGES)
def test_what_is_listed_is_what_is_unpacked(name: str, tmp_path: Path) -> None:
    made = image_of_tars(*(tar_of(*each) for each in IMAGES[name]))
    found = listing(made.image, lambda layer: made.contents[layer.descriptor.digest])
    rootfs_dir.unpack(made.image, made.contents, tmp_path / "root", privileged=False)
    there = {str(path.relative_to(tmp_path / "root")) for path in (tmp_path / "root").rglob("*")}
    assert {node.path for node in found.tree.top.below()} == there
    for node in found.tree.top.below():
        path = tmp_path / "root" / node.path
        assert path.is_symlink() == (node.kind is Kind.SYMLINK)
        if node.kind is Kind.FILE:
            assert node.entry is not None
            assert path.stat().st_size == node.entry.size


def test_the_layer_with_the_last_word_is_told() -> None:
    made = image_of_tars(tar_of(member("a", b"1"), member("b", b"1")), tar_of(member("b", b"2")))
    nodes = listing(made.image, lambda layer: made.contents[layer.descriptor.digest]).tree.top.below()
    assert {node.path: node.layer for node in nodes} == {"a": 0, "b": 1}


def test_an_image_that_is_too_large_or_not_itself_is_refused() -> None:
    made = image_of_tars(tar_of(member("a", b"1"), member("b", b"1")))

    def open_layer(layer: Layer) -> Content:
        return made.contents[layer.descriptor.digest]

    with pytest.raises(FormatError, match="more than 1 entries"):
        listing(made.image, open_layer, Limits(entries=1))
    with pytest.raises(FormatError, match="more than 1 bytes"):
        listing(made.image, open_layer, Limits(size=1))
    other = image_of_tars(tar_of(member("a", b"2"), member("b", b"1")))
    (data,) = other.contents.values()
    with pytest.raises(IntegrityError):
        listing(made.image, lambda _: BytesContent(b"".join(data.chunks())))
