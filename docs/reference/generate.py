# ruff: noqa: INP001 - a script
"""Writes what is made from the configuration's types: its reference page and its JSON schema.

    python docs/reference/generate.py

A test fails while they are out of date.
"""

from pathlib import Path

from witchery import canonical
from witchery.config.reference import markdown
from witchery.config.schema import json_schema

ROOT = Path(__file__).resolve().parents[2]

(ROOT / "docs/reference/config.md").write_text(markdown())
(ROOT / "src/witchery/config/schema.json").write_bytes(canonical.encode_pretty(json_schema()))
