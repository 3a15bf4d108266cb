"""Bills of materials read back: which packages they list, and which bills are recognised in an image."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.bills import a_bill, an_item
from support.packages import make_package
from witchery.apk import archive
from witchery.attest.evidence import Proof
from witchery.attest.recognition import Context, recognise
from witchery.digest import Digest
from witchery.errors import FormatError, Refused
from witchery.keys import Keyring
from witchery.rootfs.entry import file
from witchery.sbom import cyclonedx, spdx
from witchery.sbom.bill import Bill, Component, Vendor
from witchery.sbom.stated import SUFFIXES, Stated, stated

ENCODERS: dict[str, Callable[[Bill], bytes]] = {"spdx": spdx.encode, "cyclonedx": cyclonedx.encode}
HEADS = [archive.read([make_package(name)], lambda _: None).head for name in ("hello", "musl", "payload-app")]
CONTEXT = Context(packages=[Proof(head=head) for head in HEADS], keys=Keyring(()), certificates=frozenset)
each_form = pytest.mark.parametrize("form", ENCODERS)


def place(form: str) -> str:
    return f"var/lib/db/sbom/image{SUFFIXES[form]}"


def the_bill() -> Bill:
    """A bill of the packages of the context, the last of which is an application."""
    items = [
        an_item(
            head.info.name,
            version=head.info.version,
            control=Digest.sha256(head.control_segment),
            own=head.info.name.startswith("payload-"),
            vendor=Vendor(namespace="local"),
        )
        for head in HEADS
    ]
    components = (Component("pkg:npm/x@1", "x", "1", (("app", "lock"),)),)
    return a_bill(*items, components=components, digest=None)


def recognised(form: str, data: bytes) -> str:
    return recognise(file(place(form), len(data)), data, CONTEXT)


@each_form
def test_a_document_lists_the_packages_that_were_written(form: str) -> None:
    assert stated(place(form), ENCODERS[form](the_bill())) == {
        Stated(head.info.name, head.info.version, str(Digest.sha256(head.control_segment))) for head in HEADS
    }


@each_form
def test_a_bill_of_just_the_packages_of_an_image_is_recognised_in_it(form: str) -> None:
    assert recognised(form, ENCODERS[form](the_bill())) == "bill of materials: 3 packages"


def _without(document: dict[str, Any]) -> None:
    listed = document["packages" if "packages" in document else "components"]
    listed.remove(next(each for each in listed if each["name"] == "musl"))


def _other_version(document: dict[str, Any]) -> None:
    listed = document["packages" if "packages" in document else "components"]
    found = next(each for each in listed if each["name"] == "musl")
    found["versionInfo" if "versionInfo" in found else "version"] = "9-r9"


def _one_more(document: dict[str, Any]) -> None:
    purl = "pkg:apk/alpine/evil@1"
    if "packages" in document:
        reference = {"referenceType": "purl", "referenceLocator": purl}
        document["packages"].append({"name": "evil", "externalRefs": [reference]})
    else:
        document["components"].append({"name": "evil", "purl": purl})


@each_form
@pytest.mark.parametrize("change", [_without, _other_version, _one_more])
def test_a_bill_that_says_something_else_of_the_packages_is_not(
    form: str, change: Callable[[dict[str, Any]], None]
) -> None:
    document = json.loads(ENCODERS[form](the_bill()))
    change(document)
    with pytest.raises(Refused, match=r"lists a package that the evidence has not|does not list"):
        recognised(form, json.dumps(document).encode())


@each_form
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"packages": 1, "components": 1}',
        b'{"packages": [1], "components": [1]}',
        b'{"packages": [{"name": "a", "externalRefs": [{}]}], "components": [{"name": 1, "purl": 1}]}',
        b'{"packages": {}, "packages": {}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_bill_is_refused(form: str, data: bytes) -> None:
    with pytest.raises(FormatError):
        stated(place(form), data)
