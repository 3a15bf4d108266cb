"""The page as text: whole, self-contained, strict about what may run, and safe whatever packages say."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import html5lib
import pytest

from support import reports
from witchery.build.report_parts import assets
from witchery.errors import FormatError
from witchery.report.document import document
from witchery.report.model import Package, Report
from witchery.report.page import Assets, page, shown_size
from witchery.value import replace

ASSETS = assets()
EVERY = {"small": reports.report(), "whole": reports.whole(), "hostile": reports.hostile()}
each_report = pytest.mark.parametrize("report", EVERY.values(), ids=EVERY)


class Read(HTMLParser):
    """What stands in a page: elements with attributes, and the texts of some."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style", "title"):
            self._open = [tag]
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = []

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.texts[tag][-1] += data


@each_report
def test_a_page_is_valid_html(report: Report) -> None:
    """By html5lib, which raises on the first error that the HTML standard knows."""
    parser = html5lib.HTMLParser(strict=True)
    tree = parser.parse(page(report, ASSETS).decode())
    assert tree.find(".//{*}main") is not None


def test_an_invalid_page_would_be_found() -> None:
    broken = page(reports.report(), ASSETS).replace(b"</main>", b"</section></main>", 1)
    with pytest.raises(html5lib.html5parser.ParseError):
        html5lib.HTMLParser(strict=True).parse(broken.decode())


@each_report
def test_a_page_refers_to_nothing_but_itself(report: Report) -> None:
    """No element has an address, except of its own parts and an empty icon."""
    for tag, attributes in Read(page(report, ASSETS)).elements:
        for name in ("src", "href", "action", "data", "poster", "srcset", "background", "formaction", "ping"):
            address = attributes.get(name)
            assert address is None or address.startswith("#") or (tag, address) == ("link", "data:,")
        assert not any(name.startswith("on") for name in attributes)
        assert "style" not in attributes, "the policy would refuse it"
    assert "url(" not in ASSETS.style
    assert "@import" not in ASSETS.style


@each_report
def test_only_our_own_script_and_style_may_run(report: Report) -> None:
    """The hashes of the policy are those of what stands in the page, and nothing else is allowed."""
    read = Read(page(report, ASSETS))
    (policy,) = [
        attributes["content"]
        for tag, attributes in read.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    data, script = read.texts["script"]
    (style,) = read.texts["style"]
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{_hash(script)}'"
    assert rules["style-src"] == f"'sha256-{_hash(style)}'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert json.loads(data) == json.loads(json.dumps(document(report)))


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_no_text_becomes_markup() -> None:
    """A hostile report has the same elements as a tame one, but for how many there are of each row."""
    kinds = {tag for tag, _ in Read(page(reports.whole(), ASSETS)).elements}
    found = Read(page(reports.hostile(), ASSETS))
    assert {tag for tag, _ in found.elements} <= kinds
    assert [tag for tag, _ in found.elements].count("script") == 2
    assert found.texts["title"][0].startswith("</script><script>window.hurt = 1")


def test_a_page_has_no_control_characters_nor_marks_of_direction() -> None:
    text = page(reports.hostile(), ASSETS).decode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]", text)


def test_long_texts_are_cut() -> None:
    """Eleven texts of which one has a million characters, everywhere that a text can stand."""
    assert len(page(reports.hostile(), ASSETS)) < 1_000_000


@each_report
def test_the_same_report_is_the_same_page(report: Report) -> None:
    assert page(report, ASSETS) == page(replace(report, name=report.name), ASSETS)


def test_an_absent_part_says_why() -> None:
    text = page(reports.report(), ASSETS).decode()
    assert text.count("Not in this report: nobody asked for it.") == 5
    assert 'id="audit-body"' not in text


def test_style_and_script_are_small_and_readable() -> None:
    """No framework, nothing minified: less than 60 kB together, and no line that nobody could read."""
    assert len(ASSETS.style.encode()) + len(ASSETS.script.encode()) < 60_000
    assert max(map(len, ASSETS.script.splitlines())) <= 140


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write"])
def test_the_script_never_makes_markup_of_text(word: str) -> None:
    assert word not in re.sub("//.*", "", ASSETS.script)


def test_assets_that_could_end_their_element_are_refused() -> None:
    with pytest.raises(FormatError, match="cannot stand in a page"):
        Assets("", "x = '</script>'")
    with pytest.raises(FormatError, match="cannot stand in a page"):
        Assets("a::after { content: '</style>' }", "")


def test_a_page_that_no_browser_would_show_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("witchery.report.page.MAX_DOCUMENT", 1000)
    with pytest.raises(FormatError, match="more than 1000: no browser"):
        page(reports.report(), ASSETS)


def test_a_position_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(FormatError, match="leads nowhere"):
        reports.report(packages=(Package("a", "1", layer=7),), edges=())


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_949, "99.9 kB"), (2_500_000, "2.5 MB")],
)
def test_sizes_are_shown_in_powers_of_1000(count: int, text: str) -> None:
    assert shown_size(count) == text


COLOUR = re.compile(r"--([a-z]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TEXT = [
    ("ink", "paper"),
    ("muted", "paper"),
    ("accent", "paper"),
    ("bad", "paper"),
    ("warn", "paper"),
    ("good", "paper"),
]
TEXT += [
    (each, ground)
    for each in ("ink", "muted", "accent", "bad", "warn", "good")
    for ground in ("panel", "hover")
]
TEXT += [("ink", "chosen"), ("muted", "chosen"), ("bad", "chosen"), ("warn", "chosen"), ("good", "chosen")]
TEXT += [("on", kind) for kind in ("signed", "payload", "derived", "top", "other")]
MARKS = [
    (each, ground)
    for each in ("rule", "signed", "payload", "derived", "top", "other")
    for ground in ("paper", "panel")
]


def themes() -> dict[str, dict[str, str]]:
    """The colours of each theme, by name."""
    found = COLOUR.findall(ASSETS.style)
    return {
        "light": {name: light for name, light, _ in found},
        "dark": {name: dark for name, _, dark in found},
    }


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "ground", "least"), [*((*each, 4.5) for each in TEXT), *((*each, 3.0) for each in MARKS)]
)
def test_contrast_is_enough_in_both_themes(theme: str, front: str, ground: str, least: float) -> None:
    """4.5:1 for text, 3:1 for marks (WCAG 2.2, 1.4.3 and 1.4.11)."""
    colours = themes()[theme]
    high, low = sorted((luminance(colours[front]), luminance(colours[ground])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= least


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("matrix", ["deuteranopia", "protanopia", "tritanopia"])
def test_signed_bytes_differ_from_the_application_for_those_who_see_fewer_colours(
    theme: str, matrix: str
) -> None:
    """Simulated (Machado, Oliveira, Fernandes 2009, severity 1); what else there is has a pattern besides."""
    signed, payload = (_simulated(themes()[theme][kind], MATRICES[matrix]) for kind in ("signed", "payload"))
    assert sum((a - b) ** 2 for a, b in zip(signed, payload, strict=True)) ** 0.5 > 100
    for kind in ("derived", "top"):
        assert re.search(rf"\.tile\.k-{kind} \{{\s*background-image: [a-z-]+-gradient", ASSETS.style)


MATRICES = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def _simulated(colour: str, matrix: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return tuple(sum(weight * part for weight, part in zip(row, parts, strict=True)) for row in matrix)
