"""Provenance: every package, index and key by the digest that other tools find, nothing of this machine, no
secret; and the same again.
"""

import hashlib
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.command import process
from support.servers import Answer, Asked, Server
from support.shared import needs_shared

pytestmark = needs_shared

STATEMENT = "application/vnd.in-toto+json"


def build(folder: Path, source: str | Path, *options: str | Path, into: str = "image") -> Mapping[str, Any]:
    """Builds in a folder, and gives the statement that lies beside the image."""
    words: list[str | Path] = ["-o", f"oci:{into}", "--arch", "x86_64"]
    words += ["--cache-dir", folder.parent / "cache"]
    done = process("build", source, *words, *options, cwd=folder)
    assert done.status == 0, done.err
    return statement(folder / into, done.out.strip())


def statement(layout: Path, digest: str) -> Mapping[str, Any]:
    listed = json.loads((layout / f"referrers/{digest.replace(':', '-')}.json").read_text())["manifests"]
    (entry,) = [each for each in listed if each["artifactType"] == STATEMENT]
    assert entry["annotations"] == {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
    (layer,) = json.loads(blob(layout, entry["digest"]))["layers"]
    assert layer["mediaType"] == STATEMENT
    found: Mapping[str, Any] = json.loads(blob(layout, layer["digest"]))
    return found


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def materials(said: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = said["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {each["name"]: each for each in found}


@pytest.fixture
def config(tmp_path: Path, boot_set: Path) -> Path:
    """The wget example, whose file does not say where the packages are."""
    path = tmp_path / "here" / "wget.yaml"
    path.parent.mkdir()
    path.write_text(
        "contents:\n  packages: [wget, ca-certificates-bundle]\nentrypoint:\n  command: /usr/bin/wget\n"
    )
    return path


def test_every_package_index_and_key_is_there_by_its_digest(config: Path, boot_set: Path) -> None:
    """The digests are those of the files on disk, found here without our code."""
    said = build(config.parent, config, "-X", boot_set)
    found = materials(said)
    manifest = json.loads((config.parent / "image/index.json").read_text())["manifests"][0]["digest"]
    assert said["subject"] == [{"name": "", "digest": {"sha256": manifest.removeprefix("sha256:")}}]
    assert said["predicateType"] == "https://slsa.dev/provenance/v1"
    packages = {name: each for name, each in found.items() if each.get("uri", "").startswith("pkg:apk/")}
    assert len(packages) == 9
    for name, each in packages.items():
        assert each["digest"] == {"sha256": sha256(boot_set / f"x86_64/{name}.apk")}
    layers = json.loads(blob(config.parent / "image", manifest))["layers"]
    assert {each["annotations"]["data"] for each in packages.values()} == {
        each["digest"] for each in layers[:-1]
    }
    index = found[f"./{boot_set.name}"]
    assert index["digest"] == {"sha256": sha256(boot_set / "x86_64/APKINDEX.tar.gz")}
    name = "alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub"
    import witchery

    key = Path(witchery.__file__).parent / "data/keys/x86_64" / name
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", key, "-outform", "DER"], check=True, capture_output=True
    ).stdout
    assert found[name]["digest"] == {"sha256": hashlib.sha256(der).hexdigest()}
    assert set(found) == {*packages, index["name"], name}


def test_it_says_what_was_asked_for_and_by_what_it_was_built(config: Path, boot_set: Path) -> None:
    said = build(config.parent, config, "-X", boot_set, "--builder-id", "https://ci.example.org/7")
    definition, run = said["predicate"]["buildDefinition"], said["predicate"]["runDetails"]
    asked = definition["externalParameters"]
    assert definition["buildType"].startswith("https://")
    assert asked["architecture"] == "x86_64"
    assert asked["packages"] == ["ca-certificates-bundle", "wget"]
    assert asked["configuration"]["contents"]["packages"] == ["wget", "ca-certificates-bundle"]
    assert "lock" not in asked
    assert definition["internalParameters"] == {"created": "2024-01-26T01:51:33Z", "trusted": True}
    import witchery

    assert run == {
        "builder": {"id": "https://ci.example.org/7", "version": {"witchery": witchery.__version__}}
    }
    numbered = build(config.parent, config, "-X", boot_set, "--invocation-id", "42", into="again")
    assert numbered["predicate"]["runDetails"]["metadata"] == {"invocationId": "42"}


def test_the_lock_is_named_by_its_digest(config: Path, boot_set: Path, tmp_path: Path) -> None:
    words: list[str | Path] = ["--arch", "x86_64", "--cache-dir", tmp_path / "cache", "-X", boot_set]
    assert process("lock", config, *words, cwd=config.parent).status == 0
    lock = config.parent / "witchery.lock.json"
    said = build(config.parent, config, "-X", boot_set, "--locked")
    stated = said["predicate"]["buildDefinition"]["externalParameters"]["lock"]
    assert stated == {"name": lock.name, "digest": {"sha256": sha256(lock)}}
    free = build(config.parent, config, "-X", boot_set, into="free")
    assert materials(said) == materials(free), "made of the same, locked or not"


def test_an_application_is_a_material_by_its_content(tmp_path: Path, boot_set: Path) -> None:
    app = tmp_path / "here" / "app"
    app.mkdir(parents=True)
    (app / "hello.sh").write_text("#!/bin/sh\necho hello\n")
    (app / "hello.sh").chmod(0o755)
    said = build(tmp_path / "here", app, "-X", boot_set)
    asked = said["predicate"]["buildDefinition"]["externalParameters"]
    assert [each["source"] for each in asked["application"]] == ["app"]
    (own,) = [each for each in materials(said).values() if each.get("uri", "").startswith("pkg:generic/")]
    assert own["annotations"]["data"] == f"sha256:{own['digest']['sha256']}"
    layers = json.loads(blob(tmp_path / "here/image", f"sha256:{said['subject'][0]['digest']['sha256']}"))
    assert own["annotations"]["data"] in {each["digest"] for each in layers["layers"]}


def test_two_builds_say_the_same_wherever_they_run(config: Path, boot_set: Path, tmp_path: Path) -> None:
    """In another folder, at another time, in another time zone, as somebody else."""
    other = tmp_path / "elsewhere" / "deeper"
    other.mkdir(parents=True)
    (other / config.name).write_bytes(config.read_bytes())
    first = build(config.parent, config.name, "-X", boot_set)
    words: list[str | Path] = ["-o", "oci:image", "--arch", "x86_64", "-X", boot_set]
    words += ["--cache-dir", other / "cache"]
    done = process("build", config.name, *words, cwd=other, env={"TZ": "Asia/Tokyo", "USER": "other"})
    assert done.status == 0, done.err
    assert statement(other / "image", done.out.strip()) == first
    text = json.dumps(first)
    assert str(tmp_path) not in text
    assert str(boot_set.parent) not in text


def test_credentials_of_repositories_stay_out(config: Path, boot_set: Path) -> None:
    def serve(asked: Asked) -> Answer:
        if asked["authorization"] != "Basic bWU6czNjcmV0":
            return Answer(status=401)
        path = boot_set / asked.path.removeprefix("/alpine/")
        return Answer(body=path.read_bytes()) if path.is_file() else Answer(status=404)

    with Server(serve) as server:
        url = server.with_password("me", "s3cret") + "/alpine"
        text = config.read_text().replace("contents:\n", f"contents:\n  repositories: [{url}]\n")
        config.write_text(text)
        said = build(config.parent, config)
    wget = next(each for name, each in materials(said).items() if name.startswith("wget-"))
    assert "downloadLocation" not in wget, "a loopback address is another machine for everybody else"
    assert "s3cret" not in json.dumps(said)
    assert materials(said)[f"{server.url}/alpine"]["uri"] == f"{server.url}/alpine/x86_64/APKINDEX.tar.gz"
