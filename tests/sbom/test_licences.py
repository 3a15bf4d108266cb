"""Licences as packages state them, and what becomes of those that SPDX does not know."""

import io
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.shared import SHARED, needs_shared
from witchery.sbom.licences import MAX_DEPTH, NOASSERTION, Licence, parse


@pytest.mark.parametrize(
    ("stated", "expression"),
    [
        ("MIT", "MIT"),
        (" MIT ", "MIT"),
        ("mit", "MIT"),
        ("GPL-2.0-or-later AND (MIT OR BSD-2-Clause)", "GPL-2.0-or-later AND (MIT OR BSD-2-Clause)"),
        ("( MIT )and ISC", "(MIT) AND ISC"),
        ("GPL-1.0-or-later or Artistic-1.0-Perl", "GPL-1.0-or-later OR Artistic-1.0-Perl"),
        ("GPL-2.0+", "GPL-2.0+"),
        ("Apache-2.0+", "Apache-2.0+"),
        ("GPL-2.0-only with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("MIT OR ISC AND Zlib", "MIT OR ISC AND Zlib"),
        ("", NOASSERTION),
        ("unknown", NOASSERTION),
        ("Unspecified", NOASSERTION),
    ],
)
def test_an_expression_is_spelled_as_the_list_has_it(stated: str, expression: str) -> None:
    assert parse(stated) == Licence(expression)


@pytest.mark.parametrize(
    ("stated", "expression", "references"),
    [
        (
            "MIT AND Public-Domain",
            "MIT AND LicenseRef-Public-Domain",
            {"LicenseRef-Public-Domain": "Public-Domain"},
        ),
        (
            "GPL-3.0-or-later WITH OpenSSL-Exception",
            "LicenseRef-GPL-3.0-or-later-WITH-OpenSSL-Exception",
            {"LicenseRef-GPL-3.0-or-later-WITH-OpenSSL-Exception": "GPL-3.0-or-later WITH OpenSSL-Exception"},
        ),
        ("MIT AND LicenseRef-mine", "MIT AND LicenseRef-mine", {"LicenseRef-mine": "LicenseRef-mine"}),
    ],
)
def test_what_the_list_lacks_becomes_a_reference_inside_the_expression(
    stated: str, expression: str, references: dict[str, str]
) -> None:
    found = parse(stated)
    assert found.expression == expression
    assert dict(found.references) == references


@pytest.mark.parametrize(
    "stated",
    [
        "GPL-2.0-or-later LGPL-2.1-or-later",
        "MIT AND",
        "AND",
        "WITH",
        "MIT WITH",
        "MIT WITH (ISC)",
        "(MIT",
        "MIT)",
        "()",
        "(MIT OR ISC) WITH OpenSSL-Exception",
        "GPL-2.0+, Zlib",
        "osf-1990(variant)",
        "see the file COPYING; all rights reserved",
        "(" * (MAX_DEPTH + 1) + "MIT" + ")" * (MAX_DEPTH + 1),
        "(" * 4000,
        " OR ".join(["MIT"] * 1000),
        "MIT AND " + "x" * 5000,
        "Лицензия",
        "-",
    ],
)
def test_what_is_no_expression_becomes_one_reference_with_its_words(stated: str) -> None:
    found = parse(stated)
    assert found.is_whole
    ((name, text),) = found.references
    assert text == stated[:4096]
    assert len(name) < 90
    assert name.removeprefix("LicenseRef-").replace("-", "").replace(".", "").isascii()


def test_different_words_have_different_references() -> None:
    words = ["Public Domain", "Public-Domain", "Public/Domain", "a" * 70, "a" * 71, "MIT+BSD", "MIT BSD", "-"]
    assert len({parse(each).expression for each in words}) == len(words)


def test_a_custom_licence_is_the_package_s_own() -> None:
    """Two packages that say `custom` do not say that they have one licence."""
    assert parse("custom", "one").expression != parse("custom", "two").expression
    assert parse("custom", "one") == parse("custom", "one")
    assert parse("Public-Domain", "one") == parse("Public-Domain", "two")


def _stated(index: Path) -> Iterator[tuple[str, str]]:
    """What every package of an index states."""
    with tarfile.open(index) as archive:
        content = archive.extractfile("APKINDEX")
        assert content is not None
        text = io.TextIOWrapper(content, encoding="utf-8").read()
    for stanza in text.strip().split("\n\n"):
        fields = {line[0]: line[2:] for line in stanza.split("\n")}
        yield fields["P"], fields.get("L", "")


INDEXES = {
    "solver/alpine-3.16-main-x86_64.APKINDEX.tar.gz": {
        "valid": 3852,
        "in part": 82,
        "whole": 984,
        "none": 11,
    },
    "solver/alpine-3.17-main-aarch64.APKINDEX.tar.gz": {
        "valid": 3968,
        "in part": 95,
        "whole": 930,
        "none": 11,
    },
    "alpine/v3.19-x86_64/indexes/main/x86_64/APKINDEX.tar.gz": {
        "valid": 4843,
        "in part": 87,
        "whole": 511,
        "none": 2,
    },
    "alpine/v3.19-x86_64/indexes/community/x86_64/APKINDEX.tar.gz": {
        "valid": 16295,
        "in part": 310,
        "whole": 981,
        "none": 1,
    },
}
"""Complete official indexes, and what became of what their packages state."""


@needs_shared
@pytest.mark.parametrize("index", INDEXES)
def test_whatever_alpine_states_becomes_a_valid_expression(index: str) -> None:
    """An independent parser knows every identifier in it but our references."""
    from license_expression import get_spdx_licensing

    licensing = get_spdx_licensing()
    became: Counter[str] = Counter()
    for name, stated in _stated(SHARED / index):
        found = parse(stated, name)
        if found.expression == NOASSERTION:
            became["none"] += 1
            continue
        parsed = licensing.parse(found.expression, validate=False)
        unknown = set(licensing.unknown_license_keys(parsed))
        assert unknown <= {reference for reference, _ in found.references}, (stated, found)
        if not found.references:
            became["valid"] += 1
        else:
            became["whole" if found.is_whole else "in part"] += 1
    assert dict(became) == INDEXES[index]
