"""Signing without a key, through the real library and services on loopback; checking without a network."""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.command import process
from support.images import image_of_tars, member, tar_of
from support.servers import Answer, Server
from support.signing import cosign_statement, private_pem
from support.sigstore_services import ISSUER, Services, sigstore, token
from witchery.attest.bundle import Bundle
from witchery.attest.signatures import Candidate, Form, Outcome, check_keyless
from witchery.build.registry.copying import open_source
from witchery.build.registry.registries import Registries
from witchery.build.signatures import find_signatures
from witchery.digest import Digest
from witchery.errors import FormatError, NetworkError, TrustError, UsageError
from witchery.net import keyless
from witchery.net.keyless import Identity
from witchery.oci.transport import parse
from witchery.repository.cache import Cache
from witchery.store import layout

IMAGE = Digest.sha256(b"an image")
STATEMENT = cosign_statement(str(IMAGE))
ME = Identity("me@example.org", ISSUER)


def verify(bundle: bytes, who: Identity, instance: Path | None = None) -> tuple[str, bytes]:
    return keyless.verifier(who, instance)(bundle)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Services, Path]]:
    with sigstore(tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No CI system is around, even where one is; and the library keeps what it keeps in a folder of ours."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "SIGSTORE_ID_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_signed_verifies_without_the_network_and_for_nobody_else(tmp_path: Path) -> None:
    with sigstore(tmp_path) as (services, described):
        bundle = keyless.sign(STATEMENT, token(ME.subject), described)
    assert len(services.entries) == 1
    assert verify(bundle, ME, described) == ("application/vnd.in-toto+json", STATEMENT)
    for other in (Identity("you@example.org", ISSUER), Identity(ME.subject, "https://other.example.org")):
        with pytest.raises(TrustError, match="not by "):
            verify(bundle, other, described)
    only_roots = tmp_path / "trusted_root.json"
    only_roots.write_text(json.dumps(json.loads(described.read_text())["trustedRoot"]))
    assert verify(bundle, ME, only_roots)[1] == STATEMENT
    (tmp_path / "other").mkdir()
    with sigstore(tmp_path / "other") as (_, elsewhere):
        pass
    with pytest.raises(TrustError, match=r"not by me@example\.org"):
        verify(bundle, ME, elsewhere)
    with pytest.raises(TrustError, match=r"not by me@example\.org"):
        verify(bundle, ME)


@pytest.mark.parametrize("place", ["payload", "signature", "certificate", "log", "promise", "proof"])
def test_no_part_of_a_bundle_can_be_changed(place: str, running: tuple[Services, Path]) -> None:
    _, described = running
    document = json.loads(keyless.sign(STATEMENT, token(ME.subject), described))
    other = json.loads(keyless.sign(cosign_statement("sha256:" + "0" * 64), token(ME.subject), described))
    material, envelope = document["verificationMaterial"], document["dsseEnvelope"]
    entry, other_entry = (each["verificationMaterial"]["tlogEntries"][0] for each in (document, other))
    match place:
        case "payload":
            envelope["payload"] = other["dsseEnvelope"]["payload"]
        case "signature":
            envelope["signatures"] = other["dsseEnvelope"]["signatures"]
        case "certificate":
            material["certificate"] = other["verificationMaterial"]["certificate"]
        case "log":
            material["tlogEntries"] = [other_entry]
        case "promise":
            entry["inclusionPromise"] = other_entry["inclusionPromise"]
        case "proof":
            entry["inclusionProof"] = other_entry["inclusionProof"]
    with pytest.raises(TrustError):
        verify(json.dumps(document).encode(), ME, described)


def test_candidates_are_judged_by_identity_as_they_are_by_a_key(running: tuple[Services, Path]) -> None:
    _, described = running

    def judge(statement: bytes, **options: Any) -> Outcome:
        bundle = Bundle.decode(keyless.sign(statement, token(ME.subject), described))
        assert bundle.keyless
        candidate = Candidate(form=Form.BUNDLE, place="here", content=bundle)
        vouched = keyless.verifier(options.get("who", ME), described)
        (found,) = check_keyless([candidate], IMAGE, vouched)
        return found.outcome

    assert judge(STATEMENT) is Outcome.VERIFIED
    assert judge(STATEMENT, who=Identity("you@example.org", ISSUER)) is Outcome.OTHER_KEY
    assert judge(cosign_statement("sha256:" + "0" * 64)) is Outcome.OTHER_IMAGE
    assert judge(cosign_statement(str(IMAGE), "https://example.org/p")) is Outcome.OTHER_STATEMENT


@pytest.mark.parametrize(
    "junk", [b"", b"{}", b"[]", b"\xff", b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}']
)
def test_junk_is_no_bundle(junk: bytes, running: tuple[Services, Path]) -> None:
    with pytest.raises(TrustError, match=r"not by me@example\.org"):
        verify(junk, ME, running[1])


def test_services_that_refuse_or_are_not_there_say_so_without_the_token(
    running: tuple[Services, Path], tmp_path: Path
) -> None:
    services, described = running
    mine = token(ME.subject)
    services.refusal = Answer(status=403, body=json.dumps({"message": f"no, {mine}"}).encode())
    with pytest.raises(NetworkError, match="not signed: ") as caught:
        keyless.sign(STATEMENT, mine, described)
    assert mine not in f"{caught.value} {caught.value.hints}"
    with Server(services) as server:
        gone = tmp_path / "gone.json"
        gone.write_text(json.dumps(services.description(server.url)))
    with pytest.raises(NetworkError, match="not signed: "):
        keyless.sign(STATEMENT, mine, gone)


@pytest.mark.parametrize(
    ("given", "message"),
    [("", "no identity token"), ("abc", "not an identity token"), (token("me", age=9999), "not an identity")],
    ids=["none", "junk", "old"],
)
def test_a_token_that_cannot_be_used_is_refused(
    given: str, message: str, running: tuple[Services, Path]
) -> None:
    with pytest.raises(UsageError, match=message):
        keyless.sign(STATEMENT, given, running[1])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"mediaType": "application/json"}'])
