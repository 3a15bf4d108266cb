"""The page in Chromium: what it shows, what it does, and what it never does.

After each test nothing may stand in the console, and nothing but the page may have been asked for (`show`).
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support import reports
from support.browser import Browser
from support.downloads import npm_files, npm_tarball
from witchery.report.model import Files, Report

AXE = "4.14.1"
"""The version of axe-core."""

Show = Callable[..., Browser]
WHY = "#why-body .who bdi"
NAMES = "#packages-body tbody tr:not(.space) td:first-child"


@pytest.fixture(scope="module")
def large() -> Report:
    """400 packages, 50 000 files."""
    return reports.large()


def test_every_part_is_shown(show: Show) -> None:
    browser = show(reports.whole())
    assert browser.all("h2") == [
        "Overview",
        "Layers",
        "Where the bytes are",
        "Packages",
        "Why it is there",
        "Files",
        "Install scripts",
        "Audit",
        "Vulnerabilities",
        "Verification",
        "Changes",
    ]
    assert browser.all(NAMES) == ["app", "libfoo", "musl"]
    assert "/usr/lib/libfoo.so → libfoo.so.2" in browser.css("#files-body")
    assert "user `app` (100:101)" in browser.css("#scripts-body")
    audit = browser.css("#audit-body")
    assert "Score 72 of 100; Alpine 3.19 has 57." in audit
    assert "setuid\thigh\tprograms with the rights of their owner\t2\t\u221220" in audit
    assert "shells\t0\t3" in audit
    assert "known to be exploited; Reads too far" in browser.css("#vulnerabilities-body")
    assert "Not verified: 1 problem." in browser.css("#verification-body")
    changes = browser.css("#changes-body")
    assert "From oci:old to this one. Layers in common: 1; to pull besides: 600\u00a0B." in changes
    assert "\u2212900\u00a0kB" in changes
    assert browser.all("nav .count") == ["", "2", "", "3", "", "6", "3", "3", "2", "no", "6"]


def test_absent_parts_say_so(show: Show) -> None:
    browser = show(reports.report())
    assert browser.count(".absent") == 5
    assert browser.count("#audit-body") == 0


def test_an_image_without_packages_or_files_is_shown(show: Show) -> None:
    """A foreign image, of which nothing is known but its layers."""
    browser = show(reports.report(packages=(), edges=(), files=Files(listed=())))
    assert "No packages are known." in browser.css("#why")
    assert "No files" in browser.css("#files")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_is_the_users(show: Show, scheme: str) -> None:
    """That of the system at first; a button chooses another."""
    show(reports.report()).prefer(scheme)
    browser = show(reports.report())
    ground = "return getComputedStyle(document.body).backgroundColor"
    paper = {"light": "rgb(250, 249, 247)", "dark": "rgb(20, 23, 27)"}
    assert browser.run(ground) == paper[scheme]
    seen = []
    for _ in range(3):
        browser.click("#theme")
        seen.append((browser.css("#theme"), browser.run(ground)))
    assert seen == [
        ("Theme: light", paper["light"]),
        ("Theme: dark", paper["dark"]),
        ("Theme: auto", paper[scheme]),
    ]


class TestList:
    def test_search_finds_words_in_any_order(self, show: Show, large: Report) -> None:
        browser = show(large)
        browser.click("#packages-body input")
        browser.press("399 PACKAGE")
        expected = [each.name for each in large.packages if "399" in f"{each.name} {each.description}"]
        assert browser.all(NAMES) == expected
        assert browser.css("#packages-body .shown") == f"{len(expected)} of 400"
        browser.press("zzz")
        assert browser.all(NAMES) == []
        assert browser.css("#packages-body .none") == "Nothing matches"

    def test_search_among_50000_files(self, show: Show, large: Report) -> None:
        browser = show(large)
        browser.click("#files-body input")
        browser.press("/49999.dat")
        assert len(browser.all("#files-body tbody tr:not(.space)")) == 1

    def test_a_filter_is_switched_on_and_off(self, show: Show, large: Report) -> None:
        browser = show(large)
        requested = sorted(each.name for each in large.packages if each.requested)
        browser.click("#packages-body .chip")
        assert browser.css("#packages-body .chip") == "requested"
        assert browser.run("return document.querySelector('#packages-body .chip').ariaPressed") == "true"
        assert browser.css("#packages-body .shown") == f"{len(requested)} of 400"
        shown = browser.all(NAMES)
        assert shown == requested[: len(shown)]
        browser.click("#packages-body .chip")
        assert browser.css("#packages-body .shown") == "400"

    def test_a_heading_sorts_and_sorts_the_other_way(self, show: Show, large: Report) -> None:
        browser = show(large)
        by_size = sorted(large.packages, key=lambda each: each.size)
        browser.click("#packages-body th:nth-child(3) button")
        assert browser.all(NAMES)[:5] == [each.name for each in by_size[::-1][:5]]
        assert (
            browser.run("return document.querySelectorAll('#packages-body th')[2].ariaSort") == "descending"
        )
        browser.click("#packages-body th:nth-child(3) button")
        assert browser.all(NAMES)[:5] == [each.name for each in by_size[:5]]
        assert browser.run("return document.querySelectorAll('#packages-body th')[2].ariaSort") == "ascending"

    def test_rows_are_reached_by_keys(self, show: Show, large: Report) -> None:
        """Down from the search, page by page, to the end, and back; Enter opens, Escape returns."""
        browser = show(large)
        names = [each.name for each in large.packages]
        browser.click("#packages-body input")
        browser.press("ArrowDown")
        assert names[0] in browser.focused()
        browser.press("ArrowDown", "ArrowDown", "ArrowUp")
        assert names[1] in browser.focused()
        browser.press("End")
        assert names[-1] in browser.focused()
        browser.press("PageDown", "ArrowDown")
        assert names[-1] in browser.focused()
        browser.press("Enter")
        assert browser.css(WHY) == names[-1]
        assert browser.focused() == "Why it is there"
        browser.press("Escape")
        assert names[-1] in browser.focused()
        browser.press("Home")
        assert names[0] in browser.focused()
        browser.press("Escape")
        assert browser.focused() == "Search packages"

    def test_a_list_is_one_stop_of_the_tab_key(self, show: Show, large: Report) -> None:
        browser = show(large)
        browser.click("#files-body input")
        chips = browser.count("#files-body .chip")
        browser.press(*["Tab"] * (chips + 5 + 1))
        assert large.files.listed[0].path in browser.focused()  # type: ignore[union-attr]
        browser.press("Tab")
        assert browser.focused() == "Search scripts"

    def test_scrolling_shows_the_rows_in_sight(self, show: Show, large: Report) -> None:
        browser = show(large)
        browser.run(
            "const list = document.querySelector('#files-body .scroller');"
            "list.scrollTop = 34 * 25000; return new Promise((done) => setTimeout(done, 200))"
        )
        assert isinstance(large.files, Files)
        shown = browser.all("#files-body tbody tr:not(.space) td:first-child")
        assert f"/{large.files.listed[25_005].path}" in shown
        rows = browser.run(
            "return [...document.querySelectorAll('#files-body tbody tr[aria-rowindex]')]"
            ".map((each) => Number(each.ariaRowIndex))"
        )
        assert rows == list(range(rows[0], rows[0] + len(rows)))


class TestMap:
    def test_a_package_opens_to_its_files_and_closes_again(self, show: Show, large: Report) -> None:
        browser = show(large)
        assert isinstance(large.files, Files)
        biggest = max(large.packages, key=lambda each: each.size)
        assert browser.run("return document.querySelector('.tile').ariaLabel").startswith(f"{biggest.name} ")
        browser.click(".tile")
        at = large.packages.index(biggest)
        files = sorted(
            (each for each in large.files.listed if each.package == at), key=lambda each: -each.size
        )
        assert browser.focused().startswith(f"/{files[0].path} ")
        assert files[0].path in browser.css("#map .path")
        browser.press("Escape")
        assert browser.focused().startswith(f"{biggest.name} ")

    def test_arrow_keys_move_between_neighbours(self, show: Show) -> None:
        browser = show(reports.report())
        browser.run("document.querySelector('.tile').focus()")
        assert browser.focused().startswith("musl 600")
        browser.press("ArrowRight")
        first = browser.focused()
        assert first.startswith("app 300")
        browser.press("ArrowDown", "ArrowLeft")
        assert browser.focused().startswith("musl 600")
        browser.press("Enter")
        assert browser.focused().startswith("/lib/ld-musl-x86_64.so.1 600")

    def test_a_package_leads_to_why_it_is_there(self, show: Show) -> None:
        browser = show(reports.report())
        browser.click(".tile:nth-child(2)")
        browser.click("#map .crumbs .link")
        assert browser.css(WHY) == "app"

    def test_tiles_are_as_large_as_what_they_stand_for(self, show: Show) -> None:
        browser = show(reports.report())
        areas = browser.run(
            "return [...document.querySelectorAll('.tile')].map((each) =>"
            " [each.ariaLabel.replace(/ \\d+.*/, ''), (each.offsetWidth + 2) * (each.offsetHeight + 2)])"
        )
        sizes = {"musl": 600, "app": 300, "libfoo": 200, "of no package": 130}
        total = sum(area for _, area in areas)
        for name, area in areas:
            assert area / total == pytest.approx(sizes[name] / 1230, rel=0.02)


class TestWhy:
    def test_the_graph_leads_from_package_to_package(self, show: Show) -> None:
        browser = show(reports.report(), "#why=libfoo")
        assert browser.css(WHY) == "libfoo"
        assert browser.all(".column:nth-of-type(1) .node") == ["app\nso:libfoo.so.2"]
        assert browser.all(".column:nth-of-type(3) .node") == ["musl\nso:libc.musl-x86_64.so.1"]
        assert browser.count(".graph path") == 2
        browser.click(".column:nth-of-type(3) .node")
        assert browser.css(WHY) == "musl"
        assert browser.all(".column:nth-of-type(1) .node b") == ["requested", "app", "libfoo"]

    def test_ways_are_told_the_shortest_first(self, show: Show) -> None:
        browser = show(reports.report(), "#why=musl")
        assert [way.replace("\n", " ") for way in browser.all(".ways li")] == [
            "requested → musl",
            "requested → app → so:libc.musl-x86_64.so.1 → musl",
            "requested → app → so:libfoo.so.2 → libfoo → so:libc.musl-x86_64.so.1 → musl",
        ]

    def test_what_leaves_with_a_package_is_told(self, show: Show) -> None:
        browser = show(reports.report(), "#why=app")
        assert browser.css("#why .list").split("\n") == ["500\u00a0B in all, with", "libfoo"]

    def test_arrow_keys_move_in_the_graph(self, show: Show) -> None:
        browser = show(reports.report(), "#why=libfoo")
        browser.run("document.querySelector('.column:nth-of-type(1) button').focus()")
        browser.press("ArrowRight")
        assert browser.focused().startswith("musl")
        browser.press("ArrowLeft")
        assert browser.focused().startswith("app")

    def test_only_neighbours_are_drawn(self, show: Show, large: Report) -> None:
        """However many packages there are, and however many ask for one."""
        asked = [0] * len(large.packages)
        for edge in large.edges:
            asked[edge.source] += edge.source >= 0
        most = large.packages[asked.index(max(asked))]
        browser = show(large, f"#why={most.name}")
        assert max(asked) > 13
        assert browser.count(".graph .node") <= 1 + 2 * 13
        browser.click(".column:nth-of-type(3) .link")
        assert browser.count(".column:nth-of-type(3) .node") == max(asked)
        assert browser.count(".ways li") <= 6


def test_layers_are_chosen_in_the_bar(show: Show) -> None:
    browser = show(reports.whole())
    browser.click(".bar button:nth-child(2)")
    assert "Not as signed: owner." in browser.css("#layers .note")
    assert browser.run("return document.querySelectorAll('#layers tr[aria-selected=true]').length") == 1
    browser.run("document.querySelector('.bar button[tabindex=\"0\"]').focus()")
    browser.press("ArrowLeft", "Enter")
    assert "Layer 1: as signed" in browser.css("#layers .note")


def test_a_script_is_shown_as_it_is(show: Show) -> None:
    browser = show(reports.whole())
    browser.click("#scripts-body tbody tr:nth-child(2)")
    assert browser.css("#scripts-body .text") == (
        "# not done: `frob` is no command that is known\n\n#!/bin/sh\n    frob /usr\n"
    )


def test_the_files_of_a_package_are_found_from_it(show: Show, large: Report) -> None:
    name = large.packages[3].name
    browser = show(large, f"#why={name}")
    browser.run("[...document.querySelectorAll('#why .link')].at(-1).click()")
    assert browser.focused() == "Search files"
    assert all(name in row for row in browser.all("#files-body tbody tr:not(.space)"))


def test_a_large_image_has_few_elements(show: Show, large: Report) -> None:
    """Not one for every package or file: the page stays quick."""
    browser = show(large)
    assert browser.count("*") < 2_500
    browser.press("Tab")
    browser.run("scrollTo(0, document.body.scrollHeight)")
    assert browser.count("*") < 2_500


def test_print_has_more_rows_and_none_of_the_tools(show: Show, large: Report) -> None:
    browser = show(large)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.devtools("Emulation.setEmulatedMedia", media="print")
    assert browser.count("#packages-body tbody tr") == 400
    shown = "return getComputedStyle(document.querySelector(arguments[0])).display"
    assert browser.run(shown, "nav") == browser.run(shown, ".tools") == "none"
    browser.devtools("Emulation.setEmulatedMedia", media="")
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.count("#packages-body tbody tr") < 60


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(show: Show, width: int) -> None:
    show(reports.report()).size(width, 800)
    browser = show(reports.hostile())
    assert browser.run("return document.documentElement.scrollWidth") <= width


def test_what_is_hostile_is_shown_as_text_and_does_nothing(show: Show) -> None:
    """Names, paths, scripts and all else that strangers write; every list is opened, every row chosen."""
    browser = show(reports.hostile())
    assert browser.css("h1").startswith("</script><script>window.hurt = 1</script>")
    assert "<img src=x onerror='window.hurt = 2'>" in browser.all(NAMES)
    browser.run(
        "for (const row of document.querySelectorAll('tbody tr[tabindex]')) row.click();"
        "for (const each of document.querySelectorAll('.node, .tile, .bar button, .chip')) {"
        "  each.dispatchEvent(new MouseEvent('mouseenter'));"
        "  each.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }));"
        "  each.click();"
        "}"
    )
    assert browser.run("return window.hurt") is None
    assert browser.count("img, iframe, object, embed, script:not(#data):not(:last-of-type)") == 0
    assert browser.run("return Object.prototype.at === undefined")
    assert browser.run("return document.body.innerText.includes('\\u202e')") is False


def test_markup_cannot_be_made_even_by_a_script(show: Show) -> None:
    """The policy forbids what the script never does; the console says so, and is emptied."""
    browser = show(reports.report())
    failed = browser.run(
        "try { document.body.innerHTML = '<b>x</b>'; return ''; } catch (error) { return String(error); }"
    )
    assert "TrustedHTML" in failed
    assert browser.logs("browser") != []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["whole", "report", "large"])
def test_axe_finds_nothing(show: Show, name: str, scheme: str) -> None:
    """All rules of axe-core for WCAG 2.2 A and AA, and its best practices."""
    show(reports.report()).prefer(scheme)
    browser = show(getattr(reports, name)())
    axe = npm_files(npm_tarball("axe-core", AXE))["axe.min.js"].decode()
    browser.devtools("Page.setBypassCSP", enabled=True)
    browser.devtools("Runtime.evaluate", expression=axe)
    found = browser.run("return axe.run().then((done) => JSON.stringify(done.violations))")
    problems = [
        (each["id"], [node["html"][:300] for node in each["nodes"]][:3]) for each in json.loads(found)
    ]
    browser.devtools("Page.setBypassCSP", enabled=False)
    assert problems == []


def test_a_page_in_a_folder_with_an_odd_name(chrome: Browser, tmp_path: Path) -> None:
    """Addresses of files are escaped; the page has none of its own."""
    from witchery.build.report_parts import assets
    from witchery.report.page import page

    path = tmp_path / "a b#c%" / "r.html"
    path.parent.mkdir()
    path.write_bytes(page(reports.whole(), assets()))
    chrome.open(path, "#why=libfoo")
    assert chrome.css(WHY) == "libfoo"
    assert chrome.logs("browser") == []
