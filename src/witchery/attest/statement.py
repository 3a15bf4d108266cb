"""in-toto statements: what is said, and of what (in-toto attestation framework, spec/v1/statement.md)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from witchery import canonical
from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.oci.document import Fields
from witchery.value import field, frozen

MEDIA_TYPE: Final = "application/vnd.in-toto+json"
"""What a statement is as the payload of an envelope, and as a blob of its own."""

TYPE: Final = "https://in-toto.io/Statement/v1"
_TYPES = frozenset({TYPE, "https://in-toto.io/Statement/v0.1"})  # of the same form; cosign wrote it long

MAX_SUBJECTS: Final = 1000
"""Of how many things a statement may speak."""

SIGNED: Final = "https://sigstore.dev/cosign/sign/v1"
"""The predicate type of cosign's signatures of images: the statement says no more than that it is signed."""


@frozen
class Subject:
    """Something that is spoken of.

    Attributes:
        digests: Its hashes in hexadecimal, by algorithm.
        name: What it is called, or an empty string.
    """

    digests: Mapping[str, str] = field(hash=False)
    name: str = ""

    @classmethod
    def of(cls, digest: Digest, name: str = "") -> Self:
        """What has a digest."""
        return cls({digest.algorithm: digest.hex}, name)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Reads a ResourceDescriptor as far as it matters here.

        Raises:
            FormatError: if it is malformed.
        """
        return cls(fields.text_map("digest"), fields.text("name", ""))

    def document(self) -> dict[str, Any]:
        """The JSON object; with an empty name, too, because sigstore's Python takes no subject without."""
        return {"name": self.name, "digest": dict(self.digests)}


@frozen(kw_only=True)
class Statement:
    """What is said of something.

    Attributes:
        subjects: Of what.
        predicate_type: The type of what is said, a URI.
        predicate: What is said: a JSON object.
    """

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, subjects: Iterable[Subject], predicate_type: str, predicate: Mapping[str, Any]) -> Self:
        """A statement of this Witchery's."""
        return cls(subjects=tuple(subjects), predicate_type=predicate_type, predicate=predicate)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Reads a statement.

        Raises:
            FormatError: if it is malformed, too large, or of another type.
        """
        fields = Fields.decode(data)
        kind = fields.text("_type")
        if kind not in _TYPES:
            raise FormatError(f"expected an in-toto statement: `{kind[:80]}`", where=("_type",))
        subjects = fields.objects("subject", Subject.read)
        if not 1 <= len(subjects) <= MAX_SUBJECTS:
            raise FormatError(f"expected 1 to {MAX_SUBJECTS} subjects: {len(subjects)}")
        return cls(
            subjects=subjects,
            predicate_type=fields.text("predicateType"),
            predicate=fields.nested("predicate").members,
        )

    def encode(self) -> bytes:
        """The statement as JSON; the same statement always gives the same bytes."""
        return canonical.encode(
            {
                "_type": TYPE,
                "subject": [each.document() for each in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": dict(self.predicate),
            }
        )

    def is_about(self, digest: Digest) -> bool:
        """Whether one of its subjects has this digest."""
        return any(each.digests.get(digest.algorithm) == digest.hex for each in self.subjects)
