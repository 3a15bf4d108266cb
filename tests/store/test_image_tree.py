"""Reading an image without unpacking it: the same tree as unpacking it gives, whatever its layers hold."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from support.images import Made, folder, hard_link, image_of_tars, link, member, tar_of, wget_image
from support.shared import SHARED, needs_shared
from witchery.digest import Digest
from witchery.errors import FormatError, Refused
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import Entry, Kind
from witchery.store import folder_tree, image_tree, rootfs_dir
from witchery.store.image_tree import Placed
from witchery.store.laying import Limits

needs_root = pytest.mark.skipif(os.geteuid() != 0 and os.environ.get("CI") != "true", reason="needs root")
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")

Seen = dict[str, tuple[object, ...]]


def look(_: Entry, chunks: Iterator[bytes]) -> bytes:
    return b"".join(chunks)


def seen(tree: dict[str, Placed[bytes]]) -> Seen:
    """What there is to say of every path; a link has neither mode nor owner of its own on disk."""
    found: Seen = {}
    for path, each in tree.items():
        entry = each.entry
        mode = 0 if entry.kind is Kind.SYMLINK else entry.mode
        target = entry.target if entry.kind is Kind.SYMLINK else ""
        found[path] = (entry.kind, mode, entry.uid, entry.gid, target, each.look, each.first, entry.xattrs)
    return found


def read(made: Made) -> Seen:
    return seen(image_tree.read(made.image, made.contents, look))


def unpacked(made: Made, target: Path) -> Seen:
    rootfs_dir.unpack(made.image, made.contents, target, privileged=os.geteuid() == 0)
    return seen(folder_tree.read(target, look))


CASES = {
    "whiteouts": [
        tar_of(
            folder("a"), member("a/one", b"1"), member("a/two", b"2"), folder("b"), member("b/three", b"3")
        ),
        tar_of(member("a/.wh.one"), folder("b"), member("b/.wh..wh..opq"), member("b/four", b"4")),
    ],
    "replaced": [
        tar_of(member("x", b"old"), hard_link("y", "x"), hard_link("z", "y")),
        tar_of(member("x", b"new", mode=0o755)),
        tar_of(member(".wh.y")),
    ],
    "links": [
        tar_of(folder("usr"), folder("usr/bin"), link("bin", "usr/bin"), member("usr/bin/a", b"a")),
        tar_of(member("bin/b", b"b"), link("c", "/bin/b"), hard_link("d", "usr/bin/a")),
    ],
    "kinds": [
        tar_of(folder("f", 0o1777), member("f/x", b"")),
        tar_of(link("f", "elsewhere")),
        tar_of(member("deep/in/it", b"1", uid=7, gid=8, mode=0o4755)),
    ],
    "nothing": [tar_of()],
}


@needs_root
@pytest.mark.parametrize("name", CASES)
def test_what_is_read_is_what_would_be_unpacked(name: str, tmp_path: Path) -> None:
    made = image_of_tars(*CASES[name])
    assert read(made) == unpacked(made, tmp_path / "rootfs")


@needs_root
@needs_shared
def test_a_real_image_reads_as_it_unpacks(boot_set: Path, tmp_path: Path) -> None:
    made = wget_image(boot_set)
    found = read(made)
    assert len(found) > 40
    assert found == unpacked(made, tmp_path / "rootfs")


def test_of_several_names_the_first_in_order_is_the_first_whatever_the_layers_said() -> None:
    """The name that came first is gone: another one takes its place, and the file counts once."""
    made = image_of_tars(
        tar_of(member("b", b"1"), hard_link("a", "b"), hard_link("c", "b")), tar_of(member(".wh.b"))
    )
    tree = image_tree.read(made.image, made.contents, look)
    assert {path: (each.first, each.look) for path, each in tree.items()} == {
        "a": ("", b"1"),
        "c": ("a", b"1"),
    }


def test_capabilities_and_devices_are_seen_without_privilege() -> None:
    info, data = member(
        "ping", b"x", pax_headers={"SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1")}
    )
    made = image_of_tars(tar_of((info, data), member("null", type=b"3", devmajor=1, devminor=3)))
    tree = image_tree.read(made.image, made.contents, look)
    assert tree["ping"].entry.xattrs == (("security.capability", CAPABILITY),)
    assert (tree["null"].entry.kind, tree["null"].entry.device) == (Kind.CHARACTER, (1, 3))


def test_the_number_of_the_layer_is_told() -> None:
    made = image_of_tars(tar_of(member("a"), member("b")), tar_of(member("b", b"2")))
    assert {path: each.layer for path, each in image_tree.read(made.image, made.contents, look).items()} == {
        "a": 0,
        "b": 1,
    }


@pytest.mark.parametrize("limits", [Limits(entries=2), Limits(size=5)])
def test_limits_hold_over_all_layers(limits: Limits) -> None:
    made = image_of_tars(tar_of(member("a", b"123"), member("b", b"45")), tar_of(member("c", b"6")))
    with pytest.raises(FormatError, match=r"layer 2 of 2.*more than"):
        image_tree.read(made.image, made.contents, look, limits=limits)


def test_a_layer_that_is_another_is_refused() -> None:
    made = image_of_tars(tar_of(member("a", b"1")))
    digest = made.image.layers[0].descriptor.digest
    lying: dict[Digest, BytesContent] = {digest: BytesContent(b"x" * made.image.layers[0].descriptor.size)}
    with pytest.raises(Refused):
        image_tree.read(made.image, lying, look)


NAMES = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", ".wh.a", ".wh..wh..opq"]), min_size=1, max_size=4
).map("/".join)
MEMBERS = st.lists(
    st.one_of(
        st.builds(folder, NAMES),
        st.builds(member, NAMES, st.sampled_from([b"x", b"y"])),
        st.builds(link, NAMES, NAMES.map(lambda name: name or "x")),
        st.builds(hard_link, NAMES, NAMES.map(lambda name: name or "x")),
    ),
    max_size=6,
).map(lambda members: tar_of(*members))


@needs_root
@pytest.mark.property
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MEMBERS, min_size=1, max_size=3))
def test_whatever_layers_hold_both_give_the_same_tree_or_the_same_refusal(
    tmp_path: Path, tars: list[bytes]
) -> None:
    made = image_of_tars(*tars)
    target = tmp_path / "rootfs"
    rootfs_dir.remove_tree(target)
    try:
        expected: Seen | str = unpacked(made, target)
    except Refused as error:
        expected = str(error)
    try:
        found: Seen | str = read(made)
    except Refused as error:
        found = str(error)
    event("refused" if isinstance(expected, str) else "read")
    assert found == expected


def _hostile_tars() -> list[Path]:
    return sorted(path for path in (SHARED / "hostile").glob("*/*.tar") if path.stat().st_size < 1 << 22)


@needs_root
@needs_shared
@pytest.mark.parametrize("path", _hostile_tars(), ids=lambda path: path.name)
def test_awkward_archives_of_other_projects_are_read_as_they_unpack(path: Path, tmp_path: Path) -> None:
    """A tree or an error of ours; where both give a tree it is the same."""
    made = image_of_tars(path.read_bytes())
    try:
        found = read(made)
    except Refused:
        with pytest.raises(Refused):
            unpacked(made, tmp_path / "rootfs")
        return
    try:
        expected = unpacked(made, tmp_path / "rootfs")
    except Refused:
        return  # the file system does not take a name
    assert {path: each[:6] for path, each in found.items()} == {
        path: each[:6] for path, each in expected.items()
    }
