"""`witchery why`, `tree` and `inspect` as their user sees them: every kind of question, place and refusal."""

import tarfile
from pathlib import Path
from typing import Any

import pytest

from support import asked, schemas, secdbs
from support.command import Command, Outcome
from support.elf_files import ElfFile
from support.fake_registry import FakeRegistry
from support.images import Made, folder, image_of_tars, member, tar_of
from support.servers import Server
from support.tampering import Tampered, edited

LIBRARY = b"not really a library"
PICTURE = (
    "app-1 D:so:libssl.so.3 cmd:run | F:usr/bin | R:app\n"
    "libssl3-3.1.4 D:so:libcrypto.so.3 | p:so:libssl.so.3=3 | o:openssl | F:usr/lib | R:libssl.so.3\n"
    "libcrypto3-3.1.4 p:so:libcrypto.so.3=3 | o:openssl | F:usr/lib | R:libcrypto.so.3 |"
    " F:usr/lib/private | R:libodd.so\n"
    "tool-1 D:bundle | p:cmd:run=1 | F:usr/bin | R:run\n"
    "bundle-1\n"
    "app-extras-1 i:app tool\n"
)
FILES = {
    "usr/bin/app": b"#!/bin/x\n",
    "usr/lib/libssl.so.3": LIBRARY,
    "usr/lib/libcrypto.so.3": LIBRARY,
    "usr/lib/private/libodd.so": LIBRARY,
    "usr/bin/run": b"#!/bin/x\n",
    "etc/hosts": b"127.0.0.1 localhost\n",
}
FIXES = {"openssl": {"3.1.4-r6": ["CVE-2024-0727"], "3.1.4-r7": ["CVE-2024-2511"]}}


def application_image() -> Made:
    return asked.image("app", PICTURE, FILES, {"lib": "usr/lib", "usr/bin/ash": "/usr/bin/run"})


@pytest.fixture
def image(tmp_path: Path) -> str:
    asked.write(application_image(), tmp_path / "image")
    return "oci:image"


def ask(witchery: Command, *words: str | Path, verb: str = "why") -> Any:
    """The document that a command prints, valid by its schema."""
    done = witchery(verb, *words, "--json", "--arch", "x86_64")
    assert done.status in (0, 1), done.err
    return schemas.check(done.out)


def said(witchery: Command, *words: str | Path) -> list[str]:
    done = witchery("why", *words, "--arch", "x86_64")
    assert done.status == 0, done.err
    return done.out.splitlines()


def ways(document: Any) -> list[list[str]]:
    (package,) = document["packages"]
    return [[step["package"] for step in path] for path in package["paths"]]


def test_every_way_is_told_with_what_asked_and_what_would_leave(witchery: Command, image: str) -> None:
    assert said(witchery, "libcrypto3", image) == [
        "libcrypto3-3.1.4, 1 B",
        "  app (requested) → libssl3 (so:libssl.so.3) → libcrypto3 (so:libcrypto.so.3)",
        "only there because of libssl3, app",
        "would leave with it: 1 B in 1 package",
    ]
    assert said(witchery, "app", image) == [
        "app-1, 1 B",
        "  app (requested)",
        "would leave with it: 6 B in 6 packages: app-extras, bundle, libcrypto3, libssl3, tool",
    ]
    assert said(witchery, "app-extras", image) == [
        "app-extras-1, 1 B",
        "  app (requested) → app-extras (goes with app, tool)",
        "  app (requested) → tool (cmd:run) → app-extras (goes with app, tool)",
        "only there because of tool, app",
        "would leave with it: 1 B in 1 package",
        "note: nothing depends on it: it came along because of what else is there (install_if)",
    ]


@pytest.mark.parametrize(
    ("what", "kind", "package", "matched"),
    [
        ("libssl3", "package", "libssl3", ""),
        ("so:libssl.so.3", "name", "libssl3", "provides so:libssl.so.3=3"),
        ("libssl.so.3", "name", "libssl3", "provides so:libssl.so.3=3"),
        ("libodd.so", "name", "libcrypto3", "has /usr/lib/private/libodd.so"),
        ("cmd:run", "name", "tool", "provides cmd:run=1"),
        ("run", "name", "tool", "provides cmd:run=1"),
        ("/usr/lib/libssl.so.3", "file", "libssl3", "has /usr/lib/libssl.so.3"),
        ("/lib/libssl.so.3", "file", "libssl3", "has /usr/lib/libssl.so.3"),
    ],
)
def test_a_question_may_be_a_package_a_library_a_command_or_a_path(
    witchery: Command, image: str, what: str, kind: str, package: str, matched: str
) -> None:
    found = ask(witchery, what, image)
    assert (found["kind"], found["found"]) == (kind, True)
    assert [(each["name"], each["matched"]) for each in found["packages"]] == [(package, matched)]


