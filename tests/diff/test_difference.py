"""What differs between two images made for it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.elf_files import Sym
from support.images import folder, link, member
from support.surveys import database, library, surveyed
from witchery.diff import difference
from witchery.diff.difference import PARTS, Difference, LicenceChange, compared
from witchery.diff.files import FileChange, FileState
from witchery.oci.config import Execution
from witchery.survey.survey import Survey
from witchery.value import replace


def files(before: list[Any], after: list[Any]) -> dict[str, tuple[str, tuple[str, ...]]]:
    found = compared(surveyed(*before), surveyed(*after), [difference.FILES]).files
    assert found is not None
    return {each.path: (each.kind, each.what) for each in found}


def changed(before: Execution, after: Execution) -> list[tuple[str, str | None, str | None]]:
    pair = surveyed(execution=before), surveyed(execution=after)
    found = compared(*pair, [difference.CONFIG]).config
    assert found is not None
    return [(each.name, each.before, each.after) for each in found]


def test_each_way_in_which_a_file_can_differ() -> None:
    attribute = {"pax_headers": {"SCHILY.xattr.user.x": "1"}}
    before = [
        member("same", b"1", mtime=1),
        member("content", b"1"),
        member("mode", b"1", mode=0o755),
        member("owner", b"1", uid=1),
        member("type", b"1"),
        link("target", "a"),
        member("attributes", b"1"),
        member("gone", b"1"),
        member("all", b"1", mode=0o600),
        folder("folder", 0o755),
        member("device", type=b"3", devmajor=1, devminor=3),
    ]
    after = [
        member("same", b"1", mtime=2),
        member("content", b"22"),
        member("mode", b"1", mode=0o4755),
        member("owner", b"1", uid=1, gid=2),
        link("type", "x"),
        link("target", "b"),
        member("attributes", b"1", **attribute),
        member("added", b"1"),
        member("all", b"2", mode=0o644, gid=9),
        folder("folder", 0o1777),
        member("device", type=b"3", devmajor=1, devminor=5),
    ]
    assert files(before, after) == {
        "added": ("added", ()),
        "all": ("changed", ("content", "mode", "owner")),
        "attributes": ("changed", ("attributes",)),
        "content": ("changed", ("content",)),
        "device": ("changed", ("device",)),
        "folder": ("changed", ("mode",)),
        "gone": ("gone", ()),
        "mode": ("changed", ("mode",)),
        "owner": ("changed", ("owner",)),
        "target": ("changed", ("target",)),
        "type": ("changed", ("type", "content", "target", "mode")),
    }


def test_growth_is_told_in_bytes() -> None:
    found = compared(
        surveyed(member("a", b"12"), member("b", b"1")),
        surveyed(member("a", b"1234"), member("c", b"123")),
        ["files"],
    ).files
    assert [(each.path, each.growth) for each in found or ()] == [("a", 2), ("b", -1), ("c", 3)]


def test_each_setting_by_its_name() -> None:
    before = Execution(
        user="0", entrypoint=("/a",), env=("PATH=/bin", "X=1"), ports=("80/tcp",), labels={"t": "web"}
    )
    after = Execution(
        user="65532",
        entrypoint=("/a", "-v"),
        env=("PATH=/bin", "X="),
        volumes=("/data",),
        stop_signal="SIGINT",
    )
    assert changed(before, after) == [
        ("user", "0", "65532"),
        ("entrypoint", '["/a"]', '["/a","-v"]'),
        ("env X", "1", ""),
        ("port 80/tcp", "exposed", None),
        ("label t", "web", None),
        ("stop signal", None, "SIGINT"),
        ("volume /data", None, "mounted"),
    ]


def test_packages_and_licences() -> None:
    before = surveyed(database(("a", "1-r0", "MIT"), ("b", "1-r0", "GPL-2.0-only"), ("c", "1-r0", "ISC")))
    after = surveyed(database(("a", "2-r0", "MIT"), ("b", "1-r0", "GPL-3.0-only"), ("d", "1-r0", "MIT")))
    found = compared(before, after, PARTS)
    assert [(each.name, each.kind) for each in found.packages or ()] == [
        ("a", "moved"),
        ("c", "gone"),
        ("d", "added"),
    ]
    assert found.licences is not None
    assert found.licences.changed == (LicenceChange("b", "GPL-2.0-only", "GPL-3.0-only"),)
    assert found.licences.added == ("GPL-3.0-only",)
    assert found.licences.gone == ("GPL-2.0-only", "ISC")


def test_layers_are_counted_as_a_registry_counts_them() -> None:
    one = surveyed(member("a", b"1"))
    other = surveyed(member("b", b"1"))
    both = replace(other, layers=(*one.layers, *other.layers, *other.layers))
    found = compared(one, both, [difference.LAYERS]).layers
    assert found == (1, 1, other.layers[0].size)


@pytest.mark.parametrize("part", PARTS)
def test_the_same_twice_differs_in_nothing(part: str) -> None:
    made = surveyed(
        database(("a", "1-r0", "MIT")), member("x", b"1"), library("l.so.1", "l.so.1", Sym("f", defined=True))
    )
    assert not compared(made, made, [part])


def test_only_what_is_asked_for_is_compared() -> None:
    one, other = surveyed(member("a", b"1")), surveyed(member("a", b"2"))
    found = compared(one, other, [difference.PACKAGES])
    assert not found
    assert (found.files, found.config, found.layers, found.abi, found.licences) == (None,) * 5
    assert compared(one, other, [difference.FILES])


def test_of_what_is_not_known_nothing_is_said() -> None:
    """A lock has packages and no files: that is no empty image."""
    image = surveyed(database(("a", "1-r0", "MIT")), member("a", b"1"))
    lock = Survey(name="lock", arch=image.arch, packages=image.packages)
    for found in (compared(image, lock, PARTS), compared(lock, image, PARTS)):
        assert isinstance(found, Difference)
        assert found.packages == ()
        assert (found.files, found.config, found.layers, found.abi, found.licences) == (None,) * 5
        assert not found


NAMES = st.sampled_from(["a", "b", "c/d", "e"])
FILES = st.dictionaries(NAMES, st.tuples(st.sampled_from([b"1", b"2"]), st.sampled_from([0o644, 0o755])))


@given(FILES, FILES)
def test_the_other_way_round_it_is_the_opposite(
    one: dict[str, tuple[bytes, int]], other: dict[str, tuple[bytes, int]]
) -> None:
    """Nothing is missed on either side: what is applied to the first gives the second."""
    first, second = (
        surveyed(*(member(name, data, mode=mode) for name, (data, mode) in sorted(each.items())))
        for each in (one, other)
    )
    there = compared(first, second, [difference.FILES]).files or ()
    back = compared(second, first, [difference.FILES]).files or ()
    assert [FileChange(each.path, each.after, each.before) for each in back] == list(there)
    states = {path: FileState.of(file) for path, file in (first.files or {}).items()}
    for each in there:
        assert states.pop(each.path, None) == each.before
        if each.after:
            states[each.path] = each.after
    assert states == {path: FileState.of(file) for path, file in (second.files or {}).items()}


def test_a_change_says_what_it_is() -> None:
    assert FileChange("x", None, None).kind == "added"
    assert FileChange("x", None, None).what == ()
