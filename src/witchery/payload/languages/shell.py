"""Shell scripts: which programs they may run. What they need to start is told by `scripts`.

A word at the place of a command is a candidate and no more, so every one is a suggestion.
"""

import re

from witchery.errors import FormatError
from witchery.payload.classify import FileKind
from witchery.payload.findings import Evidence, Report, Suggestion
from witchery.payload.languages.shell_commands import MAX_SCRIPT, commands
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload, PayloadFile

MAX_SCRIPTS = 50
"""How many scripts are looked at."""
MAX_COMMANDS = 40
"""How many commands of one script are told."""
_SHEBANG = re.compile(rb"#![ \t]*/(?:usr/)?(?:local/)?bin/(?:env[ \t]+)?(?:sh|ash|bash|dash|ksh|mksh|zsh)\b")
_VENDORED = ("node_modules/", "site-packages/", "dist-packages/", "vendor/", "gems/")
"""Folders of dependencies, which are full of scripts that nobody runs."""


def inspect(payload: Payload, _options: ScanOptions) -> Report:
    """Which programs the shell scripts among the files may run."""
    own = {each.name for each in payload if each.is_executable or not each.is_file}
    suggestions = []
    for each in [each for each in payload if _is_script(each)][:MAX_SCRIPTS]:
        try:
            text = each.read(MAX_SCRIPT).decode(errors="replace")
        except FormatError:
            continue  # too long for a script that starts something
        lines = text.split("\n")
        for name in [name for name in commands(text) if name not in own][:MAX_COMMANDS]:
            evidence = Evidence(each.path, f"line {_line(lines, name)}: {name}")
            suggestions.append(Suggestion(f"cmd:{name}", "may be run by a script", (evidence,)))
    return Report(suggestions=tuple(suggestions))


def _is_script(each: PayloadFile) -> bool:
    return (
        each.kind is FileKind.SCRIPT
        and each.is_executable
        and _SHEBANG.match(each.head) is not None
        and not any(folder in each.path for folder in _VENDORED)
    )


def _line(lines: list[str], name: str) -> int:
    """The number of the first line that has the word, comments left out."""
    word = re.compile(rf"(?<![\w./$-]){re.escape(name)}(?![\w./-])")
    found = (number for number, line in enumerate(lines, 1) if line.lstrip()[:1] != "#" and word.search(line))
    return next(found, 1)
