"""Which signatures count: the key's, of this image, in either format of cosign's; all else says why not."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.signing import (
    KINDS,
    cosign_bundle,
    cosign_payload,
    cosign_statement,
    dsse,
    openssl_accepts,
    private_pem,
    public_pem,
    signed,
)
from witchery.attest.bundle import Bundle
from witchery.attest.dsse import Envelope
from witchery.attest.signatures import Candidate, Form, Judged, Outcome, check
from witchery.attest.simple_signing import (
    MAX_PAYLOAD,
    MEDIA_TYPE,
    SIGNATURE,
    Payload,
    SignedPayload,
    image_manifest,
    tag,
)
from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.oci.descriptor import Descriptor
from witchery.oci.manifest import Manifest
from witchery.signing_keys import SigningKey, VerifyingKey

IMAGE = Digest.sha256(b"an image")
OTHER = Digest.sha256(b"another image")
KEY = private_pem("p256")
PROVENANCE = "https://slsa.dev/provenance/v1"


def judged(content: Any, pem: bytes = KEY, **options: Any) -> Judged:
    candidate = Candidate(form=Form.CLASSIC, place="here", content=content)
    (found,) = check([candidate], IMAGE, VerifyingKey.parse("my.pub", public_pem(pem)), **options)
    return found


def classic(payload: bytes, pem: bytes = KEY, *, certificate: str = "") -> SignedPayload:
    """As read from a manifest that says what cosign's specification does."""
    signature = base64.b64encode(signed(pem, payload)).decode()
    written = {"dev.cosignproject.cosign/signature": signature}
    written |= {"dev.sigstore.cosign/certificate": certificate} if certificate else {}
    media_type = "application/vnd.dev.cosign.simplesigning.v1+json"
    return SignedPayload.read(Descriptor.of(media_type, payload, written), payload)


def bundle(payload: bytes, pem: bytes = KEY, **more: Any) -> Bundle:
    return Bundle.decode(json.dumps(cosign_bundle(payload, pem, **more)).encode())


def envelope(payload: bytes, *pems: bytes, **more: Any) -> Envelope:
    return Envelope.decode(json.dumps(dsse(payload, *pems, **more)).encode())


@pytest.mark.parametrize("kind", KINDS)
def test_signatures_of_both_formats_count(kind: str) -> None:
    pem = private_pem(kind)
    assert judged(classic(cosign_payload(str(IMAGE)), pem), pem).verified
    assert judged(bundle(cosign_statement(str(IMAGE)), pem), pem).verified
    for each in (classic(cosign_payload(str(IMAGE)), pem), bundle(cosign_statement(str(IMAGE)), pem)):
        found = judged(each, private_pem(kind, 1))
        assert found.outcome is Outcome.OTHER_KEY
        assert found.why == "not by the key `my.pub`"


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_takes_our_older_signatures_and_no_forgery(kind: str) -> None:
    pem = private_pem(kind)
    made = SignedPayload.sign(
        Payload(digest=IMAGE, reference="example.org/app"), SigningKey.parse("k", pem, lambda: b"")
    )
    assert openssl_accepts(public_pem(pem), made.signature, made.payload)
    assert not openssl_accepts(public_pem(private_pem(kind, 1)), made.signature, made.payload)
    assert not openssl_accepts(public_pem(pem), made.signature, made.payload.replace(b"app", b"apq"))
    assert made == SignedPayload.sign(
        Payload(digest=IMAGE, reference="example.org/app"), SigningKey.parse("k", pem, lambda: b"")
    )
    assert json.loads(made.payload) == json.loads(cosign_payload(str(IMAGE)))


