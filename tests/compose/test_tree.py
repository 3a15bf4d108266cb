"""One tree of several packages: whose file it is, and where it stands when folders are links."""

from pathlib import Path

import pytest

from support.packages import make_part, part_of, raw_part
from support.shared import needs_shared
from support.worlds import World
from witchery.compose.conflicts import ConflictError
from witchery.compose.notes import Topic
from witchery.compose.part import Part
from witchery.compose.tree import Tree, merge
from witchery.errors import Refused
from witchery.rootfs.entry import Entry, Kind, directory
from witchery.value import replace

USR_MERGED = {"bin": "usr/bin", "lib": "usr/lib", "sbin": "usr/sbin"}


def content_of(tree: Tree, path: str) -> str:
    """The name of the package whose file stands at a path."""
    node = tree.find(path)
    assert node is not None
    return tree.parts[node.owner].name


def conflicts_of(*parts: Part) -> list[str]:
    with pytest.raises(ConflictError) as caught:
        merge(parts)
    return [str(conflict) for conflict in caught.value.conflicts]


class TestFileConflicts:
    def test_a_package_that_replaces_another_takes_its_file(self) -> None:
        tree = merge(
            [make_part("a", files={"etc/x": b"1"}), make_part("b", files={"etc/x": b"2"}, replaces=("a",))]
        )
        assert content_of(tree, "etc/x") == "b"
        assert tree.lost == {0: {"etc/x": "etc/x"}}

    def test_it_takes_it_also_when_it_was_there_first(self) -> None:
        tree = merge(
            [make_part("b", files={"etc/x": b"2"}, replaces=("a",)), make_part("a", files={"etc/x": b"1"})]
        )
        assert content_of(tree, "etc/x") == "b"
        assert tree.lost == {1: {"etc/x": "etc/x"}}

    @pytest.mark.parametrize(("constraint", "taken"), [("a<2", True), ("a<1", False), ("a=1.0-r0", True)])
    def test_replaces_checks_the_version(self, constraint: str, taken: bool) -> None:
        parts = [make_part("a", files={"x": b"1"}), make_part("b", files={"x": b"2"}, replaces=(constraint,))]
        if taken:
            assert content_of(merge(parts), "x") == "b"
        else:
            assert conflicts_of(*parts) == ["`a-1.0-r0` and `b-1.0-r0` bring different files: `x`"]

    def test_what_cannot_be_read_in_replaces_replaces_nothing(self) -> None:
        """As apk, which skips a broken line."""
        odd = make_part("b", files={"x": b"2"}, replaces=("a=not_a.version", "!a"))
        assert len(conflicts_of(make_part("a", files={"x": b"1"}), odd)) == 1

    def test_of_two_that_replace_each_other_the_higher_priority_wins(self) -> None:
        def brought(first: int, second: int) -> str:
            return content_of(
                merge(
                    [
                        make_part("a", files={"x": b"1"}, replaces=("b",), replaces_priority=first),
                        make_part("b", files={"x": b"2"}, replaces=("a",), replaces_priority=second),
                    ]
                ),
                "x",
            )

        assert (brought(2, 1), brought(1, 2), brought(1, 1)) == ("a", "b", "b")

    def test_packages_of_one_origin_take_files_from_each_other(self) -> None:
        parts = [make_part("a", files={"x": b"1"}, origin="o"), make_part("b", files={"x": b"2"}, origin="o")]
        assert content_of(merge(parts), "x") == "b"

    def test_the_same_content_twice_is_no_conflict_and_is_noted(self) -> None:
        tree = merge([make_part("a", files={"x": b"1"}), make_part("b", files={"x": b"1"})])
        assert content_of(tree, "x") == "a"
        assert [(note.topic, note.package, note.path) for note in tree.notes] == [
            (Topic.SAME_FILE, "b-1.0-r0", "x")
        ]

    def test_the_same_content_with_another_mode_is_a_conflict(self) -> None:
        """A setuid twin must not slip in, or be lost, by chance."""
        twin = make_part("b", files={"x": b"1"}, modes={"x": 0o4755})
        assert len(conflicts_of(make_part("a", files={"x": b"1"}), twin)) == 1

    def test_all_conflicts_are_reported_at_once(self) -> None:
        found = conflicts_of(
            make_part("a", files={"etc/x": b"1", "etc/y": b"1"}, folders=["d"]),
            make_part("b", files={"etc/x": b"2", "etc/y": b"2", "d": b""}),
        )
        assert found == [
            "`a-1.0-r0` and `b-1.0-r0` need it as a folder and as something else: `d`",
            "`a-1.0-r0` and `b-1.0-r0` bring different files: `etc/x`",
            "`a-1.0-r0` and `b-1.0-r0` bring different files: `etc/y`",
        ]

    def test_a_long_list_of_conflicts_is_cut_in_the_message_but_not_in_the_data(self) -> None:
        names = [f"f{number}" for number in range(30)]
        with pytest.raises(ConflictError) as caught:
            merge([make_part(p, files=dict.fromkeys(names, p.encode())) for p in ("a", "b")])
        assert len(caught.value.conflicts) == 30
        assert caught.value.message.endswith("\nand 10 more")
        assert caught.value.exit_status == 3


