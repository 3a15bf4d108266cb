"""Which of the signatures that are kept with an image are a key's, and of this image.

Whoever may write where the image is may put anything beside it. So each candidate is judged by itself, with
the reason where it does not count, and none that is malformed stands in the way of one that is good.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

from witchery.attest import statement as in_toto
from witchery.attest.bundle import Bundle
from witchery.attest.dsse import Envelope
from witchery.attest.simple_signing import Payload, SignedPayload
from witchery.attest.statement import Statement
from witchery.digest import Digest
from witchery.errors import FormatError, TrustError
from witchery.signing_keys import VerifyingKey
from witchery.value import frozen

MAX_CANDIDATES: Final = 256
"""How many signatures of one image are judged."""

MAX_BLOB: Final = 4 << 20
"""Bytes of the largest signature or attestation that is read."""


class Form(StrEnum):
    """How a signature is kept."""

    CLASSIC = "tag"
    BUNDLE = "bundle"
    ENVELOPE = "envelope"


class Outcome(StrEnum):
    """What a key says of a candidate."""

    VERIFIED = "verified"
    OTHER_KEY = "other-key"
    OTHER_IMAGE = "other-image"
    OTHER_STATEMENT = "other-statement"
    KEYLESS = "keyless"
    MALFORMED = "malformed"


@frozen(kw_only=True)
class Candidate:
    """Something kept with an image that may be a signature of it.

    Attributes:
        form: How it is kept.
        place: Where, for people: a tag or a digest.
        content: What it is; None where it could not be read.
        problem: Why it could not be read.
    """

    form: Form
    place: str
    content: SignedPayload | Bundle | Envelope | None = None
    problem: str = ""


@frozen(kw_only=True)
class Judged:
    """A candidate, and what a key says of it.

    Attributes:
        candidate: The candidate.
        outcome: Whether it counts, or why not.
        why: The reason in a sentence, where it does not count.
        statement: What it says, where it is verified and says something.
        warnings: What a person should know, where it is verified.
    """

    candidate: Candidate
    outcome: Outcome
    why: str = ""
    statement: Statement | None = None
    warnings: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether it counts."""
        return self.outcome is Outcome.VERIFIED


def check(
    candidates: Iterable[Candidate],
    digest: Digest,
    key: VerifyingKey,
    *,
    predicate_type: str = in_toto.SIGNED,
    reference: str = "",
) -> tuple[Judged, ...]:
    """Judges each candidate.

    Args:
        candidates: What is kept with the image.
        digest: The digest of the image's manifest or index.
        key: The key that has to have signed.
        predicate_type: Which statements count. By default those that are signatures of images, as which the
            older form counts, too.
        reference: The name of the image's repository; an older signature may have been made for another,
            which is worth a warning, no more: it is the digest that names the image.
    """
    judge = _Judge(digest, key, predicate_type, reference)
    return tuple(judge.judged(each) for each in candidates)


def check_keyless(
    candidates: Iterable[Candidate],
    digest: Digest,
    vouched: Callable[[bytes], tuple[str, bytes]],
    *,
    predicate_type: str = in_toto.SIGNED,
) -> tuple[Judged, ...]:
    """Judges each candidate that was made with a certificate, in the place of a key; others do not count.

    Args:
        candidates: What is kept with the image.
        digest: The digest of the image's manifest or index.
        vouched: Checks a bundle, and gives type and content of what is signed; a TrustError says why not.
        predicate_type: Which statements count; as for `check`.
    """

    def judged(candidate: Candidate) -> Judged:
        bundle = candidate.content
        if bundle is None:
            return Judged(candidate=candidate, outcome=Outcome.MALFORMED, why=candidate.problem)
        if not isinstance(bundle, Bundle) or not bundle.keyless:
            old = isinstance(bundle, SignedPayload) and bundle.keyless
            why = "made without a key in cosign's older form, which is not read" if old else "made with a key"
            return Judged(candidate=candidate, outcome=Outcome.OTHER_KEY, why=why)
        try:
            payload_type, payload = vouched(bundle.raw)
            return _stated(candidate, payload_type, payload, digest, predicate_type)
        except TrustError as error:
            return Judged(candidate=candidate, outcome=Outcome.OTHER_KEY, why=error.message)
        except FormatError as error:
            return Judged(candidate=candidate, outcome=Outcome.MALFORMED, why=str(error))

    return tuple(map(judged, candidates))


