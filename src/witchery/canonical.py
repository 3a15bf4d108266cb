"""The only JSON encoder: the same value always gives the same bytes.

Keys are sorted, text is UTF-8, floats and NaN do not occur.
"""

import json
from typing import Any

from witchery.errors import FormatError


def encode(value: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def encode_pretty(value: Any) -> bytes:
    """JSON for people: two spaces of indentation and a final newline."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"


def decode(data: bytes, what: str) -> Any:
    """Reads JSON.

    Raises:
        FormatError: naming `what`, if it is not JSON or nested too deeply.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {error}", where=[what]) from error
