"""Perl applications: modules, and what `cpanfile` says. Scripts by their first line are told by `scripts`.

Sources: perlmod (`package NAME;`), cpanfile, and the folder `local/lib/perl5` that Carton and cpanm -L make.
"""

import re

from witchery.payload.classify import FileKind
from witchery.payload.findings import Evidence, Need, Program, Report
from witchery.payload.options import ScanOptions
from witchery.payload.programs import inside
from witchery.payload.tree import Payload, PayloadFile

_PACKAGE = re.compile(rb"^\s*package\s+[A-Za-z_][\w:]*", re.MULTILINE)
_LOCAL = "local/lib/perl5"
_OTHERS = ("node_modules/", "site-packages/", "dist-packages/")
_SHOWN = 3


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """What the Perl applications among the files need."""
    found = [evidence for each in payload if (evidence := _evidence(payload, each))]
    if not found:
        return Report()
    local = f"{payload.root}/{_LOCAL}".lstrip("/")
    return Report(
        kinds=("Perl application",),
        needs=(Need("perl", tuple(found[:_SHOWN])),),
        programs=tuple(
            Program(("/usr/bin/perl", f"/{each.path}"), "Perl program", 1)
            for each in payload
            if each.is_file
            and each.name == f"{payload.name.removesuffix('.pl')}.pl"
            and _is_top(payload, each)
        ),
        environment={"PERL5LIB": f"/{local}"} if local in payload.files else {},
    )


def _evidence(payload: Payload, each: PayloadFile) -> Evidence | None:
    if not each.is_file or any(folder in each.path for folder in _OTHERS):
        return None
    if each.name == "cpanfile":
        return Evidence(each.path, "names modules of CPAN")
    if each.name.endswith(".pm") and _PACKAGE.search(each.head):
        return Evidence(each.path, "is a Perl module")
    text = each.kind in (FileKind.TEXT, FileKind.SCRIPT)
    if each.name.endswith(".pl") and text and _is_top(payload, each):
        return Evidence(each.path, "is a Perl program")
    return None


def _is_top(payload: Payload, each: PayloadFile) -> bool:
    return each.entry.parent in (inside(payload, ""), inside(payload, "bin"))
