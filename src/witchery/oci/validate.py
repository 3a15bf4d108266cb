"""Checking an image against itself: all sizes, digests and counts are computed anew, all mismatches told."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator

from witchery.digest import Digest
from witchery.errors import FormatError, WitcheryError
from witchery.oci import media
from witchery.oci.config import Config
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import MAX_DOCUMENT
from witchery.oci.layer import DEFAULT, Expansion, uncompressed
from witchery.oci.manifest import Manifest
from witchery.value import frozen

Blobs = Callable[[Descriptor], Iterable[bytes] | None]
"""Finds the bytes that a descriptor names; None where they are missing. They need not be verified."""


@frozen
class Mismatch:
    """Two sides that should be equal and are not.

    Attributes:
        place: Where, such as `layers[3]: digest`.
        expected: What the image says.
        found: What is there.
    """

    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}, found {self.found}"


def validate(
    manifest: bytes, blobs: Blobs, *, entry: Descriptor | None = None, expansion: Expansion = DEFAULT
) -> tuple[Mismatch, ...]:
    """Checks an image to the last byte.

    Args:
        manifest: The manifest's bytes.
        blobs: Finds configuration and layers.
        entry: The index's descriptor of the manifest, if it came from an index.
        expansion: How far layers may grow.

    Returns:
        All mismatches; empty where the image is what it says.
    """
    return tuple(_all(manifest, blobs, entry, expansion))


def _all(manifest: bytes, blobs: Blobs, entry: Descriptor | None, expansion: Expansion) -> Iterator[Mismatch]:
    if entry is not None:
        yield from _sized("manifest", entry, len(manifest), _hashed([manifest], entry))
    try:
        read = Manifest.read(manifest)
    except FormatError as error:
        yield Mismatch("manifest", "a manifest", str(error))
        return
    if entry is not None and entry.media_type != read.media_type:
        yield Mismatch("manifest: mediaType", f"`{entry.media_type}`", f"`{read.media_type}`")
    raw = yield from _document("config", read.config, blobs)
    diff_ids: tuple[Digest, ...] = ()
    if raw is not None:
        try:
            config = Config.read(raw)
        except FormatError as error:
            yield Mismatch("config", "a configuration", str(error))
        else:
            diff_ids = config.diff_ids
            yield from _agreement(read, config, entry)
    for number, layer in enumerate(read.layers):
        diff_id = diff_ids[number] if number < len(diff_ids) else None
        yield from _layer(f"layers[{number}]", layer, diff_id, blobs, expansion)


def _agreement(manifest: Manifest, config: Config, entry: Descriptor | None) -> Iterator[Mismatch]:
    if manifest.config.media_type not in media.CONFIGS:
        yield Mismatch("config: mediaType", f"`{media.CONFIG}`", f"`{manifest.config.media_type}`")
    if len(manifest.layers) != len(config.diff_ids):
        yield Mismatch(
            "config: diff_ids", f"{len(manifest.layers)}, one per layer", str(len(config.diff_ids))
        )
    steps = sum(not step.empty_layer for step in config.history)
    if config.history and steps != len(manifest.layers):
        yield Mismatch("config: history", f"{len(manifest.layers)} steps that made a layer", str(steps))
    if entry is not None and entry.platform is not None and entry.platform != config.platform:
        yield Mismatch("config: platform", str(entry.platform), str(config.platform))


def _document(place: str, descriptor: Descriptor, blobs: Blobs) -> Generator[Mismatch, None, bytes | None]:
    chunks = blobs(descriptor)
    if chunks is None:
        yield Mismatch(place, f"`{descriptor.digest}`", "nothing")
        return None
    data = bytearray()
    try:
        for chunk in chunks:
            data += chunk
            if len(data) > MAX_DOCUMENT:
                yield Mismatch(place, f"at most {MAX_DOCUMENT} bytes", "more")
                return None
    except WitcheryError as error:
        yield Mismatch(place, f"`{descriptor.digest}`", str(error))
        return None
    yield from _sized(place, descriptor, len(data), _hashed([bytes(data)], descriptor))
    return bytes(data)


def _layer(
    place: str, layer: Descriptor, diff_id: Digest | None, blobs: Blobs, expansion: Expansion
) -> Iterator[Mismatch]:
    chunks = blobs(layer)
    if chunks is None:
        yield Mismatch(place, f"`{layer.digest}`", "nothing")
        return
    compression = media.COMPRESSION.get(layer.media_type)
    if compression is None:
        yield Mismatch(f"{place}: mediaType", "a layer", f"`{layer.media_type}`")
        return
    blob, tar, size = hashlib.new(layer.digest.algorithm), hashlib.sha256(), 0

    def tapped(chunks: Iterable[bytes]) -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            blob.update(chunk)
            size += len(chunk)
            yield chunk

    stream = tapped(chunks)
    try:
        for piece in uncompressed(stream, compression, expansion):
            tar.update(piece)
    except WitcheryError as error:
        yield Mismatch(place, "a readable layer", str(error))
        if size <= layer.size:  # a blob that is longer than it says is known to be wrong by now
            _drain(stream)
    else:
        if diff_id is not None and tar.hexdigest() != diff_id.hex:
            yield Mismatch(f"{place}: diff ID", f"`{diff_id}`", f"`sha256:{tar.hexdigest()}`")
    yield from _sized(place, layer, size, Digest(layer.digest.algorithm, blob.hexdigest()))


def _drain(stream: Iterable[bytes]) -> None:
    try:
        for _ in stream:
            pass
    except WitcheryError:
        return


def _sized(place: str, descriptor: Descriptor, size: int, digest: Digest) -> Iterator[Mismatch]:
    if size != descriptor.size:
        yield Mismatch(f"{place}: size", f"{descriptor.size} bytes", f"{size} bytes")
    if digest != descriptor.digest:
        yield Mismatch(f"{place}: digest", f"`{descriptor.digest}`", f"`{digest}`")


def _hashed(chunks: Iterable[bytes], descriptor: Descriptor) -> Digest:
    """The digest of the bytes, by the algorithm that the descriptor uses."""
    hasher = hashlib.new(descriptor.digest.algorithm)
    for chunk in chunks:
        hasher.update(chunk)
    return Digest(descriptor.digest.algorithm, hasher.hexdigest())