def test_a_manifest_of_signatures_has_the_form_that_cosign_describes() -> None:
    key = SigningKey.parse("k", KEY, lambda: b"")
    made = [SignedPayload.sign(Payload(digest=IMAGE, reference=name), key) for name in ("a", "b")]
    manifest, config = image_manifest(each.layer for each in made)
    written = json.loads(manifest.raw)
    assert written["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert written["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    assert written["config"]["digest"] == str(Digest.sha256(config))
    assert [each["mediaType"] for each in written["layers"]] == [MEDIA_TYPE] * 2
    signature = written["layers"][0]["annotations"][SIGNATURE]
    assert base64.b64decode(signature, validate=True) == made[0].signature
    assert json.loads(config)["rootfs"]["diff_ids"] == [each["digest"] for each in written["layers"]]
    again = Manifest.read(manifest.raw)
    assert [SignedPayload.read(*each) for each in zip(again.layers, [m.payload for m in made])] == made  # noqa: B905
    assert tag(IMAGE) == f"sha256-{IMAGE.hex}.sig"


def test_a_good_signature_of_another_image_is_told_from_one_by_another_key() -> None:
    for content in (
        classic(cosign_payload(str(OTHER))),
        bundle(cosign_statement(str(OTHER))),
        envelope(cosign_statement(str(OTHER)), KEY),
    ):
        found = judged(content)
        assert found.outcome is Outcome.OTHER_IMAGE
        assert found.why == f"a good signature, of another image: `{OTHER}`"


def test_a_flipped_bit_is_no_signature() -> None:
    good = classic(cosign_payload(str(IMAGE)))
    for place in (0, len(good.payload) // 2, len(good.payload) - 1):
        payload = bytearray(good.payload)
        payload[place] ^= 1
        assert judged(SignedPayload(bytes(payload), good.signature)).outcome is Outcome.OTHER_KEY
    flipped = good.signature[:-1] + bytes([good.signature[-1] ^ 1])
    assert judged(SignedPayload(good.payload, flipped)).outcome is Outcome.OTHER_KEY


def test_the_name_that_was_signed_is_worth_a_warning_and_no_more() -> None:
    """cosign does not look at it either, so that images can be copied."""
    content = classic(cosign_payload(str(IMAGE), "example.org/elsewhere:1"))
    found = judged(content, reference="example.org:5000/app")
    assert found.verified
    assert found.warnings == ("signed as `example.org/elsewhere:1`, and this is `example.org:5000/app`",)
    same = classic(cosign_payload(str(IMAGE), "example.org:5000/app:1.2@sha256:00"))
    assert judged(same, reference="example.org:5000/app").warnings == ()
    assert judged(classic(cosign_payload(str(IMAGE), "")), reference="example.org/app").warnings == ()


def test_an_attestation_is_no_signature_and_a_signature_no_attestation() -> None:
    about = bundle(cosign_statement(str(IMAGE), PROVENANCE))
    found = judged(about)
    assert found.outcome is Outcome.OTHER_STATEMENT
    assert PROVENANCE in found.why
    assert judged(about, predicate_type=PROVENANCE).verified
    for content in (classic(cosign_payload(str(IMAGE))), bundle(cosign_statement(str(IMAGE)))):
        assert judged(content, predicate_type=PROVENANCE).outcome is Outcome.OTHER_STATEMENT


def test_an_attestation_of_before_bundles_counts_with_any_of_its_signatures() -> None:
    payload = cosign_statement(str(IMAGE), PROVENANCE, _type="https://in-toto.io/Statement/v0.1")
    content = envelope(payload, private_pem("rsa"), KEY)
    found = judged(content, predicate_type=PROVENANCE)
    assert found.verified
    assert found.statement is not None
    assert found.statement.predicate_type == PROVENANCE
    assert judged(content, private_pem("rsa"), predicate_type=PROVENANCE).verified
    assert judged(content, private_pem("ed25519"), predicate_type=PROVENANCE).outcome is Outcome.OTHER_KEY


def test_an_envelope_of_something_else_is_no_statement() -> None:
    """Even where the payload reads as one: what was signed is what its type says."""
    found = judged(envelope(cosign_statement(str(IMAGE)), KEY, payload_type="text/plain"))
    assert found.outcome is Outcome.MALFORMED
    assert "expected an in-toto statement in the envelope: `text/plain`" in found.why
    spelled = "application/vnd.in-toto+json; charset=utf-8"
    assert judged(envelope(cosign_statement(str(IMAGE)), KEY, payload_type=spelled)).verified


def test_without_a_key_it_says_so() -> None:
    keyless = bundle(b"{}", verificationMaterial={"certificate": {"rawBytes": "AA=="}})
    assert judged(keyless).outcome is Outcome.KEYLESS
    certified = classic(cosign_payload(str(IMAGE)), private_pem("rsa"), certificate="PEM")
    assert judged(certified).outcome is Outcome.KEYLESS
    assert judged(classic(cosign_payload(str(IMAGE)), certificate="PEM")).verified


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"{}", "critical: missing member: `type`|missing member: `type`"),
        (cosign_payload(str(IMAGE), type="atomic container signature"), "expected `cosign container image"),
        (cosign_payload(str(IMAGE), image={}), "docker-manifest-digest"),
        (cosign_payload("sha256:00"), "expected a digest"),
        (cosign_payload(str(IMAGE), identity=3), "identity: expected an object"),
        (b"not JSON", "expected JSON"),
        (b"[" * 50_000, "expected JSON of reasonable depth"),
        (b'{"critical":{},"critical":{}}', "a member stands twice"),
        (cosign_payload(str(IMAGE), padding="x" * MAX_PAYLOAD), "at most 1048576 bytes"),
    ],
)
def test_even_what_the_key_signed_has_to_be_a_payload(payload: bytes, message: str) -> None:
    found = judged(classic(payload))
    assert found.outcome is Outcome.MALFORMED
    assert any(each in found.why for each in message.split("|")), found.why