def test_a_link_that_no_package_brings_is_told_with_what_it_leads_to(witchery: Command, image: str) -> None:
    lines = said(witchery, "shell", image)
    assert (
        lines[0]
        == "/usr/bin/ash: made when the image was built, no package brings it, a link to /usr/bin/run"
    )
    assert lines[2] == "tool-1, 1 B: has /usr/bin/run"
    found = ask(witchery, "/etc/hosts", image)
    assert (found["found"], found["generated"], found["packages"]) == (True, ["/etc/hosts"], [])


def test_what_is_not_there_is_the_answer_no_with_what_looks_like_it(witchery: Command, image: str) -> None:
    done = witchery("why", "libssl.so.1.1", image)
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines() == [
        "problem: not in oci:image: `libssl.so.1.1`",
        "  hint: there is `so:libssl.so.3`",
    ]
    found = ask(witchery, "/usr/lib/libssl.so.1.1", image)
    assert (found["found"], found["packages"]) == (False, [])
    assert "/usr/lib/libssl.so.3" in found["similar"]


def test_a_vulnerability_leads_to_the_packages_that_have_it(
    witchery: Command, tmp_path: Path, image: str
) -> None:
    db = secdbs.write(tmp_path / "db", FIXES)
    found = ask(witchery, "CVE-2024-0727", image, "--db", db, "--release", "v3.19")
    assert [(each["name"], each["matched"]) for each in found["packages"]] == [
        ("libcrypto3", "has CVE-2024-0727, fixed in 3.1.4-r6"),
        ("libssl3", "has CVE-2024-0727, fixed in 3.1.4-r6"),
    ]
    assert found["together"]["packages"] == ["libcrypto3", "libssl3"]
    assert found["together"]["vulnerabilities"] == ["CVE-2024-0727", "CVE-2024-2511"]
    assert ask(witchery, "CVE-2024-9999", image, "--db", db, "--release", "v3.19")["found"] is False


def test_what_leaves_takes_its_vulnerabilities_along(witchery: Command, tmp_path: Path, image: str) -> None:
    db = secdbs.write(tmp_path / "db", FIXES)
    done = witchery("why", "libssl3", image, "--db", db, "--release", "v3.19")
    assert "would leave with it: 2 B in 2 packages, 2 known vulnerabilities: libcrypto3" in done.out
    assert "vulnerabilities" not in ask(witchery, "libssl3", image)["packages"][0]["retained"]


def test_as_many_ways_as_are_wanted_are_told(witchery: Command, image: str) -> None:
    found = ask(witchery, "app-extras", image, "--paths", "1")
    assert (ways(found), found["packages"][0]["more_paths"]) == ([["app", "app-extras"]], True)
    for wrong in ("0", "-1", "many", "100000"):
        done = witchery("why", "app", image, "--paths", wrong)
        assert done.status == 2


def test_the_two_words_in_the_wrong_order_are_noticed(witchery: Command, image: str) -> None:
    done = witchery("why", image, "app")
    assert done.status == 2
    assert f"hint: witchery why app {image}" in done.err


def test_an_image_without_a_world_says_so_and_still_answers(witchery: Command, tmp_path: Path) -> None:
    asked.write(asked.image(None, "a-1 D:b\nb-1\n"), tmp_path / "image")
    done = witchery("why", "b", "oci:image")
    assert done.status == 0
    assert "  a (nothing asks for it) → b" in done.out
    assert "no `etc/apk/world` is in the image" in done.err


def test_an_image_that_says_nothing_of_packages_is_refused(witchery: Command, tmp_path: Path) -> None:
    asked.write(asked.image("a", "", FILES), tmp_path / "image")
    for verb, *words in (["why", "a"], ["tree"]):
        done = witchery(verb, *words, "oci:image")
        assert done.status == 2
        assert "neither a package database nor evidence is there" in done.err


