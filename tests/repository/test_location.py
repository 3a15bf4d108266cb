"""Repository lines: what they mean, and that they show no credentials."""

from pathlib import Path

import pytest

from witchery.apk.package import Package
from witchery.arch import Arch
from witchery.errors import FormatError
from witchery.http import Url
from witchery.repository.location import Repository, parse_file, parse_line
from witchery.value import replace

X86_64 = Arch.parse("x86_64")
HERE = Path("/work")
MUSL = Package.parse("C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:musl\nV:1.2.4_git20230717-r4\nA:x86_64")


def locations(line: str, **variables: str) -> list[str]:
    return [str(each) for each in parse_line(line, folder=HERE, variables=variables)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("   # https://host/x", []),
        ("https://host/alpine/v3.19/main", ["https://host/alpine/v3.19/main"]),
        ("https://host/alpine/v3.19/main/", ["https://host/alpine/v3.19/main"]),
        ("@edge https://host/edge", ["@edge https://host/edge"]),
        ("https://host/alpine main community", ["https://host/alpine/main", "https://host/alpine/community"]),
        ("v2 @t https://host/a/ main", ["@t https://host/a/main"]),
        ("/srv/repo", ["/srv/repo"]),
        ("./repo", ["/work/repo"]),
        ("../repo", ["/work/../repo"]),
        ("file:///srv/a%20b", ["/srv/a b"]),
        ("file://localhost/srv", ["/srv"]),
        ("https://host/${release}/main", ["https://host/v3.19/main"]),
        ("https://host/x/${APK_ARCH}/y", ["https://host/x/${APK_ARCH}/y"]),
        ("https://me:s3cret@host/x", ["https://host/x"]),
    ],
)
def test_a_line_is_the_repositories_it_names(line: str, expected: list[str]) -> None:
    assert locations(line, release="v3.19") == expected


@pytest.mark.parametrize(
    "line",
    ["@tag", "@ https://host/x", "@a/b https://host/x", "v3", "ftp://me:s3cret@host/x",
     "file://other/x", "file:x://me:s3cret@h", "https:/host/x", "https://host/x?token=s3cret", "https://host/${nothing}",
     "https://host/Packages.adb main", "ndx https://host/i.tar.gz main", "https://host/i.tar.gz main", "https://me:s3cret@/x"],
)  # fmt: skip
def test_a_line_that_means_nothing_is_refused_without_showing_credentials(line: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_line(line, folder=HERE)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "index", "package"),
    [
        ("https://host/main", "https://host/main/x86_64/APKINDEX.tar.gz", "https://host/main/x86_64/"),
        (
            "https://h/${APK_ARCH}/m",
            "https://h/x86_64/m/x86_64/APKINDEX.tar.gz",
            "https://h/x86_64/m/x86_64/",
        ),
        ("/srv/r", "/srv/r/x86_64/APKINDEX.tar.gz", "/srv/r/x86_64/"),
        ("ndx https://host/a/i.tar.gz", "https://host/a/i.tar.gz", "https://host/a/"),
        ("https://host/${APK_ARCH}.tar.gz", "https://host/x86_64.tar.gz", "https://host/"),
        ("/srv/i.tar.gz", "/srv/i.tar.gz", "/srv/"),
        ("v3 https://host/main", "https://host/main/x86_64/Packages.adb", "https://host/main/x86_64/"),
        ("https://host/a/packages.adb", "https://host/a/packages.adb", "https://host/a/"),
        ("/srv/packages.adb", "/srv/packages.adb", "/srv/"),
    ],
)
def test_index_and_packages_are_where_apk_looks_for_them(line: str, index: str, package: str) -> None:
    (repository,) = parse_line(line, folder=HERE)
    assert str(repository.index(X86_64)) == index
    assert str(repository.package(MUSL, X86_64)) == f"{package}musl-1.2.4_git20230717-r4.apk"


@pytest.mark.parametrize(
    ("names", "in_folder", "beside_index"),
    [
        ("", "/r/noarch/na-1.0-r0.apk", "/r/x86_64/na-1.0-r0.apk"),
        ("${arch}/${name:1}/${name}.apk", "/r/noarch/n/na.apk", "/r/x86_64/noarch/n/na.apk"),
        ("${hash:8}/${version}.apk", "/r/00010203/1.0-r0.apk", "/r/x86_64/00010203/1.0-r0.apk"),
    ],
)
def test_packages_of_version_3_are_called_as_their_index_says(
    names: str, in_folder: str, beside_index: str
) -> None:
    package = Package.parse(f"C:X2{bytes(range(32)).hex()}\nP:na\nV:1.0-r0\nA:noarch")
    for line, expected in (("v3 /r", in_folder), ("/r/x86_64/Packages.adb", beside_index)):
        (repository,) = parse_line(line, folder=HERE)
        assert str(replace(repository, names=names).package(package, X86_64)) == expected


@pytest.mark.parametrize(
    "names", ["../${name}.apk", "https://other/${name}.apk", "/${name}", "${foo}.apk", "a//b", "a\n"]
)
def test_an_index_cannot_lead_out_of_its_repository(names: str) -> None:
    (repository,) = parse_line("v3 https://host/r", folder=HERE)
    with pytest.raises(FormatError, match="names no file of the repository"):
        replace(repository, names=names).package(MUSL, X86_64)


@pytest.mark.parametrize(
    "line", ["v3 https://host/r", "v3 @t /r", "@t /r/Packages.adb", "ndx /r/index", "/r", "@t /r"]
)
def test_a_repository_is_written_as_it_is_read(line: str) -> None:
    (repository,) = parse_line(line, folder=HERE)
    assert str(repository) == line


def test_credentials_go_with_every_url_and_into_no_text() -> None:
    repository = Repository.parse("https://me:s3cret@host/x", folder=HERE)
    for place in (repository.index(X86_64), repository.package(MUSL, X86_64)):
        assert isinstance(place, Url)
        assert place.credentials is not None
        assert place.credentials.password == "s3cret"
    assert "s3cret" not in repr(repository) + str(repository)
    assert repository == Repository.parse("https://host/x/", folder=HERE)


@pytest.mark.parametrize("name", ["../../etc/passwd", ".hidden"])
def test_a_package_name_cannot_leave_the_repository(name: str) -> None:
    evil = Package.parse(f"C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:{name}\nV:1")
    with pytest.raises(FormatError):
        Repository.parse("/srv/r", folder=HERE).package(evil, X86_64)


def test_a_repositories_file_has_variables_and_names_the_line_of_an_error() -> None:
    text = """
set release=v3.19
set -default release=edge
set -default mirror=https://host
# a comment
${mirror}/alpine/${release} main community
@local /srv/r
${mirror}/alpine/${release}/main
"""
    assert [str(each) for each in parse_file(text, folder=HERE)] == [
        "https://host/alpine/v3.19/main",
        "https://host/alpine/v3.19/community",
        "@local /srv/r",
    ]
    for bad in ("set APK_ARCH=x", "set x", "set", "set a=b c=d", "ftp://host/"):
        with pytest.raises(FormatError, match=r"^line 2: "):
            parse_file(f"# one\n{bad}\n", folder=HERE)
