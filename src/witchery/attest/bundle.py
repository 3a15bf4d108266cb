"""Sigstore's bundles, version 0.3, as far as a signature by a key needs them (sigstore_bundle.proto).

A bundle holds an envelope and says what it can be checked with: here the hint of a public key. One that holds
a certificate instead (keyless signing) is read as such, and checked by `witchery.net.keyless`. Entries of
transparency logs and timestamps, which cosign may put beside a key, are neither written nor looked at: with a
key they add when, not whether.
"""

from typing import Any, Final, Self

from witchery import canonical
from witchery.attest.dsse import Envelope
from witchery.errors import FormatError
from witchery.oci.document import Fields
from witchery.value import field, frozen

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""What a bundle is, and the artifact that holds it."""

CONTENT: Final = "dev.sigstore.bundle.content"
"""The annotation that says what is in a bundle (cosign, BUNDLE_SPEC.md, "Annotations")."""

PREDICATE_TYPE: Final = "dev.sigstore.bundle.predicateType"
"""The annotation that says what the statement in it is."""

ENVELOPE: Final = "dsse-envelope"
"""The content that is an envelope."""

_OLD = "application/vnd.dev.sigstore.bundle+json"
_VERSIONS = ("0.1", "0.2", "0.3")


@frozen(kw_only=True)
class Bundle:
    """An envelope, and what it can be checked with.

    Attributes:
        envelope: The envelope; it has one signature.
        hint: Which key, see `VerifyingKey.hint`; nothing vouches for it. Empty with a certificate.
        keyless: Whether a certificate stands in the place of a key.
        raw: The bytes that it was read from.
    """

    envelope: Envelope
    hint: str = ""
    keyless: bool = False
    raw: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def of(cls, envelope: Envelope) -> Self:
        """A bundle of an envelope that a key has signed."""
        (signature,) = envelope.signatures
        return cls(envelope=envelope, hint=signature.key_id)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Reads a bundle.

        Raises:
            FormatError: if it is malformed, too large, of another version, or holds no envelope.
        """
        fields = Fields.decode(data)
        kind = fields.text("mediaType")
        if not is_bundle(kind):
            raise FormatError(f"expected a sigstore bundle of version 0.3: `{kind[:80]}`")
        if not fields.has("dsseEnvelope"):
            raise FormatError("a bundle without an envelope, which does not say what image it signs")
        envelope = Envelope.read(fields.nested("dsseEnvelope"))
        if len(envelope.signatures) != 1:
            raise FormatError(f"a bundle has one signature, and not {len(envelope.signatures)}")
        material = fields.nested("verificationMaterial")
        key = material.has("publicKey")
        keyless = material.has("certificate") or material.has("x509CertificateChain")
        if key == keyless:
            raise FormatError("expected a public key or a certificate", where=("verificationMaterial",))
        hint = material.nested("publicKey").text("hint", "")
        return cls(envelope=envelope, hint=hint, keyless=keyless, raw=data)

    def encode(self) -> bytes:
        """The bundle as JSON; the same bundle always gives the same bytes."""
        document: dict[str, Any] = {
            "mediaType": MEDIA_TYPE,
            "verificationMaterial": {"publicKey": {"hint": self.hint}},
            "dsseEnvelope": self.envelope.document(),
        }
        return canonical.encode(document)


def is_bundle(media_type: str) -> bool:
    """Whether a media type, with parameters or without, is that of a bundle that can be read."""
    name, _, rest = media_type.partition(";")
    name = name.strip().lower()
    if name == _OLD:
        parameters = [each.strip().lower() for each in rest.split(";")]
        return any(f"version={version}" in parameters for version in _VERSIONS)
    return name in {f"application/vnd.dev.sigstore.bundle.v{version}+json" for version in _VERSIONS}
