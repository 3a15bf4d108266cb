"""Unpacking: what layers say is what stands on disk, and nothing outside the folder is ever touched."""

import gzip
import multiprocessing
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from support.images import Made, folder, hard_link, image_of, image_of_tars, layer_of, link, member, tar_of
from support.shared import SHARED, needs_shared
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError, Refused, StorageError
from witchery.oci.layer import Expansion
from witchery.store import rootfs_dir
from witchery.store.laying import Limits
from witchery.store.rootfs_dir import Unpacked
from witchery.value import replace

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT and os.environ.get("CI") != "true", reason="needs root")


def unpack(made: Made, target: Path, *, privileged: bool = ROOT, limits: Limits | None = None) -> Unpacked:
    return rootfs_dir.unpack(
        made.image, made.contents, target, privileged=privileged, limits=limits or Limits()
    )


def listing(target: Path) -> dict[str, str]:
    """Every path with its kind, and what a file holds or a link says."""
    found = {}
    for path in sorted(target.rglob("*")):
        name = str(path.relative_to(target))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"  # noqa: PTH115
        elif path.is_dir():
            found[name] = "/"
        else:
            found[name] = path.read_text(errors="replace")
    return found


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the target that has to stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("secret")
    yield folder
    assert [p.name for p in folder.iterdir()] == ["secret"]
    assert (folder / "secret").read_text() == "secret"
    assert (folder / "secret").stat().st_nlink == 1
    leftovers = {p.name for p in tmp_path.iterdir()} - {"outside", "target"}
    assert not leftovers


def test_upper_layers_win_and_whiteouts_remove(tmp_path: Path) -> None:
    made = image_of_tars(
        tar_of(
            folder("d"),
            member("d/gone", b"1"),
            member("d/stays", b"1"),
            folder("e"),
            member("e/a", b"1"),
            folder("e/sub"),
            member("e/sub/b", b"1"),
            member("file", b"1"),
            folder("dir-to-file"),
            member("dir-to-file/x", b"1"),
            member("file-to-dir", b"1"),
        ),
        tar_of(
            member("d/.wh.gone"),
            member("e/new", b"2"),
            member("e/.wh..wh..opq"),
            member("file", b"2"),
            member("dir-to-file", b"2"),
            folder("file-to-dir"),
            member("file-to-dir/y", b"2"),
        ),
    )
    unpack(made, tmp_path / "t")
    assert listing(tmp_path / "t") == {
        "d": "/",
        "d/stays": "1",
        "dir-to-file": "2",
        "e": "/",
        "e/new": "2",
        "file": "2",
        "file-to-dir": "/",
        "file-to-dir/y": "2",
    }


@pytest.mark.parametrize("order", [1, -1])
def test_whiteouts_hide_lower_layers_only_wherever_they_stand(tmp_path: Path, order: int) -> None:
    """image-spec, layer.md: "Whiteout files MUST only apply to resources in lower/parent layers"."""
    members = [folder("a"), member("a/new", b"2"), member(".wh.a"), member("x/y/z", b"2"), member("x/.wh.y")]
    lower = tar_of(folder("a"), member("a/old", b"1"), folder("x"), folder("x/y"), member("x/y/old", b"1"))
    unpack(image_of_tars(lower, tar_of(*members[::order])), tmp_path / "t")
    assert listing(tmp_path / "t") == {"a": "/", "a/new": "2", "x": "/", "x/y": "/", "x/y/z": "2"}


def test_a_replaced_file_does_not_change_its_other_names(tmp_path: Path) -> None:
    """A hard link in a lower layer keeps its bytes when an upper layer replaces the other name."""
    lower = tar_of(member("a", b"1"), hard_link("b", "a"), link("s", "a"), hard_link("t", "s"))
    unpack(image_of_tars(lower, tar_of(member("a", b"2"))), tmp_path / "t")
    assert listing(tmp_path / "t") == {"a": "2", "b": "1", "s": "-> a", "t": "-> a"}


def test_a_hard_link_reaches_into_a_lower_layer(tmp_path: Path) -> None:
    unpack(image_of_tars(tar_of(member("a", b"1")), tar_of(hard_link("d/b", "a"))), tmp_path / "t")
    assert (tmp_path / "t" / "a").samefile(tmp_path / "t" / "d" / "b")


