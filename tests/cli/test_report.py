"""`witchery report` as its user sees it: every kind of subject, what each cannot say, and the page."""

import json
from pathlib import Path
from typing import Any

import pytest

from support import asked, schemas, secdbs
from support.command import Command
from support.fake_registry import FakeRegistry
from support.images import folder, hard_link, image_of_tars, member, tar_of
from support.servers import Server
from support.surveys import elf

PICTURE = (
    "app-1 D:so:libfoo.so.2 | F:usr/bin | R:app\n"
    "libfoo-2 p:so:libfoo.so.2=2 | F:usr/lib | R:libfoo.so.2\n"
    "stray-3 o:stray\n"
)
FILES = {"usr/bin/app": b"x" * 300, "usr/lib/libfoo.so.2": b"y" * 200, "etc/motd": b"hello"}


def told(witchery: Command, *words: str | Path) -> Any:
    """The document, valid by its schema."""
    done = witchery("report", *words, "--json", "--arch", "x86_64")
    assert done.status == 0, done.err
    return schemas.check(done.out)


def named(document: Any) -> dict[str, Any]:
    return {each["name"]: each for each in document["packages"]}


def test_a_page_is_written_and_its_path_printed(witchery: Command, wget: Path, tmp_path: Path) -> None:
    assert witchery("build", wget, "-o", "oci:image", "--arch", "x86_64").status == 0
    done = witchery("report", "oci:image", "--offline")
    assert (done.status, done.out) == (0, "image.html\n"), done.err
    page = (tmp_path / "image.html").read_bytes()
    assert page.startswith(b"<!DOCTYPE html>")
    assert b"oci:image" in page
    assert witchery("report", "oci:image", "--offline", "-o", "again.html").out == "again.html\n"
    assert (tmp_path / "again.html").read_bytes() == page, "the same image is the same page"


@pytest.mark.parametrize(
    ("source", "page"),
    [
        ("oci:some/where/app:1.2", "app-1.2.html"),
        ("docker://registry.example.org/team/app:1@sha256:abc", "app-1.html"),
        ("./witchery.lock.json", "witchery.html"),
        ("conf/app.yaml", "app.html"),
        ("-", "report.html"),
        ("oci-archive:../a b.tar", "a-b.html"),
    ],
)
def test_a_page_is_called_as_its_source(source: str, page: str) -> None:
    from witchery.cli.report import _stem

    assert f"{_stem(source)}.html" == page


def test_an_image_is_told_with_its_layers_and_verified(witchery: Command, wget: Path) -> None:
    """From `build`: evidence is beside it, so who signed each package is known."""
    assert witchery("build", wget, "-o", "oci:image", "--arch", "x86_64").status == 0
    found = told(witchery, "oci:image", "--offline")
    assert [each["kind"] for each in found["layers"]] == ["signed"] * 9 + ["top"]
    assert found["verification"]["ok"] is True
    assert found["verification"]["standings"] == ["signed"] * 9 + ["top"]
    packages = named(found)
    assert packages["wget"]["requested"] == ["wget"]
    libidn2 = packages["libidn2"]
    assert [found["packages"][at]["name"] for at in libidn2["held"]] == ["libunistring"]
    assert libidn2["held_count"] == 1
    assert libidn2["held_size"] == libidn2["size"] + packages["libunistring"]["size"]
    assert {each["signer"] for each in packages.values()} == {
        "alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub"
    }
    rows = {row[0]: row for row in found["files"]["rows"]}
    wget_at = list(packages).index("wget")
    assert rows["usr/bin/wget"][6:8] == [wget_at, packages["wget"]["layer"]]
    assert rows["etc/os-release"][6:8] == [-1, 9]
    assert found["scripts"] == []
    assert found["execution"]["Entrypoint"] == ["/usr/bin/wget"]
    assert found["vulnerabilities"]["absent"].startswith("nothing was looked up: ")


def test_a_source_is_told_as_the_image_that_it_would_become(witchery: Command, wget: Path) -> None:
    """The same packages, files and layers as of the image; verified it cannot be, it is nowhere."""
    assert witchery("build", wget, "-o", "oci:image", "--arch", "x86_64").status == 0
    image = told(witchery, "oci:image", "--offline")
    source = told(witchery, wget, "--offline")
    for part in ("layers", "packages", "files", "execution"):
        assert source[part] == image[part], part
    assert {json.dumps(each, sort_keys=True) for each in source["edges"]} == {
        json.dumps(each, sort_keys=True) for each in image["edges"]
    }
    assert source["subject"]["digest"] == image["subject"]["digest"]
    assert "absent" in source["verification"]


