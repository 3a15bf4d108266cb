"""Validation finds every lie of an image, and tells both sides of each."""

import gzip
import itertools
import json
from collections.abc import Callable, Iterable

import pytest

from support.images import X86_64, Made, image_of, layer_of, member, tar_of
from witchery.digest import Digest
from witchery.errors import FormatError, StorageError
from witchery.oci import media
from witchery.oci.config import Execution
from witchery.oci.descriptor import Descriptor
from witchery.oci.image import build
from witchery.oci.layer import Expansion, uncompressed
from witchery.oci.layout import entry
from witchery.oci.manifest import Manifest
from witchery.oci.validate import Blobs, Mismatch, validate
from witchery.value import replace


def two_layers() -> Made:
    return image_of(
        [layer_of(tar_of(member("a", b"a"))), layer_of(tar_of(member("b", b"b")), compress=False)]
    )


def stored(made: Made, **instead: bytes | None) -> Blobs:
    """The blobs of an image; `layer0`, `layer1` and `config` may be others."""
    blobs: dict[Digest, bytes | None] = {
        digest: b"".join(content.chunks()) for digest, content in made.contents.items()
    }
    blobs[made.image.manifest.config.digest] = made.image.config.raw
    for name, data in instead.items():
        number = name.removeprefix("layer")
        which = made.image.layers[int(number)].descriptor if number.isdigit() else made.image.manifest.config
        blobs[which.digest] = data

    def find(descriptor: Descriptor) -> Iterable[bytes] | None:
        data = blobs.get(descriptor.digest)
        return None if data is None else [data[:10], data[10:]]

    return find


def places(found: Iterable[Mismatch]) -> list[str]:
    return [mismatch.place for mismatch in found]


def test_a_whole_image_has_no_mismatch() -> None:
    made = two_layers()
    assert validate(made.image.manifest.raw, stored(made), entry=entry(made.image, tag="x")) == ()


def test_every_mismatch_is_told_with_both_sides() -> None:
    made = two_layers()
    layer = made.image.layers[0].descriptor
    blobs = stored(made, layer0=gzip.compress(b"other"), layer1=None, config=b"{}")
    found = validate(made.image.manifest.raw, blobs)
    assert places(found) == [
        "config: size",
        "config: digest",
        "config",
        "layers[0]: size",
        "layers[0]: digest",
        "layers[1]",
    ]
    other = Digest.sha256(gzip.compress(b"other"))
    assert str(layer.digest) in str(found[4])
    assert str(other) in str(found[4])


def test_a_wrong_diff_id_is_told() -> None:
    made = two_layers()
    layers = (replace(made.image.layers[0], diff_id=Digest("sha256", "0" * 64)), made.image.layers[1])
    wrong = Made(build(layers, arch=X86_64, execution=Execution()), made.contents)
    (found,) = validate(wrong.image.manifest.raw, stored(wrong))
    assert found.place == "layers[0]: diff ID"
    assert found.found == f"`{made.image.layers[0].diff_id}`"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda c: c["rootfs"]["diff_ids"].pop(), "config: diff_ids"),
        (lambda c: c["history"].pop(), "config: history"),
        (lambda c: c.update(architecture="arm64"), "config: platform"),
    ],
)
def test_a_configuration_that_does_not_fit_is_told(change: Callable[[object], object], place: str) -> None:
    made = two_layers()
    document = json.loads(made.image.config.raw)
    change(document)
    config = json.dumps(document).encode()
    manifest = json.loads(made.image.manifest.raw)
    manifest["config"] |= {"digest": str(Digest.sha256(config)), "size": len(config)}
    raw = json.dumps(manifest).encode()
    listed = replace(entry(made.image, tag="x"), digest=Digest.sha256(raw), size=len(raw))

    def blobs(descriptor: Descriptor) -> Iterable[bytes] | None:
        return [config] if descriptor.media_type == media.CONFIG else stored(made)(descriptor)

    assert places(validate(raw, blobs, entry=listed)) == [place]