@pytest.mark.parametrize("text", ["", "%", "é", "AA", "A" * 9000])
def test_a_layer_without_a_signature_is_malformed(text: str) -> None:
    layer = Descriptor.of(MEDIA_TYPE, b"{}", {SIGNATURE: text} if text else {})
    with pytest.raises(FormatError, match="expected a signature as base64"):
        SignedPayload.read(layer, b"{}")


GOOD = (
    cosign_payload(str(IMAGE)),
    json.dumps(cosign_bundle(cosign_statement(str(IMAGE)), KEY)).encode(),
    json.dumps(dsse(cosign_statement(str(IMAGE)), KEY)).encode(),
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.property
@given(data=st.data())
def test_whatever_stands_there_is_judged_or_refused(data: st.DataObject) -> None:
    """A member of a good document anywhere gets another value, or bytes change: no other error comes out."""
    raw = data.draw(st.sampled_from(GOOD))
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw = raw[:place] + data.draw(st.binary(max_size=4)) + raw[place + data.draw(st.integers(0, 8)) :]
    else:
        document = json.loads(raw)
        _set(document, data)
        raw = json.dumps(document).encode()
    for decode in (Bundle.decode, Envelope.decode, classic):
        try:
            content = decode(raw)
        except FormatError:
            continue
        assert judged(content).outcome in set(Outcome)


def _set(document: Any, data: st.DataObject) -> None:
    """Sets one value somewhere in a document."""
    while True:
        keys = sorted(document) if isinstance(document, dict) else range(len(document))
        name = data.draw(st.sampled_from(list(keys)))
        inner = document[name]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            document[name] = data.draw(_VALUES)
            return
        document = inner


def test_one_that_cannot_be_read_does_not_stand_in_the_way() -> None:
    key = VerifyingKey.parse("my.pub", public_pem(KEY))
    found = check(
        [
            Candidate(form=Form.BUNDLE, place="a", problem="expected JSON"),
            Candidate(form=Form.CLASSIC, place="b", content=classic(cosign_payload(str(IMAGE)))),
        ],
        IMAGE,
        key,
    )
    assert [each.outcome for each in found] == [Outcome.MALFORMED, Outcome.VERIFIED]
    assert found[0].why == "expected JSON"
