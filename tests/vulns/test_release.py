"""Which release something is of."""

import pytest

from witchery.errors import FormatError
from witchery.vulns.release import branch_of, place_of, read_os_release


@pytest.mark.parametrize(
    ("text", "ident", "branch"),
    [
        ('NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\n', "alpine", "3.19"),
        ("ID='alpine'\nVERSION_ID=\"3.20.0\"\n", "alpine", "3.20"),
        ("ID=alpine\nVERSION_ID=3.23.0_alpha20250612\n", "alpine", "edge"),
        ("ID=alpine\nVERSION_ID=3.22.0_rc2\n", "alpine", "3.22"),
        ("ID=alpine\nPRETTY_NAME=edge\n", "alpine", ""),
        ("ID=wolfi\nVERSION_ID=20230201\n", "wolfi", ""),
        ("ID=postmarketos\nID_LIKE=alpine\nVERSION_ID=v24.06\n", "postmarketos", "24.06"),
        ("", "", ""),
        ("\x00\xff", "", ""),
    ],
)
def test_os_release_is_read_as_far_as_it_says(text: str, ident: str, branch: str) -> None:
    found = read_os_release(text.encode("latin-1"))
    assert (found.id, found.branch) == (ident, branch)


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://dl-cdn.alpinelinux.org/alpine/v3.19/main", ("3.19", "main")),
        ("https://mirror.example.org/edge/community", ("edge", "community")),
        ("/srv/mirror/v3.19/main/", ("3.19", "main")),
        ("/srv/v3.19.1-boot-x86_64", ("", "")),
        ("https://example.org/packages", ("", "")),
    ],
)
def test_an_address_says_of_which_release_a_repository_is(location: str, place: tuple[str, str]) -> None:
    assert place_of(location) == place


def test_a_release_is_written_in_several_ways() -> None:
    assert {branch_of(text) for text in ("v3.19", "3.19", "3.19.1")} == {"3.19"}
    for text in ("", "3", "latest-stable", "v3.19; rm -rf /"):
        with pytest.raises(FormatError):
            branch_of(text)
