"""A report as a JSON document: what `--json` prints, and what the page works with.

Texts come from packages, and anyone may write a package. So every text passes `shown` here, once: no control
characters, nothing that turns the direction of writing, no more than `MAX_TEXT` characters.

Of files there may be very many, so each is a row; `columns` names what stands in it.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from witchery.report.findings import Audit, Changes, Verification, Vulnerabilities
from witchery.report.model import MAX_SCRIPT, Absent, Files, Report
from witchery.sbom.bill import plain

SCHEMA: Final = "dev.witchery.report/1"
"""The name of the document's format."""

MAX_TEXT: Final = 4096
"""The longest text but for scripts, in characters."""

FILE_COLUMNS: Final = ("path", "kind", "size", "mode", "uid", "gid", "package", "layer", "target")
"""What stands in the row of a file."""


def shown(text: str, limit: int = MAX_TEXT) -> str:
    """A text that is fit to be shown; a byte that is not UTF-8 (PEP 383) stands in it by its number."""
    if not text.isprintable():
        with suppress(UnicodeEncodeError):  # a surrogate that stands for no byte: `plain` takes it out
            text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return plain(text, limit)


def document(report: Report) -> dict[str, Any]:
    """The document."""
    return {
        "schema": SCHEMA,
        "subject": {
            "name": shown(report.name),
            "kind": report.kind,
            "arch": report.arch,
            "digest": report.digest,
            "created": shown(report.created),
            "transfer": report.transfer,
        },
        "tool": report.tool,
        "notes": _texts(report.notes),
        "execution": _or_absent(report.execution, lambda found: _shown(found.document())),
        "layers": _or_absent(report.layers, _rows),
        "packages": _rows(report.packages),
        "edges": _rows(report.edges),
        "files": _or_absent(report.files, _files),
        "scripts": _or_absent(report.scripts, lambda found: [_script(each) for each in found]),
        "audit": _or_absent(report.audit, _audit),
        "vulnerabilities": _or_absent(report.vulnerabilities, _vulnerabilities),
        "verification": _or_absent(report.verification, _verification),
        "changes": _or_absent(report.changes, _changes),
    }


def _or_absent(found: Any, encode: Any) -> Any:
    return {"absent": shown(found.reason)} if isinstance(found, Absent) else encode(found)


def _rows(rows: Any) -> list[dict[str, Any]]:
    """Named tuples as objects."""
    return [_shown(each._asdict()) for each in rows]


def _files(files: Files) -> dict[str, Any]:
    return {
        "columns": list(FILE_COLUMNS),
        "rows": [
            [
                shown(each.path),
                each.kind,
                each.size,
                each.mode,
                each.uid,
                each.gid,
                each.package,
                each.layer,
                shown(each.target),
            ]
            for each in files.listed
        ],
        "omitted": files.omitted,
        "omitted_size": files.omitted_size,
    }


def _script(script: Any) -> dict[str, Any]:
    text: str = script.text
    lines = "\n".join(shown(line.replace("\t", "    ")) for line in text[:MAX_SCRIPT].split("\n"))
    found: dict[str, Any] = _shown(script._replace(text="")._asdict())
    return found | {"text": lines, "cut": max(0, len(text) - MAX_SCRIPT)}


def _audit(audit: Audit) -> dict[str, Any]:
    return {
        "score": audit.score,
        "stock": shown(audit.stock),
        "stock_score": audit.stock_score,
        "lines": _rows(audit.lines),
        "counts": _rows(audit.counts),
        "remarks": _rows(audit.remarks),
    }


def _vulnerabilities(known: Vulnerabilities) -> dict[str, Any]:
    return {
        "found": _rows(known.found),
        "checked": known.checked,
        "unchecked": [{"count": count, "reason": shown(reason)} for count, reason in known.unchecked],
        "sources": _texts(known.sources),
        "warnings": _texts(known.warnings),
    }


def _verification(verified: Verification) -> dict[str, Any]:
    return {
        "ok": verified.ok,
        "standings": list(verified.standings),
        "signers": [{"key": shown(key), "packages": count} for key, count in verified.signers.items()],
        "problems": _rows(verified.problems),
        "remarks": _texts(verified.remarks),
    }


def _changes(changes: Changes) -> dict[str, Any]:
    return {
        "name": shown(changes.name),
        "digest": changes.digest,
        "found": _rows(changes.found),
        "omitted": changes.omitted,
        "shared": changes.shared,
        "pulled": changes.pulled,
    }


def _texts(texts: tuple[str, ...]) -> list[str]:
    return [shown(each) for each in texts]


def _shown(value: Any) -> Any:
    """A value in which every text is fit to be shown."""
    match value:
        case str():
            return shown(value)
        case Mapping():
            return {shown(str(name)): _shown(each) for name, each in value.items()}
        case list() | tuple():
            return [_shown(each) for each in value]
        case _:
            return value
