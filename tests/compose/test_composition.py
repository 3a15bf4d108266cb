"""Images as layers: which are signed, which derived and why, and that together they show the right tree."""

import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from support.packages import TIME, make_part, raw_part
from support.shared import needs_shared
from support.unpacked import blobs, tree_of
from support.worlds import World
from witchery.apk import installed
from witchery.apk.dependency import Dependency
from witchery.codec import gunzip
from witchery.compose.composition import (
    Composition,
    Derived,
    LayerKind,
    Signed,
    annotations,
    compose,
    created_by,
)
from witchery.compose.part import Generated, Part
from witchery.compose.reasons import Reason
from witchery.compose.tree import merge
from witchery.config.model import Layering, PathRule
from witchery.errors import IntegrityError, Refused
from witchery.rootfs.accounts import Accounts
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import Entry, directory, file, symlink
from witchery.value import replace

ACCOUNTS = Accounts(
    passwd="root:x:0:0::/:/bin/sh\nweb:x:100:101::/:/bin/sh\n", group="root:x:0:\nweb:x:101:\n"
)
WEB = ("web", 70, "web", 71)


def composed(
    *parts: Part,
    generated: Sequence[Generated] = (),
    paths: Sequence[PathRule] = (),
    layering: Layering | None = None,
    accounts: Accounts = ACCOUNTS,
) -> Composition:
    return compose(
        merge(parts),
        world=[Dependency.parse("b>1"), Dependency.parse("a"), Dependency.parse("!c")],
        arch="x86_64",
        accounts=accounts,
        generated=generated,
        paths=paths,
        layering=layering,
    )


def kinds(composition: Composition) -> list[str]:
    """The layers in short: `a b=owner top`."""
    return [
        "+".join(part.name for part in layer.parts or ())
        + "".join(f"={why.reason.value}" for why in layer.reasons)
        or layer.kind.value
        for layer in composition.layers
    ]


def made(entry: Entry, data: bytes = b"") -> Generated:
    return Generated(entry, BytesContent(data), "test")


def members(layer: bytes) -> list[tarfile.TarInfo]:
    return tarfile.open(fileobj=io.BytesIO(gunzip(layer, 1 << 24))).getmembers()


class TestSignedLayers:
    def test_a_plain_package_is_a_layer_as_it_is(self) -> None:
        part = make_part("a", files={"etc/a": b"1"})
        composition = composed(part)
        layer = composition.layers[0]
        assert isinstance(layer, Signed)
        assert (layer.digest, layer.size, layer.diff_id) == (
            part.archive.data,
            part.archive.data_size,
            part.archive.diff_id,
        )
        assert kinds(composition) == ["a", "top"]

    def test_packages_lie_in_the_order_of_installation(self) -> None:
        parts = [make_part(name, files={name: b""}) for name in "cab"]
        assert kinds(composed(*parts)) == ["c", "a", "b", "top"]

    def test_a_package_without_files_has_no_layer(self) -> None:
        assert kinds(composed(raw_part("meta", [(file(".dummy", 0), b"")]))) == ["top"]

    def test_a_layer_says_what_it_is(self) -> None:
        signed, derived, top = composed(
            make_part("a", files={"a": b""}), make_part("b", files={"b": b""}, owners={"b": WEB})
        ).layers
        assert annotations(signed) == {
            "dev.witchery.layer.kind": "signed",
            "dev.witchery.layer.package": "a",
            "dev.witchery.layer.version": "1.0-r0",
        }
        assert annotations(derived)["dev.witchery.layer.reason"] == (
            "files have owners that go by another number here: `b`"
        )
        assert [created_by(layer) for layer in (signed, derived, top)] == [
            "witchery: a-1.0-r0 (signed)",
            "witchery: b-1.0-r0 (derived)",
            "witchery: generated files (top)",
        ]

    def test_a_layer_of_several_packages_names_them_and_a_few_of_the_reasons(self) -> None:
        many = {f"f{number}": b"" for number in range(5)}
        parts = [
            make_part("a", files=many, owners=dict.fromkeys(many, WEB)),
            make_part("b", files={"b": b""}),
        ]
        (flat,) = composed(*parts, layering=Layering(strategy="single")).layers
        assert annotations(flat)["dev.witchery.layer.packages"] == "a-1.0-r0 b-1.0-r0"
        assert created_by(flat) == "witchery: 2 packages (derived)"
        assert str(composed(parts[0]).layers[0].reasons[0]).endswith(": `f0`, `f1`, `f2` and 2 more")

    def test_explaining_gives_a_row_for_each_layer(self) -> None:
        rows = composed(make_part("a", files={"a": b""})).explain()
        assert [(row.kind, row.packages, bool(row.digest), row.size > 0) for row in rows] == [
            ("signed", ("a-1.0-r0",), True, True),
            ("top", (), False, False),
        ]


