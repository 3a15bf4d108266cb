"""The document of a report: as its schema says, and fit to be shown."""

import pytest

from support import reports, schemas
from witchery import canonical
from witchery.report.document import document
from witchery.report.model import MAX_SCRIPT, File, Files, Report, Script

EVERY = {"small": reports.report(), "whole": reports.whole(), "hostile": reports.hostile()}


@pytest.mark.parametrize("report", EVERY.values(), ids=EVERY)
def test_a_document_is_as_its_schema_says(report: Report) -> None:
    schemas.check(canonical.encode(document(report)).decode())


def test_what_is_absent_is_not_the_same_as_what_is_empty() -> None:
    assert document(reports.report())["scripts"] == {"absent": "nobody asked for it"}
    assert document(reports.report(scripts=()))["scripts"] == []


def test_a_script_keeps_its_lines_and_is_cut_where_it_is_too_long() -> None:
    text = "#!/bin/sh\n\techo \x1b[31m\u202e\n" + "x" * MAX_SCRIPT
    (found,) = document(reports.report(scripts=(Script(0, "trigger", "", text=text),)))["scripts"]
    assert found["text"].startswith("#!/bin/sh\n    echo \ufffd[31m\ufffd\n")
    assert found["cut"] == len(text) - MAX_SCRIPT


def test_of_too_many_files_the_largest_are_listed() -> None:
    found = Files.of([File(f"{size:02}", "file", size, 0o644) for size in range(10)], limit=4)
    assert [each.path for each in found.listed] == ["06", "07", "08", "09"]
    assert (found.omitted, found.omitted_size) == (6, 15)
    found = Files.of([File(f"{size:02}", "file", size, 0o644) for size in range(10)], paths=7)
    assert [each.path for each in found.listed] == ["07", "08", "09"]


def test_a_byte_that_is_no_text_stands_as_its_number() -> None:
    """As in all documents of the command (docs/reference/json)."""
    odd = File(b"caf\xe9 \xc3\xa9".decode("utf-8", "surrogateescape"), "file", 1, 0o644)
    found = document(reports.report(files=Files(listed=(odd,))))
    assert found["files"]["rows"][0][0] == "caf\\xe9 \u00e9"
