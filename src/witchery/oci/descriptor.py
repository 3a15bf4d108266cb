"""Descriptors: the typed, sized, hashed pointers that images are made of (image-spec, descriptor.md)."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final, Self

from witchery.arch import Arch
from witchery.digest import Digest
from witchery.errors import FormatError, UsageError
from witchery.oci.document import NOTHING, Fields
from witchery.value import field, frozen

REF_NAME: Final = "org.opencontainers.image.ref.name"
"""The tag of an entry of a layout's `index.json` (image-spec, annotations.md)."""

CONTAINERD_NAME: Final = "io.containerd.image.name"
"""The full reference of such an entry, as containerd and Docker read it."""


@frozen(kw_only=True)
class Platform:
    """What a manifest runs on (image-spec, image-index.md, "platform").

    Attributes:
        os: Such as `linux`; attestations that BuildKit puts into an index carry `unknown`.
        architecture: In the words of Go, such as `amd64`.
        variant: Such as `v7`, or an empty string.
    """

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def of(cls, arch: Arch) -> Self:
        """The Linux platform of an architecture."""
        return cls(os="linux", architecture=arch.oci, variant=arch.variant)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Reads the `platform` member of a descriptor."""
        return cls(
            os=fields.text("os"),
            architecture=fields.text("architecture"),
            variant=fields.text("variant", ""),
        )

    @property
    def arch(self) -> Arch | None:
        """The architecture, or None where Alpine does not know it or the system is not Linux."""
        if self.os != "linux":
            return None
        try:
            return Arch.parse("/".join(part for part in (self.architecture, self.variant) if part))
        except UsageError:
            return None

    def document(self) -> dict[str, Any]:
        """The JSON object."""
        written = {"os": self.os, "architecture": self.architecture}
        return written | ({"variant": self.variant} if self.variant else {})

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


@frozen(kw_only=True)
class Descriptor:
    """A pointer to bytes.

    Attributes:
        media_type: What the bytes are.
        digest: Their name.
        size: Their number.
        annotations: Free text by name.
        platform: What it runs on; in entries of an index.
        artifact_type: The type of an artifact; in entries of an index.
        data: The bytes themselves where they are embedded, else None. They match `size` and `digest`.
        urls: Where else the bytes can be had.
    """

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: Platform | None = None
    artifact_type: str = ""
    data: bytes | None = None
    urls: tuple[str, ...] = ()

    @classmethod
    def of(cls, media_type: str, data: bytes, annotations: Mapping[str, str] = NOTHING) -> Self:
        """Points to the given bytes."""
        return cls(media_type=media_type, digest=Digest.sha256(data), size=len(data), annotations=annotations)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Reads a descriptor.

        Raises:
            FormatError: if a member is missing or malformed, or the embedded data is not what it says.
        """
        descriptor = cls(
            media_type=fields.text("mediaType"),
            digest=fields.digest("digest"),
            size=fields.integer("size"),
            annotations=fields.text_map("annotations"),
            platform=Platform.read(fields.nested("platform")) if fields.has("platform") else None,
            artifact_type=fields.text("artifactType", ""),
            data=_embedded(fields),
            urls=fields.texts("urls"),
        )
        if descriptor.data is not None:
            descriptor._check(descriptor.data)
        return descriptor

    def _check(self, data: bytes) -> None:
        if len(data) != self.size:
            raise FormatError(f"`size` says {self.size}, embedded are {len(data)} bytes", where=("data",))
        if self.digest.algorithm == "sha256" and Digest.sha256(data) != self.digest:
            raise FormatError(f"embedded bytes do not have the digest `{self.digest}`", where=("data",))

    @property
    def tag(self) -> str:
        """The tag under which a layout lists this entry, or an empty string."""
        return self.annotations.get(REF_NAME, "")

    def document(self) -> dict[str, Any]:
        """The JSON object, without members that say nothing."""
        written: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
        }
        if self.annotations:
            written["annotations"] = dict(self.annotations)
        if self.platform is not None:
            written["platform"] = self.platform.document()
        if self.artifact_type:
            written["artifactType"] = self.artifact_type
        if self.data is not None:
            written["data"] = base64.b64encode(self.data).decode()
        if self.urls:
            written["urls"] = list(self.urls)
        return written


def _embedded(fields: Fields) -> bytes | None:
    if not fields.has("data"):
        return None
    try:
        return base64.b64decode(fields.text("data"), validate=True)
    except (binascii.Error, ValueError):
        raise FormatError("expected base64", where=("data",)) from None