def test_an_index_that_lies_about_the_manifest_is_told() -> None:
    made = two_layers()
    listed = replace(
        entry(made.image), size=1, digest=Digest("sha256", "0" * 64), media_type=media.DOCKER_MANIFEST
    )
    found = validate(made.image.manifest.raw, stored(made), entry=listed)
    assert places(found) == ["manifest: size", "manifest: digest", "manifest: mediaType"]


def test_what_is_no_manifest_is_one_mismatch() -> None:
    assert places(validate(b"{}", lambda _: None)) == ["manifest"]


@pytest.mark.parametrize("cut", [0, 1, 20, -8, -1])
def test_a_truncated_layer_is_told(cut: int) -> None:
    made = two_layers()
    blob = b"".join(made.contents[made.image.layers[0].descriptor.digest].chunks())
    found = validate(made.image.manifest.raw, stored(made, layer0=blob[:cut]))
    assert "layers[0]" in places(found)
    assert "layers[0]: size" in places(found)


def test_a_layer_that_inflates_without_end_is_given_up() -> None:
    """Zeros compress a thousand times; what grows further than its limit is not read to the end."""
    layer = layer_of(bytes(50 << 20))
    made = image_of([layer])
    found = validate(made.image.manifest.raw, stored(made), expansion=Expansion(ratio=200, free=1 << 20))
    assert places(found) == ["layers[0]"]
    assert "trap" in found[0].found


def test_members_of_a_gzip_stream_are_one_after_the_other() -> None:
    """RFC 1952, 2.2: a stream may have several members; whole packages as layers are such streams."""
    blob = gzip.compress(b"one") + gzip.compress(b"two")
    assert b"".join(uncompressed([blob], "gzip")) == b"onetwo"
    for wrong in (b"", blob + b"x", blob + b"\0", blob[:-1]):
        with pytest.raises(FormatError):
            b"".join(uncompressed([wrong], "gzip"))


def test_the_limits_hold_for_plain_layers_and_any_compression() -> None:
    with pytest.raises(FormatError, match="limit of 10 bytes"):
        b"".join(uncompressed([b"x" * 6, b"x" * 6], "none", Expansion(limit=10)))
    with pytest.raises(FormatError, match="limit of 10 bytes"):
        b"".join(uncompressed([gzip.compress(b"x" * 11)], "gzip", Expansion(limit=10)))
    with pytest.raises(FormatError, match="compression are not read: `zstd`"):
        b"".join(uncompressed([b""], "zstd"))


def broken_off(data: bytes) -> Iterable[bytes]:
    """A blob that cannot be read to its end."""
    yield data[:5]
    raise StorageError("input/output error")


def test_blobs_that_are_missing_or_cannot_be_read_are_told() -> None:
    made = two_layers()
    assert places(validate(made.image.manifest.raw, lambda _: None)) == ["config", "layers[0]", "layers[1]"]
    found = validate(made.image.manifest.raw, lambda descriptor: broken_off(b"x" * descriptor.size))
    assert [m.found for m in found if m.place == "config"] == ["input/output error"]
    assert {"layers[0]", "layers[1]"} <= set(places(found))


def test_a_configuration_without_end_is_given_up() -> None:
    made = two_layers()
    found = validate(
        made.image.manifest.raw,
        lambda d: itertools.repeat(b"x" * 65536) if d.media_type == media.CONFIG else None,
    )
    assert found[0] == Mismatch("config", "at most 4194304 bytes", "more")


def test_an_artifact_and_a_layer_of_no_known_type_are_told() -> None:
    """Both are valid manifests; neither is an image that runs."""
    made = two_layers()
    config = replace(made.image.manifest.config, media_type=media.EMPTY)
    layer = replace(made.image.layers[0].descriptor, media_type="application/json")
    raw = Manifest.of(config, [layer, made.image.layers[1].descriptor]).raw
    assert places(validate(raw, stored(made))) == ["config: mediaType", "layers[0]: mediaType"]
