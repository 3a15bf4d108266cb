"""The only JSON encoder: the same value always gives the same bytes.

Keys are sorted, text is UTF-8, floats and NaN do not occur.
"""

import json
from typing import Any, NoReturn

from witchery.errors import FormatError


def encode(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def encode_pretty(value: Any) -> bytes:
    """JSON for people: two spaces of indentation and a final newline."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"


def decode(data: bytes, what: str = "") -> Any:
    """Reads JSON, strictly: no name twice in an object, no `NaN`, and no text that is not text.

    Args:
        data: The document, UTF-8.
        what: What it is, for the error.

    Raises:
        FormatError: if it is anything else, or nested too deeply.
    """
    where = [what] if what else []
    try:
        return json.loads(data.decode(), object_pairs_hook=_unambiguous, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise FormatError(f"expected UTF-8 at byte {error.start}", where=where) from None
    except json.JSONDecodeError as error:
        raise FormatError(f"expected JSON: {error.msg} at byte {error.pos}", where=where) from None
    except (RecursionError, ValueError):  # ValueError: more digits than Python converts
        raise FormatError("expected JSON of reasonable depth and numbers", where=where) from None


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise FormatError(f"a member stands twice: `{twice[:80]}`")
    return members


def _no_constant(text: str) -> NoReturn:
    raise FormatError(f"expected JSON: `{text}` is not a number")
