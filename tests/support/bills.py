"""Bills of materials before the official validators, in this process: their imports take seconds."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.sbom import bill as bills
from witchery.sbom.bill import Bill, Distribution, Item, Person, Vendor

ALPINE = Vendor(namespace="alpine", name="Alpine Linux", distribution=True)
RELEASE = Distribution(id="alpine", version="3.19.1", name="Alpine Linux")


def an_item(name: str = "hello", **fields: Any) -> Item:
    """A package of Alpine's, but for what is given."""
    known: dict[str, Any] = {
        "name": name,
        "version": "1.0-r0",
        "arch": "x86_64",
        "vendor": ALPINE,
        "origin": name,
        "licence": bills.licence("MIT", name),
        "maintainer": Person("Somebody", "somebody@example.org"),
        "description": "says hello",
        "home": "https://example.org/",
        "location": "",
        "repository": "",
        "commit": "",
        "form": 2,
        "file": Digest.sha256(name.encode()),
        "identity": "Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "control": Digest.sha256(b"control"),
        "data": Digest.sha256(b"data"),
        "installed_size": 1,
    }
    return Item(**(known | fields))


def a_bill(*items: Item, **fields: Any) -> Bill:
    """The bill of an image of these packages, but for what is given."""
    known: dict[str, Any] = {
        "name": "image",
        "digest": Digest.sha256(b"image"),
        "size": 1,
        "arch": Arch.parse("x86_64"),
        "created": "2024-01-26T17:53:06Z",
        "vendor": "",
        "version": "",
        "distribution": RELEASE,
        "items": items,
        "asked": (),
        "components": (),
        "trusted": True,
        "tool": "0",
    }
    return Bill(**(known | fields))


def check_spdx(data: bytes, folder: Path) -> dict[str, Any]:
    """The document, which spdx-tools finds nothing wrong with."""
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.json.json_parser import parse_from_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    logging.disable(logging.CRITICAL)  # it speaks of every relationship
    path = folder / "checked.spdx.json"
    path.write_bytes(data)
    try:
        found = validate_full_spdx_document(parse_from_file(str(path)))
    except SPDXParsingError as error:
        raise AssertionError(error.messages) from error
    finally:
        logging.disable(logging.NOTSET)
    assert [each.validation_message for each in found] == []
    document: dict[str, Any] = json.loads(data)
    return document


def check_cyclonedx(data: bytes) -> dict[str, Any]:
    """The document, which the strict schema of CycloneDX 1.6 allows; every reference leads somewhere."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    document: dict[str, Any] = json.loads(data)
    known = [each["bom-ref"] for each in (document["metadata"]["component"], *document["components"])]
    assert len(known) == len(set(known))
    for each in document["dependencies"]:
        assert {each["ref"], *each.get("dependsOn", ())} <= set(known)
    return document


def purls(document: dict[str, Any]) -> dict[str, str]:
    """The package URLs in an SPDX document, by the names of packages."""
    return {each["name"]: purl for each in document["packages"] for purl in _purls(each)}


def _purls(package: dict[str, Any]) -> Iterator[str]:
    references: Sequence[dict[str, str]] = package.get("externalRefs", ())
    return (each["referenceLocator"] for each in references if each["referenceType"] == "purl")
