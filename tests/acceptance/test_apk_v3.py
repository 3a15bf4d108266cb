"""apk version 3: read as real apk reads it, solved as it solves, installed as it installs."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.adb_files import packed, unpacked
from support.built import Builder
from support.command import process
from support.indexes import real
from support.real_apk import RealApk, unpack
from support.shared import SHARED, needs_shared
from support.v3_repository import Workbench, rich_tree
from witchery.apk import archive
from witchery.apk.adb import index as adb_index
from witchery.apk.archive import Archive
from witchery.apk.dependency import Dependency
from witchery.keys import Keyring, PublicKey
from witchery.rootfs.entry import Entry, Kind
from witchery.solver.attempt import attempt
from witchery.solver.catalogue import Catalogue
from witchery.solver.source import Source

pytestmark = [needs_shared, pytest.mark.peer]

OPENWRT = SHARED / "openwrt-v3"
INFO = ("name", "version", "description", "arch", "license", "origin", "maintainer", "url")
LISTS = ("depends", "provides", "replaces", "install-if", "tags")


@pytest.fixture(scope="module")
def apk(tmp_path_factory: pytest.TempPathFactory) -> RealApk:
    return unpack("3.0.8", tmp_path_factory.mktemp("apk"))


@pytest.fixture(scope="module")
def bench(apk: RealApk, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A repository of a few packages in folder `r`; `rich` has a bit of everything."""
    made = Workbench(apk, tmp_path_factory.mktemp("v3") / "bench")
    tree = rich_tree(made.folder / "tree")
    script = made.folder / "script"
    script.write_text("#!/bin/sh\nexit 0\n")
    usr = made.folder / "usr"
    (usr / "usr/lib").mkdir(parents=True)
    (usr / "usr/lib/needed").write_text("needed\n")
    packages = [
        made.package(
            "rich",
            tree,
            version="1.2.3_p1-r4",
            description="two\nlines",
            license="MIT OR Apache-2.0",
            origin="source",
            maintainer="Me <me@example.org>",
            url="https://example.org/?a=b",
            repo_commit="0123456789abcdef0123456789abcdef01234567",
            build_time="1700000000",
            provider_priority="7",
            replaces_priority="5",
            depends="needed>=1 !unwanted so:x~2",
            provides="cmd:rich=1.2.3_p1-r4 virtual",
            replaces="old older<3",
            install_if="a=1 docs",
            tags="key:a=1 word",
            options=[
                "-s",
                f"post-install:{script}",
                "-s",
                f"trigger:{script}",
                "-t",
                "/usr/*",
                "-t",
                "+/etc",
            ],
        ),
        made.package("needed", usr, provides="so:x=2.5", compression="none"),
        made.package("pruned", usr / "usr", compression="deflate:9", options=["--compat", "3.0.0_rc9"]),
        made.package("meta", None, depends="rich needed"),
    ]
    made.index(packages, "--description", "made for a test")
    return made


def read(file: Path) -> Archive:
    return archive.read([file.read_bytes()], lambda _: None)


def joined(text: str) -> str:
    return " ".join(line.strip() for line in text.split("\n")).strip() if "\n" in text else text


def assert_described(said: Mapping[str, Any], found: Archive | None, stanza: Mapping[str, str]) -> None:
    """Holds what apk says of a package against ours, in a package and as a stanza of an index."""
    fields = dict(zip(INFO, "PVTALomU", strict=True))
    for key, letter in fields.items():
        assert stanza.get(letter, "") == joined(said.get(key, "")), key
    for key, letter in {"depends": "D", "provides": "p", "install-if": "i"}.items():
        assert stanza.get(letter, "").split() == said.get(key, []), key
    numbers = {"build-time": "t", "installed-size": "I", "provider-priority": "k"}
    for key, letter in numbers.items():
        assert int(stanza.get(letter) or 0) == said.get(key, 0), key
    assert stanza.get("c", "") == said.get("repo-commit", "")
    if found is not None:
        assert list(found.info.replaces) == said.get("replaces", [])
        assert list(found.info.tags) == said.get("tags", [])
    known = {*INFO, *LISTS, *numbers, "repo-commit", "hashes", "file-size", "recommends"}
    assert not said.keys() - known


