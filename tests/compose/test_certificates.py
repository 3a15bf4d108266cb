"""Certificates: the bundle that a trigger would make, and what the configuration adds."""

import datetime as dt
import gzip
import hashlib
import io
import itertools
import subprocess
import tarfile
from base64 import b64decode, b64encode
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.effects import NOTHING, effects_of, rows, texts
from support.packages import make_part
from support.peers import need
from support.shared import needs_shared, repository
from support.worlds import index, read_part
from witchery.apk import archive
from witchery.compose import certificates
from witchery.compose.part import Part
from witchery.compose.x509 import Authority
from witchery.config.model import Certificate, Certificates, ImageConfig
from witchery.errors import FormatError

# A subject with two blanks, letters of several alphabets, and an e-mail address (an IA5String).
_OWN = """\
-----BEGIN CERTIFICATE-----
MIICDDCCAbOgAwIBAgIUEvq7/KWykhUujzyZ6GyvqIH2jzswCgYIKoZIzj0EAwIw
WzELMAkGA1UEBhMCREUxGzAZBgNVBAoMEiBNeSAgw5ZyZywgKFRlc3QpIDEQMA4G
A1UEAwwHTXkgQ0EgMTEdMBsGCSqGSIb3DQEJARYOQ0FARXhhbXBsZS5vcmcwIBcN
MjYxMTIyMTg0ODQ0WhgPMjEyNjEwMjkxODQ4NDRaMFsxCzAJBgNVBAYTAkRFMRsw
GQYDVQQKDBIgTXkgIMOWcmcsIChUZXN0KSAxEDAOBgNVBAMMB015IENBIDExHTAb
BgkqhkiG9w0BCQEWDkNBQEV4YW1wbGUub3JnMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEo54E9HcT/8++z3jlXIallATkOAO51gIzINegXvxJtVcKpu84m/1aJwKM
TDg2ijzuV/XkvixGZCkiL29H4pu13aNTMFEwHQYDVR0OBBYEFPMZu4ZV81zHQomM
TntWnTWoSMcQMB8GA1UdIwQYMBaAFPMZu4ZV81zHQomMTntWnTWoSMcQMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgabLhsqVdB9mYs3mhpinAUKs9
DXGW8vR0aYp/PVkVF3QCIG75fI1Iq6GpT07H8UduB7iQR2NcT+tGMyEGfGaytWa5
-----END CERTIFICATE-----
"""
_OWN_HASH = "be9172cc"  # `openssl x509 -subject_hash`
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
    assert effects.scripts[0].effects == (
        "121 certificates in `/etc/ssl/certs/ca-certificates.crt`",
        "242 links in `/etc/ssl/certs`",
    )


@needs_shared
@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "version"), [("v3.19-x86_64", "20240226-r0"), ("v3.23-image-x86_64", "20260909-r0")]
)
def test_bundle_and_links_are_those_that_the_real_program_makes(
    name: str, version: str, tmp_path: Path
) -> None:
    need("bwrap", root=False)
    source = repository(name, tmp_path / "set") / "x86_64"
    root, folder = tmp_path / "root", "usr/local/share/ca-certificates"
    for file in source.glob("*.apk"):
        if file.name.startswith(("ca-certificates-2", "musl-1", "libcrypto3-", "busybox-")):
            stream = io.BytesIO(gzip.decompress(file.read_bytes()))
            with tarfile.open(fileobj=stream, ignore_zeros=True) as opened:
                members = [member for member in opened if not member.name.startswith(".")]
                opened.extractall(root, members, filter="fully_trusted")
    (root / folder / "my own,(1).crt").write_text(_OWN)
    for command in (["/bin/busybox", "--install", "-s"], ["/usr/sbin/update-ca-certificates"]):
        subprocess.run(["bwrap", "--bind", root, "/", "--dev", "/dev", *command], check=True, timeout=60)
    found = index(source)[f"ca-certificates-{version}"]
    own = make_part("own", files={f"{folder}/my own,(1).crt": _OWN.encode()})
    effects = effects_of(read_part(found, (source / found.filename).read_bytes()), own)
    assert rows(effects.generated) == {
        str(path.relative_to(root)): f"l 0777 0:0 {path.readlink()}"
        if path.is_symlink()
        else f"f 0644 0:0 sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in (root / "etc/ssl/certs").iterdir()
    }


