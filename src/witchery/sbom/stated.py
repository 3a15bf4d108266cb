"""Reading a bill of materials back, as far as it takes to see of which packages it speaks."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from witchery import canonical
from witchery.errors import FormatError

FOLDER = "var/lib/db/sbom/"
"""Where bills of materials are in an image."""
MAX_DOCUMENT = 8 << 20
"""The longest document that is read, in bytes; one with 2,800 files of 88 packages has 850 kB."""
SUFFIXES = {"spdx": ".spdx.json", "cyclonedx": ".cdx.json"}
"""How scanners want files in a format to be called."""


class Stated(NamedTuple):
    """A package as a document lists it.

    Attributes:
        name: Its name.
        version: Its version.
        control: `sha256:` and the hash of its control segment.
    """

    name: str
    version: str
    control: str


def stated(path: str, data: bytes) -> frozenset[Stated]:
    """The packages of apk, and the application, that a document in an image lists.

    Args:
        path: Its path, by which its format is known.
        data: The document.

    Raises:
        FormatError: if it is none that Witchery writes, or too long.
    """
    if len(data) > MAX_DOCUMENT:
        raise FormatError(f"a bill of materials of more than {MAX_DOCUMENT} bytes")
    try:
        document = canonical.decode(data)
        entries = _spdx(document) if path.endswith(SUFFIXES["spdx"]) else _cyclonedx(document)
        return frozenset(
            Stated(name, version, control)
            for name, version, address, control in entries
            if control or address.startswith("pkg:apk/")
        )
    except (KeyError, TypeError, AttributeError):
        raise FormatError("is no bill of materials that composing makes") from None


_Entry = tuple[str, str, str, str]
"""Name, version, package URL, hash of the control segment; empty where there is none."""


def _spdx(document: Any) -> Iterator[_Entry]:
    for each in document["packages"]:
        references = {one["referenceType"]: one["referenceLocator"] for one in each.get("externalRefs", ())}
        known = (references.get(kind, "") for kind in ("purl", "apk-control"))
        yield (each["name"], each.get("versionInfo", ""), *known)


def _cyclonedx(document: Any) -> Iterator[_Entry]:
    for each in document["components"]:
        properties = {one["name"]: one["value"] for one in each.get("properties", ())}
        control = properties.get("dev.witchery:apk:control", "")
        yield each["name"], each.get("version", ""), each.get("purl", ""), control
