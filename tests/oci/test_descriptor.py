"""Descriptors, platforms, layouts: the small values, there and back."""

import pytest

from support.images import image_of_tars, tar_of
from witchery.arch import ALL, Arch
from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.oci import layout, media
from witchery.oci.descriptor import CONTAINERD_NAME, REF_NAME, Descriptor, Platform
from witchery.oci.document import Fields
from witchery.oci.image import Layer
from witchery.oci.reference import Reference


def test_every_member_is_written_and_read_back() -> None:
    descriptor = Descriptor(
        media_type=media.EMPTY,
        digest=Digest.sha256(b"{}"),
        size=2,
        annotations={"a": "b"},
        platform=Platform(os="linux", architecture="arm", variant="v7"),
        artifact_type="application/spdx+json",
        data=b"{}",
        urls=("https://example.org/x",),
    )
    assert Descriptor.read(Fields.of(descriptor.document())) == descriptor


def test_the_empty_descriptor_is_the_one_of_the_specification() -> None:
    """image-spec, manifest.md, "Guidance for an Empty Descriptor"."""
    assert Descriptor.of(media.EMPTY, b"{}").document() == {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": 2,
    }


@pytest.mark.parametrize("arch", ALL, ids=str)
def test_every_architecture_has_a_platform_that_leads_back(arch: Arch) -> None:
    assert Platform.of(arch).arch == arch
    assert str(Platform.of(arch)) == arch.platform


def test_a_platform_of_elsewhere_has_no_architecture_of_alpine() -> None:
    assert Platform(os="windows", architecture="amd64").arch is None
    assert Platform(os="linux", architecture="sparc64").arch is None


def test_a_blob_that_is_no_layer_cannot_be_unpacked() -> None:
    layer = Layer(Descriptor.of("application/json", b"{}"), Digest.sha256(b"{}"))
    with pytest.raises(FormatError, match="not a layer that can be unpacked: `application/json`"):
        _ = layer.compression


def test_an_entry_is_named_only_as_far_as_there_is_a_name() -> None:
    image = image_of_tars(tar_of()).image
    assert layout.entry(image).annotations == {}
    assert layout.entry(image, tag="x").annotations == {REF_NAME: "x"}
    named = layout.entry(image, name=Reference.parse("alpine"))
    assert named.annotations == {REF_NAME: "latest", CONTAINERD_NAME: "docker.io/library/alpine:latest"}
    assert b'"RepoTags":[]' in layout.docker_manifest(image)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"rootfs": {"type": "x"}}, "expected `layers`"),
        ({"history": [{"empty_layer": 1}]}, "expected true or false"),
    ],
)
def test_configurations_are_refused_with_the_place(value: dict[str, object], message: str) -> None:
    from witchery import canonical
    from witchery.oci.config import Config

    whole = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}
    with pytest.raises(FormatError, match=message):
        Config.read(canonical.encode(whole | value))
    with pytest.raises(FormatError, match=r"rootfs: diff_ids\[0\]: expected a digest"):
        Config.read(canonical.encode(whole | {"rootfs": {"type": "layers", "diff_ids": ["x"]}}))
