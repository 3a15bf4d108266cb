"""Both formats before the official validators: what stands where, and that no package breaks them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.bills import a_bill, an_item, check_cyclonedx, check_spdx, purls
from witchery.digest import Digest
from witchery.sbom import bill as bills
from witchery.sbom import cyclonedx, identifiers, spdx
from witchery.sbom.bill import Bill, Component, Edge, File, Layer, Person, Vendor, plain
from witchery.value import replace

LAYER = Layer(Digest.sha256(b"layer"), "signed")


@pytest.fixture
def whole() -> Bill:
    """An image with a bit of everything."""
    musl = an_item("musl", layer=LAYER, files=(File("lib/libc.so", "SHA1", "ab" * 20),))
    wget = an_item(
        "wget",
        licence=bills.licence("GPL-3.0-or-later WITH OpenSSL-Exception", "wget"),
        needs=(Edge("musl", ("so:libc.musl-x86_64.so.1",)),),
        location="https://dl-cdn.example.org/alpine/v3.19/main/x86_64/wget-1.0-r0.apk",
    )
    docs = an_item(
        "wget-doc", origin="wget", conditions=(Edge("wget", ("docs", "wget=1.0-r0")),), maintainer=None
    )
    other = an_item("openssl", vendor=Vendor(namespace="local"), licence=bills.licence("", "openssl"))
    own = an_item(
        "payload-hello", own=True, vendor=Vendor(namespace=""), file=None, needs=(Edge("musl", ("a", "b")),)
    )
    components = (
        Component("pkg:golang/stdlib@1.22.1", "stdlib", "1.22.1", (("app/hello", "Go build information"),)),
        Component("pkg:npm/x@1", "x", "", (("app/a", "lock"), ("app/b", "lock")), (("sha512", "00" * 64),)),
    )
    return a_bill(
        musl,
        wget,
        docs,
        other,
        own,
        asked=(Edge("wget", ("wget", "wget<2")),),
        components=components,
        vendor="Example Ltd",
        version="1.2",
        trusted=False,
    )


def test_spdx_is_valid_and_says_all(whole: Bill, tmp_path: Path) -> None:
    document = check_spdx(spdx.encode(whole), tmp_path)
    packages = {each["name"]: each for each in document["packages"]}
    wget = packages["wget"]
    assert wget["versionInfo"] == "1.0-r0"
    assert wget["supplier"] == "Organization: Alpine Linux"
    assert wget["originator"] == "Person: Somebody (somebody@example.org)"
    assert wget["sourceInfo"] == "built package from: wget 1.0-r0"
    assert wget["checksums"] == [
        {"algorithm": "SHA256", "checksumValue": Digest.sha256(b"wget").hex},
    ]
    assert wget["licenseDeclared"] == "LicenseRef-GPL-3.0-or-later-WITH-OpenSSL-Exception"
    assert wget["downloadLocation"].endswith("/wget-1.0-r0.apk")
    references = {each["referenceType"]: each["referenceLocator"] for each in wget["externalRefs"]}
    assert references == {
        "purl": "pkg:apk/alpine/wget@1.0-r0?arch=x86_64&distro=alpine-3.19.1",
        "apk-identity": "Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "apk-control": str(Digest.sha256(b"control")),
        "apk-data": str(Digest.sha256(b"data")),
    }
    assert packages["openssl"]["sourceInfo"] == "built package from: local/openssl 1.0-r0"
    assert packages["openssl"]["licenseDeclared"] == "NOASSERTION"
    assert packages["musl"]["comment"] == f"in the signed layer {LAYER.digest}"
    assert packages["image"]["versionInfo"] == "1.2"
    assert packages["stdlib"]["sourceInfo"] == "app/hello: Go build information"
    creation = document["creationInfo"]
    assert creation["creators"] == ["Tool: witchery-0", "Organization: Example Ltd"]
    assert creation["created"] == whole.created
    assert "Not everything in the image is signed by a known key." in creation["comment"]


def test_spdx_has_the_relationships_of_the_solution(whole: Bill) -> None:
    document = spdx.document(whole)
    names = {each["SPDXID"]: each["name"] for each in document["packages"]} | {"SPDXRef-DOCUMENT": "document"}
    found = {
        (names[each["spdxElementId"]], each["relationshipType"], names[each["relatedSpdxElement"]]): each.get(
            "comment", ""
        )
        for each in document["relationships"]
    }
    assert found == {
        ("document", "DESCRIBES", "image"): "",
        ("image", "CONTAINS", "alpine"): "",
        ("alpine", "CONTAINS", "musl"): "",
        ("alpine", "CONTAINS", "wget"): "",
        ("alpine", "CONTAINS", "wget-doc"): "",
        ("alpine", "CONTAINS", "openssl"): "",
        ("image", "CONTAINS", "payload-hello"): "",
        ("image", "DEPENDS_ON", "wget"): "asked for: wget wget<2",
        ("wget", "DEPENDS_ON", "musl"): "so:libc.musl-x86_64.so.1",
        ("wget-doc", "OTHER", "wget"): "installed because of install_if: docs wget=1.0-r0",
        ("payload-hello", "DEPENDS_ON", "musl"): "a b",
        ("payload-hello", "CONTAINS", "stdlib"): "",
        ("payload-hello", "CONTAINS", "x"): "",
    }


def test_cyclonedx_is_valid_and_says_all(whole: Bill) -> None:
    document = check_cyclonedx(cyclonedx.encode(whole))
    known = {each["name"]: each for each in document["components"]}
    wget = known["wget"]
    assert wget["purl"] == wget["bom-ref"] == "pkg:apk/alpine/wget@1.0-r0?arch=x86_64&distro=alpine-3.19.1"
    assert wget["supplier"] == {"name": "Alpine Linux"}
    assert wget["authors"] == [{"name": "Somebody", "email": "somebody@example.org"}]
    assert wget["hashes"] == [{"alg": "SHA-256", "content": Digest.sha256(b"wget").hex}]
    assert wget["licenses"] == [{"license": {"name": "GPL-3.0-or-later WITH OpenSSL-Exception"}}]
    assert {each["type"] for each in wget["externalReferences"]} == {"website", "distribution"}
    properties = {each["name"]: each["value"] for each in wget["properties"]}
    assert properties["aquasecurity:trivy:SrcName"] == "wget"
    assert properties["dev.witchery:apk:data"] == str(Digest.sha256(b"data"))
    assert known["musl"]["licenses"] == [{"expression": "MIT"}]
    assert "licenses" not in known["openssl"]
    assert [each["name"] for each in known["musl"]["components"]] == ["/lib/libc.so"]
    assert known["payload-hello"]["type"] == "application"
    assert [each["location"] for each in known["x"]["evidence"]["occurrences"]] == ["app/a", "app/b"]
    assert document["metadata"]["lifecycles"] == [{"phase": "build"}]
    assert document["metadata"]["timestamp"] == whole.created
    assert document["metadata"]["tools"]["components"][0]["version"] == "0"
    needs = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert needs[wget["bom-ref"]] == [known["musl"]["bom-ref"]]
    assert needs["image"] == ["os", known["payload-hello"]["bom-ref"]]
    assert set(needs["os"]) == {known[name]["bom-ref"] for name in ("musl", "wget", "wget-doc", "openssl")}
    assert set(needs[known["payload-hello"]["bom-ref"]]) == {
        known["musl"]["bom-ref"],
        "pkg:golang/stdlib@1.22.1",
        "pkg:npm/x@1",
    }


def test_without_a_distribution_digest_or_tool_both_are_valid(whole: Bill, tmp_path: Path) -> None:
    bare = replace(whole, distribution=None, digest=None, tool="", version="", vendor="", components=())
    document = check_spdx(spdx.encode(bare), tmp_path)
    assert document["creationInfo"]["creators"] == ["Tool: witchery"]
    assert "versionInfo" not in document["packages"][0]
    check_cyclonedx(cyclonedx.encode(bare))


def test_files_without_sha1_are_left_to_cyclonedx(tmp_path: Path) -> None:
    """SPDX has no place for files that are known by SHA-256 alone, as those of apk v3 are."""
    bill = a_bill(an_item("hello", files=(File("bin/hello", "SHA256", "ab" * 32),)))
    assert "files" not in check_spdx(spdx.encode(bill), tmp_path)
    (hello,) = [each for each in check_cyclonedx(cyclonedx.encode(bill))["components"] if "purl" in each]
    assert hello["components"][0]["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]


def test_names_that_differ_in_signs_alone_stay_apart(tmp_path: Path) -> None:
    names = ["libstdc++", "libstdc--", "libstdc-2b--2b-", "a+b", "a_b", "a.b", "OperatingSystem"]
    document = check_spdx(spdx.encode(a_bill(*map(an_item, names))), tmp_path)
    assert set(names) <= purls(document).keys()
    identifiers_ = [each["SPDXID"] for each in document["packages"]]
    assert len(set(identifiers_)) == len(identifiers_)
    assert sum(each.startswith("SPDXRef-OperatingSystem") for each in identifiers_) == 1


HOSTILE = "\x1b[31m\u202e\udcff\x00<script>\"'\\\n" + "x" * 100_000


def test_hostile_packages_give_valid_documents(tmp_path: Path) -> None:
    """Control characters, bytes that are not UTF-8, marks that turn text, and texts without end."""
    item = an_item(
        plain("na\x1bme<>(){}"),
        version=plain("1\n2"),
        arch=plain("x86\t64"),
        vendor=Vendor(namespace="exa mple/../..", name=plain(HOSTILE)),
        origin=plain(HOSTILE),
        licence=bills.licence(HOSTILE, HOSTILE),
        maintainer=Person.parse(HOSTILE + " <a@b" + HOSTILE + ">"),
        description=plain(HOSTILE),
        home=bills.url("https://" + HOSTILE),
        location=bills.url(HOSTILE),
        commit=plain(HOSTILE),
    )
    evidence = ((plain(HOSTILE), plain("\x1b")),)
    bill = a_bill(
        item,
        name=plain(HOSTILE, 128),
        vendor=plain(HOSTILE),
        components=(Component("pkg:npm/%1B@1", plain("\x1b"), plain("\x00"), evidence),),
    )
    for data in (spdx.encode(bill), cyclonedx.encode(bill)):
        assert len(data) < 60_000
        assert not any(sign in data.decode() for sign in ("\x1b", "\u202e", "\x00"))
    check_spdx(spdx.encode(bill), tmp_path)
    check_cyclonedx(cyclonedx.encode(bill))


@settings(max_examples=25)
@given(
    texts=st.lists(st.text(max_size=30), min_size=6, max_size=6),
    licence=st.text("MIT AND OR WITH ()+-.:x", max_size=30),
)
def test_any_text_gives_valid_spdx(
    texts: list[str], licence: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name, version, description, maintainer, home, origin = texts
    item = an_item(
        plain(name),
        version=plain(version),
        description=plain(description),
        maintainer=Person.parse(maintainer),
        home=bills.url(f"https://{home}"),
        origin=plain(origin),
        licence=bills.licence(licence, name),
    )
    data = spdx.encode(a_bill(item))
    assert data == spdx.encode(a_bill(item))
    if name.strip() and version.strip():  # packages have both
        check_spdx(data, tmp_path_factory.getbasetemp())


ENCODERS: dict[str, tuple[Callable[[Bill], dict[str, Any]], str]] = {
    "spdx": (spdx.document, "documentNamespace"),
    "cyclonedx": (cyclonedx.document, "serialNumber"),
}


@pytest.mark.parametrize("form", ENCODERS)
def test_a_document_s_name_follows_from_all_it_says(form: str, whole: Bill) -> None:
    """The same bill has the same name; whatever differs makes another one."""
    document, member = ENCODERS[form]
    changed = (
        whole,
        replace(whole, digest=Digest.sha256(b"another image")),
        replace(whole, tool="1"),
        replace(whole, created="2025-01-01T00:00:00Z"),
        replace(whole, items=whole.items[1:], asked=(), components=()),
    )
    bare = tuple(
        replace(each, items=tuple(replace(i, needs=(), conditions=()) for i in each.items))
        for each in changed
    )
    names = [document(each)[member] for each in bare]
    assert len(set(names)) == len(names)
    assert document(whole)[member] == document(whole)[member]


def test_the_uuid_is_one_of_version_5() -> None:
    import uuid

    found = uuid.UUID(identifiers.content_uuid({"a": 1}))
    assert found.version == 5
    assert found.variant == uuid.RFC_4122
