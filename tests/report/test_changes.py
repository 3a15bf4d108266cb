"""In what one report differs from another."""

from support import reports
from witchery.oci.config import Execution
from witchery.report.changes import changes
from witchery.report.model import Absent, Change, Files
from witchery.value import replace


def test_a_report_does_not_differ_from_itself() -> None:
    assert changes(reports.whole(), reports.whole()).found == ()


def test_packages_come_go_and_change() -> None:
    after = reports.report()
    app, libfoo, musl = after.packages
    old = (libfoo._replace(version="2.0-r0", size=150, held=()), musl._replace(name="busybox", held=()))
    before = replace(after, packages=old, edges=(), files=Files(listed=()))
    found = [each for each in changes(before, after).found if each.area == "package"]
    assert found == [
        Change("package", "added", "app", "", app.version, 300),
        Change("package", "gone", "busybox", musl.version, "", -600),
        Change("package", "changed", "libfoo", "2.0-r0", "2.1-r3", 50),
        Change("package", "added", "musl", "", musl.version, 600),
    ]


def test_files_change_in_size_mode_and_owner() -> None:
    after = reports.report()
    assert isinstance(after.files, Files)
    first, *rest = after.files.listed
    before = replace(after, files=Files(listed=(first._replace(mode=0o600, uid=5), *rest[1:])))
    found = changes(before, after).found
    assert [(each.what, each.subject) for each in found] == [
        ("changed", "/etc/passwd"),
        ("added", "/lib/ld-musl-x86_64.so.1"),
    ]
    assert found[0].before == "file, 120 bytes, mode 600, owner 5:0"
    assert found[0].after == "file, 120 bytes, mode 644, owner 0:0"


def test_settings_change() -> None:
    after = reports.report()
    before = replace(after, execution=Execution(entrypoint=("/usr/bin/app",), env=("A=c", "B=d")))
    found = {(each.subject, each.what): (each.before, each.after) for each in changes(before, after).found}
    assert found == {
        ("command", "added"): ("", "--serve"),
        ("user", "changed"): ("root", "65532"),
        ("variable A", "changed"): ("c", "b"),
        ("variable B", "gone"): ("d", ""),
    }


def test_vulnerabilities_that_do_not_count_do_not_differ() -> None:
    before = reports.whole()
    after = replace(before, vulnerabilities=replace(before.vulnerabilities, found=()))
    found = changes(before, after).found
    assert [(each.what, each.subject) for each in found] == [
        ("gone", "CVE-2024-0001 in libfoo"),
        ("gone", "CVE-2024-0002 in app"),
    ]


def test_what_is_absent_of_one_is_not_compared() -> None:
    after = reports.whole()
    nothing = Absent("no")
    before = replace(after, files=nothing, vulnerabilities=nothing, execution=nothing)
    assert changes(before, after).found == ()
