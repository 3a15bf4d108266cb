"""A package of an application says what it needs, holds what it was given, and is known before it is read."""

import hashlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

from support.elf_files import ElfFile
from support.payloads import make_payload
from witchery.apk import archive, head, writer
from witchery.apk import version as versions
from witchery.apk.archive import Archive
from witchery.apk.pkginfo import PackageInfo
from witchery.arch import Arch
from witchery.codec import Effort
from witchery.errors import FormatError, IntegrityError
from witchery.keys import PrivateKey
from witchery.payload import package
from witchery.payload.findings import Evidence, Need, Report, Severity
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs.content import BytesContent, SeekableContent
from witchery.rootfs.entry import Entry, Kind, directory, file
from witchery.value import frozen, replace

TIME = 1_700_000_000
LIBRARY = ElfFile(soname="libmine.so.2").build().data
PROGRAM = ElfFile(interpreter="/lib/ld-musl-x86_64.so.1", needed=["libz.so.1"]).build().data
BIG = random.Random(3).randbytes((1 << 20) + 4321)
LONG = "/".join(["a-rather-long-folder-name"] * 6) + "/" + "f" * 200
NEEDS = Report(
    needs=tuple(
        Need(name, (Evidence("app/hello", "shown"),)) for name in ("so:libz.so.1", "cmd:env", "python3~3.12")
    )
)


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return PrivateKey.generate("test@example.org-1.rsa.pub", 2048)


@pytest.fixture(scope="module")
def payload() -> Payload:
    """Everything that an application may hold."""
    made = make_payload(
        {
            "hello": PROGRAM,
            "big": BIG,
            LONG: b"x",
            "grüße": b"\n",
            ".env": b"",
            "odd\udcff": b"?",
            "a b": b"",
        },
        links={"hi": "hello", "far": "../" * 60 + "etc", "grüßer": "grüße"},
        modes={"big": 0o640},
    )
    owned = file("app/owned", 2, 0o755, uid=65532, gid=70000)
    tagged = file("app/tagged", 1)._replace(xattrs=(("security.capability", b"\1\0\0\2" + bytes(16)),))
    linked = Entry("app/again", Kind.HARDLINK, 0o755, target="app/hello")
    more = ((directory("app/empty", 0o700), b""), (owned, b"me"), (tagged, b"t"), (linked, b""))
    added = [PayloadFile.of(entry, BytesContent(data)) for entry, data in more]
    return Payload.of(made.name, made.arch, [*made, *added], made.root)


def info(payload: Payload, report: Report | None = None, **fields: Any) -> PackageInfo:
    stated: dict[str, Any] = {"name": "hello", "version": "1.2-r0", "build_time": TIME} | fields
    return package.describe(payload, report or Report(), **stated)


@pytest.mark.parametrize("effort", Effort)
@pytest.mark.parametrize("algorithms", [(), writer.DEFAULT_ALGORITHMS, writer.COMPATIBLE_ALGORITHMS])
def test_what_writing_says_of_a_package_is_what_reading_finds(
    payload: Payload, key: PrivateKey, algorithms: tuple[str, ...], effort: Effort
) -> None:
    data = bytearray()
    signer = key if algorithms else None
    made = package.write(
        payload,
        NEEDS,
        info(payload, NEEDS, description="Grüße", depends=["!bye"], provides=["cmd:hello=1.2-r0"]),
        data.extend,
        key=signer,
        algorithms=algorithms,
        effort=effort,
    )
    read = archive.read([made.signature_segment, made.control_segment, bytes(data)], lambda _: None)
    assert made.file is None  # it was no file yet
    assert read.file == made.file_digest([bytes(data)])
    for field in Archive.__annotations__.keys() - {"file"}:
        assert getattr(made, field) == getattr(read, field), field
    assert [s.algorithm for s in read.signatures] == list(algorithms)


def test_every_entry_arrives_as_it_was_but_for_its_time(payload: Payload) -> None:
    data = bytearray()
    package.write(payload, Report(), info(payload), data.extend)
    members = {m.entry.path: (m.entry, b"".join(m.content)) for m in archive.members([bytes(data)])}
    assert set(members) == set(payload.files)
    for each in payload:
        entry, content = members[each.path]
        assert entry._replace(checksum=b"") == each.entry._replace(mtime=TIME)
        assert content == b"".join(each.content.chunks())