class TestOwners:
    def test_a_file_whose_owner_has_another_number_here_is_rewritten(self) -> None:
        composition = composed(make_part("a", files={"x": b"1"}, owners={"x": WEB}))
        assert kinds(composition) == ["a=owner", "top"]
        assert tree_of(composition)["x"].owner == "100:101"

    def test_a_file_whose_number_is_right_stays_as_it_is(self) -> None:
        """Runtimes read the number, and it is the one that the name has."""
        composition = composed(make_part("a", files={"x": b"1"}, owners={"x": ("web", 100, "root", 0)}))
        assert kinds(composition) == ["a", "top"]

    def test_a_build_machines_number_for_root_is_not_taken(self) -> None:
        composition = composed(make_part("a", files={"x": b"1"}, owners={"x": ("root", 1000, "root", 0)}))
        assert tree_of(composition)["x"].owner == "0:0"

    def test_a_folder_of_another_owner_is_said_again_in_the_top_layer(self) -> None:
        part = make_part("a", folders=["var/web"], owners={"var/web": WEB}, modes={"var/web": 0o2750})
        composition = composed(part)
        assert kinds(composition) == ["a", "top"]
        assert (tree_of(composition)["var/web"].owner, tree_of(composition)["var/web"].mode) == (
            "100:101",
            0o2750,
        )

    def test_an_unknown_owner_keeps_the_packages_number_with_a_warning(self) -> None:
        part = make_part("a", files={"x": b"", "y": b""}, owners=dict.fromkeys("xy", ("ntp", 7, "root", 0)))
        composition = composed(part)
        assert tree_of(composition)["x"].owner == "7:0"
        assert [(str(note), note.is_warning) for note in composition.notes] == [
            (
                "a-1.0-r0: no user `ntp` in the image, the package's number 7 is used and 1 more: `x`",
                True,
            )
        ]

    def test_the_database_has_the_numbers_of_the_image(self) -> None:
        root = tree_of(composed(make_part("a", files={"x": b""}, owners={"x": WEB})))
        (package,) = installed.parse(root["lib/apk/db/installed"].data)
        assert package.directories[0].files[0].acl[:2] == (100, 101)


class TestConflicts:
    def test_the_winner_lies_above_the_loser(self) -> None:
        winner = make_part("b", files={"x": b"2"}, replaces=("a",))
        loser = make_part("a", files={"x": b"1"})
        for parts in ([winner, loser], [loser, winner]):
            composition = composed(*parts)
            assert kinds(composition) == ["a", "b", "top"]
            assert tree_of(composition)["x"].data == b"2"

    def test_where_each_wins_a_path_one_is_rewritten_without_what_it_lost(self) -> None:
        one = make_part("a", files={"x": b"a", "y": b"a"}, replaces=("b",), replaces_priority=1)
        two = make_part("b", files={"x": b"b", "y": b"b", "z": b"b"}, replaces=("c",))
        three = make_part("c", files={"z": b"c", "w": b"c"}, replaces=("a",), replaces_priority=2)
        four = make_part("d", files={"w": b"d"}, replaces=("c",), replaces_priority=1)
        ring = [one, two, three, four, make_part("e", files={"v": b"e"})]
        root = tree_of(composed(*ring))
        assert {path: root[path].data for path in "xyzw"} == {"x": b"a", "y": b"a", "z": b"b", "w": b"d"}

    def test_a_circle_is_opened_by_rewriting_one_package(self) -> None:
        one = make_part("a", files={"x": b"a", "y": b"a"}, replaces=("c",))
        two = make_part("b", files={"x": b"b", "z": b"b"}, replaces=("a",))
        three = make_part("c", files={"y": b"c", "z": b"c"}, replaces=("b",))
        composition = composed(one, two, three)
        assert kinds(composition) == ["a", "c", "b=conflict", "top"] or "=conflict" in " ".join(
            kinds(composition)
        )
        assert sum(isinstance(layer, Derived) for layer in composition.layers) == 2
        root = tree_of(composition)
        assert {path: root[path].data for path in "xyz"} == {"x": b"b", "y": b"a", "z": b"c"}

    def test_a_lost_file_is_not_in_the_losers_list(self) -> None:
        winner = make_part("b", files={"d/x": b"2"}, replaces=("a",))
        root = tree_of(composed(make_part("a", files={"d/x": b"1", "d/y": b""}), winner))
        one, two = installed.parse(root["lib/apk/db/installed"].data)
        assert (list(one.paths), list(two.paths)) == (["d/y"], ["d/x"])


