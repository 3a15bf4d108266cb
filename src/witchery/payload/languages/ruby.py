"""Ruby applications: `Gemfile.lock`, and gems that Bundler put below `vendor/bundle/ruby/X.Y.0`.

The folder of the gems has the version of Ruby's ABI in its name: compiled ones load in no other. Source:
Bundler's documentation of `bundle install --deployment`, and what it writes.

Rules: `ruby-version` (note): nothing says which Ruby.
"""

import re
from collections.abc import Iterator

from witchery.errors import FormatError
from witchery.payload.findings import (
    Component,
    Evidence,
    Finding,
    Need,
    Program,
    Report,
    Severity,
    Suggestion,
)
from witchery.payload.options import ScanOptions
from witchery.payload.programs import inside
from witchery.payload.purl import purl
from witchery.payload.tree import Payload, PayloadFile

MAX_LOCK = 1 << 22
MAX_GEMS = 10_000
_LOCK = "Gemfile.lock"
_BUNDLE = re.compile(r"(?:^|/)vendor/bundle/ruby/([0-9]{1,3}\.[0-9]{1,3})\.0(?:/|$)")
_RUBY = re.compile(r"^RUBY VERSION\n +ruby ([0-9]{1,3}\.[0-9]{1,3})\b", re.MULTILINE)
_GEM = re.compile(r"^    ([A-Za-z0-9._-]{1,200}) \(([0-9A-Za-z._-]{1,100})\)$", re.MULTILINE)
_OTHERS = ("node_modules/", "site-packages/", "dist-packages/", "vendor/bundle/")


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """What the Ruby applications among the files need, and are made of."""
    locks = [each for each in payload if each.is_file and each.name == _LOCK and not _is_other(each.path)]
    versions = _bundled(payload)
    components, findings = list[Component](), list[Finding]()
    for lock in locks:
        try:
            text = lock.read(MAX_LOCK).decode(errors="replace")
        except FormatError:
            continue
        components += _components(lock.path, text)
        if (said := _RUBY.search(text)) and not versions:
            versions = {said[1]: Evidence(lock.path, f"RUBY VERSION ruby {said[1]}")}
    sources = [each for each in payload if _is_source(payload, each)]
    if not locks and not versions and not sources:
        return Report()
    shown = [*locks, *sources][:1]
    needs = tuple(Need(f"ruby~{version}", (evidence,)) for version, evidence in versions.items())
    if not needs:
        needs = (Need("ruby", tuple(Evidence(each.path, "is of a Ruby application") for each in shown)),)
        if locks:
            hint = 'Name it in the Gemfile (`ruby "~> 3.2.0"`) and lock it, or take one: `-p ruby~3.2`.'
            finding = Finding(
                "ruby-version", Severity.NOTE, locks[0].path, "nothing says which Ruby it needs", (hint,)
            )
            findings.append(finding)
    return Report(
        kinds=(f"Ruby {min(versions)} application" if versions else "Ruby application",),
        needs=needs,
        suggestions=tuple(
            Suggestion(
                "ruby-bundler",
                "Bundler finds the gems of a Gemfile",
                (Evidence(each.path, "is a lock of Bundler"),),
            )
            for each in locks[:1]
        ),
        findings=tuple(findings),
        programs=tuple(_programs(payload, sources)),
        components=tuple(dict.fromkeys(components)),
        environment={"LANG": "C.UTF-8"},
    )


def _is_other(path: str) -> bool:
    return any(folder in path for folder in _OTHERS)


def _is_source(payload: Payload, each: PayloadFile) -> bool:
    return each.is_file and each.name.endswith(".rb") and each.entry.parent == inside(payload, "")


def _bundled(payload: Payload) -> dict[str, Evidence]:
    """The versions of Ruby that gems were installed for, each with the first file that shows it."""
    found: dict[str, Evidence] = {}
    for path in payload.files:
        if match := _BUNDLE.search(path):
            folder = path[: match.end()].rstrip("/")
            found.setdefault(match[1], Evidence(folder, f"gems installed for Ruby {match[1]}"))
    return found


def _components(path: str, text: str) -> Iterator[Component]:
    for name, version in _GEM.findall(text)[:MAX_GEMS]:
        yield Component(purl("gem", name, version), name, version, path, "lock of Bundler")


def _programs(payload: Payload, sources: list[PayloadFile]) -> Iterator[Program]:
    for each in sources:
        stem = each.name.removesuffix(".rb")
        if stem in (payload.name.removesuffix(".rb"), "main", "app"):
            yield Program(
                ("/usr/bin/ruby", f"/{each.path}"), "Ruby program", 2 if stem in ("main", "app") else 1
            )
