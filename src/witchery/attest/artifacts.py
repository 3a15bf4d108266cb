"""Statements and signatures as artifacts, in which they are kept beside an image."""

from typing import Final

from witchery.attest import bundle, dsse, statement
from witchery.attest.bundle import Bundle
from witchery.attest.simple_signing import Payload, SignedPayload
from witchery.attest.statement import Statement, Subject
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.rootfs.content import BytesContent
from witchery.signing_keys import SigningKey

CLASSIC: Final = "application/vnd.dev.cosign.artifact.sig.v1+json"
"""The type of an artifact that holds a signature of cosign's older form."""

STATEMENT_TYPE: Final = "in-toto.io/predicate-type"
"""The annotation that says what a statement is that stands by itself; BuildKit has it at the layer."""


def attestation(subject: Descriptor, said: Statement, key: SigningKey | None) -> Artifact:
    """A statement about an image: in a bundle, or as it is where no key signs it."""
    if key is None:
        data, annotations = said.encode(), {STATEMENT_TYPE: said.predicate_type}
        layer = Descriptor.of(statement.MEDIA_TYPE, data, annotations)
        return Artifact.of(subject, statement.MEDIA_TYPE, [(layer, BytesContent(data))], annotations)
    envelope = dsse.Envelope.sign(statement.MEDIA_TYPE, said.encode(), [key])
    return of_bundle(subject, said, Bundle.of(envelope).encode())


def of_bundle(subject: Descriptor, said: Statement, data: bytes) -> Artifact:
    """A bundle with a signed statement, as it is."""
    annotations = {bundle.CONTENT: bundle.ENVELOPE, bundle.PREDICATE_TYPE: said.predicate_type}
    return Artifact.of_document(subject, bundle.MEDIA_TYPE, data, annotations)


def signatures(subject: Descriptor, key: SigningKey, name: str = "") -> tuple[Artifact, ...]:
    """The signatures of an image, in both forms.

    Args:
        subject: The manifest, or the index.
        key: The key.
        name: The repository that the older form names, such as `example.org/app`; or an empty string.
    """
    return as_bundle(subject, key), as_payload(subject, key, name)


def as_bundle(subject: Descriptor, key: SigningKey) -> Artifact:
    """A signature as a bundle. It holds no name, so that it is the same wherever the image is."""
    return attestation(subject, signing_statement(subject), key)


def signing_statement(subject: Descriptor) -> Statement:
    """The statement that says no more than that an image is signed."""
    return Statement.of([Subject.of(subject.digest)], statement.SIGNED, {})


def as_payload(subject: Descriptor, key: SigningKey, name: str = "") -> Artifact:
    """A signature in the older form; for `name` see `signatures`."""
    signed = SignedPayload.sign(Payload(digest=subject.digest, reference=name), key)
    return Artifact.of(subject, CLASSIC, [(signed.layer, BytesContent(signed.payload))])
