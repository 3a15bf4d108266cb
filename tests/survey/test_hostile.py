"""Images with flipped bytes: an audit and a comparison, or an error of ours; never anything else."""

import io
import tarfile
from datetime import date

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from support.elf_files import ElfFile, Sym
from support.images import folder, hard_link, image_of_tars, link, member, tar_of
from support.surveys import database, elf, library
from witchery.audit.audit import audit
from witchery.build.surveying import of_image
from witchery.diff.difference import PARTS, compared
from witchery.errors import Refused
from witchery.survey.survey import Survey

CAPABILITY = {"SCHILY.xattr.security.capability": "\x01\x00\x00\x02" + "\x04" * 16}
WHOLE = tar_of(
    database(("app", "1-r0", "MIT"), files={"app": ["bin/app"]}),
    folder("bin", 0o777),
    elf("bin/app", mode=0o4755, runpath="$ORIGIN/../lib"),
    hard_link("bin/again", "bin/app"),
    link("bin/sh", "app"),
    library("lib/libx.so.1", "libx.so.1", Sym("f", defined=True), Sym("t", defined=True, type=1, size=8)),
    member("bin/ping", b"#!/bin/sh", mode=0o755, pax_headers=CAPABILITY),
    member("arm", ElfFile(bits=32, machine=40, sections={".ARM.attributes": b"A" + bytes(30)}).build().data),
)
with tarfile.open(fileobj=io.BytesIO(WHOLE)) as _archive:
    CONTENT = [at for each in _archive for at in range(each.offset_data, each.offset_data + each.size)]
"""Where the contents of files stand; a changed header is refused for its checksum."""
PLACES = st.sampled_from(CONTENT) | st.integers(0, len(WHOLE) - 1)


def survey(tar: bytes) -> Survey:
    made = image_of_tars(tar)
    return of_image("image", made.image, made.contents)


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(PLACES, st.integers(0, 255)), min_size=1, max_size=3))
def test_flipped_bytes_give_an_answer_or_an_error_of_ours(flips: list[tuple[int, int]]) -> None:
    tar = bytearray(WHOLE)
    for at, value in flips:
        tar[at] = value
    whole = survey(WHOLE)
    try:
        flipped = survey(bytes(tar))
    except Refused:
        event("refused")
        return
    event("read")
    found = audit(flipped, (), date(2026, 1, 1))
    assert 0 <= found.score <= 100
    assert found.score == max(0, 100 - sum(each.points for each in found.lines))
    there, back = compared(whole, flipped, PARTS), compared(flipped, whole, PARTS)
    assert bool(there) == bool(back)