def fields(stanza: str) -> dict[str, str]:
    return {line[:1]: line[2:] for line in stanza.splitlines()}


def owned(entry: Entry) -> dict[str, Any]:
    """Owner, mode and attributes as apk shows them."""
    shown: dict[str, Any] = {"mode": entry.mode, "user": entry.uname, "group": entry.gname}
    if entry.xattrs:
        shown["xattrs"] = [f"{name}={value.hex()}" for name, value in entry.xattrs]
    return shown


def shown_file(entry: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": entry.name, "acl": owned(entry), "mtime": entry.mtime}
    if entry.kind is Kind.FILE:
        return shown | {"size": entry.size, "hash": entry.checksum.hex()}
    start = b"\x00\xa0" if entry.kind is Kind.SYMLINK else b"\x00\x80"
    return shown | {"target": (start + entry.target.encode()).hex()}


def assert_agrees(bench: Workbench, file: Path) -> None:
    """Holds a whole package against what apk reads in it."""
    said, found = bench.dumped(file), read(file)
    stanza = fields(found.stanza())
    assert_described(said["info"], found, stanza)
    assert int(stanza["S"]) == file.stat().st_size
    assert found.stanza().startswith("C:Q1")
    listed = {each.get("name", ""): each for each in said.get("paths", [])}
    entries = [entry for entry in found.entries if entry.path not in found.implied]
    folders = {entry.path: entry for entry in entries if entry.kind is Kind.DIRECTORY}
    assert listed.keys() - {""} == folders.keys()
    for path, folder in listed.items():
        if path:
            assert owned(folders[path]) == folder["acl"]
        ours = {entry.name: shown_file(entry) for entry in entries if entry.parent == path}
        ours = {name: each for name, each in ours.items() if f"{path}/{name}".lstrip("/") not in folders}
        for each in folder.get("files", []):
            mine = ours.pop(each["name"])
            assert {key: value for key, value in each.items() if key in mine} == mine
        assert not ours
    scripts = {script.name[1:]: script.text.decode() for script in found.scripts}
    assert scripts == said.get("scripts", {})
    assert list(found.info.triggers) == said.get("triggers", [])
    assert (found.info.replaces_priority or 0) == said.get("replaces-priority", 0)
    assert not said.keys() - {"info", "paths", "scripts", "triggers", "replaces-priority"}


@pytest.mark.parametrize("name", ["rich-1.2.3_p1-r4", "needed-1.0-r0", "pruned-1.0-r0", "meta-1.0-r0"])
def test_a_package_made_by_apk_is_read_as_apk_reads_it(name: str, bench: Workbench) -> None:
    file = bench.folder / "r/x86_64" / f"{name}.apk"
    assert_agrees(bench, file)
    public = bench.keys / "made.pem"
    keys = Keyring([PublicKey.parse(public.name, public.read_bytes())])
    assert read(file).trust(keys, allow_untrusted=False)


@pytest.mark.parametrize("path", sorted((OPENWRT / "noarch").glob("*.apk")), ids=lambda path: path.stem)
def test_a_package_of_openwrt_is_read_as_apk_reads_it(path: Path, bench: Workbench) -> None:
    assert_agrees(bench, path)


@pytest.mark.parametrize("which", ["made", "openwrt"])
def test_an_index_is_read_as_apk_reads_it(which: str, bench: Workbench) -> None:
    file = bench.folder / "r/x86_64/Packages.adb" if which == "made" else OPENWRT / "noarch/packages.adb"
    said = bench.dumped(file)
    listed = adb_index.decode(adb_index.parse(file.read_bytes()).payload)
    assert listed.packages.description == said.get("description", "")
    assert len(listed.packages) == len(said["packages"])
    for package, each in zip(listed.packages, said["packages"], strict=True):
        assert package.identity.hex() == each["hashes"]
        assert package.size == each["file-size"]
        assert_described(each, None, fields(package.stanza))


def test_what_apk_packs_otherwise_is_the_same_package(bench: Workbench) -> None:
    """apk 3.0.8 of Alpine cannot pack with Zstandard, so its plain file is packed here."""
    kinds = {}
    for compression in ("none", "deflate", "deflate:9"):
        tree = bench.folder / "tree"
        where = f"packed/{compression.replace(':', '-')}"
        kinds[compression] = bench.package("same", tree, compression=compression, where=where).read_bytes()
    kinds["zstd"] = packed(unpacked(kinds["none"]), "zstd, with its algorithm")
    found = {name: archive.read([data], lambda _: None) for name, data in kinds.items()}
    assert [data[:4] for data in kinds.values()] == [b"ADB.", b"ADBd", b"ADBc", b"ADBc"]
    assert len({each.identity for each in found.values()}) == 1
    assert len({each.entries for each in found.values()}) == 1


def test_an_image_holds_what_apk_installs(bench: Workbench, builder: Builder) -> None:
    line = f"v3 {bench.folder / 'r'}"
    config = {
        "contents": {"build_repositories": [line], "packages": ["meta", "pruned"]},
        "base": dict.fromkeys(("passwd", "group", "nsswitch", "os-release", "tmp", "mount-points"), False),
    }
    built = builder("v3", config, "-k", str(bench.keys), rootfs=True)
    assert built.kinds == ["derived", "derived", "derived", "top"]
    reasons = {layer["kind"]: layer["reasons"] for layer in built.document["layers"]}
    assert "version 3" in reasons["derived"][0]

    root = bench.installed([line], "meta", "pruned")
    ours = (built.rootfs / "lib/apk/db/installed").read_text()
    theirs = (root / "lib/apk/db/installed").read_text()
    # apk breaks its own database with a description of two lines, and forgets flags where there are no files
    assert ours == theirs.replace("T:two\nlines", "T:two lines").replace(
        "D:needed rich\n\n", "D:needed rich\nf:S\n\n"
    )
    assert (built.rootfs / "etc/apk/world").read_text() == (root / "etc/apk/world").read_text()
    for path in (
        "usr/bin/hello",
        "usr/bin/again",
        "a/b/many",
        "top",
        ".hidden/x",
        "etc/zero",
        "usr/lib/needed",
    ):
        assert (built.rootfs / path).read_bytes() == (root / path).read_bytes()
        assert (built.rootfs / path).stat().st_mode == (root / path).stat().st_mode
        assert int((built.rootfs / path).stat().st_mtime) == int((root / path).stat().st_mtime)
    assert (built.rootfs / "usr/bin/again").samefile(built.rootfs / "usr/bin/hello")
    assert (built.rootfs / "usr/bin/link").readlink() == Path("hello")


def test_a_repository_of_openwrt_becomes_an_image(bench: Workbench, builder: Builder) -> None:
    """Its index lists packages that need others of OpenWrt; one made here takes the place of those."""
    listed = adb_index.decode(adb_index.parse((OPENWRT / "noarch/packages.adb").read_bytes()).payload)
    names = {package.name for package in listed.packages}
    needed = {each.name for package in listed.packages for each in package.depends if not each.conflict}
    provided = {each for package in listed.packages for each, _ in package.provides}
    stub = bench.package(
        "stub", None, provides=" ".join(sorted(needed - names - provided)), where="stub/x86_64"
    )
    bench.index([stub], where="stub/x86_64")
    lines = [str(OPENWRT / "noarch/packages.adb"), f"v3 {bench.folder / 'stub'}"]
    chosen = ["adblock-fast", "moci", "luci-theme-glass", "pbr", "stub", "sunwait", "wireless-regdb"]
    config = {"contents": {"build_repositories": lines, "packages": chosen}}
    keys = ("-k", str(OPENWRT / "keys"), "-k", str(bench.keys))
    built = builder("openwrt", config, *keys, rootfs=True)
    again = builder("openwrt-again", config, *keys, archive=False)

    assert built.document["digest"] == again.document["digest"]
    assert built.packages.keys() >= set(chosen)
    assert set(built.kinds) == {"derived", "top"}
    for name in built.packages.keys() - {"stub"}:
        package = next(each for each in listed.packages if each.name == name)
        for member in real_members(OPENWRT / "noarch" / package.filename):
            path = built.rootfs / member[0]
            assert path.read_bytes() == member[1], path


def real_members(file: Path) -> list[tuple[str, bytes]]:
    members = read(file).members([file.read_bytes()])
    return [(m.entry.path, b"".join(m.content)) for m in members if m.entry.kind is Kind.FILE]


def test_packages_of_both_versions_are_in_one_image(
    bench: Workbench, builder: Builder, boot_set: Path
) -> None:
    both = bench.package("both", bench.folder / "usr", depends="busybox", where="mixed/x86_64")
    bench.index([both], where="mixed/x86_64")
    lines = [str(boot_set), f"v3 {bench.folder / 'mixed'}"]
    config = {"contents": {"build_repositories": lines, "packages": ["both"]}}
    built = builder("mixed", config, "-k", str(bench.keys), rootfs=True)
    assert {"both", "busybox", "musl"} <= built.packages.keys()
    assert built.kinds.count("derived") == 1
    assert built.kinds.count("signed") == len(built.packages) - 1
    assert (built.rootfs / "usr/lib/needed").read_bytes() == b"needed\n"
    assert "P:both" in (built.rootfs / "lib/apk/db/installed").read_text()


def test_an_index_of_version_3_may_list_packages_of_version_2(
    bench: Workbench, builder: Builder, boot_set: Path
) -> None:
    folder = bench.folder / "old" / "x86_64"
    folder.mkdir(parents=True)
    files = [next((boot_set / "x86_64").glob(f"{name}-[0-9]*.apk")) for name in ("musl", "libcrypto3")]
    copies = []
    for file in files:
        copy = folder / file.name
        copy.write_bytes(file.read_bytes())
        copies.append(copy)
    bench.index(copies, where="old/x86_64")
    config = {"contents": {"build_repositories": [f"v3 {folder.parent}"], "packages": ["libcrypto3"]}}
    built = builder("old", config, "-k", str(bench.keys), archive=False)
    assert built.packages.keys() == {"musl", "libcrypto3"}
    assert built.kinds == ["signed", "signed", "top"]


def test_a_file_of_version_3_is_installed_as_apk_installs_it(bench: Workbench, builder: Builder) -> None:
    file = bench.folder / "r/x86_64/needed-1.0-r0.apk"
    built = builder("local", {"contents": {"packages": [str(file)]}}, "-k", str(bench.keys), rootfs=True)
    root = bench.installed([], str(file), name="local-root")
    for path in ("lib/apk/db/installed", "etc/apk/world", "usr/lib/needed"):
        assert (built.rootfs / path).read_bytes() == (root / path).read_bytes()


def test_what_is_altered_or_not_signed_is_refused(bench: Workbench, tmp_path: Path) -> None:
    source = bench.folder / "r/x86_64"
    folder = tmp_path / "r" / "x86_64"
    folder.mkdir(parents=True)
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    words = ["build", "c.json", "-o", "oci:out", "--arch", "x86_64", "--cache-dir", str(tmp_path / "cache")]
    contents = {"build_repositories": [f"v3 {tmp_path / 'r'}"], "packages": ["needed"]}
    (tmp_path / "c.json").write_text(json.dumps({"contents": contents}))

    unknown = process(*words, cwd=tmp_path)
    assert (unknown.status, "unknown key, of the id" in unknown.err) == (3, True)
    assert process(*words, "--allow-untrusted", cwd=tmp_path).status == 0

    data = bytearray((folder / "needed-1.0-r0.apk").read_bytes())
    data[-9] ^= 1  # in the one data block, before what fills it up
    (folder / "needed-1.0-r0.apk").write_bytes(data)
    words[-1] = str(tmp_path / "another")
    altered = process(*words, "-k", str(bench.keys), cwd=tmp_path)
    assert (altered.status, "usr/lib/needed" in altered.err) == (3, True)

    (folder / "needed-1.0-r0.apk").write_bytes((source / "pruned-1.0-r0.apk").read_bytes())
    other = process(*words, "-k", str(bench.keys), cwd=tmp_path)
    assert (other.status, "not the one that the index promises" in other.err) == (3, True)


def test_a_repository_of_version_3_is_recognised_where_one_of_version_2_is_asked_for(
    bench: Workbench, tmp_path: Path
) -> None:
    contents = {"build_repositories": [str(bench.folder / "r")], "packages": ["needed"]}
    (tmp_path / "c.json").write_text(json.dumps({"contents": contents}))
    words = ["build", "c.json", "-o", "oci:out", "--arch", "x86_64", "--cache-dir", str(tmp_path / "cache")]
    done = process(*words, cwd=tmp_path)
    assert done.status == 5
    assert f"`v3 {bench.folder / 'r'}`" in done.err


ALPINE = SHARED / "solver" / "alpine-3.16-main-x86_64.APKINDEX.tar.gz"


@pytest.fixture(scope="module")
def converted(bench: Workbench) -> Path:
    """A repository with Alpine's index of 3.16, converted to version 3 by apk."""
    folder = bench.folder / "alpine"
    (folder / "x86_64").mkdir(parents=True)
    data = bench.apk.output("--allow-untrusted", "convndx", ALPINE, folder=bench.folder)
    (folder / "x86_64" / "Packages.adb").write_bytes(data)
    return folder


def test_alpines_index_says_the_same_in_version_3(converted: Path) -> None:
    """Versions that are none are lost in apk's conversion, and dependencies stated twice."""
    data = (converted / "x86_64/Packages.adb").read_bytes()
    found = {str(each): each for each in adb_index.decode(adb_index.parse(data).payload).packages}
    expected = {str(each): each for each in real(ALPINE)}
    assert len(expected) - len(found) == 6
    for name, package in found.items():
        other = expected[name]
        theirs, ours = fields(other.stanza), fields(package.stanza)
        for letter in theirs.keys() | ours.keys():
            if letter in "Dpi":
                assert set(ours.get(letter, "").split()) == {
                    each for each in theirs.get(letter, "").split() if "=v" not in each
                }, name
            else:
                assert ours.get(letter, "") == theirs.get(letter, ""), (name, letter)


@pytest.mark.conformance
def test_apk_agrees_on_solutions_in_an_index_of_version_3(bench: Workbench, converted: Path) -> None:
    data = (converted / "x86_64/Packages.adb").read_bytes()
    listed = adb_index.decode(adb_index.parse(data).payload).packages
    root = bench.folder / "solving"
    for path, text in {"etc/apk/world": "", "lib/apk/db/installed": "", "etc/apk/arch": "x86_64\n"}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (bench.folder / "solving.list").write_text(f"v3 {converted}\n")
    command: list[str | Path] = ["--root", root, "--repositories-file", bench.folder / "solving.list"]
    command += ["--allow-untrusted", "--no-network", "--simulate", "add", "busybox"]
    rng = random.Random("v3")
    names = sorted({package.name for package in listed})
    differing, solved = [], 0
    for _ in range(30):
        wanted = rng.sample(names, rng.randint(1, 4))
        done = bench.apk.run(*command, *wanted, folder=bench.folder, check=False)
        theirs = {
            line.split(") Installing ")[1] for line in done.stdout.splitlines() if ") Installing " in line
        }
        world = [Dependency.parse(name) for name in ("busybox", *wanted)]
        solution = attempt(Catalogue([Source("v3", listed)], "x86_64"), world)
        ours = {f"{each.package.name} ({each.package.version})" for each in solution or ()}
        solved += bool(ours)
        if ours != (set() if done.returncode else theirs):
            differing.append(wanted)
    assert not differing
    assert solved > 20
