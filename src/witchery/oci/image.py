"""An image for one platform, whole: manifest, configuration and layers that fit together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import FormatError, IntegrityError
from witchery.oci import media
from witchery.oci.config import Config, Execution, History
from witchery.oci.descriptor import Descriptor, Platform
from witchery.oci.document import NOTHING
from witchery.oci.manifest import Manifest
from witchery.value import frozen, replace

MAX_LAYERS = 125
"""The most layers that every common runtime takes; Docker refuses the next at pull (measured with 20.10)."""


@frozen
class Layer:
    """What a manifest says of a layer and what a configuration does, in one value, so that they never part.

    Attributes:
        descriptor: Media type, digest and size of the blob.
        diff_id: Digest of the uncompressed tar.
        history: How it came to be.
    """

    descriptor: Descriptor
    diff_id: Digest
    history: History = History()

    @property
    def compression(self) -> str:
        """`none`, `gzip` or `zstd`.

        Raises:
            FormatError: if the media type is not that of a layer.
        """
        found = media.COMPRESSION.get(self.descriptor.media_type)
        if found is None:
            raise FormatError(f"not a layer that can be unpacked: `{self.descriptor.media_type}`")
        return found


@frozen
class Image:
    """An image for one platform.

    Attributes:
        manifest: The manifest, with its bytes.
        config: The configuration, with its bytes.
        layers: The layers, the lowest first.
    """

    manifest: Manifest
    config: Config
    layers: tuple[Layer, ...]

    @classmethod
    def read(cls, manifest: bytes, config: bytes) -> Self:
        """Puts together what was read.

        Raises:
            FormatError: if either is malformed, is not an image's, or their layers differ in number.
            IntegrityError: if the configuration is not the one that the manifest names.
        """
        read = _manifest(manifest)
        if len(config) != read.config.size or Digest.sha256(config) != read.config.digest:
            raise IntegrityError(
                f"the configuration is not the one that the manifest names: `{read.config.digest}`"
            )
        inner = Config.read(config)
        if len(read.layers) != len(inner.diff_ids):
            counts = f"{len(read.layers)} layers, its configuration {len(inner.diff_ids)} diff IDs"
            raise FormatError(f"the manifest has {counts}")
        return cls(read, inner, tuple(_layers(read, inner)))

    @staticmethod
    def config_of(manifest: bytes) -> Descriptor:
        """The descriptor of the configuration that belongs to an image's manifest.

        Raises:
            FormatError: if the manifest is malformed, or not an image's.
        """
        return _manifest(manifest).config

    @property
    def digest(self) -> Digest:
        """The digest of the manifest: the image's name."""
        return self.manifest.digest

    @property
    def descriptor(self) -> Descriptor:
        """What points to the manifest, with the platform that it is for."""
        return replace(self.manifest.descriptor, platform=self.config.platform)

    @property
    def layer_blobs(self) -> tuple[Descriptor, ...]:
        """The layers, each blob once."""
        return tuple({layer.descriptor.digest: layer.descriptor for layer in self.layers}.values())

    @property
    def documents(self) -> tuple[tuple[Descriptor, bytes], ...]:
        """Configuration and manifest with their bytes, nothing before what it points to."""
        return (self.manifest.config, self.config.raw), (self.descriptor, self.manifest.raw)

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Everything the manifest points to: the layers, then the configuration."""
        return (*(layer.descriptor for layer in self.layers), self.manifest.config)

    @property
    def size(self) -> int:
        """Bytes to transfer: manifest, configuration and each different layer once."""
        sizes = {blob.digest: blob.size for blob in self.blobs}
        return len(self.manifest.raw) + sum(sizes.values())


def build(
    layers: Sequence[Layer],
    *,
    arch: Arch,
    execution: Execution,
    created: str = "",
    author: str = "",
    annotations: Mapping[str, str] = NOTHING,
) -> Image:
    """Makes an image; the same arguments always give the same bytes.

    Args:
        layers: The layers, the lowest first.
        arch: What it runs on.
        execution: How to run it.
        created: RFC 3339 time, see `config.rfc3339`.
        author: Who made it.
        annotations: The manifest's annotations.

    Raises:
        FormatError: if there are more layers than runtimes take.
    """
    if len(layers) > MAX_LAYERS:
        raise FormatError(f"runtimes take at most {MAX_LAYERS} layers: {len(layers)}")
    config = Config.of(
        platform=Platform.of(arch),
        execution=execution,
        diff_ids=(layer.diff_id for layer in layers),
        history=(layer.history for layer in layers),
        created=created,
        author=author,
    )
    manifest = Manifest.of(config.descriptor, (layer.descriptor for layer in layers), annotations)
    return Image(manifest, config, tuple(layers))


def _layers(manifest: Manifest, config: Config) -> Iterable[Layer]:
    steps = [step for step in config.history if not step.empty_layer]
    if len(steps) != len(manifest.layers):  # for people only: without it the image is as good
        steps = [History()] * len(manifest.layers)
    for descriptor, diff_id, step in zip(manifest.layers, config.diff_ids, steps, strict=True):
        yield Layer(descriptor, diff_id, step)


def _manifest(raw: bytes) -> Manifest:
    manifest = Manifest.read(raw)
    if manifest.config.media_type not in media.CONFIGS:
        raise FormatError(f"an artifact, not an image: its configuration is `{manifest.config.media_type}`")
    return manifest