def test_more_packages_than_any_image_has_are_refused(witchery: Command, tmp_path: Path) -> None:
    asked.write(asked.image("a", "\n".join(f"p{at}-1" for at in range(5_001))), tmp_path / "image")
    done = witchery("tree", "oci:image")
    assert done.status == 3
    assert "oci:image: more than 5000 packages" in done.err


@pytest.mark.parametrize(
    ("world", "picture", "where"),
    [
        ("a", "a-1 D:b | Z:Q1AAAA\n", "package database"),
        ("a<", "a-1\n", "etc/apk/world"),
    ],
)
def test_what_is_malformed_is_refused_where_it_stands(
    witchery: Command, tmp_path: Path, world: str, picture: str, where: str
) -> None:
    asked.write(asked.image(world, picture), tmp_path / "image")
    done = witchery("why", "a", "oci:image")
    assert done.status == 3
    assert f"oci:image: {where}" in done.err


def test_links_in_a_circle_lead_to_nothing(witchery: Command, tmp_path: Path) -> None:
    asked.write(asked.image("a", "a-1\n", links={"x": "y", "y": "x"}), tmp_path / "image")
    assert witchery("why", "/x/y/z", "oci:image").status == 1


def test_names_from_strangers_do_not_reach_the_terminal_as_they_are(
    witchery: Command, tmp_path: Path
) -> None:
    asked.write(asked.image("a", "a-1 D:b\nb-1\x1b[31m\n"), tmp_path / "image")
    for verb, *words in (["why", "b"], ["tree"], ["tree", "--dot"]):
        done = witchery(verb, *words, "oci:image")
        assert done.status == 0
        assert "\x1b" not in done.out


def test_a_registry_is_asked_for_no_layer_but_the_one_with_the_database(witchery: Command) -> None:
    made = asked.image("app", PICTURE, FILES)
    with Server(FakeRegistry()) as server:
        place = f"docker://{server.url.removeprefix('http://')}/team/app:1"
        asked.write(made, witchery.folder / "image")
        assert witchery("copy", "oci:image", place).status == 0
        before = len(server.asked)
        done = witchery("why", "libcrypto3", place)
        assert done.status == 0, done.err
        asked_for = {each.path for each in server.asked[before:] if each.method == "GET"}
        assert not any(str(made.image.layers[0].descriptor.digest) in path for path in asked_for)
        assert "was not looked for: the image is in a registry, `witchery pull` it first" in done.err
        assert witchery("tree", place).status == 0
        assert schemas.check(witchery("inspect", place, "--json").out)["sizes"]["files"] > 0
        done = witchery("why", "libcrypto3", place, "--offline")
    assert done.status == 2


@pytest.fixture
def locked(witchery: Command, wget: Path) -> Path:
    done = witchery("lock", wget, "--arch", "x86_64")
    assert done.status == 0, done.err
    return wget.parent / "witchery.lock.json"


def test_a_source_a_lock_and_an_image_give_the_same_answer(
    witchery: Command, wget: Path, locked: Path
) -> None:
    assert witchery("build", wget, "-o", "oci:wget", "--arch", "x86_64").status == 0
    found = [ask(witchery, "libunistring", each) for each in (wget, locked, "oci:wget")]
    assert [each["subject"]["kind"] for each in found] == ["source", "lock", "image"]
    assert [bool(each["packages"][0].pop("unseen")) for each in found] == [True, True, False]
    assert found[0]["packages"] == found[1]["packages"] == found[2]["packages"]
    trees = [ask(witchery, each, verb="tree") for each in (wget, locked, "oci:wget")]
    assert trees[0]["edges"] == trees[1]["edges"] == trees[2]["edges"]
    for each in (wget, locked, "oci:wget"):
        assert [one["name"] for one in ask(witchery, "/lib/libz.so.1", each)["packages"]] == ["zlib"]


def test_a_lock_is_asked_for_an_architecture_that_it_has(witchery: Command, locked: Path) -> None:
    done = witchery("why", "zlib", locked, "--arch", "aarch64")
    assert done.status == 2
    assert "not locked for aarch64: the lock is for x86_64" in done.err