class TestFolders:
    def mode(self, *parts: Part) -> int:
        node = merge(parts).find("d")
        assert node is not None
        return node.entry.mode

    def test_the_first_name_in_the_alphabet_sets_the_mode(self) -> None:
        parts = [
            make_part(name, folders=["d"], modes={"d": mode}) for name, mode in (("b", 0o700), ("a", 0o750))
        ]
        assert self.mode(*parts) == self.mode(*reversed(parts)) == 0o750

    def test_the_package_named_like_the_origin_comes_before_the_alphabet(self) -> None:
        one = make_part("a-doc", folders=["d"], modes={"d": 0o700}, origin="b")
        two = make_part("b", folders=["d"], modes={"d": 0o750}, origin="b")
        assert self.mode(one, two) == self.mode(two, one) == 0o750

    def test_a_higher_replaces_priority_comes_before_all(self) -> None:
        one = make_part("a", folders=["d"], modes={"d": 0o700})
        two = make_part("b", folders=["d"], modes={"d": 0o2750}, replaces_priority=1)
        assert self.mode(one, two) == self.mode(two, one) == 0o2750

    def test_a_package_that_only_has_something_in_a_folder_says_nothing_of_it(self) -> None:
        one = make_part("a", folders=["d/e"])
        one = replace(one, archive=replace(one.archive, implied=("d",)))
        two = make_part("b", folders=["d"], modes={"d": 0o700})
        assert self.mode(one, two) == self.mode(two, one) == 0o700

    def test_every_folder_that_several_list_is_known(self) -> None:
        tree = merge(
            [make_part("a", folders=["d/e"]), make_part("b", folders=["d"]), make_part("c", folders=["f"])]
        )
        assert tree.shared == {"d": (0, 1)}


