"""Symbolic links of an application, inside it and out of it."""

import pytest

from support.payloads import make_payload
from witchery.arch import Arch
from witchery.payload import outside
from witchery.payload.findings import Report, Severity
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import file, symlink


def inspect(target: str, path: str = "link", arch: str = "x86_64") -> Report:
    payload = make_payload({"data/file": b"x", "hello": b"y"}, links={path: target}, arch=arch)
    return outside.inspect(payload, ScanOptions())


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("/bin/busybox", "cmd:busybox"),
        ("/usr/bin/python3", "cmd:python3"),
        ("../usr/sbin/nginx", "cmd:nginx"),
        ("/usr/lib/libz.so.1", "so:libz.so.1"),
        ("/lib/libc.musl-x86_64.so.1", "so:libc.musl-x86_64.so.1"),
        ("/etc/ssl/certs/ca-certificates.crt", "ca-certificates-bundle"),
        ("/usr/share/zoneinfo/Europe/Berlin", "tzdata"),
    ],
)
def test_a_link_to_what_packages_have_needs_it_with_the_link_as_evidence(target: str, wanted: str) -> None:
    report = inspect(target)
    assert not report.findings
    assert [(need.dependency, [str(each) for each in need.evidence]) for need in report.needs] == [
        (wanted, [f"app/link: links to {target}"])
    ]


@pytest.mark.parametrize(
    "target",
    [
        "hello",
        "./data",
        "/app/data/file",
        "../app/hello",
        "/dev/stdout",
        "/tmp/cache",
        "/etc/localtime",
        "/proc/1/fd/1",
    ],
)
def test_a_link_to_the_application_or_to_what_every_image_has_needs_nothing(target: str) -> None:
    assert inspect(target) == Report()


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ("/home/user/project/lib", "leads out of the application to `/home/user/project/lib`"),
        ("../../secret", "leads out of the application to `../../secret`, which is `/secret` in the image"),
        ("/usr/local/bin/node", "leads out of the application to `/usr/local/bin/node`"),
        ("/usr/lib/x;y.so", "leads out of the application to `/usr/lib/x;y.so`"),
        ("/usr/bin/a b", "leads out of the application to `/usr/bin/a b`"),
    ],
)
def test_a_link_to_what_no_image_has_is_refused_with_the_ways_out(target: str, shown: str) -> None:
    report = inspect(target)
    (found,) = report.findings
    assert not report.needs
    assert (found.rule, found.severity, found.message) == ("link-outside", Severity.ERROR, shown)
    assert "cp -L" in found.hints[0]
    assert "exclude" in found.hints[1]


def test_a_link_to_a_folder_that_is_not_listed_is_fine() -> None:
    entries = [file("app/data/x", 0), symlink("app/link", "data"), symlink("app/self", ".")]
    files = [PayloadFile.of(entry, BytesContent(b"")) for entry in entries]
    payload = Payload.of("hello", Arch.parse("x86_64"), files)
    assert outside.inspect(payload, ScanOptions()) == Report()


def test_a_link_to_nothing_inside_is_a_warning() -> None:
    (found,) = inspect("data/missing").findings
    assert (found.rule, found.severity) == ("dangling-link", Severity.WARNING)


def test_links_that_lead_in_a_circle_are_refused() -> None:
    payload = make_payload({}, links={"a": "b", "b": "a", "c": "c/x"})
    found = outside.inspect(payload, ScanOptions()).findings
    assert [(each.path, each.rule, each.severity) for each in found] == [
        (path, "link-loop", Severity.ERROR) for path in ("app/a", "app/b", "app/c")
    ]


def test_a_link_is_followed_through_the_applications_own_links() -> None:
    payload = make_payload({}, links={"bin": "/usr/bin", "tool": "bin/perl"})
    report = outside.inspect(payload, ScanOptions())
    assert [need.dependency for need in report.needs] == ["cmd:perl"]
    assert [found.path for found in report.findings] == ["app/bin"]


def test_the_python_of_a_virtual_environment_is_left_to_who_knows_python() -> None:
    payload = make_payload(
        {"venv/pyvenv.cfg": b""}, links={"venv/bin/python3": "/usr/local/bin/python3", "venv/lib64": "lib"}
    )
    assert [each.path for each in outside.inspect(payload, ScanOptions()).findings] == ["app/venv/lib64"]


def test_an_application_at_the_root_may_link_to_packages_by_relative_paths() -> None:
    payload = make_payload(
        {"usr/bin/hello": b""}, links={"bin/sh": "busybox", "usr/share/x": "gone"}, root=""
    )
    report = outside.inspect(payload, ScanOptions())
    assert [need.dependency for need in report.needs] == ["cmd:busybox"]
    assert [found.rule for found in report.findings] == ["dangling-link"]