class TestOddPackages:
    def test_a_hidden_name_at_the_top_is_not_shown(self) -> None:
        part = raw_part("a", [(file(".secret", 0), b"x"), (file("shown", 0), b"y")])
        composition = composed(part)
        assert kinds(composition) == ["a=hidden", "top"]
        assert ".secret" not in tree_of(composition)

    def test_a_global_header_is_not_passed_on(self) -> None:
        """umoci refuses a layer with one."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x"}):
            pass
        part = raw_part("a", [(file("x", 0), b"1")], before=stream.getvalue()[:1024])
        composition = composed(part)
        assert kinds(composition) == ["a=header", "top"]
        assert tree_of(composition)["x"].data == b"1"

    def test_below_a_link_files_move_and_parents_are_added(self) -> None:
        base = make_part("base", links={"lib": "opt/usr/lib"})
        composition = composed(make_part("a", files={"lib/x": b"1"}), base)
        assert kinds(composition) == ["a=linked-folder", "base", "top"]
        names = [member.name for member in members(blobs(composition)[0])]
        assert names == ["opt", "opt/usr", "opt/usr/lib", "opt/usr/lib/x"]
        assert "opt/usr/lib/apk/db/installed" in tree_of(composition)

    def test_hard_links_stand_after_their_files_in_a_rewritten_layer(self) -> None:
        part = make_part("z", files={"b": b"1"}, hard_links={"a": "b", "c": "b"}, owners={"b": WEB})
        layer = blobs(composed(part))[0]
        assert [(member.name, member.linkname) for member in members(layer)] == [
            ("b", ""),
            ("a", "b"),
            ("c", "b"),
        ]

    def test_owners_are_numbers_in_a_rewritten_layer(self) -> None:
        layer = blobs(composed(make_part("z", files={"b": b"1"}, owners={"b": WEB})))[0]
        (member,) = members(layer)
        assert (member.uid, member.uname, member.gid, member.gname) == (100, "", 101, "")


class TestGenerated:
    def test_it_stands_in_the_top_layer_over_what_packages_brought(self) -> None:
        composition = composed(
            make_part("a", files={"etc/x": b"1"}), generated=[made(file("etc/x", 1), b"2")]
        )
        assert kinds(composition) == ["a", "top"]
        assert tree_of(composition)["etc/x"].data == b"2"

    def test_parents_are_made(self) -> None:
        root = tree_of(composed(generated=[made(file("srv/www/x", 0))]))
        assert (root["srv"].kind, root["srv/www"].mode, root["srv"].owner) == ("d", 0o755, "0:0")

    def test_it_follows_links_of_packages(self) -> None:
        base = make_part("base", links={"bin": "usr/bin"}, folders=["usr/bin"])
        root = tree_of(composed(base, generated=[made(symlink("bin/sh", "/bin/busybox"))]))
        assert root["usr/bin/sh"].data == b"/bin/busybox"

    def test_a_folder_gets_the_mode_that_was_generated(self) -> None:
        root = tree_of(composed(make_part("a", folders=["tmp"]), generated=[made(directory("tmp", 0o1777))]))
        assert root["tmp"].mode == 0o1777

    def test_what_has_no_time_gets_that_of_the_newest_package(self) -> None:
        root = tree_of(composed(make_part("a", files={"a": b""}), generated=[made(file("etc/x", 0))]))
        assert root["etc/x"].mtime == root["etc"].mtime == root["etc/apk/world"].mtime == TIME

    @pytest.mark.parametrize(
        ("entry", "problem"),
        [
            (file("d", 0), "test: a folder is there already: `d`"),
            (directory("f"), "test: something other than a folder is there already: `f`"),
            (file("f/x", 0), "test: not a folder: `f`"),
            (file("etc/.wh.x", 0), "a layer cannot hold this name"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, entry: Entry, problem: str) -> None:
        with pytest.raises(Refused, match=problem):
            composed(make_part("a", files={"f": b""}, folders=["d"]), generated=[made(entry)])

    def test_a_file_with_links_that_is_generated_leaves_the_links_their_content(self) -> None:
        part = make_part("a", files={"x": b"old"}, hard_links={"y": "x"})
        composition = composed(part, generated=[made(file("x", 3), b"new")])
        assert kinds(composition) == ["a=hard-link", "top"]
        root = tree_of(composition)
        assert (root["x"].data, root["y"].data) == (b"new", b"old")


class TestTop:
    def test_folders_that_several_packages_set_are_said_again(self) -> None:
        """A later layer's 0755 would hide the 1777 that apk chooses."""
        parts = [make_part("a", folders=["tmp"], modes={"tmp": 0o1777}), make_part("b", folders=["tmp"])]
        composition = composed(*parts)
        assert kinds(composition) == ["a", "b", "top"]
        assert tree_of(composition)["tmp"].mode == 0o1777

    def test_the_world_is_what_was_asked_for_in_order_of_names(self) -> None:
        root = tree_of(composed())
        assert (root["etc/apk/world"].data, root["etc/apk/arch"].data) == (b"a\nb>1\n!c\n", b"x86_64\n")

    def test_a_time_that_is_given_is_taken(self) -> None:
        composition = compose(merge([]), world=[], arch="x86_64", accounts=ACCOUNTS, created=7)
        assert composition.created == tree_of(composition)["etc/apk/world"].mtime == 7

    def test_it_is_all_there_is_without_packages(self) -> None:
        assert kinds(composed()) == ["top"]