def test_a_root_file_system_is_asked_like_an_image(witchery: Command, wget: Path) -> None:
    assert witchery("build", wget, "-o", "rootfs:root", "--arch", "x86_64").status == 0
    assert ask(witchery, "/lib/libz.so.1", "rootfs:root")["packages"][0]["name"] == "zlib"
    assert witchery("why", "zlib", "rootfs:gone").status == 2


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A program that is linked to zlib, and mentions where certificates are."""
    program = tmp_path / "dist" / "greet"
    program.parent.mkdir()
    made = ElfFile(
        type=3,
        interpreter="/lib/ld-musl-x86_64.so.1",
        needed=("libz.so.1", "libc.musl-x86_64.so.1"),
        sections={".rodata": b"/etc/ssl/certs/ca-certificates.crt\0"},
    )
    program.write_bytes(made.build().data)
    program.chmod(0o755)
    return program


def test_the_ways_through_an_application_have_its_evidence_wherever_it_is(
    witchery: Command, application: Path, boot_set: Path
) -> None:
    """The same from the application itself, from the image of it, and from its root file system."""
    how = ("-X", boot_set, "-p", "apk-tools")
    for output in ("oci:greet", "rootfs:root"):
        done = witchery("build", application, *how, "-o", output, "--arch", "x86_64")
        assert done.status == 0, done.err
    for place in ([application, *how], ["oci:greet"], ["rootfs:root"]):
        assert said(witchery, "zlib", *place)[:4] == [
            "zlib-1.3.1-r0, 111 kB",
            "  apk-tools (requested) → zlib (so:libz.so.1)",
            "  the application (requested) → zlib (so:libz.so.1)",
            "      app/greet: needs libz.so.1",
        ]
        found = ask(witchery, "zlib", *place)
        assert found["subject"]["application"] == "payload-greet"
        assert found["packages"][0]["paths"][1][1]["evidence"] == [
            {"path": "app/greet", "what": "needs libz.so.1"}
        ]
        (remark,) = ask(witchery, "ca-certificates-bundle", *place)["packages"][0]["remarks"]
        assert "payload-greet" in {each["package"] for each in remark["uses"]}
    lines = said(witchery, "/app/greet", "oci:greet")
    assert lines[0].startswith("the application, ")
    assert lines[0].endswith(": has /app/greet")


def test_a_person_who_wants_to_know_is_shown_every_use(
    witchery: Command, application: Path, boot_set: Path
) -> None:
    done = witchery(
        "build", application, "-X", boot_set, "-p", "apk-tools", "-o", "oci:greet", "--arch", "amd64"
    )
    assert done.status == 0, done.err
    short = said(witchery, "ca-certificates-bundle", "oci:greet")
    whole = said(witchery, "ca-certificates-bundle", "oci:greet", "-v")
    assert "      the application (app/greet: mentions /etc/ssl/certs)" in short
    assert sum("`libcrypto3`" in line for line in short) == 1
    assert sum("`libcrypto3`" in line for line in whole) > 1


def test_where_files_were_not_looked_into_the_answer_says_so(
    witchery: Command, application: Path, boot_set: Path
) -> None:
    """A source has no files of packages yet, and a lock of an application has none of its own."""
    how = ("-X", boot_set, "-p", "apk-tools")
    found = ask(witchery, "ca-certificates-bundle", application, *how)["packages"][0]
    assert found["unseen"] == "only the image has the files of packages"
    assert {each["package"] for each in found["remarks"][0]["uses"]} == {"payload-greet"}
    assert ask(witchery, "apk-tools", application, *how)["packages"][0]["unseen"] == ""
    assert witchery("lock", application, *how, "--arch", "x86_64").status == 0
    done = witchery("why", "zlib", application.parent / "witchery.lock.json")
    assert "the application (requested) → zlib (so:libz.so.1)" in done.out
    assert "a lock does not hold the application" in done.err


def test_a_layer_that_is_broken_hides_nothing_that_the_database_says(
    witchery: Command, image: str, tmp_path: Path
) -> None:
    lowest = application_image().image.layers[0].descriptor
    blob = tmp_path / "image" / "blobs" / str(lowest.digest).replace(":", "/")
    blob.write_bytes(blob.read_bytes()[:-20])
    found = ask(witchery, "libcrypto3", image)["packages"][0]
    assert found["kept_by"] == ["libssl3", "app"]
    assert "layer 1 of 2" in found["unseen"]
    assert witchery("why", "/usr/bin/app", image).status == 3
    assert witchery("inspect", image).status == 3


def test_without_a_database_evidence_says_which_packages_there_are(
    witchery: Command, wget: Path, tmp_path: Path
) -> None:
    assert witchery("build", wget, "-o", "oci:wget", "--arch", "x86_64").status == 0
    expected = ask(witchery, "libunistring", "oci:wget")
    image = Tampered(tmp_path / "wget", tmp_path / "changed")
    last = len(image.manifest["layers"]) - 1
    top = edited(image.layer(last), lambda info, data: None if info.name == asked.DATABASE else data)
    image.put_layer(last, top)
    image.seal()
    done = witchery("why", "libunistring", "oci:changed", "--json")
    assert done.status == 0, done.err
    assert "no package database is in the image: its packages are those that evidence names" in done.err
    found = schemas.check(done.out)
    assert found["packages"] == expected["packages"]


def test_a_vulnerability_is_looked_up_in_a_source_and_a_lock_too(
    witchery: Command, wget: Path, locked: Path, tmp_path: Path
) -> None:
    db = secdbs.write(tmp_path / "db", {"openssl": {"3.1.4-r6": ["CVE-2024-0727"]}})
    for place in (wget, locked):
        done = witchery(
            "why", "CVE-2024-0727", place, "--db", db, "--release", "v3.19", "--json", "--arch", "amd64"
        )
        assert done.status in (0, 1), done.err
        names = [each["name"] for each in schemas.check(done.out)["packages"]]
        assert names == ["libcrypto3", "libssl3"]


def test_the_tree_tells_sizes_and_what_leaves(witchery: Command, image: str) -> None:
    done = witchery("tree", image)
    assert done.out.splitlines() == [
        "app-1  1 B, 6 B with it",
        "├─ app-extras-1 (goes with app, tool)  1 B",
        "├─ libssl3-3.1.4 (so:libssl.so.3)  1 B, 2 B with it",
        "│  └─ libcrypto3-3.1.4 (so:libcrypto.so.3)  1 B",
        "└─ tool-1 (cmd:run)  1 B, 3 B with it",
        "   ├─ app-extras-1 (goes with app, tool)  1 B",
        "   └─ bundle-1  1 B",
    ]
    assert done.err == "6 packages, 6 B\n"
    done = witchery("tree", image, "--reverse", "so:libcrypto.so.3", "--depth", "1")
    assert done.out.splitlines() == [
        "libcrypto3-3.1.4  1 B",
        "└─ libssl3-3.1.4 (so:libcrypto.so.3)  1 B, 2 B with it ...",
    ]
    done = witchery("tree", image, "--reverse", "gone")
    assert (done.status, done.out) == (1, "")


def test_the_tree_for_programs_has_its_place_in_the_tree_of_dominators(witchery: Command, image: str) -> None:
    found = ask(witchery, image, verb="tree")
    assert found["roots"] == ["app"]
    kept = {each["name"]: each["kept_by"] for each in found["packages"]}
    assert kept == {
        "app": "",
        "app-extras": "tool",
        "bundle": "tool",
        "libcrypto3": "libssl3",
        "libssl3": "app",
        "tool": "app",
    }
    up = ask(witchery, image, "--reverse", "libcrypto3", verb="tree")
    assert (up["direction"], up["roots"]) == ("up", ["libcrypto3"])
    assert [(each["from"], each["to"]) for each in up["edges"]] == [
        ("", "app"),
        ("app", "libssl3"),
        ("libssl3", "libcrypto3"),
    ]


def test_the_graph_for_graphviz_has_every_edge(witchery: Command, image: str) -> None:
    lines = witchery("tree", image, "--dot").out.splitlines()
    assert lines[0] == "digraph packages {"
    assert '  "libssl3" -> "libcrypto3" [label="so:libcrypto.so.3"];' in lines
    assert '  "tool" -> "app-extras" [label="app\\ntool", style=dashed];' in lines
    assert lines[-1] == "}"
    assert witchery("tree", image, "--dot", "--json").status == 2


def inspected(witchery: Command, tmp_path: Path, made: Made, *words: str) -> Any:
    asked.write(made, tmp_path / "inspected")
    return ask(witchery, "oci:inspected", *words, verb="inspect")


def test_an_image_of_another_builder_is_told_with_what_is_not_known(
    witchery: Command, tmp_path: Path
) -> None:
    made = image_of_tars(
        tar_of(folder("bin"), member("bin/su", b"12345", mode=0o4755), member("bin/gone", b"1")),
        tar_of(member("bin/.wh.gone"), member("bin/new", b"123", mode=0o2755)),
    )
    found = inspected(witchery, tmp_path, made)
    assert [each["kind"] for each in found["layers"]] == ["unknown", "unknown"]
    assert [(each["files"], each["content_size"]) for each in found["layers"]] == [(1, 5), (1, 3)]
    assert (found["files"], found["sizes"]["files"]) == (2, 8)
    assert [(each["path"], each["rights"]) for each in found["privileged_files"]] == [
        ("/bin/new", ["setgid"]),
        ("/bin/su", ["setuid"]),
    ]
    assert [each.partition(":")[0] for each in found["unknown"]] == [
        "which packages are in it",
        "what its layers are",
        "which users there are",
    ]


def test_layers_that_other_images_have_are_named(witchery: Command, tmp_path: Path) -> None:
    low, high, other = (tar_of(member(name, name.encode())) for name in ("low", "high", "other"))
    asked.write(image_of_tars(low, other), tmp_path / "first")
    asked.write(image_of_tars(other), tmp_path / "second")
    found = inspected(
        witchery, tmp_path, image_of_tars(low, high), "--with", "oci:first", "--with", "oci:second"
    )
    assert [each["shared_with"] for each in found["layers"]] == [["oci:first"], []]
    assert found["sizes"]["shared"] == found["layers"][0]["size"]


def test_a_person_is_shown_layers_rights_and_what_is_shared(witchery: Command, tmp_path: Path) -> None:
    low = tar_of(folder("bin"), member("bin/su", b"12345", mode=0o6755))
    asked.write(image_of_tars(low), tmp_path / "other")
    asked.write(image_of_tars(low, tar_of(member("bin/.wh.su"), member("x", b"1"))), tmp_path / "image")
    done = witchery("inspect", "oci:image", "--with", "oci:other")
    assert done.status == 0, done.err
    lines = done.out.splitlines()
    assert any(line.endswith("nothing that is in the image  (also in oci:other)") for line in lines)
    assert lines[-1] == "no file gives more rights (setuid, setgid, capabilities)"
    assert "note: not known: which users there are" in done.err
    assert "  setuid setgid  /bin/su" in witchery("inspect", "oci:other").out


def test_a_registry_is_not_reached_without_the_network(witchery: Command, image: str) -> None:
    for words in (["docker://localhost:1/a:1"], [image, "--with", "docker://localhost:1/a:1"]):
        done = witchery("inspect", *words, "--offline")
        assert done.status == 2
        assert "a registry is not reached without the network" in done.err


def test_files_are_counted_once_however_many_layers_and_links_they_have(
    witchery: Command, tmp_path: Path
) -> None:
    hard = tarfile.TarInfo("hard")
    hard.type, hard.linkname = tarfile.LNKTYPE, "file"
    made = image_of_tars(tar_of(member("file", b"old")), tar_of(member("file", b"newer"), (hard, b"")))
    found = inspected(witchery, tmp_path, made, "--top", "1")
    assert (found["files"], found["sizes"]["files"]) == (2, 5)
    assert [each["path"] for each in found["largest_files"]] == ["/file"]
    assert found["layers"][0]["files"] == 0


def test_a_built_image_and_what_would_be_built_are_told_alike(witchery: Command, wget: Path) -> None:
    done = witchery("build", wget, "-o", "oci:wget", "--arch", "x86_64")
    assert done.status == 0, done.err
    image, source = ask(witchery, "oci:wget", verb="inspect"), ask(witchery, wget, verb="inspect")
    assert image.pop("name") != source.pop("name")
    assert image == source
    assert [each["kind"] for each in image["layers"]] == ["signed"] * 9 + ["top"]
    assert image["execution"]["entrypoint"] == ["/usr/bin/wget"]
    assert image["execution"]["account"] == "nonroot"
    assert image["unknown"] == []
    plain = witchery("inspect", "oci:wget", "--top", "2")
    assert "9 packages, the 2 largest" in plain.out
    assert "entry point  /usr/bin/wget" in plain.out


def test_places_without_an_image_are_refused(witchery: Command, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()

    def refused(*words: str) -> Outcome:
        done = witchery(*words)
        assert done.out == ""
        return done

    assert refused("inspect", "rootfs:root").status == 2
    assert refused("inspect", "oci:gone").status in (2, 3, 5)
    assert refused("why", "a", "rootfs:root").status == 2
