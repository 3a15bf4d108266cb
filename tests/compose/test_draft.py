"""Generated entries on top of packages: where they really go."""

import pytest

from support.packages import make_part
from witchery.compose.draft import Draft
from witchery.compose.files import MAX_FILE, Files
from witchery.compose.part import Part
from witchery.compose.tree import merge
from witchery.errors import FormatError, Refused
from witchery.rootfs.entry import Kind


def draft(*parts: Part) -> Draft:
    return Draft(Files(merge(parts)))


LINKED = make_part(
    "linked",
    files={"usr/bin/tool": b"tool", "etc/file": b"content"},
    links={
        "bin": "usr/bin",
        "up": "../../../etc",
        "abs": "/usr/./bin",
        "loop": "loop/x",
        "etc/near": "file",
        "dangling": "nowhere",
    },
    hard_links={"usr/bin/same": "usr/bin/tool"},
)


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("bin/x", "usr/bin/x"),
        ("/bin/x", "usr/bin/x"),
        ("abs/x", "usr/bin/x"),
        ("up/x", "etc/x"),
        ("../../x", "x"),
        ("etc/../bin/./x", "usr/bin/x"),
        ("bin/", "usr/bin"),
        ("bin", "bin"),
        ("new/x", "new/x"),
        ("dangling/x", "nowhere/x"),
    ],
)
def test_folders_are_followed_and_never_above_the_top(path: str, real: str) -> None:
    assert draft(LINKED).real(path) == real


def test_links_in_a_circle_are_refused_where_they_are_followed() -> None:
    with pytest.raises(Refused, match="links lead in a circle"):
        draft(LINKED).symlink("loop/x/y", "z", why="a test")


def test_a_file_is_read_through_its_links() -> None:
    made = draft(LINKED)
    assert made.read("bin/tool") == made.read("usr/bin/same") == b"tool"
    assert made.read("etc/near") == b"content"
    assert made.read("usr/bin") is made.read("dangling") is made.read("gone") is None
    assert made.read_all(["etc/near", "gone", "bin/same", "usr"]) == {
        "etc/near": b"content",
        "bin/same": b"tool",
    }


def test_what_is_made_is_there_at_once() -> None:
    made = draft(LINKED)
    made.file("bin/new", b"one", why="a test")
    made.symlink("lib", "usr/lib", why="a test")
    made.file("lib/x", b"two", why="a test")
    assert made.read("usr/bin/new") == b"one"
    assert made.read_all(["usr/lib/x", "bin/new"]) == {"usr/lib/x": b"two", "bin/new": b"one"}
    assert [each.entry.path for each in made.generated()] == ["lib", "usr/bin/new", "usr/lib", "usr/lib/x"]


def test_a_folder_that_becomes_a_link_is_found_anew() -> None:
    made = draft(LINKED)
    assert made.real("srv/a/x") == "srv/a/x"
    made.symlink("srv/a", "/usr/bin", why="a test")
    assert made.real("srv/a/x") == "usr/bin/x"


def test_rewriting_keeps_the_mode_and_the_links_that_lead_there() -> None:
    part = make_part("p", files={"opt/f": b"old"}, links={"etc/f": "/opt/f"}, modes={"opt/f": 0o640})
    made = draft(part)
    made.rewrite("etc/f", b"new", gid=7, why="a test")
    (entry,) = [each.entry for each in made.generated()]
    assert (entry.path, entry.kind, entry.mode, entry.gid) == ("opt/f", Kind.FILE, 0o640, 7)


def test_a_file_too_large_to_be_meant_is_refused() -> None:
    with pytest.raises(FormatError, match="more than"):
        draft(make_part("p", files={"etc/passwd": bytes(MAX_FILE + 1)})).read("etc/passwd")


def test_files_know_whose_they_are() -> None:
    files = Files(merge([LINKED]))
    assert (files.owner("etc/file"), files.owner("nowhere")) == ("linked", "")