class TestLayering:
    def parts(self, count: int) -> list[Part]:
        """Packages that are larger the higher their number is."""
        return [
            make_part(f"p{number:03}", files={f"d/{number}": Random(number).randbytes(100 * number)})
            for number in range(count)
        ]

    def test_beyond_the_budget_the_smallest_share_a_layer(self) -> None:
        parts = self.parts(6)
        composition = composed(*parts, layering=Layering(budget=4))
        sizes = {part.name: part.archive.data_size for part in parts}
        (shared,) = [layer for layer in composition.layers if len(layer.parts) > 1]
        assert {part.name for part in shared.parts} == set(
            sorted(sizes, key=lambda name: (sizes[name], name))[:3]
        )
        assert [why.reason for why in shared.reasons] == [Reason.BUDGET]
        assert len(composition.layers) == 5
        assert composition.layers[-2] is shared

    def test_the_shared_layer_does_not_depend_on_the_order_of_packages(self) -> None:
        parts = self.parts(6)
        for order in (parts, parts[::-1]):
            shared = composed(*order, layering=Layering(budget=2)).layers[-2]
            assert {part.name for part in shared.parts} == {f"p{number:03}" for number in range(5)}

    def test_a_hundred_and_thirty_packages_fit_the_largest_budget(self) -> None:
        composition = composed(*self.parts(130), layering=Layering(budget=120))
        assert len(composition.layers) == 121
        assert len([path for path in tree_of(composition) if path.startswith("d/")]) == 130

    def test_a_single_layer_holds_everything(self) -> None:
        composition = composed(*self.parts(5), layering=Layering(strategy="single"))
        assert [layer.kind for layer in composition.layers] == [LayerKind.DERIVED]
        assert {"d/4", "etc/apk/world"} <= set(tree_of(composition))

    def test_packages_of_one_origin_share_a_layer(self) -> None:
        """As apko does: groups by size, the largest first, what replaces each other together."""
        parts = [
            make_part("a", files={"a": b"1"}, origin="one"),
            make_part("b", files={"b": b"1" * 500}, origin="two"),
            make_part("c", files={"c": b"1" * 10}, origin="one"),
            make_part("d", files={"d": b"1"}, origin="three", replaces=("b",)),
        ]
        composition = composed(*parts, layering=Layering(strategy="origin"))
        assert kinds(composition) == ["b+d=origin", "a+c=origin", "top"]

    def test_an_origin_with_one_package_is_a_signed_layer(self) -> None:
        composition = composed(
            *self.parts(0), make_part("a", files={"a": b""}), layering=Layering(strategy="origin")
        )
        assert isinstance(composition.layers[0], Signed)

    def test_origins_beyond_the_budget_share_a_layer(self) -> None:
        parts = [make_part(f"p{n}", files={f"f{n}": b"x" * 10 * n}, origin=f"o{n}") for n in range(1, 6)]
        composition = composed(*parts, layering=Layering(strategy="origin", budget=3))
        assert kinds(composition) == ["p5", "p4", "p1+p2+p3=budget", "top"]

    @pytest.mark.parametrize("strategy", ["packages", "origin", "single"])
    @pytest.mark.parametrize("budget", [1, 2, 60])
    def test_no_packages_are_no_problem(self, strategy: str, budget: int) -> None:
        layering = replace(Layering(budget=budget), strategy=strategy)
        assert len(composed(layering=layering).layers) == 1