def test_scripts_of_a_source_say_what_was_done(witchery: Command, boot_set: Path, tmp_path: Path) -> None:
    """And of an image of it, by its evidence, which scripts there are."""
    config = tmp_path / "witchery.yaml"
    config.write_text(f"contents:\n  build_repositories: [{boot_set}]\n  packages: [chrony]\n")
    scripts = told(witchery, config, "--offline")["scripts"]
    install = next(each for each in scripts if each["name"] == "pre-install")
    assert install["verdict"] == "emulated"
    assert any("chrony" in effect for effect in install["effects"])
    assert "adduser" in install["text"]
    assert witchery("build", config, "-o", "oci:image", "--arch", "x86_64").status == 0
    stored = told(witchery, "oci:image", "--offline")["scripts"]
    assert {each["verdict"] for each in stored} == {""}
    assert {each["text"] for each in stored} == {each["text"] for each in scripts}


def test_a_lock_is_told_by_its_packages(witchery: Command, wget: Path) -> None:
    assert witchery("lock", wget, "--arch", "x86_64").status == 0
    lock = told(witchery, "witchery.lock.json", "--offline")
    source = told(witchery, wget, "--offline")
    assert lock["subject"]["kind"] == "lock"
    assert [{**each, "layer": 0} for each in lock["packages"]] == [
        {**each, "layer": 0} for each in source["packages"]
    ]
    assert {row[0] for row in lock["files"]["rows"]} == {
        row[0] for row in source["files"]["rows"] if row[6] >= 0
    }
    assert lock["layers"]["absent"] == "a lock says which packages there are, not how they become layers"


def test_an_image_of_somebody_else(witchery: Command, tmp_path: Path) -> None:
    """Nothing says what its layers are; there is no evidence, and no script."""
    asked.write(asked.image("app stray", PICTURE, FILES), tmp_path / "image")
    found = told(witchery, "oci:image", "--offline")
    assert {each["kind"] for each in found["layers"]} == {"other"}
    assert "no evidence is kept beside the image" in found["verification"]["absent"]
    assert "no evidence" in found["scripts"]["absent"]
    packages = named(found)
    assert packages["app"]["held"] == [1]
    assert [row[:3] for row in found["files"]["rows"] if row[6] == -1 and row[7] == 0] == [
        ["etc/motd", "file", 5]
    ]


def test_evidence_that_is_malformed_speaks_against_the_image(
    witchery: Command, wget: Path, tmp_path: Path
) -> None:
    """All else is told: what lies beside an image can be anybody's."""
    assert witchery("build", wget, "-o", "oci:image", "--arch", "x86_64").status == 0
    for blob in (tmp_path / "image/blobs/sha256").iterdir():
        if blob.read_bytes().startswith(b'{"architecture"') and b"dev.witchery.evidence" in blob.read_bytes():
            blob.write_bytes(blob.read_bytes().replace(b"evidence/1", b"evidence/9"))
    found = told(witchery, "oci:image", "--offline")
    assert found["verification"]["ok"] is False
    assert found["verification"]["problems"][0]["rule"] == "evidence"
    assert "absent" in found["scripts"]
    assert len(found["packages"]) == 9


def test_hard_links_count_once(witchery: Command, tmp_path: Path) -> None:
    made = image_of_tars(tar_of(folder("bin"), member("bin/x", b"1234"), hard_link("bin/y", "bin/x")))
    asked.write(made, tmp_path / "image")
    rows = told(witchery, "oci:image", "--offline")["files"]["rows"]
    assert [(row[0], row[1], row[2], row[8]) for row in rows] == [
        ("bin/x", "file", 4, ""),
        ("bin/y", "hardlink", 0, "bin/x"),
    ]


def test_an_image_in_which_nobody_can_tell_packages(witchery: Command, tmp_path: Path) -> None:
    asked.write(image_of_tars(tar_of(folder("bin"), member("bin/x", b"1234"))), tmp_path / "image")
    done = witchery("report", "oci:image", "--offline")
    assert done.status == 0
    assert "nobody can tell its packages" in done.err
    assert "nobody can tell its packages" in (tmp_path / "image.html").read_text()


def test_a_root_file_system(witchery: Command, wget: Path) -> None:
    assert witchery("build", wget, "-o", "rootfs:root", "--arch", "x86_64").status == 0
    found = told(witchery, "rootfs:root", "--offline")
    source = told(witchery, wget, "--offline")
    assert {row[0] for row in found["files"]["rows"]} == {row[0] for row in source["files"]["rows"]}
    assert list(named(found)) == list(named(source))
    assert "absent" in found["layers"]


