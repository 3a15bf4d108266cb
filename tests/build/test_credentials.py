"""Where credentials are found: files in their order, and real helper programs."""

import base64
import json
import os
from pathlib import Path

import pytest

from witchery.build.registry.credentials import find_login
from witchery.errors import FormatError, StorageError, WitcheryError, WorldError
from witchery.http import Credentials
from witchery.oci.reference import Reference

APP = Reference.parse("example.org/team/app:1")
FOUND = Credentials("alice", "s3cret")


def config(path: Path, user: str, **more: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    auth = base64.b64encode(f"{user}:s3cret".encode()).decode()
    path.write_text(json.dumps({"auths": {"example.org": {"auth": auth}}, **more}))


def helper(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def environ(folder: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(folder), "PATH": f"{folder}/bin:{os.environ['PATH']}", **more}


def test_the_places_are_looked_at_in_podmans_order(tmp_path: Path) -> None:
    env = environ(tmp_path, XDG_RUNTIME_DIR=f"{tmp_path}/run")
    assert find_login(APP, env) is None
    seen = []
    for path, user in (
        (tmp_path / ".docker/config.json", "docker"),
        (tmp_path / ".config/containers/auth.json", "podman"),
        (tmp_path / "run/containers/auth.json", "session"),
        (tmp_path / "own.json", "own"),
    ):
        config(path, user)
        more = {"REGISTRY_AUTH_FILE": str(path)} if user == "own" else {}
        login = find_login(APP, env | more)
        seen.append(login.credentials.user if login and login.credentials else "")
    assert seen == ["docker", "podman", "session", "own"]


def test_a_file_that_is_named_has_to_be_there_and_is_the_only_one(tmp_path: Path) -> None:
    config(tmp_path / ".docker/config.json", "docker")
    env = environ(tmp_path, REGISTRY_AUTH_FILE=f"{tmp_path}/missing.json")
    with pytest.raises(StorageError, match="missing"):
        find_login(APP, env)


@pytest.mark.parametrize("member", ["credsStore", "credHelpers"])
def test_a_helper_is_asked_for_the_registry(member: str, tmp_path: Path) -> None:
    helper(
        tmp_path / "bin",
        "vault",
        'read server; test "$1 $server" = "get example.org" || exit 1\n'
        'echo \'{"Username":"alice","Secret":"s3cret"}\'',
    )
    value = "vault" if member == "credsStore" else {"example.org": "vault"}
    config(tmp_path / ".docker/config.json", "file", **{member: value})
    login = find_login(APP, environ(tmp_path))
    assert login is not None
    assert login.credentials == FOUND


def test_a_helper_that_knows_nothing_leaves_it_to_the_file(tmp_path: Path) -> None:
    helper(tmp_path / "bin", "vault", "echo credentials not found in native keychain; exit 1")
    config(tmp_path / ".docker/config.json", "file", credsStore="vault")
    login = find_login(APP, environ(tmp_path))
    assert login is not None
    assert login.credentials == Credentials("file", "s3cret")


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("echo s3cret; echo s3cret >&2; exit 3", WorldError, "exit status 3"),
        ("echo s3cret", FormatError, "not JSON"),
        ("sleep 20", WorldError, "did not answer"),
        (None, StorageError, "not installed"),
    ],
)
def test_a_helper_that_fails_is_an_error_that_tells_nothing_of_what_it_said(
    script: str | None, kind: type[WitcheryError], words: str, tmp_path: Path
) -> None:
    if script is not None:
        helper(tmp_path / "bin", "vault", script)
    config(tmp_path / ".docker/config.json", "file", credsStore="vault")
    with pytest.raises(kind, match=words) as caught:
        find_login(APP, environ(tmp_path), patience=0.5)
    assert "s3cret" not in f"{caught.value} {caught.value.hints} {caught.value.__cause__}"
    assert "config.json" in str(caught.value)