def test_dependencies_are_the_needs_and_what_was_asked_for_sorted_each_once(payload: Payload) -> None:
    made = info(payload, NEEDS, depends=["tzdata", "cmd:env", "!bye", "musl>=1.2"])
    assert made.depends == ("!bye", "cmd:env", "musl>=1.2", "python3~3.12", "so:libz.so.1", "tzdata")


def test_a_package_never_needs_itself_or_what_it_provides(payload: Payload) -> None:
    made = info(payload, NEEDS, name="python3", provides=["cmd:env=1"])
    assert made.depends == ("so:libz.so.1",)


@pytest.mark.parametrize(
    ("files", "arch", "expected"),
    [({"hello": PROGRAM}, "aarch64", "aarch64"), ({"index.html": b"<p>"}, "aarch64", "noarch")],
)
def test_the_architecture_is_that_of_the_elf_files_or_any(
    files: dict[str, bytes], arch: str, expected: str
) -> None:
    assert info(make_payload(files, arch=arch)).arch == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "-hello"}, "not a name for a package: `-hello`"),
        ({"name": "hello\nprovides = sudo"}, "not a name for a package"),
        ({"name": ""}, "not a name for a package"),
        ({"version": "v1.2"}, "not a version that apk can order: `v1.2`"),
        ({"version": "1.2-r0\n"}, "not a version"),
        ({"description": "a\nprovides = sudo"}, "description: control character"),
        ({"maintainer": "a\x9bb"}, "maintainer: control character"),
        ({"license": "\udcff"}, "license: control character, or not UTF-8"),
        ({"depends": ["a b"]}, "not a valid world dependency"),
        ({"depends": ["a\nb"]}, "not a valid world dependency"),
        ({"depends": ["a>>"]}, "not a valid world dependency"),
        ({"depends": ["a>v1"]}, "not a valid world dependency"),
        ({"depends": ["a@edge"]}, "tagged repository: `a@edge`"),
        ({"depends": ["hello>1"]}, "cannot depend on itself: `hello>1`"),
        ({"depends": ["!hello"]}, "cannot depend on itself: `!hello`"),
        ({"provides": ["hello=2"]}, "its own name anyway: `hello=2`"),
        ({"provides": ["other>2"]}, "not a name that a package can provide: `other>2`"),
        ({"provides": ["!other"]}, "not a name that a package can provide: `!other`"),
        ({"build_time": -1}, "not a time"),
        ({"build_time": 8**11}, "not a time"),
    ],
)
def test_a_value_that_would_make_another_package_is_refused(
    payload: Payload, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(FormatError) as caught:
        info(payload, **fields)
    assert said in str(caught.value)


def test_the_size_is_never_nothing() -> None:
    """Apk takes a package of size 0 for a virtual one, and extracts nothing from it."""
    only_folders = make_payload({}, links={"data/current": "/srv"})
    made = package.write(only_folders, Report(), info(only_folders), lambda _: None)
    assert made.info.installed_size == 1
    nothing = Payload.of("hello", Arch.parse("x86_64"), [])
    with pytest.raises(FormatError, match="nothing to package"):
        package.write(nothing, Report(), info(nothing), lambda _: None)


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (file(".env", 0), "top-level-dotfile"),
        (directory(".git"), "top-level-dotfile"),
        (file("app/a\nb", 0), "file-name"),
        (file("app/a\x7fb", 0), "file-name"),
        (Entry("app/x", Kind.SYMLINK, 0o777, target="a\tb"), "file-name"),
        (file("app/" + "d/" * 2050 + "f", 0), "file-name"),
        (Entry("app/x", Kind.SYMLINK, 0o777, target="t" * 4090), "file-name"),
        (file("app/x", 8 << 30), "file-size"),
        (file("app/x", 0, uid=1 << 21), "odd-owner"),
        (file("app/x", 0, gid=-1), "odd-owner"),
        (Entry("app/x", Kind.FIFO), "special-file"),
        (Entry("app/x", Kind.CHARACTER, device=(1, 3)), "special-file"),
        (Entry("app/x", Kind.HARDLINK, target="app/missing"), "misplaced"),
        (file("app/hello/x", 0), "misplaced"),
    ],
)
def test_what_apk_would_drop_or_misread_is_an_error_and_nothing_is_written(entry: Entry, rule: str) -> None:
    whole = make_payload({"hello": PROGRAM})
    strange = PayloadFile(entry, BytesContent(b""), entry.path, b"", next(iter(whole)).kind)
    payload = Payload.of("hello", whole.arch, [*whole, strange])
    found = package.problems(payload)
    assert [(each.rule, each.severity, each.path) for each in found] == [(rule, Severity.ERROR, entry.path)]
    assert found[0].hints
    written = bytearray()
    with pytest.raises(FormatError):
        package.write(payload, Report(), info(payload), written.extend)
    assert not written


