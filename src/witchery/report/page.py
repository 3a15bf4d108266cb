"""A report as one page of HTML that needs nothing else: no network, no other file.

The frame and the overview are written here, and read without scripts. Lists are made by `report.js` from the
document in the page, a screenful at a time. Nothing in a package can become markup: every text passes
`html.escape` here, the document cannot end its element, the script sets texts and never markup, and the
page's policy (Content Security Policy Level 3) lets run nothing but this very script, by its hash.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from html import escape
from typing import Any

from witchery import canonical
from witchery.errors import FormatError
from witchery.report.document import document, shown
from witchery.report.model import Absent, Report
from witchery.value import frozen

MAX_DOCUMENT = 128 << 20
"""The largest document that a page is made of, in bytes; that of 400 packages and 50,000 files has 3.7 MB."""

_UNITS = ("B", "kB", "MB", "GB", "TB")
_IN_SCRIPT = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)

_COMPLETE = "This page is complete: it loads nothing, and sends nothing."

_SECTIONS = (
    ("overview", "Overview", ""),
    ("layers", "Layers", "What the image is transferred as, the lowest layer first."),
    ("map", "Where the bytes are", "Each package by the size of its files. Open one to see the files."),
    ("packages", "Packages", "Open one to see why it is there."),
    ("why", "Why it is there", "Who asks for a package, what it asks for, and what would leave with it."),
    ("files", "Files", "Everything in the image but folders."),
    ("scripts", "Install scripts", "Scripts of packages are read, and never run."),
    ("audit", "Audit", "How hard the image is to attack."),
    ("vulnerabilities", "Vulnerabilities", "What is known to be vulnerable."),
    ("verification", "Verification", "What the layers rest on."),
    ("changes", "Changes", "In what it differs from another image."),
)


@frozen
class Assets:
    """What the page is made with.

    Attributes:
        style: `report.css`.
        script: `report.js`.
    """

    style: str
    script: str

    def __post_init__(self) -> None:
        """Checks that they can stand in a page.

        Raises:
            FormatError: if one could end its element.
        """
        if "</" in self.style or "</script" in self.script.lower() or "<!--" in self.script:
            raise FormatError("style or script cannot stand in a page")


def page(report: Report, assets: Assets) -> bytes:
    """The page; the same report always gives the same bytes.

    Raises:
        FormatError: if it would be larger than any browser takes.
    """
    found = document(report)
    name = escape(shown(report.name, 256))
    lines = (
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_policy(assets))}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="robots" content="noindex">',
        f'<meta name="generator" content="witchery {escape(report.tool)}">',
        f"<title>{name} - Witchery report</title>",
        '<link rel="icon" href="data:,">',
        f"<style>{assets.style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#main">Skip to the report</a>',
        *_header(report, name),
        *_navigation(),
        '<main id="main" tabindex="-1">',
        *_overview(report),
        *(line for section in _SECTIONS[1:] for line in _section(found, *section)),
        "</main>",
        f"<footer><p>Made by witchery {escape(report.tool)}. {_COMPLETE}</p></footer>",
        f'<script type="application/json" id="data">{_embedded(found)}</script>',
        f"<script>{assets.script}</script>",
        "</body>",
        "</html>",
    )
    return "\n".join(lines).encode() + b"\n"


def shown_size(count: int) -> str:
    """Bytes for a person, in powers of 1000: `1.2 MB`."""
    value = float(count)
    unit = 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 99.95 else f"{value:.1f} {_UNITS[unit]}"


def _policy(assets: Assets) -> str:
    """What the page may do: run this script, look like this, and nothing else."""
    style, script = (
        b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (assets.style, assets.script)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:;"
        " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _embedded(found: dict[str, Any]) -> str:
    """The document, so that no text in it can end the element or mean anything to a parser of HTML."""
    data = canonical.encode(found)
    if len(data) > MAX_DOCUMENT:
        raise FormatError(
            f"a report of {len(data)} bytes, more than {MAX_DOCUMENT}: no browser would show it"
        )
    return data.decode().translate(_IN_SCRIPT)


def _header(report: Report, name: str) -> Iterator[str]:
    what = {"image": "Image", "source": "Image of a source", "lock": "Lock"}[report.kind]
    yield "<header>"
    yield f'<p class="eyebrow">Witchery report <span aria-hidden="true">·</span> {what}</p>'
    yield f"<h1><bdi>{name}</bdi></h1>"
    yield '<p class="byline">'
    yield f"<span>{escape(shown(report.arch))}</span>"
    if report.created:
        made = escape(shown(report.created, 40)).replace("T", " ").removesuffix("Z")
        yield f"<span>made {made}</span>"
    if report.digest:
        yield f'<code class="digest">{escape(report.digest)}</code>'
    yield "</p>"
    yield '<button type="button" id="theme" hidden>Theme: <span>auto</span></button>'
    yield "</header>"


def _navigation() -> Iterator[str]:
    yield '<nav aria-label="Parts of the report"><ul>'
    for name, title, _ in _SECTIONS:
        yield f'<li><a href="#{name}">{title} <span class="count" data-count="{name}"></span></a></li>'
    yield "</ul></nav>"


def _overview(report: Report) -> Iterator[str]:
    yield '<section id="overview" aria-labelledby="overview-title">'
    yield '<h2 id="overview-title">Overview</h2>'
    yield '<dl class="figures">'
    for label, figure, remark in _figures(report):
        note = f'<dd class="remark">{escape(remark)}</dd>' if remark else ""
        yield f"<div><dt>{escape(label)}</dt><dd>{escape(figure)}</dd>{note}</div>"
    yield "</dl>"
    for note in report.notes:
        yield f'<p class="note">{_marked(note)}</p>'
    yield "<h3>How it starts</h3>"
    if isinstance(report.execution, Absent):
        yield _absent(report.execution.reason)
    else:
        yield '<dl class="facts">'
        for label, texts in _execution(report):
            words = " ".join(f"<code>{escape(shown(each))}</code>" for each in texts)
            yield f"<div><dt>{label}</dt><dd>{words}</dd></div>"
        yield "</dl>"
    yield "<noscript><p>The lists below need scripts, which are switched off.</p></noscript>"
    yield "</section>"


def _figures(report: Report) -> Iterator[tuple[str, str, str]]:
    asked = sum(1 for each in report.packages if each.requested)
    yield "Packages", _number(len(report.packages)), f"{_number(asked)} requested" if asked else ""
    if not isinstance(report.files, Absent):
        count = len(report.files.listed) + report.files.omitted
        size = sum(each.size for each in report.files.listed) + report.files.omitted_size
        yield "Unpacked", shown_size(size), _counted(count, "file")
    if not isinstance(report.layers, Absent):
        yield "To transfer", shown_size(report.transfer), _counted(len(report.layers), "layer")
        total = sum(each.size for each in report.layers)
        signed = sum(each.size for each in report.layers if each.kind == "signed")
        count = sum(1 for each in report.layers if each.kind == "signed")
        if total and count:
            yield "As signed", _percent(signed, total), f"{count} of {len(report.layers)} layers"
    if not isinstance(report.vulnerabilities, Absent):
        counted = {each.id for each in report.vulnerabilities.found if not each.dismissed}
        looked = _counted(report.vulnerabilities.checked, "package")
        yield "Vulnerabilities", _number(len(counted)), f"{looked} looked up"
    if not isinstance(report.verification, Absent):
        problems = _counted(len(report.verification.problems), "problem")
        said = "nothing speaks against it" if report.verification.ok else problems
        yield "Verified", "yes" if report.verification.ok else "no", said
    if not isinstance(report.audit, Absent):
        yield "Audit", f"{report.audit.score} / 100", f"{report.audit.stock}: {report.audit.stock_score}"


def _number(count: int) -> str:
    """A number with thin blanks between thousands."""
    return f"{count:,}".replace(",", "\u202f")


def _counted(count: int, word: str) -> str:
    return f"{_number(count)} {word if count == 1 else word + 's'}"


def _percent(part: int, whole: int) -> str:
    """Rounded down, so that all means all."""
    return f"{100 * part // whole} %"


def _execution(report: Report) -> Iterator[tuple[str, tuple[str, ...]]]:
    found = report.execution
    if isinstance(found, Absent):
        return
    yield "Command", (*found.entrypoint, *found.cmd) or ("nothing",)
    yield "User", (found.user or "root",)
    for label, texts in (
        ("Folder", (found.working_dir,)),
        ("Environment", found.env),
        ("Ports", found.ports),
        ("Volumes", found.volumes),
        ("Stop signal", (found.stop_signal,)),
        ("Labels", tuple(f"{name}={text}" for name, text in found.labels.items())),
    ):
        if any(texts):
            yield label, texts


def _section(found: dict[str, Any], name: str, title: str, lede: str) -> Iterator[str]:
    source = {"map": "files", "why": "packages"}.get(name, name)
    reason = found[source].get("absent", "") if isinstance(found[source], dict) else ""
    yield f'<section id="{name}" aria-labelledby="{name}-title">'
    yield f'<h2 id="{name}-title" tabindex="-1">{title}</h2>'
    yield f'<p class="lede">{lede}</p>'
    yield _absent(reason) if reason else f'<div class="body" id="{name}-body"></div>'
    yield "</section>"


def _absent(reason: str) -> str:
    return f'<p class="absent">Not in this report: {_marked(reason)}.</p>'


def _marked(text: str) -> str:
    """A sentence in which backticks set off what is a name."""
    parts = escape(shown(text)).split("`")
    return "".join(f"<code>{each}</code>" if at % 2 else each for at, each in enumerate(parts))
