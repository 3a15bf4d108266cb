"""What commands print with `--json`, held against the schemas that are documented."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference" / "json"
"""Where the schemas are: `NAME.schema.json` for documents whose `schema` is `dev.witchery.NAME/1`."""


def check(text: str) -> dict[str, Any]:
    """A document that a command printed, valid by its schema, which knows each of its members.

    Raises:
        jsonschema.ValidationError: if it is anything else.
    """
    document: dict[str, Any] = json.loads(text)
    name = document["schema"].removeprefix("dev.witchery.").partition("/")[0]
    _validator(name).validate(document)
    return document


@cache
def _validator(name: str) -> Any:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(_closed(schema))


def _closed(schema: Any) -> Any:
    """The schema, allowing no member that it does not describe."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed
