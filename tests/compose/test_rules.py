"""The `paths` of a configuration, and what they do to layers."""

import pytest

from support.packages import make_part
from support.unpacked import tree_of
from witchery.apk.dependency import Dependency
from witchery.compose.composition import Composition, compose
from witchery.compose.part import Part
from witchery.compose.tree import merge
from witchery.config.model import PathRule
from witchery.errors import Refused
from witchery.rootfs.accounts import Accounts


def ruled(*rules: PathRule, parts: tuple[Part, ...] = ()) -> Composition:
    return compose(
        merge(
            parts
            or (make_part("a", files={"etc/x": b"x", "etc/y": b"y"}, links={"etc/l": "x", "lib": "usr/lib"}),)
        ),
        world=[Dependency.parse("a")],
        arch="x86_64",
        accounts=Accounts(),
        paths=rules,
    )


def reasons(composition: Composition) -> list[str]:
    return [str(why) for layer in composition.layers for why in layer.reasons]


def test_permissions_of_a_packages_file_rewrite_its_package() -> None:
    composition = ruled(PathRule(path="/etc/x", type="permissions", permissions=0o4700, uid=5))
    assert reasons(composition) == ["the configuration changes files: `etc/x`"]
    changed, kept = (tree_of(composition)[path] for path in ("etc/x", "etc/y"))
    assert (changed.mode, changed.owner, kept.mode, kept.owner) == (0o4700, "5:0", 0o644, "0:0")


def test_permissions_that_hold_already_change_nothing() -> None:
    assert reasons(ruled(PathRule(path="/etc/x", type="permissions", permissions=0o644, uid=0))) == []


def test_permissions_of_a_folder_are_said_in_the_top_layer() -> None:
    composition = ruled(PathRule(path="/etc", type="permissions", permissions=0o700, gid=7))
    assert reasons(composition) == []
    assert (tree_of(composition)["etc"].mode, tree_of(composition)["etc"].owner) == (0o700, "0:7")


def test_permissions_of_a_link_are_those_of_what_it_leads_to() -> None:
    assert (
        tree_of(ruled(PathRule(path="/etc/l", type="permissions", permissions=0o600)))["etc/x"].mode == 0o600
    )


def test_recursive_permissions_reach_everything_below() -> None:
    composition = ruled(PathRule(path="/etc", type="permissions", uid=9, recursive=True))
    root = tree_of(composition)
    assert {root[path].owner for path in ("etc", "etc/x", "etc/y", "etc/l", "etc/apk/world")} == {"9:0"}


def test_permissions_of_a_hard_link_are_those_of_its_file() -> None:
    part = make_part("a", files={"x": b"1"}, hard_links={"y": "x"})
    root = tree_of(ruled(PathRule(path="/y", type="permissions", permissions=0o600), parts=(part,)))
    assert root["x"] is root["y"]
    assert root["x"].mode == 0o600


def test_a_new_directory_stands_in_the_top_layer() -> None:
    composition = ruled(PathRule(path="/srv/data", type="directory", permissions=0o2770, uid=3, gid=4))
    data = tree_of(composition)["srv/data"]
    assert (reasons(composition), data.kind, data.mode, data.owner) == ([], "d", 0o2770, "3:4")


def test_a_directory_that_is_there_gets_the_mode() -> None:
    assert tree_of(ruled(PathRule(path="/etc", type="directory", permissions=0o711)))["etc"].mode == 0o711


def test_an_empty_file_takes_the_place_of_what_is_there_without_rewriting_it() -> None:
    composition = ruled(PathRule(path="/etc/x", type="empty-file", permissions=0o600))
    file = tree_of(composition)["etc/x"]
    assert (reasons(composition), file.data, file.mode) == ([], b"", 0o600)


def test_a_symlink_is_made_and_later_rules_follow_it() -> None:
    root = tree_of(
        ruled(
            PathRule(path="/data", type="symlink", source="/srv/data"),
            PathRule(path="/data/inside", type="directory"),
        )
    )
    assert (root["data"].data, root["srv/data/inside"].kind) == (b"/srv/data", "d")


def test_rules_follow_the_links_of_packages() -> None:
    assert "usr/lib/x" in tree_of(ruled(PathRule(path="/lib/x", type="empty-file")))


def test_a_hard_link_is_in_the_layer_of_its_file() -> None:
    """Docker and containerd refuse one that is not."""
    composition = ruled(PathRule(path="/bin/x", type="hardlink", source="/etc/x"))
    root = tree_of(composition)
    assert root["bin/x"] is root["etc/x"]
    assert reasons(composition) == ["the configuration changes files: `bin/x`"]


def test_a_hard_link_over_another_packages_file_takes_its_place() -> None:
    parts = (make_part("a", files={"x": b"1"}), make_part("b", files={"y": b"2"}))
    composition = ruled(PathRule(path="/y", type="hardlink", source="/x"), parts=parts)
    root = tree_of(composition)
    assert root["y"] is root["x"]
    assert [str(layer.parts[0]) for layer in composition.layers[:-1]] == ["b-1.0-r0", "a-1.0-r0"]


def test_a_hard_link_to_a_made_file_is_in_the_top_layer() -> None:
    composition = ruled(
        PathRule(path="/b", type="empty-file"), PathRule(path="/a", type="hardlink", source="/b")
    )
    root = tree_of(composition)
    assert root["a"] is root["b"]
    assert reasons(composition) == []


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (
            PathRule(path="/no", type="permissions", uid=1),
            r"paths\[0\]: there is no such path in the image: `no`",
        ),
        (
            PathRule(path="/etc/x", type="directory"),
            r"something other than a folder is there already: `etc/x`",
        ),
        (PathRule(path="/etc", type="empty-file"), r"a folder is there already: `etc`"),
        (PathRule(path="/etc", type="symlink", source="x"), r"a folder is there already: `etc`"),
        (PathRule(path="/etc/x/y", type="empty-file"), r"not a folder: `etc/x`"),
        (PathRule(path="/h", type="hardlink", source="/etc"), r"a hard link needs a file to lead to: `/etc`"),
        (
            PathRule(path="/h", type="hardlink", source="/none"),
            r"a hard link needs a file to lead to: `/none`",
        ),
        (PathRule(path="/", type="permissions", permissions=0o700), r"about the root of the image"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_by_its_number(rule: PathRule, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        ruled(rule)


def test_a_hard_link_whose_file_a_later_rule_replaces_is_refused() -> None:
    with pytest.raises(Refused, match="the file of a hard link was replaced: `h`"):
        ruled(
            PathRule(path="/h", type="hardlink", source="/etc/x"), PathRule(path="/etc/x", type="empty-file")
        )
