"""Reports put together: everything once, with all its evidence, whatever the order of the detectors."""

from itertools import permutations

from witchery.payload.findings import (
    Evidence,
    Finding,
    Need,
    Program,
    Report,
    Severity,
    Suggestion,
    combined,
    shortened,
)
from witchery.payload.options import Acknowledgement, ScanOptions

GLIBC = Finding("glibc", Severity.ERROR, "app/m/_x.so", "was made for glibc")
WHEEL = Finding("manylinux", Severity.ERROR, "app/m.dist-info/WHEEL", "is a wheel", also=("app/m/_x.so",))


def test_a_need_of_several_detectors_stands_once_with_all_its_evidence() -> None:
    one, two = Evidence("app/a", "needs it"), Evidence("app/b", "needs it, too")
    reports = (
        Report(needs=(Need("so:libz.so.1", (two,)),)),
        Report(needs=(Need("cmd:env", (one,)), Need("so:libz.so.1", (one, two)))),
    )
    assert combined(reports).needs == (Need("cmd:env", (one,)), Need("so:libz.so.1", (one, two)))


def test_what_is_needed_is_not_suggested() -> None:
    shown = (Evidence("app/a", "says so"),)
    reports = (
        Report(suggestions=(Suggestion("tzdata", "zones", shown),)),
        Report(needs=(Need("tzdata", shown),)),
    )
    assert combined(reports).suggestions == ()


def test_the_order_of_detectors_does_not_matter_but_for_the_kinds() -> None:
    reports = (
        Report(findings=(GLIBC,), programs=(Program(("/app/b",), "a program", 2),), environment={"B": "1"}),
        Report(findings=(WHEEL,), programs=(Program(("/app/a",), "a program", 0),), environment={"A": "1"}),
        Report(findings=(Finding("leftover", Severity.WARNING, "app/x.o", "is left over"),)),
    )
    assert len({repr(combined(order)) for order in permutations(reports)}) == 1


def test_an_error_that_names_the_package_takes_the_place_of_one_that_names_the_file() -> None:
    assert combined((Report(findings=(GLIBC,)), Report(findings=(WHEEL,)))).findings == (WHEEL,)
    other = GLIBC._replace(path="app/other.so")
    assert other in combined((Report(findings=(other, WHEEL)),)).findings


def test_a_person_sees_a_few_of_each_rule_and_how_many_more_there_are() -> None:
    many = [GLIBC._replace(path=f"app/{number}.so") for number in range(20)]
    shown = shortened([*many, WHEEL])
    assert [each.path for each in shown[:5]] == [f"app/{number}.so" for number in range(5)]
    assert str(shown[5]) == "and 15 more like it"
    assert shown[6] == WHEEL
    assert shortened(many[:6]) == tuple(many[:6]), "one more is as short as its count"


def test_an_error_is_acknowledged_by_rule_and_path_only() -> None:
    def kept(*known: Acknowledgement) -> tuple[Finding, ...]:
        return ScanOptions(acknowledged=known).kept([GLIBC])

    assert kept(Acknowledgement("glibc")) == (GLIBC,)
    assert kept(Acknowledgement("glibc", "/app/m/*")) == ()
    assert kept(Acknowledgement("token", "/app/m/*")) == (GLIBC,)
    warning = GLIBC._replace(severity=Severity.WARNING)
    assert ScanOptions(acknowledged=(Acknowledgement("glibc"),)).kept([warning]) == ()