def test_a_description_that_is_none_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sigstore.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=r"sigstore\.json: "):
        keyless.sign(STATEMENT, token(ME.subject), path)
    with pytest.raises(FormatError, match=r"sigstore\.json: "):
        verify(b"{}", ME, path)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sigstore", None)
    with pytest.raises(UsageError, match="need the library `sigstore`") as caught:
        keyless.sign(STATEMENT, "x")
    assert caught.value.hints == ("`pip install 'witchery-images[sigstore]'`",)


def test_the_command_signs_without_a_key(running: tuple[Services, Path], tmp_path: Path) -> None:
    """In a process of its own; the token comes from the environment and is in nothing that is written."""
    made = image_of_tars(tar_of(member("file", b"content")))
    layout.write(tmp_path / "image", made.image, made.contents)
    mine = token(ME.subject)
    words = ["sign", "oci:image", "--keyless", "--trust-config", str(running[1])]
    words += ["--identity-token", "env://TOKEN"]
    done = process(*words, cwd=tmp_path, env={"TOKEN": mine})
    assert done.status == 0, done.err
    assert done.out == f"{made.image.digest}\n"
    assert done.err == f"signed {made.image.digest} (linux/amd64): bundle\n"
    with Registries(environ={}, cache=Cache(tmp_path / "cache")) as registries:
        opened = open_source(parse(f"oci:{tmp_path}/image"), registries)
        (found,) = check_keyless(
            find_signatures(opened, registries),
            made.image.digest,
            keyless.verifier(ME, running[1]),
        )
    assert found.verified
    written = b"".join(path.read_bytes() for path in (tmp_path / "image").rglob("*") if path.is_file())
    assert mine.encode() not in written
    assert base64.b64encode(mine.encode()) not in written


def test_a_key_and_an_identity_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "my.key").write_bytes(private_pem("p256"))
    for words, message in (
        (["--key", "my.key", "--keyless"], "not allowed with argument"),
        (["--key", "my.key", "--trust-config", "x"], "go with `--keyless`"),
        ([], "one of the arguments --key --keyless is required"),
        (["--keyless", "--identity-token", "my.key"], "not an identity token"),
    ):
        done = process("sign", "oci:image", *words, cwd=tmp_path)
        assert done.status == 2
        assert message in done.err
