"""Parts of a report that other rooms know: differences, and the audit."""

from datetime import date

from support import reports
from support.elf_files import Sym
from support.images import member
from support.surveys import database, elf, library, surveyed
from witchery.audit import baseline
from witchery.audit.audit import audit
from witchery.config.audit import Waiver
from witchery.diff.difference import PARTS, Vulnerabilities, Vulnerability, compared
from witchery.oci.config import Execution
from witchery.report.audits import audit_of
from witchery.report.changes import changes_of
from witchery.report.document import document
from witchery.report.findings import Change, Changes, Line, Remark

OLD = Execution(user="65532", env=("A=1", "B=2"))
NEW = Execution(user="65532", env=("A=3", "C=4"))


def changes() -> Changes:
    """What came of an image whose packages, library, files and settings are others now."""
    before = surveyed(
        database(("app", "1-r0", "MIT"), ("tool", "1-r0", "MIT")),
        library("usr/lib/libx.so.1", "libx.so.1", Sym("gone", defined=True), Sym("kept", defined=True)),
        member("etc/motd", b"old"),
        execution=OLD,
        name="old",
    )
    after = surveyed(
        database(("app", "2-r0", "ISC"), ("more", "1-r0", "MIT")),
        library("usr/lib/libx.so.1", "libx.so.1", Sym("kept", defined=True)),
        elf("usr/bin/app", needed=["libx.so.1"]),
        member("etc/motd", b"newer", mode=0o600),
        execution=NEW,
        name="new",
    )
    known = Vulnerabilities(
        fixed=(Vulnerability("CVE-1", "tool", "1-r0", "2-r0", "high"),),
        introduced=(Vulnerability("CVE-2", "more", "1-r0", "", "low"),),
        unknown=(),
        common=3,
    )
    return changes_of(compared(before, after, PARTS, known))


def test_what_may_break_stands_before_files() -> None:
    areas = list(dict.fromkeys(each.area for each in changes().found))
    assert areas == ["package", "library", "licence", "vulnerability", "configuration", "file"]


def test_every_difference_is_told() -> None:
    found = {(each.area, each.subject): each for each in changes().found}
    assert found["package", "app"] == Change("package", "changed", "app", "1-r0", "2-r0")
    assert found["package", "tool"] == Change("package", "gone", "tool", "1-r0", "", -200)
    assert found["package", "more"] == Change("package", "added", "more", "", "1-r0", 200)
    assert found["licence", "app"] == Change("licence", "changed", "app", "MIT", "ISC")
    broken = found["library", "libx.so.1"]
    assert (broken.what, broken.after) == ("broken", "gone: gone; 1 file wants it")
    assert found["configuration", "env A"] == Change("configuration", "changed", "env A", "1", "3")
    assert found["configuration", "env B"].what == "gone"
    assert found["vulnerability", "CVE-1 in tool"] == Change("vulnerability", "gone", "CVE-1 in tool", "high")
    assert found["vulnerability", "CVE-2 in more"].what == "added"
    motd = found["file", "/etc/motd"]
    assert motd.before == "file, 3 bytes, mode 644, owner 0:0"
    assert motd.after == "file, 5 bytes, mode 600, owner 0:0 (content, mode)"
    assert motd.size == 2
    assert found["file", "/usr/bin/app"].what == "added"


def test_layers_to_pull_are_counted() -> None:
    found = changes()
    assert (found.name, found.shared) == ("old", 0)
    assert found.pulled > 0


def test_an_image_does_not_differ_from_itself() -> None:
    made = surveyed(database(("app", "1-r0", "MIT")), member("etc/motd", b"old"))
    assert changes_of(compared(made, made, PARTS)).found == ()


def test_an_audit_has_its_score_line_by_line_and_what_is_waived() -> None:
    packages = database(("xpkg", "1-r0", "MIT"), files={"xpkg": ["usr/bin/x"]})
    made = surveyed(packages, member("usr/bin/x", b"x", mode=0o4755), elf("usr/bin/y", relro=False))
    waiver = Waiver(rule="no-relro", path="", package="", reason="agreed", expires=date(2026, 6, 30))
    found = audit_of(audit(made, (waiver,), date(2026, 6, 29)))
    assert found.score == 95
    assert found.stock_score == baseline.SCORE
    (line,) = [each for each in found.lines if each.points]
    assert (line.rule, line.severity, line.found, line.points) == ("setuid", "high", 1, 5)
    assert isinstance(line, Line)
    waived = [each for each in found.remarks if each.level == "ok"]
    assert [(each.rule, each.subject) for each in waived] == [("no-relro", "/usr/bin/y")]
    assert waived[0].message.startswith("waived until 2026-06-30, agreed: ")
    setuid = next(each for each in found.remarks if each.rule == "setuid")
    assert isinstance(setuid, Remark)
    assert (setuid.level, setuid.subject) == ("error", "/usr/bin/x")
    counts = {each.what: (each.here, each.stock) for each in found.counts}
    assert counts["setuid and setgid"] == (1, 0)
    assert counts["shells"] == (0, 3)


def test_both_are_shown() -> None:
    """In the document, by its schema."""
    from support import schemas
    from witchery import canonical

    found = audit_of(audit(surveyed(member("usr/bin/x", b"x", mode=0o4755)), (), date(2026, 6, 29)))
    made = reports.report(audit=found, changes=changes())
    read = schemas.check(canonical.encode(document(made)).decode())
    assert read["audit"]["score"] == found.score
    assert len(read["changes"]["found"]) == len(changes().found)
