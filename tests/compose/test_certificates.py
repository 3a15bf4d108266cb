"""Certificates: the bundle that a trigger would make, and what the configuration adds."""

import datetime as dt
import hashlib
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.effects import NOTHING, effects_of, rows, texts
from support.packages import make_part
from support.shared import needs_shared, repository
from support.worlds import index, read_part
from witchery.apk import archive
from witchery.compose import certificates
from witchery.compose.part import Part
from witchery.compose.scripts import Verdict
from witchery.config.model import Certificate, Certificates, ImageConfig
from witchery.errors import FormatError
from witchery.keys import certificate_fingerprint

BUNDLE = "etc/ssl/certs/ca-certificates.crt"
TRIGGER = {".trigger": b"#!/bin/sh\n/usr/sbin/update-ca-certificates > /dev/null 2>&1\nexit 0\n"}


@cache
def certificate(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1, start, start + dt.timedelta(9))
    ).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def bundle(*paths: str) -> Part:
    text = b"# old\n" + certificate("old").encode()
    return make_part("bundle", files=dict.fromkeys(paths or (BUNDLE,), text))


def config(*added: str, providers: tuple[str, ...] = ()) -> ImageConfig:
    additional = tuple(Certificate(name=name, content=certificate(name)) for name in added)
    return ImageConfig(
        base=NOTHING.base, certificates=Certificates(additional=additional, providers=providers)
    )


def custom(*names: str, provides: tuple[str, ...] = ("custom-ca=1.0",)) -> Part:
    folder = "usr/local/share/ca-certificates"
    files = {f"{folder}/{name}.crt": certificate(name).encode() for name in names}
    return make_part("custom", files=files | {f"{folder}/README": b"no"}, provides=provides)


def package(name: str, folder: Path) -> Part:
    root = repository("v3.23-image-x86_64", folder) / "x86_64"
    found = index(root)[f"{name}-20260909-r0"]
    return read_part(found, (root / found.filename).read_bytes())


@needs_shared
def test_the_bundle_of_the_trigger_is_byte_for_byte_the_one_that_alpine_ships(tmp_path: Path) -> None:
    effects = effects_of(package("ca-certificates", tmp_path))
    shipped = next(
        b"".join(member.content)
        for member in archive.members(package("ca-certificates-bundle", tmp_path).data.chunks())
        if member.entry.path == BUNDLE
    )
    assert texts(effects)[BUNDLE].encode() == shipped
    assert effects.scripts[0].effects == ("121 certificates in `/etc/ssl/certs/ca-certificates.crt`",)


@needs_shared
def test_with_the_bundle_in_the_image_the_trigger_has_nothing_to_do(tmp_path: Path) -> None:
    parts = [package("ca-certificates", tmp_path), package("ca-certificates-bundle", tmp_path)]
    effects = effects_of(*parts)
    assert BUNDLE not in rows(effects.generated)
    assert effects.scripts[0].verdict is Verdict.IRRELEVANT


def test_the_trigger_honours_the_selection_and_adds_local_certificates_last() -> None:
    files = {
        "etc/ca-certificates.conf": b"# comment\nb.crt\n!a.crt\n../../../etc/secret\nmissing.crt\n",
        "etc/secret": b"secret",
        "usr/share/ca-certificates/a.crt": b"A\n",
        "usr/share/ca-certificates/b.crt": b"B\n",
    }
    trigger = make_part("ca", files=files, scripts=TRIGGER, triggers=("/usr/share/ca-certificates",))
    effects = effects_of(trigger, custom("one"))
    assert texts(effects)[BUNDLE] == f"B\n\n{certificate('one')}\n"


def test_an_added_certificate_is_in_every_bundle_and_a_file_of_its_own() -> None:
    effects = effects_of(bundle(*certificates.BUNDLES), config=config("new"))
    made = texts(effects)
    for path in certificates.BUNDLES:
        assert made[path] == f"# old\n{certificate('old')}{certificate('new')}\n"
    mark = certificate_fingerprint("new", certificate("new").encode())
    assert made[f"usr/local/share/ca-certificates/new-{mark}.crt"] == certificate("new")
    der = x509.load_pem_x509_certificate(certificate("new").encode())
    assert mark == hashlib.sha256(der.public_bytes(serialization.Encoding.DER)).hexdigest()
    assert effects.warnings == ()


def test_a_certificate_is_not_added_twice() -> None:
    assert BUNDLE not in rows(effects_of(bundle(), config=config("old")).generated)


def test_a_bundle_behind_a_link_is_changed_where_it_is() -> None:
    part = make_part("b", files={"opt/ca.pem": b"old\n"}, links={BUNDLE: "/opt/ca.pem"})
    made = texts(effects_of(part, config=config("new")))
    assert made["opt/ca.pem"].endswith(f"{certificate('new')}\n")
    assert BUNDLE not in made


@pytest.mark.parametrize("provides", [("custom-ca",), ("custom-ca=1.0",), ("other", "custom-ca=2-r0")])
def test_providers_are_found_whatever_version_they_provide(provides: tuple[str, ...]) -> None:
    effects = effects_of(
        bundle(), custom("a", "b", provides=provides), config=config(providers=("custom-ca",))
    )
    assert texts(effects)[BUNDLE].endswith(f"{certificate('old')}{certificate('a')}\n{certificate('b')}\n")
    assert effects.warnings == ()


def test_a_provider_that_is_not_in_the_image_is_named() -> None:
    (warning,) = effects_of(bundle(), config=config(providers=("custom-ca",))).warnings
    assert "`custom-ca`" in warning


def test_without_a_bundle_there_is_a_warning() -> None:
    (warning,) = effects_of(config=config("new")).warnings
    assert "nothing trusts them" in warning
    assert "`ca-certificates-bundle`" in warning


def test_javas_own_store_is_not_changed_and_that_is_said() -> None:
    java = make_part("java", files={"etc/ssl/certs/java/cacerts": b"\xfe\xed"})
    (warning,) = effects_of(bundle(), java, config=config("new")).warnings
    assert "Java will not trust them" in warning


def test_what_is_no_certificate_is_refused_by_name() -> None:
    text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    wanted = Certificates(additional=(Certificate(name="mine", content=text),))
    with pytest.raises(FormatError, match="mine: not a certificate"):
        effects_of(bundle(), config=ImageConfig(certificates=wanted))
