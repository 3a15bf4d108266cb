"""The words that every room uses: errors, digests, architectures, JSON."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery import arch, canonical, errors
from witchery.arch import Arch
from witchery.digest import Digest, Hashing
from witchery.errors import ConfigError, FormatError, TrustError, UsageError, WitcheryError, located

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def climbing() -> None:
    with located("musl.apk"), located("control"):
        raise FormatError("truncated", where=["byte 512"], hint="fetch it again")


def test_an_error_learns_its_place_while_it_climbs() -> None:
    with pytest.raises(FormatError) as caught:
        climbing()
    assert str(caught.value) == "musl.apk: control: byte 512: truncated"
    assert caught.value.hints == ("fetch it again",)


def test_every_error_has_its_place_in_the_tree_and_an_exit_status() -> None:
    assert errors.__doc__ is not None
    drawn = errors.__doc__
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, WitcheryError)]
    assert len(classes) > 9
    for each in classes:
        assert each.__name__ in drawn
        assert each.exit_status in (2, 3, 4, 5)


def test_a_configuration_error_carries_all_its_problems() -> None:
    assert ConfigError(["a:1:1: x", "a:2:1: y"]).problems == ("a:1:1: x", "a:2:1: y")
    assert TrustError("x", missing=True).exit_status == 3


def test_a_digest_is_written_as_it_was_read() -> None:
    digest = Digest.sha256(b"")
    assert str(digest) == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize("text", ["", "sha256:", "sha256:ABC", "md5:" + "0" * 32, "sha256:" + "0" * 65, "x"])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="expected a digest"):
        Digest.parse(text)


@pytest.mark.parametrize("each", arch.ALL, ids=str)
def test_an_architecture_answers_to_all_its_names(each: Arch) -> None:
    assert Arch.parse(each.apk) == each
    assert Arch.parse(each.platform) == each
    assert Arch.parse(each.platform.removeprefix("linux/").upper()) == each


def test_an_unknown_architecture_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown architecture: `sparc`") as caught:
        Arch.parse("sparc")
    assert "x86_64" in caught.value.hints[0]


@given(json_values)
def test_json_is_the_same_bytes_for_the_same_value(value: object) -> None:
    encoded = canonical.encode(value)
    assert canonical.encode(canonical.decode(encoded, "x")) == encoded
    assert canonical.decode(canonical.encode_pretty(value), "x") == value


def test_what_is_no_json_is_refused() -> None:
    for data in (b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(FormatError, match="x: expected"):
            canonical.decode(data, "x")
    with pytest.raises(ValueError, match="Out of range"):
        canonical.encode(math.nan)


def test_a_digest_on_the_way_is_of_all_chunks_whether_or_not_they_were_asked_for() -> None:
    chunks = Hashing([b"a", b"", b"bc"])
    assert next(chunks) == b"a"
    assert chunks.digest() == Digest.sha256(b"abc")
    assert list(chunks) == []
    assert chunks.digest() == Digest.sha256(b"abc")
