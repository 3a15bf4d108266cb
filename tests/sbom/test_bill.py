"""What a bill says of packages: package URLs, persons, texts that are fit for any document."""

import io
import tarfile

import pytest
from packageurl import PackageURL

from support.bills import ALPINE, RELEASE, a_bill, an_item
from support.shared import SHARED, needs_shared
from witchery.digest import Digest
from witchery.payload import findings
from witchery.sbom import bill as bills
from witchery.sbom.bill import Component, Distribution, Person, Vendor, plain, url


def test_a_package_of_alpine_s_is_named_as_syft_names_it() -> None:
    item = an_item("libcrypto3", version="3.1.4-r5", origin="openssl")
    assert item.purl(RELEASE) == (
        "pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&distro=alpine-3.19.1&upstream=openssl"
    )
    same = an_item("musl", version="1.2.4_git20230717-r4")
    assert same.purl(RELEASE) == "pkg:apk/alpine/musl@1.2.4_git20230717-r4?arch=x86_64&distro=alpine-3.19.1"


def test_a_plus_is_escaped_and_capitals_are_lowered() -> None:
    assert an_item("libstdc++").purl(None).startswith("pkg:apk/alpine/libstdc%2B%2B@1.0-r0")
    assert an_item("R").purl(None).startswith("pkg:apk/alpine/r@")


@pytest.mark.parametrize(
    "vendor", [Vendor(namespace="local"), Vendor(namespace="packages.example.org:8080", name="x")]
)
def test_a_package_of_another_vendor_claims_nothing_of_alpine(vendor: Vendor) -> None:
    """Neither namespace, nor release, nor the name of a source package that Alpine's advisories have."""
    item = an_item(
        "openssl", vendor=vendor, repository="https://packages.example.org:8080/alpine", origin="openssl"
    )
    found = PackageURL.from_string(item.purl(RELEASE))
    assert found.namespace == vendor.namespace
    assert found.qualifiers == {
        "arch": "x86_64",
        "repository_url": "https://packages.example.org:8080/alpine",
    }
    assert item.source == f"{vendor.namespace}/openssl"


def test_alpine_s_packages_in_another_distribution_s_image_do_not_name_its_release() -> None:
    other = Distribution(id="postmarketos", version="24.06", name="postmarketOS")
    item = an_item(vendor=Vendor(namespace="alpine", name="Alpine Linux"))
    assert item.purl(other) == "pkg:apk/alpine/hello@1.0-r0?arch=x86_64"


def test_the_application_is_of_no_distribution() -> None:
    item = an_item("payload-hello", own=True, vendor=Vendor(namespace=""), data=Digest.sha256(b"files"))
    found = PackageURL.from_string(item.purl(RELEASE))
    assert (found.type, found.namespace, found.name) == ("generic", None, "payload-hello")
    assert found.qualifiers == {"checksum": str(Digest.sha256(b"files"))}


def test_the_image_is_named_by_its_digest() -> None:
    bill = a_bill()
    found = PackageURL.from_string(bill.purl)
    assert (found.type, found.name, found.version) == ("oci", "image", str(bill.digest))
    assert a_bill(digest=None).purl == ""


@needs_shared
def test_the_purls_of_all_packages_of_a_release_are_those_of_the_reference_implementation() -> None:
    """23,030 names, versions and origins; that packageurl-python escapes in lower case does not matter."""
    count = 0
    for repository in ("main", "community"):
        place = SHARED / f"alpine/v3.19-x86_64/indexes/{repository}/x86_64/APKINDEX.tar.gz"
        with tarfile.open(place) as archive:
            content = archive.extractfile("APKINDEX")
            assert content is not None
            text = io.TextIOWrapper(content, encoding="utf-8").read()
        for stanza in text.strip().split("\n\n"):
            fields = {line[0]: line[2:] for line in stanza.split("\n")}
            item = an_item(
                fields["P"], version=fields["V"], arch=fields["A"], origin=fields.get("o", fields["P"])
            )
            written = item.purl(RELEASE)
            parsed = PackageURL.from_string(written)
            assert parsed.to_string().replace("%2b", "%2B") == written
            assert (parsed.name, parsed.version) == (fields["P"].lower(), fields["V"])
            assert parsed.qualifiers.get("upstream", fields["P"]) == fields.get("o", fields["P"])
            count += 1
    assert count == 23030


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Natanael Copa <ncopa@alpinelinux.org>", Person("Natanael Copa", "ncopa@alpinelinux.org")),
        ('"Natanael Copa" <ncopa@alpinelinux.org>', Person("Natanael Copa", "ncopa@alpinelinux.org")),
        ("  Timo   Teräs<timo@iki.fi> ", Person("Timo Teräs", "timo@iki.fi")),
        ("<ncopa@alpinelinux.org>", Person("ncopa@alpinelinux.org")),
        ("nobody", Person("nobody")),
        ("A (B) <c at d>", Person("A B c at d")),
        ("A <b@c> (d) <e@f>", Person("A b@c d e@f")),
        ("", None),
        (" <> ", None),
    ],
)
def test_a_maintainer_is_a_name_and_an_address(text: str, person: Person | None) -> None:
    assert Person.parse(text) == person


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the musl c library", "the musl c library"),
        ("tabs\tand\nlines", "tabs\ufffdand\ufffdlines"),
        ("escape \x1b[31m", "escape \ufffd[31m"),
        ("turned \u202e round", "turned \ufffd round"),
        ("not \udcff UTF-8", "not \ufffd UTF-8"),
        ("Größe, 大きさ, 📦", "Größe, 大きさ, 📦"),
        ("x" * 3000, "x" * 2047 + "…"),
    ],
)
def test_a_text_is_fit_for_any_document(text: str, expected: str) -> None:
    assert plain(text) == expected
    plain(text).encode()


@pytest.mark.parametrize(
    "text",
    [
        "https://musl.libc.org/",
        "http://example.org",
        "https://a-b.example:8080/b?c=d#e",
        "https://Example.ORG/",
    ],
)
def test_an_address_on_the_web_is_kept(text: str) -> None:
    assert url(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "musl.libc.org",
        "ftp://example.org/",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://example.org/a b",
        'https://example.org/"',
        "https://example.org/<script>",
        "https://exämple.org/",
        "https://example.org/\n",
        "https://localhost/",
        "http://127.0.0.1:8080/",
        "https://[::1]/",
        "https://-a.org",
        "https://a-.org",
        "https://user@example.org/",
        "https://example.org/" + "x" * 3000,
    ],
)
def test_anything_else_is_left_out(text: str) -> None:
    assert url(text) == ""


def test_a_component_that_several_files_show_stands_once() -> None:
    found = bills.gathered(
        [
            findings.Component("pkg:pypi/b@1", "b", "1", "app/b.dist-info", "wheel metadata"),
            findings.Component("pkg:pypi/a@1", "a", "1", "app/x", "lock", (("sha256", "00"),)),
            findings.Component("pkg:pypi/a@1", "a", "1", "app/y", "lock", (("sha256", "00"),)),
        ]
    )
    assert found == (
        Component("pkg:pypi/a@1", "a", "1", (("app/x", "lock"), ("app/y", "lock")), (("sha256", "00"),)),
        Component("pkg:pypi/b@1", "b", "1", (("app/b.dist-info", "wheel metadata"),)),
    )


def test_the_release_is_part_of_the_vendor_not_of_the_name() -> None:
    assert ALPINE.distribution
    assert RELEASE.qualifier == "alpine-3.19.1"
    assert Distribution(id="wolfi", version="", name="Wolfi").qualifier == "wolfi"
