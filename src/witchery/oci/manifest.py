"""Manifests and indexes (image-spec, manifest.md and image-index.md), with the bytes they were read from."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from witchery import canonical
from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import FormatError, Refused
from witchery.oci import media
from witchery.oci.descriptor import Descriptor
from witchery.oci.document import NOTHING, Fields
from witchery.value import field, frozen


@frozen(kw_only=True)
class Manifest:
    """One image for one platform, or an artifact.

    Attributes:
        raw: The bytes that the digest names.
        media_type: OCI's or Docker's.
        config: The configuration.
        layers: The layers, the lowest first.
        annotations: Free text by name.
        artifact_type: The type of an artifact, or an empty string.
        subject: The manifest that this one is about, in artifacts.
    """

    raw: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str = ""
    subject: Descriptor | None = None

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Reads a manifest.

        Raises:
            FormatError: if it is malformed, or could be read as an index too.
        """
        fields = _versioned(raw, media.MANIFEST, media.MANIFESTS, foreign=("manifests",))
        return cls(
            raw=raw,
            media_type=fields.text("mediaType", media.MANIFEST),
            config=_descriptor(fields, "config"),
            layers=fields.objects("layers", Descriptor.read),
            annotations=fields.text_map("annotations"),
            artifact_type=fields.text("artifactType", ""),
            subject=_descriptor(fields, "subject") if fields.has("subject") else None,
        )

    @classmethod
    def of(
        cls,
        config: Descriptor,
        layers: Iterable[Descriptor],
        annotations: Mapping[str, str] = NOTHING,
        *,
        artifact_type: str = "",
        subject: Descriptor | None = None,
    ) -> Self:
        """Writes an OCI image manifest; the same arguments always give the same bytes."""
        layers = tuple(layers)
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": media.MANIFEST,
            "config": config.document(),
            "layers": [layer.document() for layer in layers],
        }
        if artifact_type:
            document["artifactType"] = artifact_type
        if subject is not None:
            document["subject"] = subject.document()
        if annotations:
            document["annotations"] = dict(annotations)
        return cls(
            raw=canonical.encode(document),
            media_type=media.MANIFEST,
            config=config,
            layers=layers,
            annotations=annotations,
            artifact_type=artifact_type,
            subject=subject,
        )

    @property
    def digest(self) -> Digest:
        """The digest of the bytes."""
        return Digest.sha256(self.raw)

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of the bytes."""
        return Descriptor.of(self.media_type, self.raw)


@frozen(kw_only=True)
class Index:
    """A list of manifests: an image for several platforms, or the contents of a layout.

    Attributes:
        raw: The bytes that the digest names.
        media_type: OCI's or Docker's.
        manifests: The entries, in order.
        annotations: Free text by name.
    """

    raw: bytes
    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Reads an index.

        Raises:
            FormatError: if it is malformed, or could be read as a manifest too.
        """
        fields = _versioned(raw, media.INDEX, media.INDEXES, foreign=("layers", "config"))
        return cls(
            raw=raw,
            media_type=fields.text("mediaType", media.INDEX),
            manifests=fields.objects("manifests", Descriptor.read),
            annotations=fields.text_map("annotations"),
        )

    @classmethod
    def of(cls, manifests: Iterable[Descriptor], annotations: Mapping[str, str] = NOTHING) -> Self:
        """Writes an OCI index; the same arguments always give the same bytes."""
        manifests = tuple(manifests)
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": media.INDEX,
            "manifests": [entry.document() for entry in manifests],
        }
        if annotations:
            document["annotations"] = dict(annotations)
        return cls(
            raw=canonical.encode(document),
            media_type=media.INDEX,
            manifests=manifests,
            annotations=annotations,
        )

    def with_entry(self, entry: Descriptor) -> "Index":
        """This index with `entry` at its end, instead of whatever had its tag.

        Other entries stay as they were written, members unknown to this program included. An entry without a
        tag takes the place of one that has no tag either and the same digest.
        """

        def replaced(other: Descriptor) -> bool:
            return other.tag == entry.tag and (bool(entry.tag) or other.digest == entry.digest)

        document = dict(Fields.decode(self.raw).members)
        kept = [
            written
            for written, other in zip(document.get("manifests") or [], self.manifests, strict=True)
            if not replaced(other)
        ]
        document["manifests"] = [*kept, entry.document()]
        return Index.read(canonical.encode(document))

    def choose(self, tag: str = "", arch: Arch | None = None) -> Descriptor:
        """Finds the one entry that is meant.

        Args:
            tag: A tag; empty for the only image there is.
            arch: Where several platforms are left, the one to take.

        Raises:
            Refused: if none or several are left; the hints name what there is.
        """
        images = [entry for entry in self.manifests if entry.media_type in media.MANIFESTS | media.INDEXES]
        tagged = [entry for entry in images if entry.tag == tag] if tag else _without_artifacts(images)
        tagged_any = bool(tagged)
        if arch is not None and len(tagged) > 1:
            tagged = [entry for entry in tagged if entry.platform is None or entry.platform.arch == arch]
        digests = {entry.digest for entry in tagged}
        if len(digests) == 1:
            return tagged[0]
        known = ", ".join(_label(entry) for entry in images)
        hint = f"there are {known}" if known else "there is no image at all"
        if not digests:
            fits = f"no image is for {arch.platform}" if arch else "no image fits"
            raise Refused(f"no image has the tag: `{tag}`" if tag and not tagged_any else fits, hint=hint)
        raise Refused("several images fit; name the tag or the architecture", hint=hint)

    @property
    def digest(self) -> Digest:
        """The digest of the bytes."""
        return Digest.sha256(self.raw)

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of the bytes."""
        return Descriptor.of(self.media_type, self.raw)


EMPTY_INDEX = Index.of(())
"""An index without entries."""


def _without_artifacts(entries: list[Descriptor]) -> list[Descriptor]:
    """The entries that can be run: tagged ones where there are any, no attestations, no referrers."""
    runnable = [
        entry
        for entry in entries
        if (entry.platform is None or entry.platform.os != "unknown")
        and entry.artifact_type in ("", media.CONFIG)
    ]
    return [entry for entry in runnable if entry.tag] or runnable


def _label(entry: Descriptor) -> str:
    name = f"`{entry.tag}`" if entry.tag else f"`{entry.digest}`"
    return f"{name} ({entry.platform})" if entry.platform else name


def _versioned(raw: bytes, default: str, accepted: frozenset[str], foreign: tuple[str, ...]) -> Fields:
    fields = Fields.decode(raw)
    version = fields.integer("schemaVersion")
    if version != 2:
        raise FormatError(f"expected schema version 2: {version}", where=("schemaVersion",))
    media_type = fields.text("mediaType", default)
    if media_type not in accepted:
        raise FormatError(f"expected `{default}`: `{media_type}`", where=("mediaType",))
    for name in foreign:
        # GHSA-77vh-xpmg-72qh: a document that is both means one thing here and another there.
        if name in fields.members:
            raise FormatError(f"a `{media_type}` cannot have the member: `{name}`")
    return fields


def _descriptor(fields: Fields, name: str) -> Descriptor:
    if not fields.has(name):
        raise FormatError(f"missing member: `{name}`")
    try:
        return Descriptor.read(fields.nested(name))
    except FormatError as error:
        raise error.at(name) from None
