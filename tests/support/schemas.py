"""What commands print with `--json`, held against the schemas that are documented."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference" / "json"
"""Where the schemas are: `NAME.schema.json` for documents whose `schema` is `dev.witchery.NAME/1`."""

_Validator = jsonschema.Draft202012Validator


def check(text: str | bytes) -> dict[str, Any]:
    """A document that a command printed, valid by its schema, which knows each of its members.

    Raises:
        jsonschema.ValidationError: if it is anything else.
    """
    document: dict[str, Any] = json.loads(text)
    _strict(name_of(document)).validate(document)
    return document


def name_of(document: Any) -> str:
    """The name of a document's form."""
    name: str = document["schema"].removeprefix("dev.witchery.").partition("/")[0]
    return name


def form_of(name: str) -> str:
    """The form that a schema says its documents have."""
    schema = read(name)
    forms = {
        each["properties"]["schema"]["const"]
        for each in (schema, *schema.get("$defs", {}).values())
        if "schema" in each.get("properties", {})
    }
    (form,) = forms
    return str(form)


@cache
def read(name: str) -> Any:
    """The schema of a form, which is a schema."""
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text())
    _Validator.check_schema(schema)
    return schema


def undescribed(schema: Any, place: str = "") -> Iterator[str]:
    """The members that a schema has no words for, not even where it refers to."""
    if isinstance(schema, list):
        for each in schema:
            yield from undescribed(each, place)
    elif isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            if not {"description", "$ref"} & set(each):
                yield f"{place}.{name}"
        for name, each in schema.items():
            yield from undescribed(each, f"{place}/{name}")


def unshown(name: str, documents: Iterable[Any]) -> list[str]:
    """The members, and items of lists, that a schema describes and none of the documents has."""
    schema = read(name)
    shown = {place for each in documents for place in _shown(schema, each, schema, name)}
    return sorted(set(_described(schema, schema, name, set())) - shown)


def _described(part: Any, schema: Any, place: str, entered: set[str]) -> Iterator[str]:
    part, place = _followed(part, schema, place)
    if place in entered:
        return
    if place.startswith("#"):
        entered.add(place)
    for inner, where in _inner(part, place):
        yield where
        yield from _described(inner, schema, where, entered)
    for each in (*part.get("anyOf", ()), *part.get("oneOf", ())):
        yield from _described(each, schema, place, entered)


def _shown(part: Any, value: Any, schema: Any, place: str) -> Iterator[str]:
    part, place = _followed(part, schema, place)
    described = {where: inner for inner, where in _inner(part, place)}
    if isinstance(value, dict):
        named = part.get("properties", {})
        held = [(f"{place}.{name if name in named else '*'}", each) for name, each in value.items()]
    else:
        held = [(f"{place}[]", each) for each in value] if isinstance(value, list) else []
    for where, each in held:
        if where in described:
            yield where
            yield from _shown(described[where], each, schema, where)
    for each in (*part.get("anyOf", ()), *part.get("oneOf", ())):
        if _Validator(schema).evolve(schema=each).is_valid(value):
            yield from _shown(each, value, schema, place)


def _inner(part: Any, place: str) -> Iterator[tuple[Any, str]]:
    for name, each in part.get("properties", {}).items():
        yield each, f"{place}.{name}"
    for keyword, ending in (("items", "[]"), ("additionalProperties", ".*")):
        if part.get(keyword):
            yield part[keyword], f"{place}{ending}"


def _followed(part: Any, schema: Any, place: str) -> tuple[Any, str]:
    """What a part of a schema refers to, and its place."""
    while "$ref" in part:
        place = part["$ref"]
        part = schema["$defs"][place.removeprefix("#/$defs/")]
    return part, place


@cache
def _strict(name: str) -> Any:
    return _Validator(_closed(read(name)), format_checker=_Validator.FORMAT_CHECKER)


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
