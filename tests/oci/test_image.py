"""Images: whole from birth, deterministic, their parts in step."""

import json
from typing import Any

import pytest

from support.images import X86_64, image_of, layer_of, member, tar_of
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError
from witchery.oci import media
from witchery.oci.config import Config, Execution, History, rfc3339
from witchery.oci.descriptor import Descriptor, Platform
from witchery.oci.image import MAX_LAYERS, Image, Layer, build
from witchery.oci.manifest import Manifest

FULL = Execution(
    user="65532:65532",
    env=("PATH=/bin", "LANG=C.UTF-8"),
    entrypoint=("/bin/app", "--serve"),
    cmd=("now",),
    working_dir="/srv",
    ports=("80/tcp", "8000-8010/udp"),
    volumes=("/data",),
    stop_signal="SIGTERM",
    labels={"a": "b"},
)


def some_image(**changes: Any) -> Image:
    layer, _ = layer_of(tar_of(member("a", b"a")), comment="first")
    arguments: dict[str, Any] = {"arch": X86_64, "execution": FULL, "created": rfc3339(0)}
    return build([layer], **(arguments | changes))


def test_an_image_is_read_back_equal() -> None:
    image = some_image(annotations={"org.opencontainers.image.title": "x"}, author="me")
    assert Image.read(image.manifest.raw, image.config.raw) == image
    assert image.layers[0].history.comment == "first"
    assert image.size == len(image.manifest.raw) + len(image.config.raw) + image.layers[0].descriptor.size


def test_the_same_arguments_give_the_same_bytes_whatever_their_order() -> None:
    one = some_image(annotations={"a": "1", "b": "2"})
    two = some_image(annotations={"b": "2", "a": "1"})
    assert (one.manifest.raw, one.config.raw) == (two.manifest.raw, two.config.raw)


def test_the_bytes_of_a_known_image_do_not_change() -> None:
    """A golden: a change here changes the digest of every image that anyone has built."""
    descriptor = Descriptor(media_type=media.LAYER_GZIP, digest=Digest("sha256", "b" * 64), size=5)
    image = build(
        [Layer(descriptor, Digest("sha256", "d" * 64))],
        arch=X86_64,
        execution=Execution(entrypoint=("/a",)),
        created="1970-01-01T00:00:00Z",
    )
    assert image.config.raw.decode() == (
        '{"architecture":"amd64","config":{"Entrypoint":["/a"]},"created":"1970-01-01T00:00:00Z","history":[{}],'
        '"os":"linux","rootfs":{"diff_ids":["sha256:' + "d" * 64 + '"],"type":"layers"}}'
    )
    assert image.manifest.raw.decode() == (
        '{"config":{"digest":"' + str(image.manifest.config.digest) + '",'
        '"mediaType":"application/vnd.oci.image.config.v1+json","size":230},'
        '"layers":[{"digest":"sha256:' + "b" * 64 + '",'
        '"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":5}],'
        '"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}'
    )


def test_the_configuration_is_what_the_specification_names() -> None:
    """Members and their spelling, from image-spec, config.md."""
    document = json.loads(some_image(author="me").config.raw)
    assert document["config"] == {
        "User": "65532:65532",
        "Env": ["PATH=/bin", "LANG=C.UTF-8"],
        "Entrypoint": ["/bin/app", "--serve"],
        "Cmd": ["now"],
        "WorkingDir": "/srv",
        "ExposedPorts": {"80/tcp": {}, "8000-8010/udp": {}},
        "Volumes": {"/data": {}},
        "StopSignal": "SIGTERM",
        "Labels": {"a": "b"},
    }
    assert document["rootfs"]["type"] == "layers"
    assert document["author"] == "me"


def test_layers_and_diff_ids_cannot_differ_in_number() -> None:
    image = some_image()
    config = Config.of(platform=Platform.of(X86_64), execution=FULL, diff_ids=[])
    manifest = Manifest.of(config.descriptor, [image.layers[0].descriptor])
    with pytest.raises(FormatError, match="the manifest has 1 layers, its configuration 0 diff IDs"):
        Image.read(manifest.raw, config.raw)


def test_another_configuration_is_refused() -> None:
    image = some_image()
    with pytest.raises(IntegrityError, match="not the one that the manifest names"):
        Image.read(image.manifest.raw, some_image(author="other").config.raw)


def test_an_artifact_is_no_image() -> None:
    manifest = Manifest.of(Descriptor.of(media.EMPTY, b"{}"), [])
    with pytest.raises(FormatError, match="an artifact, not an image"):
        Image.read(manifest.raw, b"{}")


def test_more_layers_than_runtimes_take_are_refused() -> None:
    layer, _ = layer_of(b"")
    build([layer] * MAX_LAYERS, arch=X86_64, execution=Execution())
    with pytest.raises(FormatError, match="at most 125 layers: 126"):
        build([layer] * (MAX_LAYERS + 1), arch=X86_64, execution=Execution())


def test_a_history_that_does_not_fit_is_left_aside() -> None:
    """Images with a wrong history exist and run; it is for people only."""
    layer, _ = layer_of(b"")
    steps = [History(comment="x"), History(comment="y")]
    config = Config.of(
        platform=Platform.of(X86_64), execution=Execution(), diff_ids=[layer.diff_id], history=steps
    )
    image = Image.read(Manifest.of(config.descriptor, [layer.descriptor]).raw, config.raw)
    assert image.layers[0].history == History()
    assert image.config.history == tuple(steps)


def test_nulls_and_missing_members_are_empty() -> None:
    """Go writes `null` for what is empty."""
    raw = json.dumps(
        {
            "os": "linux",
            "architecture": "arm",
            "variant": "v7",
            "config": {"Cmd": None, "Env": None, "Labels": None, "Volumes": None},
            "rootfs": {"type": "layers", "diff_ids": None},
            "history": None,
        }
    ).encode()
    config = Config.read(raw)
    assert config.execution == Execution()
    assert config.platform.arch is not None
    assert config.platform.arch.apk == "armv7"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"env": ("A=\0",)}, "NUL"),
        ({"ports": ("http",)}, "expected a port such as `80/tcp`: `http`"),
        ({"ports": ("80/tcp\n",)}, "expected a port"),
    ],
)
def test_what_no_runtime_can_do_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Execution(**wrong)


def test_times_are_written_in_utc_and_within_four_digits_of_year() -> None:
    assert rfc3339(1_706_291_586) == "2024-01-26T17:53:06Z"
    for seconds in (-1, 1 << 40, 1 << 80):
        with pytest.raises(FormatError, match="between the years 1970 and 9999"):
            rfc3339(seconds)


def test_a_layer_twice_is_one_blob_and_two_layers() -> None:
    twice = layer_of(tar_of(member("a", b"a")))
    made = image_of([twice, twice])
    assert len(made.image.layers) == 2
    assert made.image.size == len(made.image.manifest.raw) + len(made.image.config.raw) + len(twice[1])
