"""Packages of an index, broken ones among them; each policy was observed with apk-tools 3.0.8."""

import pytest

from support.indexes import real, stanza
from support.shared import SHARED, needs_shared
from witchery.apk import identity
from witchery.apk.dependency import Dependency, Provide
from witchery.apk.package import Package
from witchery.errors import FormatError

MUSL = """C:Q1tduNGDYV/KwvztK0sMium7UfSj0=
P:musl
V:1.2.3-r5
A:aarch64
S:383152
I:622592
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Timo Teräs <timo.teras@iki.fi>
t:1674069158
c:c57128b0e49d551220aff88af0f1487d80cdccf8
p:so:libc.musl-aarch64.so.1=1 cmd:ldd=1.2.3-r5
k:100
D:so:a.so.1 !uclibc-utils b>=2
i:docs musl=1.2.3-r5"""


def test_every_field_is_read() -> None:
    package = Package.parse(MUSL)
    assert (package.name, package.version, package.arch) == ("musl", "1.2.3-r5", "aarch64")
    assert package.identity == identity.decode("Q1tduNGDYV/KwvztK0sMium7UfSj0=")
    assert (package.size, package.installed_size, package.provider_priority) == (383152, 622592, 100)
    assert [str(each) for each in package.depends] == ["so:a.so.1", "!uclibc-utils", "b>=2"]
    assert package.provides == (Provide("so:libc.musl-aarch64.so.1", "1"), Provide("cmd:ldd", "1.2.3-r5"))
    assert package.install_if == (Dependency("docs"), Dependency("musl", operator="=", version="1.2.3-r5"))
    assert package.description == "the musl c library (libc) implementation"
    assert (package.url, package.license, package.origin) == ("https://musl.libc.org/", "MIT", "musl")
    assert (package.maintainer, package.build_time) == ("Timo Teräs <timo.teras@iki.fi>", 1674069158)
    assert package.commit == "c57128b0e49d551220aff88af0f1487d80cdccf8"
    assert package.filename == "musl-1.2.3-r5.apk"
    assert package.stanza == MUSL
    assert package.problem == ""


@pytest.mark.parametrize("line", ["D:foo=v", "D:g@x", "D:good foo=6.8.0p2-r4", "Y:x", "9:x"])
def test_a_bad_dependency_or_an_unknown_capital_makes_a_package_uninstallable(line: str) -> None:
    assert Package.parse(f"{stanza('p')}\n{line}").problem


@pytest.mark.parametrize("line", ["y:x", "r:old", "q:5", "s:edge", "F:usr", "x"])
def test_unknown_small_letters_and_those_of_the_installed_database_are_ignored(line: str) -> None:
    assert Package.parse(f"{stanza('p')}\n{line}").problem == ""


def test_a_bad_condition_drops_all_conditions() -> None:
    package = Package.parse(stanza("p", install_if="g foo=v"))
    assert (package.install_if, package.problem) == ((), "")


def test_a_bad_provide_ends_the_list_but_an_odd_version_is_kept() -> None:
    package = Package.parse(stanza("p", provides="a=v2.4 b@x=2 c=3"))
    assert (package.provides, package.problem) == ((Provide("a", "v2.4"),), "")


def test_repeated_lists_are_joined() -> None:
    package = Package.parse(stanza("p") + "\nD:a\nD:b\np:v=1\np:w=2")
    assert [str(each) for each in package.depends] == ["a", "b"]
    assert package.offers("w") == ("2",)


@pytest.mark.parametrize(("text", "number"), [("abc", 0), ("-5", 0), ("12x", 12), ("65536", 0), ("", 0)])
def test_a_bad_priority_is_the_number_that_apk_reads(text: str, number: int) -> None:
    assert Package.parse(stanza("p", priority=text)).provider_priority == number


@pytest.mark.parametrize("letter", ["C", "P", "V"])
def test_identity_name_and_version_are_mandatory(letter: str) -> None:
    lines = [line for line in stanza("p").split("\n") if not line.startswith(letter)]
    with pytest.raises(FormatError, match="a package without"):
        Package.parse("\n".join(lines))


def test_a_line_without_a_colon_is_refused() -> None:
    with pytest.raises(FormatError, match="not a line of an index"):
        Package.parse(stanza("p") + "\nhello")


@pytest.mark.parametrize("text", ["Q1zzzz", "Q3AAAA", "", "X1abc", "Q1" + "A" * 200])
def test_a_malformed_identity_is_refused_by_name(text: str) -> None:
    with pytest.raises(FormatError, match="malformed package identity"):
        Package.parse(f"C:{text}\nP:p\nV:1")


def test_identities_that_differ_in_unused_bits_are_one() -> None:
    zeros = "Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert identity.decode(zeros + "=") == identity.decode(zeros[:-1] + "B=")


@pytest.mark.parametrize("size", [20, 32])
def test_an_identity_is_read_back_from_its_text(size: int) -> None:
    data = bytes(range(size))
    assert identity.decode(identity.encode(data)) == data
    assert identity.decode(f"X{1 if size == 20 else 2}{data.hex()}") == data


def test_a_sha256_in_two_pieces_is_read() -> None:
    whole = bytes(range(32))
    pieces = identity.encode(whole[:20]) + "FBUWFxgZGhscHR4f"
    assert identity.decode(pieces) == whole


@pytest.mark.parametrize(
    ("arch", "fits"),
    [("x86_64", True), ("noarch", True), ("", True), ("s390x", False), ("all", False)],
)
def test_a_package_fits_its_own_architecture_or_all(arch: str, fits: bool) -> None:
    assert Package.parse(stanza("p", arch=arch)).fits("x86_64") is fits


@needs_shared
def test_of_all_packages_of_alpine_3_16_one_is_broken() -> None:
    index = real(SHARED / "solver" / "alpine-3.16-main-x86_64.APKINDEX.tar.gz")
    assert len(index) == 4929
    assert [package.name for package in index if package.problem] == ["opensmtpd-pam"]
