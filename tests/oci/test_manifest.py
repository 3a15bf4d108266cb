"""Manifests and indexes: read with limits, written the same every time, bytes kept."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import FormatError, Refused
from witchery.oci import media
from witchery.oci.config import Config
from witchery.oci.descriptor import REF_NAME, Descriptor, Platform
from witchery.oci.document import MAX_DOCUMENT, MAX_ITEMS
from witchery.oci.manifest import EMPTY_INDEX, Index, Manifest

SOME = {"mediaType": media.LAYER_GZIP, "digest": f"sha256:{'a' * 64}", "size": 7}
CONFIG = {"mediaType": media.CONFIG, "digest": f"sha256:{'c' * 64}", "size": 9}


def manifest(**changes: Any) -> bytes:
    """A manifest with members replaced, or taken out with None."""
    whole = {"schemaVersion": 2, "mediaType": media.MANIFEST, "config": CONFIG, "layers": [SOME]} | changes
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def entry(tag: str = "", digit: str = "a", platform: Platform | None = None) -> Descriptor:
    """An entry of an index."""
    return Descriptor(
        media_type=media.MANIFEST,
        digest=Digest("sha256", digit * 64),
        size=1,
        annotations={REF_NAME: tag} if tag else {},
        platform=platform,
    )


def test_a_manifest_keeps_its_bytes_whatever_their_form() -> None:
    raw = json.dumps(json.loads(manifest()), indent=7).encode()
    read = Manifest.read(raw)
    assert read.raw == raw
    assert read.digest == Digest.sha256(raw)
    assert read.layers[0].size == 7


def test_what_is_written_is_read_back_equal() -> None:
    written = Manifest.of(
        Descriptor.of(media.CONFIG, b"{}"), [Descriptor.of(media.LAYER_GZIP, b"x", {"é": "ü"})], {"k": "v"}
    )
    assert Manifest.read(written.raw) == written
    index = Index.of([entry("one", platform=Platform.of(Arch.parse("armv7")))], {"k": "v"})
    assert Index.read(index.raw) == index


def test_the_media_type_may_be_left_out() -> None:
    """image-spec, manifest.md: `mediaType` SHOULD be used, so it may be missing."""
    assert Manifest.read(manifest(mediaType=None)).media_type == media.MANIFEST


def test_docker_manifests_are_read() -> None:
    assert Manifest.read(manifest(mediaType=media.DOCKER_MANIFEST)).media_type == media.DOCKER_MANIFEST


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "expected JSON"),
        (b"[]", "expected an object"),
        (b'"x"', "expected an object"),
        (b"\xff", "expected UTF-8"),
        (b"[" * 100_000, "reasonable depth"),
        (b" " * (MAX_DOCUMENT + 1), "at most"),
        (b'{"a":1,"a":1}', "stands twice: `a`"),
        (b'{"schemaVersion":NaN}', "`NaN` is not a number"),
        (b'{"schemaVersion":' + b"9" * 5000 + b"}", "reasonable depth and numbers"),
        (manifest(schemaVersion=1), "schemaVersion: expected schema version 2: 1"),
        (manifest(schemaVersion="2"), "schemaVersion: expected a whole number"),
        (manifest(schemaVersion=True), "schemaVersion: expected a whole number"),
        (manifest(mediaType=media.INDEX), "mediaType: expected"),
        (manifest(manifests=[]), "cannot have the member: `manifests`"),
        (manifest(Layers=[]), "differ only in case: `layers` and `Layers`"),
        (manifest(config=None), "missing member: `config`"),
        (manifest(layers={}), "layers: expected a list"),
        (manifest(layers=[SOME] * (MAX_ITEMS + 1)), "layers: expected at most"),
        (manifest(layers=[SOME | {"size": -1}]), r"layers\[0\]: size: expected a whole number"),
        (manifest(layers=[SOME | {"size": 1.0}]), r"layers\[0\]: size: expected a whole number"),
        (manifest(layers=[SOME | {"size": 1 << 63}]), r"layers\[0\]: size: expected a whole number"),
        (
            manifest(layers=[SOME, SOME | {"digest": "sha256:../x"}]),
            r"layers\[1\]: digest: expected a digest",
        ),
        (manifest(layers=[SOME | {"digest": f"sha256:{'A' * 64}"}]), "digest: expected a digest"),
        (manifest(layers=[SOME | {"annotations": {"a": 1}}]), "annotations: expected a string"),
        (manifest(annotations={"a": "\ud800"}), "annotations: expected Unicode"),
        (manifest(config=CONFIG | {"mediaType": ["x"]}), "config: mediaType: expected a string"),
    ],
)
def test_a_malformed_manifest_is_refused_with_the_place(raw: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Manifest.read(raw)


def test_an_index_with_layers_is_refused() -> None:
    """GHSA-77vh-xpmg-72qh: no document may be a manifest to one reader and an index to another."""
    raw = json.dumps({"schemaVersion": 2, "manifests": [], "layers": []}).encode()
    with pytest.raises(FormatError, match="cannot have the member: `layers`"):
        Index.read(raw)


def test_embedded_data_has_to_match_its_descriptor() -> None:
    good = Descriptor.of(media.EMPTY, b"{}").document() | {"data": base64.b64encode(b"{}").decode()}
    assert Manifest.read(manifest(config=good)).config.data == b"{}"
    for data, message in (("e30=" * 2, "expected base64|embedded"), ("W10=", "digest"), ("%", "base64")):
        with pytest.raises(FormatError, match=message):
            Manifest.read(manifest(config=good | {"data": data}))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_format_error(raw: bytes) -> None:
    for read in (Manifest.read, Index.read, Config.read):
        try:
            assert read(raw).raw == raw
        except FormatError:
            continue


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["config", "layers", "annotations", "schemaVersion", "mediaType", "subject"]), _json)
def test_any_json_in_any_member_gives_a_value_or_a_format_error(name: str, value: object) -> None:
    whole = json.loads(manifest()) | {name: value}
    try:
        Manifest.read(json.dumps(whole).encode())
    except FormatError:
        return


@given(st.sampled_from(["config", "rootfs", "history", "created", "os", "architecture"]), _json)
def test_any_json_in_any_member_of_a_configuration_too(name: str, value: object) -> None:
    whole = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}} | {
        name: value
    }
    try:
        Config.read(json.dumps(whole).encode())
    except FormatError:
        return


def test_an_entry_replaces_the_one_of_its_tag_and_no_other() -> None:
    index = EMPTY_INDEX.with_entry(entry("one", "1")).with_entry(entry("two", "2"))
    again = index.with_entry(entry("one", "3"))
    assert [(e.tag, e.digest.hex[0]) for e in again.manifests] == [("two", "2"), ("one", "3")]


def test_an_entry_without_a_tag_replaces_only_itself() -> None:
    index = EMPTY_INDEX.with_entry(entry("", "1")).with_entry(entry("", "2")).with_entry(entry("", "1"))
    assert [e.digest.hex[0] for e in index.manifests] == ["2", "1"]


def test_adding_an_entry_keeps_members_that_we_do_not_know() -> None:
    raw = json.dumps({"schemaVersion": 2, "x": 1, "manifests": [entry("one").document() | {"y": [2]}]})
    document = json.loads(Index.read(raw.encode()).with_entry(entry("two", "2")).raw)
    assert document["x"] == 1
    assert document["manifests"][0]["y"] == [2]


AMD64, ARM64 = Platform.of(Arch.parse("x86_64")), Platform.of(Arch.parse("aarch64"))
UNKNOWN = Platform(os="unknown", architecture="unknown")


def test_an_image_is_chosen_by_tag_by_platform_or_for_being_the_only_one() -> None:
    one, two = entry("one", "1", AMD64), entry("two", "2", AMD64)
    assert Index.of([one, two]).choose("two") == two
    assert Index.of([one]).choose() == one
    both = [entry("", "1", AMD64), entry("", "2", ARM64), entry("", "3", UNKNOWN)]
    assert Index.of(both).choose(arch=Arch.parse("aarch64")) == both[1]
    assert Index.of([both[0], both[2]]).choose() == both[0], "an attestation is no image"
    assert Index.of([one, entry("", "5")]).choose() == one, "a referrer without a tag is no image"


def test_a_choice_that_is_none_or_not_clear_says_what_there_is() -> None:
    index = Index.of([entry("one", "1"), entry("two", "2")])
    with pytest.raises(Refused, match="no image has the tag: `three`") as caught:
        index.choose("three")
    assert caught.value.hints == ("there are `one`, `two`",)
    with pytest.raises(Refused, match="several images fit"):
        index.choose()
    with pytest.raises(Refused, match="no image fits"):
        EMPTY_INDEX.choose()