def test_a_rewritten_file_is_packed_with_its_new_content(payload: Payload) -> None:
    data = bytearray()
    report = Report(rewrites={"app/hello": b"#!/usr/bin/python3\n"})
    made = package.write(payload, report, info(payload), data.extend)
    contents = {m.entry.path: b"".join(m.content) for m in archive.members([bytes(data)])}
    assert contents["app/hello"] == b"#!/usr/bin/python3\n"
    entry = next(entry for entry in made.entries if entry.path == "app/hello")
    assert (entry.size, entry.checksum) == (19, hashlib.sha1(b"#!/usr/bin/python3\n").digest())
    assert entry.mode == 0o755


@frozen(eq=False)
class Shifting:
    """A content that is another one every time it is read."""

    versions: Iterator[bytes]
    size: int

    def chunks(self) -> Iterator[bytes]:
        yield next(self.versions)

    def read_at(self, offset: int, size: int) -> bytes:
        return bytes(size)


def test_a_file_that_changes_while_it_is_packed_is_an_error() -> None:
    content: SeekableContent = Shifting(iter([BIG, BIG[::-1]]), len(BIG))
    payload = Payload.of(
        "x", Arch.parse("x86_64"), [PayloadFile.of(file("app/x", content.size), content, "x")]
    )
    with pytest.raises(IntegrityError, match="app/x: the content changed while it was packed"):
        package.write(payload, Report(), info(payload), lambda _: None)


@pytest.mark.parametrize("size", [1, (1 << 20) + 1])
def test_a_file_that_grows_or_shrinks_is_an_error(size: int) -> None:
    content: SeekableContent = Shifting(iter([bytes(size), bytes(size)]), size)
    longer = file("app/x", size + 1)
    payload = Payload.of("x", Arch.parse("x86_64"), [PayloadFile.of(longer, content, "x")])
    with pytest.raises(IntegrityError, match=f"expected {size + 1} bytes"):
        package.write(payload, Report(), info(payload), lambda _: None)


def test_what_it_provides_are_commands_and_libraries_in_the_usual_folders() -> None:
    payload = make_payload(
        {
            "usr/bin/hello": PROGRAM,
            "usr/bin/readme": b"text",
            "usr/bin/sub/hidden": PROGRAM,
            "usr/bin/a@b": b"#!/bin/sh\n",
            "opt/bin/other": b"#!/bin/sh\n",
            "sbin/run": b"#!/bin/sh\n",
            "usr/lib/libmine.so.2.7": LIBRARY,
            "usr/lib/plugin.so": ElfFile().build().data,
            "usr/lib/text.so.1": b"GROUP ( libc.so )",
            "opt/lib/libprivate.so.1": LIBRARY,
        },
        links={"bin/hi": "/usr/bin/hello", "usr/lib/libmine.so.2": "libmine.so.2.7"},
        root="",
    )
    assert package.provided(payload, "1.2-r0") == (
        "cmd:hello=1.2-r0",
        "cmd:hi=1.2-r0",
        "cmd:run=1.2-r0",
        "so:libmine.so.2=2.7",
        "so:plugin.so=0",
    )
    assert info(payload, provides=package.provided(payload, "1.2-r0")).provides


def test_the_control_segment_holds_no_scripts_and_names_the_data(payload: Payload) -> None:
    data = bytearray()
    made = package.write(payload, Report(), info(payload), data.extend)
    control = head.read_control(made.control_segment)
    assert not control.scripts
    assert control.info == replace(
        info(payload), datahash=hashlib.sha256(data).hexdigest(), installed_size=made.info.installed_size
    )
    assert versions.is_valid(control.info.version)