@needs_shared
def test_a_bundle_that_a_package_brings_is_kept(tmp_path: Path) -> None:
    parts = [package("ca-certificates", tmp_path), package("ca-certificates-bundle", tmp_path)]
    effects = effects_of(*parts)
    assert BUNDLE not in rows(effects.generated)
    assert effects.scripts[0].effects == ("242 links in `/etc/ssl/certs`",)


def test_the_trigger_honours_the_selection_and_adds_local_certificates_last() -> None:
    files = {
        "etc/ca-certificates.conf": b"# comment\n\nb.crt\n!a.crt\n../../../etc/secret\nmissing.crt\n",
        "etc/secret": b"secret",
        "usr/share/ca-certificates/a.crt": certificate("a").encode(),
        "usr/share/ca-certificates/b.crt": certificate("b").encode(),
    }
    trigger = make_part("ca", files=files, scripts=TRIGGER, triggers=("/usr/share/ca-certificates",))
    effects = effects_of(trigger, custom("one"))
    assert texts(effects)[BUNDLE] == f"{certificate('b')}\n{certificate('one')}\n"


def test_equal_certificates_have_one_link_by_hash_and_damaged_ones_none() -> None:
    folder = "usr/local/share/ca-certificates"
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    texts_ = {"a": certificate("a"), "b": certificate("a"), "c": certificate("c"), "d": broken}
    files = {f"{folder}/{name}.crt": text.encode() for name, text in texts_.items()}
    part = make_part("ca", files=files, scripts=TRIGGER, triggers=(f"/{folder}",))
    made = [path for path in rows(effects_of(part).generated) if path.startswith("etc/ssl/certs/")]
    named = {f"etc/ssl/certs/ca-cert-{name}.pem" for name in texts_}
    assert named < set(made)
    assert len([path for path in made if path.endswith(".0")]) == 2
    assert len(made) == 4 + 2 + 1


def test_an_added_certificate_is_in_every_bundle_and_a_file_of_its_own() -> None:
    effects = effects_of(bundle(*certificates.BUNDLES), config=config("new"))
    made = texts(effects)
    for path in certificates.BUNDLES:
        assert made[path] == f"# old\n{certificate('old')}{certificate('new')}\n"
    mark = Authority.parse(certificate("new").encode()).fingerprint
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


def _pem(der: bytes) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{b64encode(der).decode()}\n-----END CERTIFICATE-----\n"


_DER = b64decode("".join(certificate("cut").splitlines()[1:-1]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        certificate("one") + certificate("two"),
        certificate("one").replace("CERTIFICATE", "PUBLIC KEY"),
        "-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n",
        _pem(b""),
        _pem(b"\x30\x00"),
        _pem(b"\x04\x02ab"),
        _pem(b"\x30\x09\x30\x03\x02\x01\x00\x30\x00\x03\x00"),
        _pem(b"\x30\x84\xff\xff\xff\xff\x00"),
        *(_pem(_DER[:length]) for length in (1, 2, 3, 20, len(_DER) - 1)),
        _pem(_DER + b"\0\0"),
    ],
    ids=map(str, itertools.count()),  # keys, and so the texts, differ from run to run
)
def test_what_is_no_certificate_is_refused_by_name(text: str) -> None:
    wanted = Certificates(additional=(Certificate(name="mine", content=text),))
    with pytest.raises(FormatError, match=r"mine: (not a|expected exactly one) certificate"):
        effects_of(bundle(), config=ImageConfig(certificates=wanted))


def test_a_certificate_is_known_by_the_same_marks_as_to_other_programs() -> None:
    authority = Authority.parse(b"# a comment\n" + _OWN.encode())
    assert authority.subject_hash == _OWN_HASH
    read = x509.load_pem_x509_certificate(_OWN.encode())
    assert authority.subject == read.subject.public_bytes()
    assert authority.fingerprint == read.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize("subject", [b"\x30\x04\x31\x02\x30\x00", b"\x30\x05\x31\x03\x30\x01\x06"])
def test_a_malformed_subject_is_refused(subject: bytes) -> None:
    with pytest.raises(FormatError):
        _ = Authority(b"", subject).subject_hash
