"""Indexes: cut into packages, and searched by name."""

import io
import marshal
import tarfile

import pytest

from support.indexes import drawn, real, stanza
from support.shared import SHARED, needs_shared
from witchery.apk.index import Index
from witchery.codec import gunzip
from witchery.errors import FormatError

INDEX = """
    musl-1 p:so:libc.so=1 cmd:ldd=1
    a-1 D:so:libc.so | p:v
    a-2 D:so:libc.so | p:v=2 v<3 /bin/sh
    a-doc-2 i:docs a=2 !nodocs
"""


def _archive(**files: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def test_an_archive_gives_its_packages_and_its_description() -> None:
    index = Index.read([_archive(DESCRIPTION="v3.19.1-32-gabc\n", APKINDEX=drawn(INDEX))])
    assert index.description == "v3.19.1-32-gabc"
    assert [str(package) for package in index] == ["musl-1", "a-1", "a-2", "a-doc-2"]


def test_an_archive_without_an_index_is_refused() -> None:
    with pytest.raises(FormatError, match="without a file `APKINDEX`"):
        Index.read([_archive(DESCRIPTION="x")])


ODD = """
    one-1 p:so:x=1
    one-2 D:a b>1 !c ~d i:x !y
"""


def _answers(index: Index) -> list[object]:
    """All that an index is asked."""
    offered = sorted(index.offers())
    return [
        index.description,
        [package.stanza for package in index],
        offered,
        [(name, [str(each) for each in index.providing(name)]) for name in offered],
        [(name, [str(each) for each in index.conditioned_on(name)]) for name in offered],
        [(name, [str(each) for each in index.depending_on(name)]) for name in offered[::50]],
        [tuple(map(tuple, index.linked(position))) for position in range(len(index))],
    ]


@pytest.mark.parametrize("text", [INDEX, ODD, ""], ids=["usual", "odd", "empty"])
def test_a_compiled_index_answers_as_the_index_does(text: str) -> None:
    archive = _archive(DESCRIPTION="v1", APKINDEX=drawn(text) if text else "")
    index = Index.read([archive])
    assert _answers(Index.read([archive], index.compiled())) == _answers(index)


@needs_shared
def test_a_compiled_index_of_alpine_answers_as_the_index_does() -> None:
    path = SHARED / "alpine/v3.19-x86_64/indexes/main/x86_64/APKINDEX.tar.gz"
    archive = gunzip(path.read_bytes(), 1 << 28)
    index = Index.read([archive])
    assert len(index) > 4_000
    assert _answers(Index.read([archive], index.compiled())) == _answers(index)


@pytest.mark.parametrize("kept", [b"", b"N", marshal.dumps((1, 2)), marshal.dumps((b"x",) * 7)])
def test_what_was_not_compiled_from_an_index_is_refused(kept: bytes) -> None:
    with pytest.raises(FormatError):
        Index.read([_archive(APKINDEX=drawn(INDEX))], kept)


def test_what_was_compiled_from_a_longer_index_is_refused() -> None:
    kept = Index.read([_archive(APKINDEX=drawn(INDEX))]).compiled()
    with pytest.raises(FormatError, match="of another index"):
        Index.read([_archive(APKINDEX="P:a\nV:1\n")], kept)


def test_names_are_found_whether_packages_have_or_provide_them() -> None:
    index = Index.parse(drawn(INDEX))
    found = {
        name: [str(p) for p in index.providing(name)] for name in ("v", "a", "/bin/sh", "so:libc.so", "none")
    }
    assert found == {
        "v": ["a-1", "a-2"],
        "a": ["a-1", "a-2"],
        "/bin/sh": ["a-2"],
        "so:libc.so": ["musl-1"],
        "none": [],
    }
    assert [p.version for p in index.named("a")] == ["1", "2"]
    assert index.named("v") == ()


def test_conditions_are_found_by_each_of_their_names() -> None:
    index = Index.parse(drawn(INDEX))
    for name in ("docs", "a", "nodocs"):
        assert [str(p) for p in index.conditioned_on(name)] == ["a-doc-2"]
    assert index.conditioned_on("musl") == ()


def test_a_list_on_several_lines_is_found_too() -> None:
    index = Index.parse(stanza("p") + "\np:v=1\np:w=2\n\n")
    assert [str(p) for p in index.providing("w")] == ["p-1"]


def test_empty_lines_and_a_missing_end_do_no_harm() -> None:
    text = "\n\n" + stanza("a") + "\n\n\n\n" + stanza("b")
    assert [p.name for p in Index.parse(text)] == ["a", "b"]
    assert len(Index.parse("")) == 0


@pytest.mark.parametrize("line", ["hello", "no colon here"])
def test_a_malformed_line_is_refused_before_any_package_is_used(line: str) -> None:
    with pytest.raises(FormatError, match="not a line of an index"):
        Index.parse(stanza("a") + f"\n{line}\n\n")


@needs_shared
@pytest.mark.parametrize("release", ["3.16-main-x86_64", "3.17-main-aarch64"])
def test_a_real_index_finds_exactly_what_its_packages_say(release: str) -> None:
    index = real(SHARED / "solver" / f"alpine-{release}.APKINDEX.tar.gz")
    providers: dict[str, list[str]] = {}
    conditions: dict[str, list[str]] = {}
    for package in index:
        for name in {package.name, *(name for name, _version in package.provides)}:
            providers.setdefault(name, []).append(str(package))
        for name in {condition.name for condition in package.install_if}:
            conditions.setdefault(name, []).append(str(package))
    assert set(index.offers()) == set(providers)
    assert all([str(p) for p in index.providing(name)] == found for name, found in providers.items())
    assert all([str(p) for p in index.conditioned_on(name)] == found for name, found in conditions.items())
