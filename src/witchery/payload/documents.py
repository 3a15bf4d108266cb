"""JSON that comes with applications, read without trust: what is not as expected counts as absent."""

from typing import Any

from witchery import canonical
from witchery.errors import FormatError
from witchery.payload.tree import PayloadFile

MAX_SIZE = 1 << 25
"""How long a document may be, in bytes."""
_MARK = b"\xef\xbb\xbf"  # the byte order mark that some editors and compilers write


def members(file: PayloadFile) -> dict[str, Any]:
    """The object in a file.

    Raises:
        FormatError: if it is too long, no JSON, or no object.
        StorageError: if it cannot be read.
    """
    document = canonical.decode(file.read(MAX_SIZE).removeprefix(_MARK))
    if not isinstance(document, dict):
        raise FormatError("expected a JSON object")
    return document


def inner(document: Any, *names: str) -> dict[str, Any]:
    """The object at a path of names; an empty one where there is none."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def listed(document: Any, name: str) -> list[dict[str, Any]]:
    """The objects in the list of a name."""
    found = document.get(name) if isinstance(document, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def text(document: Any, name: str) -> str:
    """The text of a name, or an empty string."""
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, str) else ""
