"""Reports on a real image of 119 packages, in a real browser: what is shown is what others read of it.

Its files are held against `os.walk` over the unpacked image, its packages against the lines of the package
database, the page against both.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import asked, schemas
from support.browser import Browser, chromium
from support.built import TALL, Builder, BuiltImage, packages
from support.command import process
from support.images import image_of_tars, link, member, tar_of
from support.shared import SHARED, needs_shared
from support.shared import repository as shared_repository
from witchery.oci.config import Execution

pytestmark = needs_shared


@pytest.fixture(scope="module")
def tall(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> BuiltImage:
    repository = shared_repository("v3.19-x86_64", tmp_path_factory.mktemp("sets"))
    keys = SHARED / "alpine" / "v3.19-x86_64" / "keys"
    return builder("report-tall", packages(repository, *TALL.split()), "-k", keys, rootfs=True)


@pytest.fixture(scope="module")
def report(tall: BuiltImage) -> dict[str, Any]:
    keys = str(SHARED / "alpine" / "v3.19-x86_64" / "keys")
    words = (
        "report",
        "oci:layout",
        "--offline",
        "-k",
        keys,
        "--json",
        "-o",
        "tall.html",
        "--cache-dir",
        "cache",
    )
    done = process(*words, cwd=tall.folder)
    assert done.status == 0, done.err
    return schemas.check(done.out)


@pytest.fixture(scope="module")
def page(
    tall: BuiltImage, report: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.size(1280, 900)
        browser.open(tall.folder / "tall.html")
        yield browser
        assert browser.logs("browser") == []
        assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []


def installed(tall: BuiltImage) -> dict[str, str]:
    """Names and versions, by the lines of the database."""
    text = (tall.rootfs / "lib/apk/db/installed").read_text()
    return dict(re.findall(r"^P:(.*)\nV:(.*)$", text, re.MULTILINE))


def walked(root: Path) -> dict[str, tuple[str, int, str]]:
    """Everything but folders: what it is, its bytes, where a link leads."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*files, *folders):
            path = Path(folder, name)
            status = path.lstat()
            place = str(path.relative_to(root))
            if stat.S_ISLNK(status.st_mode):
                found[place] = "link", 0, str(path.readlink())
            elif not stat.S_ISDIR(status.st_mode):
                found[place] = "file", status.st_size, ""
    return found


def test_packages_are_those_of_the_database(tall: BuiltImage, report: dict[str, Any]) -> None:
    assert len(report["packages"]) == 119
    assert {each["name"]: each["version"] for each in report["packages"]} == installed(tall)


def test_files_are_those_that_are_there(tall: BuiltImage, report: dict[str, Any]) -> None:
    rows = {row[0]: row for row in report["files"]["rows"]}
    there = walked(tall.rootfs)
    assert rows.keys() == there.keys()
    different = {
        path: (row, there[path])
        for path, row in rows.items()
        if row[1] != "hardlink" and (row[1], row[2], row[8]) != there[path]
    }
    assert different == {}


def test_every_file_of_the_database_has_its_package(tall: BuiltImage, report: dict[str, Any]) -> None:
    """By the lines `P:`, `F:` and `R:`; a folder in the way may be a link."""
    text = (tall.rootfs / "lib/apk/db/installed").read_text()
    owner = {}
    package = folder = ""
    for line in text.splitlines():
        match line[:2]:
            case "P:":
                package = line[2:]
            case "F:":
                folder = line[2:]
            case "R:":
                real = Path(os.path.realpath(tall.rootfs / folder), line[2:])
                owner[str(real.relative_to(os.path.realpath(tall.rootfs)))] = package
    names = [each["name"] for each in report["packages"]]
    told = {row[0]: names[row[6]] for row in report["files"]["rows"] if row[6] >= 0}
    assert told == owner


