"""Files that a web server hands out, and nothing that runs: they need no package, on any architecture."""

from witchery.payload.classify import FileKind
from witchery.payload.findings import Report
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload, PayloadFile

_RUNS = frozenset(
    {FileKind.ELF, FileKind.SCRIPT, FileKind.JAVA_CLASS, FileKind.PE, FileKind.MACHO, FileKind.PYC}
)
_SOURCES = (".py", ".rb", ".php", ".pl", ".pm", ".jar", ".war", ".cjs", ".lua", ".sh", ".node", ".ts")
_MANIFESTS = frozenset({"package.json", "Gemfile", "composer.json", "cpanfile", "config.ru"})
_PAGES = (
    *(".html", ".htm", ".css", ".js", ".json", ".xml", ".txt", ".md", ".pdf", ".webmanifest"),
    *(".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".woff", ".woff2"),
)


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """`static files` where there are some, and nothing that could be started."""
    files = [each for each in payload if each.is_file]
    if any(_may_run(each) for each in files) or not any(each.name.endswith(_PAGES) for each in files):
        return Report()
    return Report(kinds=("static files",))


def _may_run(each: PayloadFile) -> bool:
    return each.kind in _RUNS or each.name.endswith(_SOURCES) or each.name in _MANIFESTS
