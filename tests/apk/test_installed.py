"""The installed database: written as apk writes it, read whoever wrote it."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.shared import SHARED, needs_shared
from support.worlds import World, worlds
from witchery.apk import installed
from witchery.apk.installed import Acl, InstalledDirectory, InstalledFile, InstalledPackage
from witchery.apk.package import Package
from witchery.apk.pkginfo import PackageInfo
from witchery.errors import FormatError
from witchery.rootfs.entry import Entry, Kind, directory, file, symlink
from witchery.value import replace

STANZA = "C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:{name}\nV:1.0-r0\nA:x86_64\nS:1\nI:2\nT:t\nU:\nL:MIT"
ANSWERS = sorted(SHARED.glob("alpine/*/expected/*.installed"))
SHA1 = bytes(range(20))


def package(name: str = "a", more: str = "") -> Package:
    return Package.parse(STANZA.format(name=name) + more)


def record(
    *entries: Entry, name: str = "a", info: PackageInfo | None = None, **more: object
) -> InstalledPackage:
    return InstalledPackage.of(
        package(name),
        info or PackageInfo(name=name, version="1.0-r0"),
        entries,
        owner=lambda entry: (entry.uid, entry.gid),
        **more,  # type: ignore[arg-type]  # lost, repository_tag
    )


def lines(*packages: InstalledPackage) -> list[str]:
    return installed.encode(packages).decode().split("\n")


@needs_shared
class TestAgainstApk:
    @pytest.mark.parametrize("answer", ANSWERS, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
    def test_what_apk_wrote_is_written_again_byte_for_byte(self, answer: Path) -> None:
        data = answer.read_bytes()
        assert installed.encode(installed.parse(data)) == data

    @pytest.mark.parametrize("world", [each for each in worlds() if each.database.exists()], ids=str)
    def test_a_database_made_from_packages_is_the_one_that_apk_wrote(
        self, world: World, tmp_path: Path
    ) -> None:
        """But for the `r:` of packages without folders, which apk forgets to write."""
        records = [
            InstalledPackage.of(
                part.package,
                part.archive.info,
                part.entries,
                owner=lambda entry: (0, 0) if entry.gid == 0 else (0, 42),
            )
            for part in world.parts(tmp_path)
        ]
        as_apk_forgets = [each if each.directories else replace(each, replaces=()) for each in records]
        assert installed.encode(as_apk_forgets) == world.database.read_bytes()


class TestWriting:
    def test_packages_are_in_order_of_their_names_without_case(self) -> None:
        found = [line for line in lines(*map(record_named, ["b", "C", "a", "A"])) if line.startswith("P:")]
        assert found == ["P:A", "P:a", "P:b", "P:C"]

    def test_usual_modes_are_not_written(self) -> None:
        assert lines(record(directory("d"), file("d/f", 0)))[9:] == ["F:d", "R:f", "", ""]

    def test_unusual_modes_and_owners_are(self) -> None:
        made = record(
            directory("d", 0o2750, gid=7),
            file("d/f", 0, 0o4755, uid=3)._replace(checksum=SHA1),
            symlink("d/l", "f")._replace(checksum=SHA1),
        )
        assert lines(made)[9:-2] == [
            "F:d",
            "M:0:7:2750",
            "R:f",
            "a:3:0:4755",
            "Z:Q1AAECAwQFBgcICQoLDA0ODxAREhM=",
            "R:l",
            "a:0:0:777",
            "Z:Q1AAECAwQFBgcICQoLDA0ODxAREhM=",
        ]

    def test_a_file_at_the_top_is_in_a_folder_without_a_name(self) -> None:
        assert lines(record(file("f", 0)))[9:-2] == ["F:", "R:f"]

    def test_files_are_in_byte_order_and_folders_as_the_package_has_them(self) -> None:
        made = record(
            directory("z"), file("z/b", 0), file("z/B", 0), file("z/é", 0), directory("a"), file("z/a-b", 0)
        )
        assert lines(made)[9:-2] == ["F:z", "R:B", "R:a-b", "R:b", "R:é", "F:a"]

    def test_a_hard_link_has_the_checksum_of_its_file(self) -> None:
        made = record(file("a", 1)._replace(checksum=SHA1), Entry("b", Kind.HARDLINK, target="a"))
        assert lines(made)[-4:-2] == ["R:b", "Z:Q1AAECAwQFBgcICQoLDA0ODxAREhM="]

    def test_what_another_package_took_is_not_listed_but_its_folder_is(self) -> None:
        assert lines(record(directory("d"), file("d/f", 0), lost={"d/f"}))[9:-2] == ["F:d"]

    def test_what_is_known_besides_the_index_stands_after_it(self) -> None:
        info = PackageInfo(name="a", version="1.0-r0", replaces=("x<2", "y"), replaces_priority=5)
        assert lines(record(info=info, repository_tag="edge"))[9:-2] == ["r:x<2 y", "q:5", "s:edge"]

    def test_extended_attributes_are_hashed_in_order_of_their_names(self) -> None:
        named = (("user.b", b"2"), ("user.a", b""))
        plain = b"\0\0\0\6user.a\0\0\0\0" + b"\0\0\0\6user.b\0\0\0\x012"
        assert installed.xattr_hash(named) == hashlib.sha1(plain).digest()
        (line,) = [
            each for each in lines(record(file("f", 0)._replace(xattrs=named))) if each.startswith("a:")
        ]
        assert line.startswith("a:0:0:644:Q1")

    def test_names_that_are_not_utf8_are_kept(self) -> None:
        assert b"R:\xff\n" in installed.encode([record(file("\udcff", 0))])


def record_named(name: str) -> InstalledPackage:
    return record(name=name)


class TestReading:
    def test_the_last_stanza_needs_no_blank_line(self) -> None:
        whole = installed.encode([record(file("f", 0))])
        assert installed.parse(whole.rstrip(b"\n")) == installed.parse(whole)

    def test_nothing_is_no_package(self) -> None:
        assert installed.parse(b"") == installed.parse(b"\n\n") == ()

    def test_flags_and_tags_are_kept(self) -> None:
        (read,) = installed.parse((STANZA.format(name="a") + "\ng:x y\nf:fs\n\n").encode())
        assert (read.tags, read.flags) == ("x y", "fs")

    def test_the_paths_of_a_package_are_whole(self) -> None:
        (read,) = installed.parse(installed.encode([record(file("top", 0), directory("d"), file("d/f", 0))]))
        assert list(read.paths) == ["top", "d/f"]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("R:x", "line 10: `R:` before the first `F:`"),
            ("F:d\nZ:Q1", "line 11: `Z:` before the first `R:`"),
            ("F:d\nM:0:0", "line 11: expected `uid:gid:mode`: `0:0`"),
            ("F:d\nM:0:0:888", "line 11: expected `uid:gid:mode`"),
            ("F:d\nM:0:0:755:Q1!", "line 11: malformed hash"),
            ("F:d\nR:x\nZ:Q1short", "line 12: malformed package identity"),
            ("nonsense", "line 10: not a line of a package database"),
        ],
    )
    def test_what_is_malformed_is_refused_by_its_line(self, text: str, problem: str) -> None:
        with pytest.raises(FormatError) as caught:
            installed.parse((STANZA.format(name="a") + f"\n{text}\n").encode())
        assert str(caught.value).startswith(problem)

    def test_a_stanza_without_a_name_is_refused(self) -> None:
        with pytest.raises(FormatError, match="without name"):
            installed.parse(b"C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nV:1\n\n")


names = st.text(
    st.characters(blacklist_characters="/\n", blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=5
)
acls = st.builds(
    Acl,
    st.integers(0, 2**31),
    st.integers(0, 2**31),
    st.integers(0, 0o7777),
    st.one_of(st.just(b""), st.binary(min_size=20, max_size=20)),
)
files = st.builds(InstalledFile, names, acls, st.one_of(st.just(b""), st.binary(min_size=20, max_size=20)))
folders = st.builds(InstalledDirectory, names, acls, st.lists(files, max_size=3).map(tuple))


@pytest.mark.property
@given(st.lists(folders, max_size=3).map(tuple))
def test_what_is_written_is_read_again(directories: tuple[InstalledDirectory, ...]) -> None:
    written = InstalledPackage(
        package=package(), directories=directories, replaces=("b",), repository_tag="t"
    )
    assert installed.parse(installed.encode([written])) == (written,)