def test_entries_behind_a_link_land_where_it_points_inside(tmp_path: Path) -> None:
    """Merged /usr: `bin -> usr/bin` below, `bin/sh` above."""
    made = image_of_tars(
        tar_of(folder("usr"), folder("usr/bin"), link("bin", "usr/bin"), link("sbin", "/bin")),
        tar_of(member("bin/a", b"a"), member("sbin/b", b"b"), hard_link("c", "sbin/a")),
    )
    unpack(made, tmp_path / "t")
    assert {"usr/bin/a", "usr/bin/b", "c"} < set(listing(tmp_path / "t"))


def test_modes_times_and_owners_are_as_written(tmp_path: Path) -> None:
    made = image_of_tars(
        tar_of(
            folder("locked", 0o500, mtime=1_000),
            member("locked/setuid", b"x", mode=0o4755, mtime=2_000, uid=7, gid=8),
            folder("tmp", 0o1777, mtime=3_000),
            link("link", "nowhere"),
            folder(".", 0o711, mtime=5_000),
        )
    )
    done = unpack(made, tmp_path / "t")
    found = {name: (tmp_path / "t" / name).lstat() for name in ("", "locked", "locked/setuid", "tmp", "link")}
    assert [oct(found[name].st_mode & 0o7777) for name in ("", "locked", "locked/setuid", "tmp")] == [
        *("0o711", "0o500", "0o4755", "0o1777")
    ]
    assert [int(found[name].st_mtime) for name in found] == [5_000, 1_000, 2_000, 3_000, 0]
    if ROOT:
        assert (found["locked/setuid"].st_uid, found["locked/setuid"].st_gid) == (7, 8)
    else:
        assert done.notes == ("owners other than root were not set, which takes root: `locked/setuid`",)


