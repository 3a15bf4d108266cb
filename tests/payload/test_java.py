"""Java applications: archives and class files made here, header by header."""

import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.elf_files import ElfFile
from support.payloads import make_payload
from witchery.payload.findings import Report, Severity
from witchery.payload.languages import jars, java
from witchery.payload.options import ScanOptions
from witchery.rootfs.content import BytesContent

GLIBC = ElfFile(needed=("libc.so.6",), needs=[("libc.so.6", ["GLIBC_2.17"])]).build().data
MUSL = ElfFile(needed=("libc.musl-x86_64.so.1",)).build().data
ARM_GLIBC = ElfFile(machine=183, needed=("libc.so.6",), needs=[("libc.so.6", ["GLIBC_2.17"])]).build().data


def scanned(files: Mapping[str, bytes], name: str = "hello") -> Report:
    return java.inspect(make_payload(files, name=name), ScanOptions())


def compiled(level: int) -> bytes:
    """The head of a class file."""
    return b"\xca\xfe\xba\xbe\0\0" + level.to_bytes(2, "big") + bytes(100)


def jar(members: Mapping[str, bytes], manifest: str = "") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if manifest:
            archive.writestr("META-INF/MANIFEST.MF", manifest)
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


MAIN = "Manifest-Version: 1.0\r\nMain-Class: org.examp\r\n le.Hello\r\n\r\nName: x\r\nMain-Class: no\r\n"


@pytest.mark.parametrize(
    ("level", "package"),
    [
        (50, "openjdk8-jre-base"),
        (52, "openjdk8-jre-base"),
        (53, "openjdk11-jre-headless"),
        (55, "openjdk11-jre-headless"),
        (61, "openjdk17-jre-headless"),
        (62, "openjdk21-jre-headless"),
        (65, "openjdk21-jre-headless"),
        (69, "openjdk25-jre-headless"),
        (70, "openjdk26-jre-headless"),
    ],
)
def test_the_lowest_long_term_release_that_runs_all_classes_is_needed(level: int, package: str) -> None:
    report = scanned({"a.jar": jar({"x/A.class": compiled(level), "x/B.class": compiled(45)})})
    assert [need.dependency for need in report.needs] == [package]
    assert report.needs[0].evidence[0].path == "app/a.jar"


def test_classes_that_only_a_newer_java_loads_do_not_count() -> None:
    members = {
        "A.class": compiled(52),
        "module-info.class": compiled(53),
        "META-INF/versions/17/A.class": compiled(61),
    }
    assert [need.dependency for need in scanned({"a.jar": jar(members)}).needs] == ["openjdk8-jre-base"]


def test_the_only_jar_with_a_main_class_at_the_top_is_the_program() -> None:
    classes = {"A.class": compiled(61)}
    report = scanned(
        {"hello.jar": jar(classes, MAIN), "lib/tool.jar": jar(classes, MAIN), "b.jar": jar(classes)}
    )
    (program,) = report.programs
    assert program.argv == ("/usr/lib/jvm/java-17-openjdk/bin/java", "-jar", "/app/hello.jar")
    assert program.rank == 0
    assert program.reason == "Main-Class org.example.Hello"
    assert report.environment == {"JAVA_HOME": "/usr/lib/jvm/java-17-openjdk", "LANG": "C.UTF-8"}
    several = scanned({"a.jar": jar(classes, MAIN), "b.jar": jar(classes, MAIN)})
    assert [each.rank for each in several.programs] == [2, 2]


def test_jars_in_a_jar_are_looked_into_and_no_deeper() -> None:
    pom = b"#Created by\nversion=1.2.3\ngroupId=org.example\nartifactId=inner\n"
    deepest = jar({"D.class": compiled(69)})
    inner = jar({"C.class": compiled(65), "META-INF/maven/g/a/pom.properties": pom, "deeper.jar": deepest})
    outer = jar({"BOOT-INF/lib/inner.jar": inner, "BOOT-INF/classes/A.class": compiled(61)}, MAIN)
    report = scanned({"fat.jar": outer})
    assert [need.dependency for need in report.needs] == ["openjdk21-jre-headless"]
    assert [each.purl for each in report.components] == ["pkg:maven/org.example/inner@1.2.3"]


