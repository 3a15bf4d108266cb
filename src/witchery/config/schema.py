"""The JSON schema of the configuration (draft-07, which editors know best), made from the model.

An editor sees values where Witchery sees text: a text without quotes that looks like a number is a number
there. So a text's schema takes numbers and booleans where the text's own rules take what they look like.
The schema is never stricter than the decoder. It is less strict where a pattern cannot say the rule (a port
above 65535), where the notation is lost (`493` and `0o755` are one number) and between values (a user given
twice).

The shipped `schema.json` is this, written down.
"""

import re
from typing import Any

from witchery.config.kinds import (
    Choice,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Mode,
    Number,
    Record,
    Setting,
    Text,
    Words,
    settings,
)
from witchery.config.model import IMAGE

_VARIABLE = r"\$\{"
_LOOKS = {"integer": "10", "number": "1.5", "boolean": "true"}


def json_schema() -> dict[str, Any]:
    """The schema of a configuration file."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Witchery image configuration",
        "description": "An OCI image made of Alpine packages. A superset of apko's schema.",
        **_schema(IMAGE, optional=False),
    }


def _schema(kind: Kind, *, optional: bool) -> dict[str, Any]:
    """The schema of a kind; `optional` allows that there is no value (null, or an empty text)."""
    found: dict[str, Any]
    match kind:
        case Text():
            found = _text(kind, optional=optional or kind.empty)
        case Number():
            found = {
                **_typed("integer", "string", optional=optional),
                "minimum": kind.low,
                "maximum": kind.high,
                "pattern": _VARIABLE,
            }
        case Mode():
            # `0o7777` read as octal is 4095, and `7777` read as decimal is 7777.
            found = {
                **_typed("string", "integer", optional=optional),
                "minimum": 0,
                "maximum": 7777,
                "pattern": "|".join(
                    (r"^(?:0o|0)?[0-7]{1,4}$", *(f"^{word}$" for word in kind.words), _VARIABLE)
                ),
                "examples": [*kind.words, "0o755", "0o644", "0o1777"],
            }
        case Flag():
            found = {**_typed("boolean", "string", optional=optional), "pattern": _VARIABLE}
        case Choice():
            variable = {
                **_typed("string", optional=optional),
                "pattern": _VARIABLE + ("|^$" if optional else ""),
            }
            found = {"anyOf": [{"enum": list(kind.values)}, variable]}
        case Words():
            word = {"type": ["string", "number", "boolean"]}
            found = {"type": ["string", "number", "boolean", "array", "null"], "items": word}
        case ListOf():
            item = _schema(kind.item, optional=False)
            found = {**_typed("array", optional=optional), "items": item}
            if kind.short:
                found = {"anyOf": [found, _bare(kind.item)]}
        case MapOf():
            found = {
                **_typed("object", optional=optional),
                "propertyNames": {"pattern": f"^(?:{kind.key.pattern})$"},
                "additionalProperties": _schema(kind.value, optional=False),
            }
        case _:
            found = _record(kind, optional=optional)
    return found


def _bare(kind: Kind) -> dict[str, Any]:
    """The schema of a kind where no list or mapping stands."""
    if isinstance(kind, Record) and kind.short:
        kind = settings(kind.type)[kind.short].kind
    return _schema(kind, optional=False)


def _typed(*types: str, optional: bool) -> dict[str, Any]:
    allowed = [*types, "null"] if optional else list(types)
    return {"type": allowed if len(allowed) > 1 else allowed[0]}


def _text(kind: Text, *, optional: bool) -> dict[str, Any]:
    types = ["string", *(name for name, text in _LOOKS.items() if _accepts(kind, text))]
    found = _typed(*types, optional=optional)
    if kind.pattern:
        found["pattern"] = f"^(?:{kind.pattern})$|{_VARIABLE}" + ("|^$" if optional else "")
    elif not optional:
        found["minLength"] = 1
    if "integer" in types and not _accepts(kind, "-1"):
        found["minimum"] = 0
    digits = next((n for n in range(2, 20) if not _accepts(kind, "9" * n)), 20) - 1
    if "integer" in types and digits < 19:
        found["maximum"] = 10**digits - 1
    if kind.examples:
        found["examples"] = list(kind.examples)
    return found


def _accepts(kind: Text, text: str) -> bool:
    return not kind.pattern or re.fullmatch(kind.pattern, text) is not None


def _record(kind: Record, *, optional: bool) -> dict[str, Any]:
    table = settings(kind.type)
    found: dict[str, Any] = {
        **_typed("object", optional=optional),
        "properties": {key: _property(each) for key, each in table.items()},
        "additionalProperties": False,
    }
    required = [key for key, each in table.items() if each.required]
    if required:
        found["required"] = required
    if kind.short:
        return {"anyOf": [_schema(table[kind.short].kind, optional=optional), found]}
    return found


def _property(setting: Setting) -> dict[str, Any]:
    found = {"description": setting.doc, **_schema(setting.kind, optional=not setting.required)}
    if isinstance(setting.default, bool | int | str) and setting.default != "":
        found["default"] = setting.default
    return found
