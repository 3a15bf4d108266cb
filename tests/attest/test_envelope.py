"""Envelopes and bundles: other implementations take ours, ours takes theirs, and nobody takes a forgery."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.exceptions import VerificationError

from support.shared import needs_shared
from support.signing import (
    KINDS,
    cosign_bundle,
    cosign_statement,
    dsse,
    private_pem,
    public_pem,
    sigstore_says,
    their_key,
)
from witchery.attest.bundle import Bundle, is_bundle
from witchery.attest.dsse import MAX_SIGNATURES, Envelope, pae
from witchery.attest.statement import MEDIA_TYPE, SIGNED, Statement, Subject
from witchery.digest import Digest
from witchery.errors import FormatError
from witchery.signing_keys import SigningKey, VerifyingKey

IMAGE = Digest.sha256(b"an image")


def signing(pem: bytes) -> SigningKey:
    return SigningKey.parse("my.key", pem, lambda: b"")


def verifying(pem: bytes) -> VerifyingKey:
    return VerifyingKey.parse("my.pub", public_pem(pem))


def ours(*keys: bytes, payload: bytes | None = None) -> Envelope:
    statement = Statement.of([Subject.of(IMAGE)], SIGNED, {}).encode()
    return Envelope.sign(MEDIA_TYPE, payload or statement, [signing(key) for key in keys])


def test_the_encoding_that_is_signed_is_that_of_the_specification() -> None:
    """The test vector of protocol.md."""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


@pytest.mark.parametrize("kind", KINDS)
def test_securesystemslib_takes_our_envelopes_and_no_forgery(kind: str) -> None:
    pem, other = private_pem(kind), private_pem(kind, 1)
    document = ours(pem).document()
    key = their_key(pem)
    key.keyid = document["signatures"][0]["keyid"]
    taken = TheirEnvelope.from_dict(json.loads(ours(pem).encode()))
    assert set(taken.verify([key], 1)) == {key.keyid}
    stranger = their_key(other)
    stranger.keyid = key.keyid
    with pytest.raises(VerificationError):
        taken.verify([stranger], 1)
    taken.payload = taken.payload.replace(b"Statement", b"statement")
    with pytest.raises(VerificationError):
        taken.verify([key], 1)


@pytest.mark.parametrize("kind", KINDS)
def test_we_take_envelopes_of_securesystemslib_and_no_forgery(kind: str) -> None:
    pem = private_pem(kind)
    document = dsse(cosign_statement(str(IMAGE)), private_pem(kind, 1), pem)
    envelope = Envelope.decode(json.dumps(document).encode())
    assert len(envelope.signatures) == 2
    assert envelope.verified_by(verifying(pem))
    assert not envelope.verified_by(verifying(private_pem(kind, 2)))
    assert not _changed(document, payloadType="application/vnd.in-toto+xml").verified_by(verifying(pem))
    forged = base64.b64encode(cosign_statement(str(Digest.sha256(b"another")))).decode()
    assert not _changed(document, payload=forged).verified_by(verifying(pem))


def _changed(document: dict[str, Any], **changes: Any) -> Envelope:
    return Envelope.decode(json.dumps(document | changes).encode())


@needs_shared
@pytest.mark.peer
@pytest.mark.parametrize("kind", KINDS)
def test_sigstore_takes_our_bundles_and_no_forgery(kind: str, tmp_path: Path) -> None:
    pem = private_pem(kind)
    bundle = Bundle.of(ours(pem)).encode()
    kinds = "application/vnd.dev.sigstore.bundle.v0.3+json https://sigstore.dev/cosign/sign/v1"
    assert sigstore_says(bundle, public_pem(pem), tmp_path) == f"OK {kinds}"
    assert sigstore_says(bundle, public_pem(private_pem(kind, 1)), tmp_path).startswith(
        "FAIL SIGNATURE_ERROR"
    )
    document = json.loads(bundle)
    statement = base64.b64decode(document["dsseEnvelope"]["payload"])
    forged = statement.replace(IMAGE.hex.encode(), b"0" * 64)
    assert forged != statement
    document["dsseEnvelope"]["payload"] = base64.b64encode(forged).decode()
    said = sigstore_says(json.dumps(document).encode(), public_pem(pem), tmp_path)
    assert said.startswith("FAIL SIGNATURE_ERROR")


@needs_shared
@pytest.mark.peer
def test_the_bundle_of_cosign_that_other_tests_use_is_one(tmp_path: Path) -> None:
    """Sigstore takes the fixture, so that it is worth something that we take it."""
    pem = private_pem("p256")
    bundle = json.dumps(cosign_bundle(cosign_statement(str(IMAGE)), pem)).encode()
    assert sigstore_says(bundle, public_pem(pem), tmp_path).startswith("OK ")
    read = Bundle.decode(bundle)
    assert read.envelope.verified_by(verifying(pem))
    assert read.hint == verifying(pem).hint


def test_the_key_in_the_envelope_is_named_as_the_bundle_names_it() -> None:
    pem = private_pem("p256")
    document = json.loads(Bundle.of(ours(pem)).encode())
    hint = document["verificationMaterial"]["publicKey"]["hint"]
    assert document["dsseEnvelope"]["signatures"][0]["keyid"] == hint == verifying(pem).hint


@pytest.mark.parametrize("kind", KINDS)
def test_signing_twice_gives_the_same_bundle(kind: str) -> None:
    pem = private_pem(kind)
    assert Bundle.of(ours(pem)).encode() == Bundle.of(ours(pem)).encode()
    assert Bundle.decode(Bundle.of(ours(pem)).encode()) == Bundle.of(ours(pem))


def test_both_alphabets_of_base64_are_read() -> None:
    pem = private_pem("p256")
    document = ours(pem, payload=b"\xfb\xff\xfe" * 3).document()
    payload = base64.b64decode(document["payload"])
    urlsafe = base64.urlsafe_b64encode(payload).decode()
    assert "-" in urlsafe or "_" in urlsafe
    assert _changed(document, payload=urlsafe).verified_by(verifying(pem))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"payload": "%"}, "payload: expected base64"),
        ({"payload": 3}, "payload: expected a string"),
        ({"payload": None}, "missing member: `payload`"),
        ({"payloadType": None}, "missing member: `payloadType`"),
        ({"signatures": []}, "expected 1 to 32 signatures: 0"),
        ({"signatures": {}}, "signatures: expected a list"),
        ({"signatures": [{"sig": "AA=="}] * (MAX_SIGNATURES + 1)}, "expected 1 to 32 signatures: 33"),
        ({"signatures": [{"sig": "é"}]}, r"signatures\[0\]: sig: expected base64"),
        ({"signatures": [3]}, r"signatures\[0\]: expected an object"),
        ({"Payload": "AA=="}, "two members differ only in case"),
    ],
)
def test_a_malformed_envelope_is_refused_with_the_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        _changed(ours(private_pem("p256")).document(), **changes)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"payload":',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{}" + b" " * (5 << 20),
    ],
    ids=["nothing", "list", "null", "bytes", "cut", "depth", "objects", "size"],
)
def test_what_is_no_document_is_refused(data: bytes) -> None:
    for decode in (Envelope.decode, Bundle.decode, Statement.decode):
        with pytest.raises(FormatError):
            decode(data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mediaType": "application/json"}, "expected a sigstore bundle"),
        ({"mediaType": "application/vnd.dev.sigstore.bundle.v0.4+json"}, "expected a sigstore bundle"),
        ({"dsseEnvelope": None, "messageSignature": {"signature": "AA=="}}, "without an envelope"),
        ({"verificationMaterial": {}}, "expected a public key or a certificate"),
        ({"verificationMaterial": {"publicKey": {}, "certificate": {}}}, "expected a public key or a cert"),
        ({"verificationMaterial": 3}, "verificationMaterial: expected an object"),
    ],
)
def test_a_malformed_bundle_is_refused_with_the_reason(changes: dict[str, Any], message: str) -> None:
    bundle = cosign_bundle(cosign_statement(str(IMAGE)), private_pem("p256"), **changes)
    with pytest.raises(FormatError, match=message):
        Bundle.decode(json.dumps(bundle).encode())


def test_a_bundle_has_exactly_one_signature() -> None:
    bundle = cosign_bundle(b"{}", private_pem("p256"))
    bundle["dsseEnvelope"] = dsse(b"{}", private_pem("p256"), private_pem("p256", 1))
    with pytest.raises(FormatError, match="a bundle has one signature, and not 2"):
        Bundle.decode(json.dumps(bundle).encode())


def test_a_bundle_with_a_certificate_is_known_as_such() -> None:
    materials: list[dict[str, Any]] = [
        {"certificate": {"rawBytes": "AA=="}},
        {"x509CertificateChain": {"certificates": []}},
    ]
    for material in materials:
        bundle = cosign_bundle(b"{}", private_pem("p256"), verificationMaterial=material)
        assert Bundle.decode(json.dumps(bundle).encode()).keyless


@pytest.mark.parametrize(
    ("media_type", "known"),
    [
        ("application/vnd.dev.sigstore.bundle.v0.3+json", True),
        ("application/vnd.dev.sigstore.bundle.v0.3+json; charset=utf-8", True),
        ("application/vnd.dev.sigstore.bundle+json;version=0.3", True),
        ("application/vnd.dev.sigstore.bundle+json; version=0.2", True),
        ("application/vnd.dev.sigstore.bundle+json;version=0.9", False),
        ("application/vnd.dev.sigstore.bundle+json", False),
        ("application/vnd.dev.sigstore.bundle.v1+json", False),
        ("", False),
    ],
)
def test_media_types_of_bundles_with_and_without_parameters(media_type: str, known: bool) -> None:
    assert is_bundle(media_type) is known


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"_type": "https://in-toto.io/Statement/v2"}, "_type: expected an in-toto statement"),
        ({"subject": []}, "expected 1 to 1000 subjects: 0"),
        ({"subject": [{"digest": {}}] * 1001}, "expected 1 to 1000 subjects: 1001"),
        ({"subject": [{"digest": {"sha256": 3}}]}, r"subject\[0\]: digest: expected a string"),
        ({"predicateType": None}, "missing member: `predicateType`"),
        ({"predicate": []}, "predicate: expected an object"),
    ],
)
def test_a_malformed_statement_is_refused_with_the_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Statement.decode(cosign_statement(str(IMAGE), **changes))


def test_a_statement_is_about_what_it_names_by_digest() -> None:
    other = Digest.sha256(b"another")
    made = Statement.of([Subject.of(other, "a"), Subject.of(IMAGE, "b")], "https://example.org/p", {"x": [1]})
    read = Statement.decode(made.encode())
    assert read == made
    assert read.encode() == made.encode()
    assert read.is_about(IMAGE)
    assert read.is_about(other)
    assert not read.is_about(Digest.sha256(b"a third"))
    assert not Statement.decode(cosign_statement(str(IMAGE))).is_about(Digest("sha512", IMAGE.hex * 2))