@frozen
class _Judge:
    digest: Digest
    key: VerifyingKey
    predicate_type: str
    reference: str

    def judged(self, candidate: Candidate) -> Judged:
        try:
            match candidate.content:
                case SignedPayload() as content:
                    return self._payload(candidate, content)
                case Bundle(envelope=envelope, keyless=keyless):
                    return self._keyless(candidate) if keyless else self._envelope(candidate, envelope)
                case Envelope() as envelope:
                    return self._envelope(candidate, envelope)
        except FormatError as error:
            return Judged(candidate=candidate, outcome=Outcome.MALFORMED, why=str(error))
        return Judged(candidate=candidate, outcome=Outcome.MALFORMED, why=candidate.problem)

    def _payload(self, candidate: Candidate, content: SignedPayload) -> Judged:
        if self.predicate_type != in_toto.SIGNED:
            return _other_statement(candidate, in_toto.SIGNED)
        if not self.key.verifies(content.signature, content.payload):
            return self._keyless(candidate) if content.keyless else self._other_key(candidate)
        payload = Payload.decode(content.payload)
        if payload.digest != self.digest:
            return _other_image(candidate, str(payload.digest))
        warnings: tuple[str, ...] = ()
        if self.reference and payload.reference and _name(payload.reference) != _name(self.reference):
            warnings = (f"signed as `{payload.reference[:200]}`, and this is `{self.reference}`",)
        return Judged(candidate=candidate, outcome=Outcome.VERIFIED, warnings=warnings)

    def _envelope(self, candidate: Candidate, envelope: Envelope) -> Judged:
        if not envelope.verified_by(self.key):
            return self._other_key(candidate)
        kind, payload = envelope.payload_type, envelope.payload
        return _stated(candidate, kind, payload, self.digest, self.predicate_type)

    def _other_key(self, candidate: Candidate) -> Judged:
        why = f"not by the key `{self.key.name}`"
        return Judged(candidate=candidate, outcome=Outcome.OTHER_KEY, why=why)

    def _keyless(self, candidate: Candidate) -> Judged:
        why = "made with a certificate, without a key"
        return Judged(candidate=candidate, outcome=Outcome.KEYLESS, why=why)


def _stated(
    candidate: Candidate, payload_type: str, payload: bytes, digest: Digest, predicate_type: str
) -> Judged:
    """What a statement is worth that is signed by whom it should be.

    Raises:
        FormatError: if it is none.
    """
    if payload_type.partition(";")[0].strip().lower() != in_toto.MEDIA_TYPE:
        raise FormatError(f"expected an in-toto statement in the envelope: `{payload_type[:80]}`")
    statement = Statement.decode(payload)
    if statement.predicate_type != predicate_type:
        return _other_statement(candidate, statement.predicate_type)
    if not statement.is_about(digest):
        named = [f"{algorithm}:{text}" for algorithm, text in statement.subjects[0].digests.items()]
        return _other_image(candidate, ", ".join(named)[:200])
    return Judged(candidate=candidate, outcome=Outcome.VERIFIED, statement=statement)


def _other_image(candidate: Candidate, named: str) -> Judged:
    why = f"a good signature, of another image: `{named}`"
    return Judged(candidate=candidate, outcome=Outcome.OTHER_IMAGE, why=why)


def _other_statement(candidate: Candidate, found: str) -> Judged:
    why = f"says something else than was asked for: `{found[:200]}`"
    return Judged(candidate=candidate, outcome=Outcome.OTHER_STATEMENT, why=why)


def _name(reference: str) -> str:
    """A repository, without tag and digest."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]