@pytest.mark.parametrize(
    ("name", "names", "layers", "files", "score"),
    [("wget", ["wget", "ca-certificates-bundle"], 10, 41, 95), ("server", ["openssh-server"], 7, 28, 100)],
)
def test_a_report_on_a_small_image(
    name: str, names: list[str], layers: int, files: int, score: int, builder: Builder, boot_set: Path
) -> None:
    """Files were counted with `find ! -type d` in the unpacked images, scores as `audit` explains them."""
    image = builder(f"report-{name}", packages(boot_set, *names))
    words = ("report", "oci:layout", "--offline", "--json", "-o", "page.html", "--cache-dir", "cache")
    done = process(*words, cwd=image.folder)
    assert done.status == 0, done.err
    found = schemas.check(done.out)
    assert {each["name"]: each["version"] for each in found["packages"]} == image.packages
    assert [each["kind"] for each in found["layers"]] == image.kinds
    assert len(found["layers"]) == layers
    assert len(found["files"]["rows"]) == files
    assert found["verification"]["ok"] is True
    assert found["audit"]["score"] == score
    assert (image.folder / "page.html").read_text().startswith("<!DOCTYPE html>")


def test_it_is_verified(report: dict[str, Any]) -> None:
    assert report["verification"]["ok"] is True
    assert sum(each["packages"] for each in report["verification"]["signers"]) == 119
    assert len(report["verification"]["standings"]) == len(report["layers"])


def test_the_page_shows_what_the_document_says(page: Browser, report: dict[str, Any]) -> None:
    figures = dict(
        zip(page.all(".figures dt"), page.all(".figures dd:not(.remark)"), strict=True),
    )
    assert figures["Packages"] == "119"
    assert figures["Verified"] == "yes"
    assert page.css("#packages-body .shown") == "119"
    assert page.css("#files-body .shown").replace("\u202f", "") == str(len(report["files"]["rows"]))


def test_every_package_can_be_opened(page: Browser, report: dict[str, Any]) -> None:
    """One after the other by keyboard; each shows its own name, and as many neighbours as it has."""
    page.click("#packages-body input")
    page.press("ArrowDown")
    asked = [0] * len(report["packages"])
    for edge in report["edges"]:
        asked[edge["target"]] += 1
    for at, each in enumerate(report["packages"][:12]):
        page.press("Enter")
        assert page.css("#why-body .who bdi") == each["name"]
        assert page.count(".column:nth-of-type(1) .node") == (asked[at] if asked[at] <= 13 else 12)
        page.press("Escape", "ArrowDown")


def test_a_search_finds_what_grep_finds(page: Browser, report: dict[str, Any]) -> None:
    page.click("#files-body input")
    page.press("libcrypto")
    expected = sum("libcrypto" in f"{row[0]} {row[8]}" for row in report["files"]["rows"])
    owned = [each["name"] for each in report["packages"]].index("libcrypto3")
    expected += sum(
        row[6] == owned and "libcrypto" not in f"{row[0]} {row[8]}" for row in report["files"]["rows"]
    )
    assert page.css("#files-body .shown").startswith(f"{expected} of ")


def test_an_image_by_somebody_hostile(tmp_path: Path, page: Browser) -> None:
    """From layers to pixels: names, texts, paths, targets and labels; nothing runs, all is text."""
    script = "<script>window.hurt=1</script>"
    stanza = (
        "C:Q1" + "A" * 27 + f"=\nP:{script}\nV:1\nA:x86_64\nS:1\nI:9\nT:</script>{script}\n"
        'U:javascript:window.hurt=2\nL:"><img src=x onerror=window.hurt=3>\nF:usr\nR:{file}\n\n'
    )
    odd = "\u202e<svg onload=window.hurt=4>"
    made = image_of_tars(
        tar_of(
            member("lib/apk/db/installed", stanza.replace("{file}", odd).encode()),
            member("etc/apk/world", b"app"),
            member(f"usr/{odd}", b"123456789"),
            link("usr/link", "'\"><script>window.hurt=5</script>"),
        ),
        execution=Execution(user="<b>", env=(f"A={script}",), labels={script: script}),
    )
    asked.write(made, tmp_path / "image")
    done = process("report", "oci:image", "--offline", "--cache-dir", "cache", cwd=tmp_path)
    assert done.status == 0, done.err
    page.open(tmp_path / "image.html")
    assert page.all("#packages-body tbody td:first-child") == [script]
    assert f"/usr/\ufffd{odd[1:]}" in page.css("#files-body")
    assert page.count("img, svg:not(.graph svg), script:not(#data):not(:last-of-type)") == 0
    page.run("for (const each of document.querySelectorAll('tr[tabindex], .tile, .node')) each.click()")
    assert page.run("return window.hurt") is None