class TestMergedUsr:
    def baselayout(self, targets: dict[str, str] = USR_MERGED, name: str = "baselayout") -> Part:
        return make_part(name, links=targets, folders=["usr/bin", "usr/lib", "usr/sbin"])

    @pytest.mark.parametrize("first", [True, False], ids=["links first", "links last"])
    @pytest.mark.parametrize("slash", ["", "/"], ids=["relative", "absolute"])
    def test_files_stand_where_the_links_lead_whatever_the_order(self, first: bool, slash: str) -> None:
        base = self.baselayout({name: slash + target for name, target in USR_MERGED.items()})
        other = make_part("tool", files={"bin/tool": b"t", "usr/bin/more": b"m"})
        parts = [base, other] if first else [other, base]
        tree = merge(parts)
        assert {"usr/bin/tool", "usr/bin/more"} <= set(tree.nodes)
        assert tree.nodes["bin"].entry.kind is Kind.SYMLINK
        assert not any(path.startswith("bin/") for path in tree.nodes)
        assert tree.moved == {parts.index(other): ("bin", "bin/tool")}

    def test_a_link_that_would_point_to_itself_is_left_out(self) -> None:
        """As the libraries of OpenSSL have one: on a merged root apk destroys the library."""
        library = make_part(
            "libssl",
            files={"lib/libssl.so.3": b"elf"},
            links={"usr/lib/libssl.so.3": "../../lib/libssl.so.3"},
        )
        tree = merge([self.baselayout(), library])
        assert tree.nodes["usr/lib/libssl.so.3"].entry.kind is Kind.FILE
        assert [note.topic for note in tree.notes] == [Topic.SELF_LINK]
        assert tree.lost == {1: {"usr/lib/libssl.so.3": "usr/lib/libssl.so.3"}}

    def test_files_that_meet_behind_a_link_are_in_conflict(self) -> None:
        found = conflicts_of(
            self.baselayout(),
            make_part("a", files={"bin/x": b"1"}),
            make_part("b", files={"usr/bin/x": b"2"}),
        )
        assert found == ["`a-1.0-r0` and `b-1.0-r0` bring different files: `usr/bin/x`"]

    def test_a_hard_link_follows_its_file(self) -> None:
        part = make_part("zone", files={"lib/a": b"1"}, hard_links={"usr/lib/b": "lib/a"})
        tree = merge([self.baselayout(), part])
        assert tree.nodes["usr/lib/b"].entry.target == "usr/lib/a"

    def test_links_behind_links_are_followed(self) -> None:
        """`lib` leads to `usr/lib`, and a package that knows only `lib` has a link in it."""
        deep = make_part("deep", links={"lib/deep": "../../srv"})
        user = make_part("user", files={"usr/lib/deep/file": b"1"}, folders=["srv"])
        tree = merge([user, deep, self.baselayout()])
        assert "srv/file" in tree.nodes

    def test_a_link_that_leads_to_a_file_is_no_folder(self) -> None:
        with pytest.raises(ConflictError, match="need it as a folder"):
            merge([make_part("a", files={"f": b""}, links={"d": "f"}), make_part("b", files={"d/x": b""})])

    @needs_shared
    def test_real_openssl_libraries_survive_a_merged_root(self, tmp_path: Path) -> None:
        parts = World("v3.19.1-boot-x86_64", "wget_ca-certificates-bundle").parts(tmp_path)
        tree = merge([*parts, self.baselayout()])
        for library in ("libssl.so.3", "libcrypto.so.3"):
            assert tree.nodes[f"usr/lib/{library}"].entry.kind is Kind.FILE
        assert [note.topic for note in tree.notes] == [Topic.SELF_LINK] * 2