def test_without_privilege_owners_and_devices_are_left_out_and_told(tmp_path: Path) -> None:
    device = member("dev/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    made = image_of_tars(tar_of(member("a", uid=5), member("b", gid=5), device, member("dev/null2", b"x")))
    done = unpack(made, tmp_path / "t", privileged=False)
    assert done.notes == (
        "owners other than root were not set, which takes root: `a` and 1 more",
        "device nodes were left out, since only root can make them: `dev/null`",
    )
    assert set(listing(tmp_path / "t")) == {"a", "b", "dev", "dev/null2"}
    assert (tmp_path / "t" / "a").stat().st_uid == os.geteuid()


@needs_root
def test_with_privilege_device_nodes_are_made(tmp_path: Path) -> None:
    device = member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
    done = unpack(image_of_tars(tar_of(device, member("pipe", type=tarfile.FIFOTYPE))), tmp_path / "t")
    status = (tmp_path / "t" / "null").lstat()
    assert stat.S_ISCHR(status.st_mode) or done.notes
    assert stat.S_ISFIFO((tmp_path / "t" / "pipe").lstat().st_mode)


HOSTILE = {
    "a link out, then a file through it": tar_of(link("x", "../outside"), member("x/secret", b"!")),
    "an absolute link out, then a file through it": tar_of(link("x", "/etc"), member("x/passwd", b"!")),
    "a chain of links out": tar_of(
        link("a", "b/.."), link("b", "c"), link("c", "../../outside"), member("a/secret", b"!")
    ),
    "a link out, replaced by a file": tar_of(link("secret", "../outside/secret"), member("secret", b"!")),
    "a link out, as a folder": tar_of(link("x", "../outside"), folder("x"), member("x/y", b"!")),
    "a folder that becomes a link": tar_of(
        folder("x"), member("x/a", b"1"), link("x", "../outside"), member("x/secret", b"!")
    ),
    "a pipe in the way": tar_of(member("p", type=tarfile.FIFOTYPE), member("p", b"!")),
    "whiteouts through a link": tar_of(link("x", "../outside"), member("x/.wh.secret")),
    "an opaque folder through a link": tar_of(link("x", "../outside"), member("x/.wh..wh..opq")),
    "whiteouts of what no name may be": tar_of(member(".wh."), member(".wh.."), member(".wh...")),
    "a mode for a link's target": tar_of(link("x", "../outside/secret"), member("x", mode=0o777)),
    "absolute names": tar_of(member("/outside/secret", b"!")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_layer_reaches_out_of_its_tree(name: str, tmp_path: Path, outside: Path) -> None:
    """As one layer, and with each member as a layer of its own."""
    unpack(image_of_tars(HOSTILE[name]), tmp_path / "target")
    for path in (tmp_path / "target").rglob("*"):
        assert path.is_symlink() or path.resolve().is_relative_to(tmp_path / "target")


REFUSED = {
    "climbs out": (tar_of(member("../outside/secret", b"!")), "climbs out"),
    "climbs out later": (tar_of(member("a/../../outside/secret", b"!")), "climbs out"),
    "hard link to outside": (tar_of(hard_link("x", "../outside/secret")), "climbs out"),
    "hard link to an absolute path": (
        tar_of(hard_link("x", "/etc/passwd")),
        "a hard link to what is not there",
    ),
    "hard link through a link": (
        tar_of(link("o", "../outside"), hard_link("x", "o/secret")),
        "a hard link to what is not there",
    ),
    "hard link before its target": (
        tar_of(hard_link("x", "y"), member("y")),
        "a hard link to what is not there",
    ),
    "hard link to a folder": (tar_of(folder("d"), hard_link("x", "d")), "a hard link to what is not there"),
    "hard link over the folder of its target": (
        tar_of(folder("d"), member("d/f", b"x"), hard_link("d", "d/f")),
        "a hard link to what is not there|not a folder",
    ),
    "links in circles": (tar_of(link("a", "b"), link("b", "a"), member("a/x", b"!")), "round in circles"),
    "a link to itself": (tar_of(link("a", "a/a"), member("a/x", b"!")), "round in circles"),
    "a file below a file": (tar_of(member("a", b"1"), member("a/b", b"2")), "not a folder"),
    "a file below a hard-linked link": (
        tar_of(link("s", "../outside"), hard_link("h", "s"), member("h/secret", b"!")),
        "not a folder",
    ),
    "a name too long": (tar_of(member("n" * 256, b"")), "longer than 255 bytes"),
    "a folder name too long": (tar_of(member("n" * 256 + "/x", b"")), "longer than 255 bytes"),
    "a control character": (tar_of(member("a\nb", b"")), "control character"),
    "a time out of range": (tar_of(member("a", mtime=10**18)), "a time out of range"),
    "an owner out of range": (tar_of(member("a", uid=1 << 33)), "an owner out of range"),
    "an attribute without a name": (
        tar_of(member("a", pax_headers={"SCHILY.xattr.": "x"})),
        "extended attribute is malformed|malformed",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused_with_its_place(name: str, tmp_path: Path, outside: Path) -> None:
    layer, message = REFUSED[name]
    made = image_of_tars(tar_of(member("before", b"x")), layer)
    with pytest.raises(FormatError, match=message) as caught:
        unpack(made, tmp_path / "target")
    assert caught.value.where[0].startswith("layer 2 of 2 (sha256:")


def test_ten_gigabytes_of_zeros_are_not_unpacked(tmp_path: Path, outside: Path) -> None:
    """A layer of 10 MB that inflates to 10 GB: given up after the first 64 MB, and removed."""
    block = gzip.compress(bytes(1 << 26), 9)
    info = tarfile.TarInfo("zeros")
    info.size = 10 << 30
    blob = gzip.compress(info.tobuf(), 9) + block * 160
    layer, _ = layer_of(b"")
    lie = replace(layer, descriptor=type(layer.descriptor).of(layer.descriptor.media_type, blob))
    with pytest.raises(FormatError, match="refused as a trap"):
        unpack(
            image_of([(lie, blob)]), tmp_path / "target", limits=Limits(expansion=Expansion(free=64 << 20))
        )


@pytest.mark.parametrize("limits", [Limits(entries=10), Limits(size=1000)])
def test_the_limits_of_an_image_hold_over_all_its_layers(
    tmp_path: Path, limits: Limits, outside: Path
) -> None:
    tars = [tar_of(*(member(f"{layer}-{number}", bytes(100)) for number in range(6))) for layer in range(2)]
    unpack(image_of_tars(tars[0]), tmp_path / "target", limits=limits)
    with pytest.raises(FormatError, match="more than 10"):
        unpack(image_of_tars(*tars), tmp_path / "target2", limits=limits)


def test_a_wrong_blob_or_diff_id_leaves_nothing(tmp_path: Path, outside: Path) -> None:
    layer, blob = layer_of(tar_of(member("a", b"a")))
    wrong_diff_id = replace(layer, diff_id=Digest("sha256", "0" * 64))
    wrong_digest = replace(layer, descriptor=replace(layer.descriptor, digest=Digest("sha256", "0" * 64)))
    for wrong in (wrong_diff_id, wrong_digest):
        with pytest.raises(IntegrityError, match="expected the di"):
            unpack(image_of([(wrong, blob)]), tmp_path / "target")
    with pytest.raises(Refused):
        unpack(image_of([(layer, blob[:-9])]), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_the_target_has_to_be_empty_or_absent(tmp_path: Path) -> None:
    made = image_of_tars(tar_of(member("a", b"a")))
    (tmp_path / "empty").mkdir()
    unpack(made, tmp_path / "empty")
    unpack(made, tmp_path / "deep" / "absent")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    for target in ("empty", "link", "file"):
        with pytest.raises(StorageError, match="expected an empty folder, or none"):
            unpack(made, tmp_path / target)
    assert listing(tmp_path / "empty") == {"a": "a"}


def _as_nobody(target: str, parent: str) -> None:
    os.chmod(parent, 0o777)  # noqa: PTH101
    os.setgid(65534)
    os.setuid(65534)
    locked = tar_of(folder("d", 0o500), member("d/f", b"x", mode=0o000), hard_link("../x", "d/f"))
    fine = tar_of(folder("d", 0o500), member("d/f", b"x", mode=0o000))
    try:
        unpack(image_of_tars(fine, locked), Path(target), privileged=False)
    except FormatError:
        unpack(image_of_tars(fine), Path(target), privileged=False)
        rootfs_dir.remove_tree(Path(target))
        os._exit(0)
    os._exit(1)


@needs_root
def test_an_ordinary_user_can_unpack_and_remove_folders_that_are_locked(tmp_path: Path) -> None:
    for parent in [tmp_path, *tmp_path.parents][:-2]:
        parent.chmod(parent.stat().st_mode | 0o011)
    target = tmp_path / "target"
    process = multiprocessing.get_context("fork").Process(
        target=_as_nobody, args=(str(target), str(tmp_path))
    )
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert not list(tmp_path.iterdir())


def _hostile_tars() -> list[Path]:
    return sorted(path for path in (SHARED / "hostile").rglob("*") if path.suffix in (".tar", ".txt", ".bz2"))


@needs_shared
@pytest.mark.parametrize("path", _hostile_tars(), ids=lambda path: path.name)
def test_awkward_archives_of_other_projects_give_a_tree_or_an_error_of_ours(
    path: Path, tmp_path: Path, outside: Path
) -> None:
    made = image_of([layer_of(path.read_bytes(), compress=False)])
    try:
        unpack(made, tmp_path / "target", limits=Limits(size=1 << 26))
    except FormatError:
        assert not (tmp_path / "target").exists()
    else:
        rootfs_dir.remove_tree(tmp_path / "target")


NAMES = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", ".wh.a", ".wh..wh..opq"]), min_size=1, max_size=4
).map("/".join)
MEMBERS = st.lists(
    st.one_of(
        st.builds(folder, NAMES),
        st.builds(member, NAMES, st.just(b"x")),
        st.builds(link, NAMES, NAMES.map(lambda name: name or "x")),
        st.builds(link, NAMES, NAMES.map(lambda name: f"/{name}")),
        st.builds(hard_link, NAMES, NAMES.map(lambda name: name or "x")),
    ),
    max_size=6,
)


@pytest.mark.property
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(MEMBERS, min_size=1, max_size=3))
def test_whatever_layers_hold_the_folder_beside_stays_as_it_is(
    tmp_path: Path, layers: list[list[tuple[tarfile.TarInfo, bytes]]]
) -> None:
    beside = tmp_path / "a"
    beside.mkdir(exist_ok=True)
    (beside / "b").write_text("kept")
    target = tmp_path / "target"
    try:
        unpack(image_of_tars(*(tar_of(*members) for members in layers)), target)
        rootfs_dir.remove_tree(target)
    except FormatError:
        event("refused")
    else:
        event("unpacked")
    assert sorted(os.listdir(tmp_path)) == ["a"]  # noqa: PTH208
    assert listing(beside) == {"b": "kept"}


@pytest.mark.property
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bytes_give_a_tree_or_an_error_of_ours(tmp_path: Path, data: st.DataObject) -> None:
    tar = bytearray(
        tar_of(
            folder("a"),
            member("a/b", b"x", pax_headers={"mtime": "1.5"}),
            link("s", "a"),
            hard_link("h", "a/b"),
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        tar[data.draw(st.integers(0, len(tar) - 1))] = data.draw(st.integers(0, 255))
    with suppress(FormatError):
        unpack(image_of([layer_of(bytes(tar), compress=False)]), tmp_path / "target")
    rootfs_dir.remove_tree(tmp_path / "target")
    assert not list(tmp_path.iterdir())
