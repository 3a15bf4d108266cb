"""Sigstore's services on loopback, with the description by which clients know them.

An authority that gives certificates for identity tokens (Fulcio), a log of certificates, and a log of
signatures (Rekor).

They believe every token. The certificates and the entries of the logs are made here, by `cryptography`, as
RFC 6962 and the documentation of Fulcio and Rekor describe them.
"""

import base64
import hashlib
import json
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from support.certificates import key_usage
from support.servers import Answer, Asked, Server

ISSUER = "https://issuer.example.org"
_SCT = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_OIDC_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ORIGIN = "rekor.example.org - 1"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def der(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, form)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def token(subject: str, *, issuer: str = ISSUER, age: int = 0) -> str:
    """An identity token, by nobody in particular."""
    now = int(time.time()) - age
    claims = {"iss": issuer, "sub": subject, "aud": "sigstore", "iat": now, "nbf": now, "exp": now + 600}
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts]
    return ".".join([*encoded, base64.urlsafe_b64encode(b"signature").rstrip(b"=").decode()])


class Services:
    """The services, and all their keys.

    Attributes:
        entries: What was entered in the log of signatures.
        refusal: What the authority answers in place of a certificate.
    """

    def __init__(self) -> None:
        self._authority, self._certificates, self._log = (
            ec.generate_private_key(ec.SECP256R1()) for _ in range(3)
        )
        self.entries: list[dict[str, Any]] = []
        self.refusal: Answer | None = None
        now = datetime.now(UTC)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sigstore in a test")])
        self.root = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._authority.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(ca=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self._authority.public_key()), critical=False
            )
            .sign(self._authority, hashes.SHA256())
        )

    def __call__(self, asked: Asked) -> Answer:
        body = json.loads(asked.body)
        if asked.path == "/api/v2/signingCert":
            return self.refusal or self._certificate(asked["authorization"].removeprefix("Bearer "), body)
        if asked.path == "/api/v1/log/entries":
            return _answer(self._entry(body), 201)
        return Answer(status=404)

    def _certificate(self, identity: str, body: dict[str, Any]) -> Answer:
        part = identity.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        request = x509.load_pem_x509_csr(base64.b64decode(body["certificateSigningRequest"]))
        now = datetime.now(UTC)
        plain = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._name)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(minutes=10))
            .add_extension(key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._authority.public_key()),
                critical=False,
            )
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(claims["sub"])]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_OIDC_ISSUER, claims["iss"].encode()), critical=False)
        )
        stamp = self._timestamp(plain.sign(self._authority, hashes.SHA256()).tbs_certificate_bytes)
        stamped = plain.add_extension(x509.UnrecognizedExtension(_SCT, stamp), critical=False)
        made = stamped.sign(self._authority, hashes.SHA256())
        chain = [each.public_bytes(serialization.Encoding.PEM).decode() for each in (made, self.root)]
        return _answer({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}, 200)

    def _timestamp(self, certificate: bytes) -> bytes:
        """The extension in which the log of certificates says that it has this one (RFC 6962, 3.2, 3.3)."""
        moment = int(time.time() * 1000)
        entry = sha256(der(self._authority)) + len(certificate).to_bytes(3, "big") + certificate
        signed = struct.pack("!BBQH", 0, 0, moment, 1) + entry + b"\0\0"
        signature = self._certificates.sign(signed, ec.ECDSA(hashes.SHA256()))
        stamp = b"\0" + sha256(der(self._certificates)) + struct.pack("!QH", moment, 0)
        stamp += struct.pack("!BBH", 4, 3, len(signature)) + signature
        listed = struct.pack("!H", len(stamp)) + stamp
        listed = struct.pack("!H", len(listed)) + listed
        return (
            b"\x04" + (bytes([len(listed)]) if len(listed) < 128 else b"\x81" + bytes([len(listed)])) + listed
        )

    def _entry(self, proposed: dict[str, Any]) -> dict[str, Any]:
        """An entry of the log of signatures, which is the only one in it."""
        self.entries.append(proposed)
        content = proposed["spec"]["proposedContent"]
        envelope = json.loads(content["envelope"])
        written = {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": sha256(content["envelope"].encode()).hex()},
                "payloadHash": {
                    "algorithm": "sha256",
                    "value": sha256(base64.b64decode(envelope["payload"])).hex(),
                },
                "signatures": [
                    {"signature": each["sig"], "verifier": content["verifiers"][0]}
                    for each in envelope["signatures"]
                ],
            },
        }
        body = json.dumps(written, sort_keys=True, separators=(",", ":")).encode()
        root, log = sha256(b"\0" + body), sha256(der(self._log))
        note = f"{_ORIGIN}\n1\n{b64(root)}\n"
        mark = b64(log[:4] + self._log.sign(note.encode(), ec.ECDSA(hashes.SHA256())))
        stated = {"body": b64(body), "integratedTime": int(time.time()), "logID": log.hex(), "logIndex": 0}
        promised = json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()
        proof = {
            "checkpoint": f"{note}\n\u2014 rekor.example.org {mark}\n",
            "hashes": [],
            "logIndex": 0,
            "rootHash": root.hex(),
            "treeSize": 1,
        }
        promise = b64(self._log.sign(promised, ec.ECDSA(hashes.SHA256())))
        return {
            "0" * 80: stated | {"verification": {"inclusionProof": proof, "signedEntryTimestamp": promise}}
        }

    def description(self, url: str) -> dict[str, Any]:
        """How a client knows the services (sigstore_trustroot.proto, ClientTrustConfig)."""
        ago = {"start": "2020-01-01T00:00:00Z"}

        def log(key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            public = {"rawBytes": b64(der(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": ago}
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": public,
                "logId": {"keyId": b64(sha256(der(key)))},
            }

        def service(**more: Any) -> dict[str, Any]:
            return {"url": url, "majorApiVersion": 1, "validFor": ago, "operator": "test"} | more

        root = {"rawBytes": b64(self.root.public_bytes(serialization.Encoding.DER))}
        trusted = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self._log)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "test", "commonName": "test"},
                    "uri": url,
                    "certChain": {"certificates": [root]},
                    "validFor": ago,
                }
            ],
            "ctlogs": [log(self._certificates)],
            "timestampAuthorities": [],
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": trusted,
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service()],
                "oidcUrls": [],
                "rekorTlogUrls": [service()],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [],
                "tsaConfig": {"selector": "ANY"},
            },
        }


@contextmanager
def sigstore(folder: Path) -> Iterator[tuple[Services, Path]]:
    """Services that run, and the file that describes them."""
    services = Services()
    with Server(services) as server:
        described = folder / "sigstore.json"
        described.write_text(json.dumps(services.description(server.url)))
        yield services, described


def _answer(document: dict[str, Any], status: int) -> Answer:
    return Answer(
        status=status, headers={"Content-Type": "application/json"}, body=json.dumps(document).encode()
    )
