"""An image for several platforms as a value: what the index says, what is stored, in which order."""

import json

import pytest

from support.images import image_of, layer_of, member, tar_of
from witchery.arch import ALL, Arch
from witchery.errors import FormatError
from witchery.oci.config import Execution
from witchery.oci.image import Image, Layer, build
from witchery.oci.image_index import index_of

SHARED = layer_of(tar_of(member("shared", b"the same everywhere")))


def image(arch: str, *layers: Layer, created: str = "2024-01-01T00:00:00Z", **annotations: str) -> Image:
    annotations = {"org.opencontainers.image.created": created, **annotations}
    return build(layers, arch=Arch.parse(arch), execution=Execution(), annotations=annotations)


def own(name: str) -> Layer:
    return layer_of(tar_of(member(name, name.encode())))[0]


def test_every_platform_is_an_entry_that_its_manifest_and_configuration_agree_with() -> None:
    images = [image(arch.apk, own(arch.apk)) for arch in ALL]
    made = index_of(images)
    for entry, each, arch in zip(made.index.manifests, images, ALL, strict=True):
        assert entry.digest == each.digest
        assert entry.size == len(each.manifest.raw)
        assert entry.platform == each.config.platform
        assert entry.platform is not None
        assert entry.platform.arch == arch
    assert json.loads(made.index.raw)["mediaType"] == "application/vnd.oci.image.index.v1+json"


def test_the_index_has_the_annotations_in_which_all_agree_and_the_newest_time() -> None:
    one = image("x86_64", title="app", dropped="busybox", created="2024-02-01T00:00:00Z")
    two = image("aarch64", title="app", dropped="", created="2024-03-01T00:00:00Z")
    three = image("s390x", title="app", created="2023-12-31T23:59:59Z")
    assert index_of([one, two, three]).index.annotations == {
        "title": "app",
        "org.opencontainers.image.created": "2024-03-01T00:00:00Z",
    }


def test_each_blob_is_stored_once_and_nothing_before_what_it_names() -> None:
    images = [image("x86_64", SHARED[0], own("one")), image("aarch64", SHARED[0], own("two"))]
    made = index_of(images)
    layers = [blob.digest for blob in made.layer_blobs]
    assert len(layers) == len(set(layers)) == 3
    known = set(layers)
    for descriptor, raw in made.documents:
        assert descriptor.size == len(raw)
        document = json.loads(raw)
        named = [*document.get("manifests", []), *document.get("layers", [])]
        named += [document["config"]] if document.get("layers") else []
        assert {each["digest"] for each in named} <= {str(each) for each in known}
        known.add(descriptor.digest)
    assert made.digest in known
    everything = [*made.layer_blobs, *(descriptor for descriptor, _ in made.documents)]
    assert made.size == sum(each.size for each in everything)


def test_an_index_of_nothing_or_of_two_for_one_platform_is_refused() -> None:
    with pytest.raises(FormatError, match="no image"):
        index_of([])
    with pytest.raises(FormatError, match="two images are for one platform: `linux/arm/v7`"):
        index_of([image("armv7"), image("x86_64"), image("armv7", own("other"))])


def test_a_single_image_is_stored_by_the_same_properties() -> None:
    made = image_of([SHARED])
    assert [each.digest for each in made.image.layer_blobs] == [SHARED[0].descriptor.digest]
    assert [raw for _, raw in made.image.documents] == [made.image.config.raw, made.image.manifest.raw]
    assert made.image.descriptor.digest == made.image.digest