class TestRecipes:
    def derived(self, part: Part, **more: Sequence[PathRule]) -> Derived:
        layer = composed(part, **more).layers[0]  # type: ignore[arg-type]
        assert isinstance(layer, Derived)
        return layer

    def test_equal_recipes_have_equal_keys_and_bytes(self) -> None:
        keys, digests = set(), set()
        for _ in range(2):
            layer = self.derived(make_part("a", files={"x": b"1", "y": b"2"}, owners={"x": WEB}))
            keys.add(layer.recipe.key())
            digests.add(layer.recipe.write(lambda _: None))
        assert len(keys) == len(digests) == 1

    def test_a_key_changes_with_the_package_and_with_every_decision(self) -> None:
        part = make_part("a", files={"x": b"1", "y": b"2"}, owners={"x": WEB})
        other = make_part("a", files={"x": b"1", "y": b"3"}, owners={"x": WEB})
        rule = PathRule(path="/y", type="permissions", permissions=0o600)
        keys = {
            self.derived(part).recipe.key(),
            self.derived(other).recipe.key(),
            self.derived(part, paths=[rule]).recipe.key(),
        }
        assert len(keys) == 3

    def test_a_key_of_the_top_layer_changes_with_contents(self) -> None:
        def key(data: bytes) -> object:
            top = composed(generated=[made(file("x", 1), data)]).layers[-1]
            assert isinstance(top, Derived)
            return top.recipe.key()

        assert key(b"1") != key(b"2")

    def test_a_package_that_changed_since_it_was_checked_is_never_copied(self) -> None:
        part = make_part("a", files={"x": b"1" * 9}, owners={"x": WEB})
        changed = make_part("a", files={"x": b"2" * 9}, owners={"x": WEB})
        other = make_part("a", files={"y": b"2" * 9})
        for data in (changed.data, other.data):
            layer = composed(Part(part.package, part.archive, data)).layers[0]
            assert isinstance(layer, Derived)
            with pytest.raises(IntegrityError, match=r"a-1\.0-r0: expected a data segment of sha256:"):
                layer.recipe.write(lambda _: None)

    def test_a_record_that_lists_files_which_the_package_lacks_gives_no_layer(self) -> None:
        part = make_part("a", files={"x": b"1"}, owners={"x": WEB})
        more = replace(part.archive, entries=(*part.archive.entries, file("y", 0)))
        layer = composed(Part(part.package, more, part.data)).layers[0]
        assert isinstance(layer, Derived)
        with pytest.raises(IntegrityError, match="holds other files than when it was checked"):
            layer.recipe.write(lambda _: None)


@needs_shared
class TestTheExampleOf2021:
    def composition(self, folder: Path) -> Composition:
        world = World("v3.19.1-boot-x86_64", "wget_ca-certificates-bundle")
        return compose(merge(world.parts(folder)), world=world.request, arch=world.arch, accounts=Accounts())

    def test_every_package_is_a_signed_layer(self, tmp_path: Path) -> None:
        composition = self.composition(tmp_path)
        assert [layer.kind.value for layer in composition.layers] == ["signed"] * 9 + ["top"]
        for layer, blob in zip(composition.layers[:-1], blobs(composition), strict=False):
            assert hashlib.sha256(blob).hexdigest() == layer.parts[0].archive.info.datahash

    def test_composing_it_twice_gives_the_same_bytes(self, tmp_path: Path) -> None:
        assert blobs(self.composition(tmp_path)) == blobs(self.composition(tmp_path))