def test_a_library_for_glibc_in_a_jar_is_a_warning_unless_one_for_musl_stands_beside_it() -> None:
    classes = {"A.class": compiled(61)}
    natives = {"native/Linux/x86_64/libx.so": GLIBC, "native/Linux/aarch64/libx.so": ARM_GLIBC}
    (finding,) = scanned({"a.jar": jar(classes | natives)}).findings
    assert (finding.rule, finding.severity, finding.path) == ("glibc-in-jar", Severity.WARNING, "app/a.jar")
    assert "native/Linux/x86_64/libx.so" in finding.message
    assert "GLIBC_2.17" in finding.message
    both = natives | {"native/Linux-Musl/x86_64/libx.so": MUSL}
    assert scanned({"a.jar": jar(classes | both)}).findings == ()


def test_a_runtime_that_the_application_brings_is_used() -> None:
    program = ElfFile(interpreter="/lib/ld-musl-x86_64.so.1", needed=("libjli.so",)).build().data
    files = {"jre/bin/java": program, "jre/lib/server/libjvm.so": MUSL}
    report = scanned({**files, "hello.jar": jar({"A.class": compiled(65)}, MAIN)})
    assert report.needs == ()
    assert report.programs[0].argv == ("/app/jre/bin/java", "-jar", "/app/hello.jar")
    assert report.environment["JAVA_HOME"] == "/app/jre"


def test_jars_in_a_python_package_are_suggested_java_for_only() -> None:
    report = scanned({"site-packages/tabula/tabula.jar": jar({"A.class": compiled(52)}, MAIN)})
    assert (report.needs, report.programs, report.kinds) == ((), (), ())
    assert [each.dependency for each in report.suggestions] == ["openjdk8-jre-base"]


def test_loose_classes_need_java_too() -> None:
    report = scanned({"org/A.class": compiled(65)})
    assert [need.dependency for need in report.needs] == ["openjdk21-jre-headless"]
    assert report.kinds == ("Java 21 classes",)


def test_broken_archives_are_warnings() -> None:
    whole = jar({"A.class": compiled(61)})
    cut = scanned({"a.jar": whole[:-30]}).findings
    assert [(each.rule, each.severity) for each in cut] == [("broken-jar", Severity.WARNING)]
    inside = scanned({"a.jar": jar({"lib/b.jar": b"PK\x03\x04 nothing", "A.class": compiled(61)})})
    assert [each.rule for each in inside.findings] == ["broken-jar"]
    assert [need.dependency for need in inside.needs] == ["openjdk17-jre-headless"]


def test_a_jar_that_inflates_to_more_than_is_allowed_is_not_inflated() -> None:
    bomb = jar(
        {"META-INF/MANIFEST.MF": bytes(jars.MAX_MANIFEST + 1), "lib/x.jar": bytes(jars.MAX_NESTED + 1)}
    )
    report = scanned({"a.jar": bomb})
    assert "broken-jar" in {each.rule for each in report.findings}


def test_all_archives_share_what_may_be_inflated() -> None:
    content = BytesContent(jar({f"{number}.jar": bytes(1000) for number in range(3)}))
    budget = jars.Budget(2500)
    reasons = [reason for _, reason in jars.read(content, budget).unread]
    assert "more than 500 bytes" in reasons[2]
    assert budget.left == 0


@given(at=st.integers(0, 400), change=st.binary(min_size=1, max_size=6))
def test_any_bytes_are_read_or_reported(at: int, change: bytes) -> None:
    raw = jar({"A.class": compiled(61), "libx.so": MUSL[:200], "b.jar": jar({"C.class": compiled(52)})}, MAIN)
    scanned({"a.jar": raw[:at] + change + raw[at + len(change) :]})
    scanned({"a.jar": raw[: -at - 1] + change + raw[-at:]})