def test_vulnerabilities_are_looked_up_in_what_is_named(
    witchery: Command, wget: Path, tmp_path: Path
) -> None:
    fixes = {"openssl": {"3.1.4-r6": ["CVE-2024-0727"]}}
    secdbs.write(tmp_path / "secdb", fixes)
    found = told(witchery, wget, "--offline", "--db", "secdb")["vulnerabilities"]
    assert {(each["id"], each["subject"], each["fixed"]) for each in found["found"]} == {
        ("CVE-2024-0727", "libcrypto3", "3.1.4-r6"),
        ("CVE-2024-0727", "libssl3", "3.1.4-r6"),
    }
    assert found["sources"]


def test_data_that_is_named_and_not_there_is_an_error(witchery: Command, wget: Path) -> None:
    done = witchery("report", wget, "--offline", "--db", "nowhere", "--arch", "x86_64")
    assert done.status == 5
    assert "nowhere" in done.err


def test_differences_to_another_image(witchery: Command, wget: Path, tmp_path: Path) -> None:
    assert witchery("build", wget, "-o", "oci:old", "--arch", "x86_64").status == 0
    wget.write_text(wget.read_text().replace("wget, ca-certificates-bundle", "zlib"))
    found = told(witchery, wget, "--offline", "--diff", "oci:old")["changes"]
    assert found["name"] == "oci:old"
    gone = {each["subject"] for each in found["found"] if (each["area"], each["what"]) == ("package", "gone")}
    assert {"wget", "libssl3"} <= gone
    assert "zlib" not in gone
    files = {each["subject"]: each["what"] for each in found["found"] if each["area"] == "file"}
    assert files["/usr/bin/wget"] == "gone"


def test_vulnerabilities_are_compared_where_data_is_named(
    witchery: Command, wget: Path, tmp_path: Path
) -> None:
    secdbs.write(tmp_path / "secdb", {"openssl": {"3.1.4-r6": ["CVE-2024-0727"]}})
    assert witchery("build", wget, "-o", "oci:old", "--arch", "x86_64").status == 0
    wget.write_text(wget.read_text().replace("wget, ca-certificates-bundle", "zlib"))
    found = told(witchery, wget, "--offline", "--diff", "oci:old", "--db", "secdb")["changes"]
    known = {(each["what"], each["subject"]) for each in found["found"] if each["area"] == "vulnerability"}
    assert known == {("gone", "CVE-2024-0727 in libcrypto3"), ("gone", "CVE-2024-0727 in libssl3")}


def test_an_image_in_a_registry(witchery: Command, wget: Path) -> None:
    """With what is kept beside it there: its evidence."""
    assert witchery("build", wget, "-o", "oci:image", "--arch", "x86_64").status == 0
    with Server(FakeRegistry()) as server:
        place = f"docker://{server.url.removeprefix('http://')}/team/app:1"
        assert witchery("copy", "oci:image", place).status == 0
        done = witchery("report", place, "--json", "--arch", "x86_64", "--db", "nothing")
        assert done.status == 5, "data is named, and not there"
        found = schemas.check(witchery("report", place, "--json", "--arch", "x86_64").out)
    stored = told(witchery, "oci:image", "--offline")
    for part in ("layers", "packages", "files", "execution", "verification", "audit"):
        assert found[part] == stored[part], part


def test_an_application_is_told_apart(witchery: Command, boot_set: Path, tmp_path: Path) -> None:
    """Built from an application: its package, its layer, its files; nobody signed it."""
    info, data = elf("serve")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / info.name).write_bytes(data)
    (tmp_path / "dist" / info.name).chmod(0o755)
    found = told(witchery, "dist", "-X", boot_set, "--offline")
    packages = named(found)
    own = packages["payload-dist"]
    assert own["own"] is True
    assert own["signer"] == ""
    assert found["layers"][own["layer"]]["kind"] == "payload"
    rows = [row for row in found["files"]["rows"] if row[6] == list(packages).index("payload-dist")]
    assert "app/serve" in {row[0] for row in rows}
    assert [each["because"] for each in found["edges"] if each["source"] == rows[0][6]] == [
        ["so:libc.musl-x86_64.so.1"]
    ]


def test_what_is_no_source_is_refused(witchery: Command) -> None:
    assert witchery("report", "oci:nowhere").status in (2, 5)
    done = witchery("report", "docker://registry.example.org/app:1", "--offline")
    assert done.status == 2
    assert "without the network" in done.err
