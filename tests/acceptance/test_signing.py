"""Signed images in a real registry: other programs find the signatures in cosign's places and take them."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.command import Outcome, process
from support.peers import call, need
from support.registries import PASSWORD, USER, Registry, registry
from support.shared import needs_shared
from support.signing import KINDS, openssl_accepts, private_pem, public_pem, sigstore_says
from witchery.attest.signatures import Form, check
from witchery.build.registry.copying import open_source
from witchery.build.registry.registries import Registries
from witchery.build.signatures import find_signatures
from witchery.oci.transport import parse
from witchery.repository.cache import Cache
from witchery.signing_keys import VerifyingKey

pytestmark = [pytest.mark.peer, needs_shared]

PROVENANCE = "https://slsa.dev/provenance/v1"


@pytest.fixture
def folder(tmp_path: Path, boot_set: Path) -> Path:
    """A folder with a configuration and keys of all kinds."""
    (tmp_path / "witchery.yaml").write_text(
        f"contents:\n  build_repositories: [{boot_set}]\n  packages: [wget, ca-certificates-bundle]\n"
        "entrypoint:\n  command: /usr/bin/wget\n"
    )
    for kind in KINDS:
        (tmp_path / f"{kind}.key").write_bytes(private_pem(kind))
    return tmp_path


def witchery(cwd: Path, *words: str, **env: str) -> Outcome:
    """A command that succeeds, with a cache in the folder that it runs in."""
    done = process(*words, "--cache-dir", str(cwd / "cache"), cwd=cwd, env=env)
    assert done.status == 0, done.err
    return done


def fetched(name: str, into: Path, *options: str) -> dict[str, Any]:
    """A manifest as skopeo takes it from a registry, with its blobs in a folder."""
    need("skopeo", root=False)
    into.mkdir(parents=True)
    options = ("--src-tls-verify=false", "--insecure-policy", *options)
    call("skopeo", "copy", *options, f"docker://{name}", f"dir:{into}")
    found: dict[str, Any] = json.loads((into / "manifest.json").read_bytes())
    return found


def listed(name: str, digest: str, into: Path) -> list[tuple[dict[str, Any], bytes]]:
    """The artifacts about an image by the list under its tag: each manifest, and its first blob."""
    raw = call(
        "skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{name}:{digest.replace(':', '-')}"
    )
    found = []
    for each in json.loads(raw)["manifests"]:
        place = into / each["digest"].partition(":")[2]
        manifest = fetched(f"{name}@{each['digest']}", place)
        found.append((manifest, (place / manifest["layers"][0]["digest"].partition(":")[2]).read_bytes()))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_built_and_signed_is_taken_by_openssl_and_sigstore(
    kind: str, plain: Registry, folder: Path
) -> None:
    """From cosign's places, as skopeo finds them, without our code; and with another key by none."""
    name = f"{plain.host}/signed/{kind}"
    done = witchery(folder, "build", "witchery.yaml", "-o", f"docker://{name}:1", "--sign-key", f"{kind}.key")
    digest = done.out.strip().rpartition("@")[2]
    public, other = public_pem(private_pem(kind)), public_pem(private_pem(kind, 1))

    (layer,) = fetched(f"{name}:{digest.replace(':', '-')}.sig", folder / "sig")["layers"]
    payload = (folder / "sig" / layer["digest"].partition(":")[2]).read_bytes()
    signature = base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"])
    assert json.loads(payload)["critical"] == {
        "identity": {"docker-reference": name},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    assert openssl_accepts(public, signature, payload)
    assert not openssl_accepts(other, signature, payload)

    bundles = {
        manifest["annotations"]["dev.sigstore.bundle.predicateType"]: data
        for manifest, data in listed(name, digest, folder / "artifacts")
        if manifest["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    }
    assert set(bundles) == {"https://sigstore.dev/cosign/sign/v1", PROVENANCE}
    for predicate, data in bundles.items():
        assert sigstore_says(data, public, folder).endswith(f" {predicate}")
        assert sigstore_says(data, other, folder).startswith("FAIL SIGNATURE_ERROR")
        said = json.loads(base64.b64decode(json.loads(data)["dsseEnvelope"]["payload"]))
        assert said["subject"][0]["digest"] == {"sha256": digest.removeprefix("sha256:")}

    copied = fetched(f"{name}:1", folder / "copied")
    assert copied["schemaVersion"] == 2


@pytest.mark.parametrize("kind", ["plain", "passwords", "tokens"])
def test_signing_where_it_lies_works_with_every_kind_of_registry(kind: str, folder: Path) -> None:
    auth = {"passwords": "htpasswd", "tokens": "token"}.get(kind, "")
    with registry(folder / "registry", tls=kind == "passwords", auth=auth) as found:
        login = found.login(folder / "docker")
        name = f"{found.host}/team/app"
        witchery(folder, "build", "witchery.yaml", "-o", f"docker://{name}:1", **login)
        for key in ("p256", "rsa"):
            done = witchery(folder, "sign", f"docker://{name}:1", "--key", f"{key}.key", "--json", **login)
            assert json.loads(done.out)["signed"][0]["made"] == ["bundle", "tag"]
        again = witchery(folder, "sign", f"docker://{name}:1", "--key", "rsa.key", "--json", **login)
        assert json.loads(again.out)["signed"][0]["made"] == []
        with Registries(environ=login, cache=Cache(folder / "other")) as registries:
            opened = open_source(parse(f"docker://{name}:1"), registries)
            for key in ("p256", "rsa"):
                public = VerifyingKey.parse(key, public_pem(private_pem(key)))
                judged = check(find_signatures(opened, registries), opened.root.digest, public)
                assert {each.candidate.form for each in judged if each.verified} == {
                    Form.BUNDLE,
                    Form.CLASSIC,
                }
        options = [f"--src-creds={USER}:{PASSWORD}"] if auth else []
        fetched(f"{name}:1", folder / "copied", *options)


def test_a_signed_layout_is_still_one_image_to_others(plain: Registry, folder: Path) -> None:
    """skopeo takes it without being told which; pushed by us, its signatures arrive in cosign's places."""
    need("skopeo", root=False)
    done = witchery(folder, "build", "witchery.yaml", "-o", "oci:image", "--sign-key", "p256.key")
    digest = done.out.strip()
    call("skopeo", "copy", "--insecure-policy", "oci:image", "dir:copied", folder=folder)
    assert json.loads((folder / "copied/manifest.json").read_bytes())["schemaVersion"] == 2
    name = f"{plain.host}/from/layout"
    witchery(folder, "push", "oci:image", f"{name}:1")
    (layer,) = fetched(f"{name}:{digest.replace(':', '-')}.sig", folder / "sig")["layers"]
    payload = (folder / "sig" / layer["digest"].partition(":")[2]).read_bytes()
    signature = base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"])
    assert openssl_accepts(public_pem(private_pem("p256")), signature, payload)
    kinds = {manifest["artifactType"] for manifest, _ in listed(name, digest, folder / "artifacts")}
    assert "application/vnd.dev.sigstore.bundle.v0.3+json" in kinds
    assert "application/vnd.dev.cosign.artifact.sig.v1+json" not in kinds


@pytest.mark.parametrize("kind", KINDS)
def test_two_builds_are_signed_alike(kind: str, folder: Path) -> None:
    """Every file of the layout, signatures and signed provenance among them, byte for byte."""
    found = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        for file in ("witchery.yaml", f"{kind}.key"):
            shutil.copy(folder / file, folder / name)
        words = ["witchery.yaml", "-o", "oci:image", "-t", "example.org/app:1", "--sign-key", f"{kind}.key"]
        witchery(folder / name, "build", *words)
        layout = folder / name / "image"
        files = [path for path in sorted(layout.rglob("*")) if path.is_file()]
        found.append({path.relative_to(layout): path.read_bytes() for path in files})
    assert found[0] == found[1]
    assert any("referrers" in path.parts for path in found[0])