class TestHostilePackages:
    def test_an_absolute_link_stays_in_the_image(self) -> None:
        """apk itself follows it out of the root."""
        tree = merge([make_part("a", links={"d": "/outside"}), make_part("b", files={"d/file": b""})])
        assert "outside/file" in tree.nodes

    def test_a_link_that_climbs_stops_at_the_root(self) -> None:
        tree = merge(
            [
                make_part("a", links={"d": "../../../../etc"}),
                make_part("b", files={"d/passwd": b""}, folders=["etc"]),
            ]
        )
        assert "etc/passwd" in tree.nodes

    def test_a_chain_of_links_stops_at_the_root(self) -> None:
        evil = make_part("a", links={"a/up": "..", "a/out": "up/up/../../tmp"}, folders=["tmp"])
        tree = merge([evil, make_part("b", files={"a/out/x": b""})])
        assert "tmp/x" in tree.nodes

    def test_a_circle_of_links_is_refused_by_name(self) -> None:
        with pytest.raises(Refused, match=r"circle: `[ab]`"):
            merge([make_part("x", links={"a": "b", "b": "a"}), make_part("y", files={"a/f": b""})])

    def test_a_link_to_itself_is_refused_where_it_is_needed(self) -> None:
        with pytest.raises(Refused, match="circle: `a`"):
            merge([make_part("x", links={"a": "a"}), make_part("y", files={"a/f": b""})])

    def test_a_link_to_itself_that_nobody_needs_is_left_alone(self) -> None:
        tree = merge([make_part("x", links={"a": "a", "b": "a/c"})])
        assert set(tree.nodes) == {"a", "b"}

    def test_links_that_lead_ever_deeper_are_refused(self) -> None:
        with pytest.raises(Refused):
            merge([make_part("x", links={"a": "a/a"}), make_part("y", files={"a/a": b""})])

    def test_a_whiteout_in_a_package_is_refused(self) -> None:
        """A runtime would take it for an order to delete."""
        with pytest.raises(Refused, match=r"cannot hold this name: `etc/\.wh\.passwd`"):
            merge([make_part("x", files={"etc/.wh.passwd": b""})])

    def test_a_name_with_wh_in_its_middle_is_harmless(self) -> None:
        assert "etc/a.wh.b" in merge([make_part("x", files={"etc/a.wh.b": b""})]).nodes

    def test_a_link_to_the_root_merges_a_folder_into_it(self) -> None:
        tree = merge([make_part("a", links={"d": "/"}), make_part("b", files={"d/x": b""})])
        assert set(tree.nodes) == {"d", "x"}


class TestHardLinks:
    def test_the_first_link_left_becomes_the_file_that_another_took(self) -> None:
        zones = make_part("zones", files={"z/a": b"1"}, hard_links={"z/b": "z/a", "z/c": "z/a"})
        tree = merge([zones, make_part("other", files={"z/a": b"2"}, replaces=("zones",))])
        heir, link = tree.nodes["z/b"], tree.nodes["z/c"]
        assert (heir.entry.kind, heir.entry.size, heir.source) == (Kind.FILE, 1, "z/a")
        assert (link.entry.kind, link.entry.target) == (Kind.HARDLINK, "z/b")
        assert tree.relinked == {0: ("z/b", "z/c")}

    def test_untouched_links_are_the_entries_of_the_package(self) -> None:
        zones = make_part("zones", files={"z/a": b"1"}, hard_links={"z/b": "z/a"})
        assert merge([zones]).relinked == {}

    def test_a_link_gets_the_mode_of_its_file(self) -> None:
        """An unpacker may set what the link says on the file that both are."""
        folder, file = directory("z"), Entry("z/a", Kind.FILE, 0o600)
        odd = raw_part(
            "odd", [(folder, b""), (file, b"1"), (Entry("z/b", Kind.HARDLINK, 0o666, target="z/a"), b"")]
        )
        tree = merge([odd])
        assert tree.nodes["z/b"].entry.mode == 0o600
        assert tree.relinked == {0: ("z/b",)}


def test_a_package_of_size_zero_has_no_files() -> None:
    part = make_part("meta", files={"x": b""})
    stated = part.package.stanza.replace("I:1\n", "I:0\n")
    assert stated != part.package.stanza
    empty = Part(type(part.package).parse(stated), part.archive, part.data)
    assert merge([empty]).nodes == {}


def test_fifty_thousand_entries_are_merged() -> None:
    small = make_part("p", files={"x": b""})
    parts = []
    for number in range(50):
        folders = [directory("usr"), directory("usr/share"), directory(f"usr/share/{number}")]
        files = [Entry(f"usr/share/{number}/{name}", Kind.FILE, checksum=bytes(20)) for name in range(1000)]
        parts.append(Part(small.package, replace(small.archive, entries=(*folders, *files)), small.data))
    assert len(merge(parts).nodes) == 50_052


def test_a_package_file_is_read_as_it_was_made() -> None:
    """The builder of these tests makes what `archive.read` accepts."""
    with pytest.raises(Refused):
        part_of(b"")
