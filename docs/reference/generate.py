# ruff: noqa: INP001, SLF001 - a script; argparse has no other way to its commands
"""Writes what is made from the code itself: the references of configuration and commands, and the schema.

    python docs/reference/generate.py

A test fails while they are out of date.
"""

import os
from pathlib import Path

from witchery import canonical
from witchery.cli import COMMANDS, make_parser
from witchery.config.reference import markdown
from witchery.config.schema import json_schema

ROOT = Path(__file__).resolve().parents[2]


def commands() -> str:
    """The help of every command, as a page."""
    os.environ["COLUMNS"] = "100"
    parser = make_parser()
    pages = [("witchery", parser.format_help())]
    for name in COMMANDS:
        found = next(action for action in make_parser(only=name)._actions if action.dest == "command")
        choices = found.choices
        if isinstance(choices, dict):
            pages.append((f"witchery {name}", choices[name].format_help()))
    blocks = "\n".join(f"## `{name}`\n\n```text\n{text.rstrip()}\n```\n" for name, text in pages)
    return f"# Commands\n\nGenerated from `--help` by `docs/reference/generate.py`.\n\n{blocks}"


def files() -> dict[Path, bytes]:
    """Every generated file with what has to be in it."""
    return {
        ROOT / "docs/reference/config.md": markdown().encode(),
        ROOT / "docs/reference/commands.md": commands().encode(),
        ROOT / "src/witchery/config/schema.json": canonical.encode_pretty(json_schema()),
    }


if __name__ == "__main__":
    for path, data in files().items():
        path.write_bytes(data)
