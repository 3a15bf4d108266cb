"""Docker's configuration file, as Docker, podman and people write it."""

import base64
import json
from typing import Any

import pytest

from witchery.errors import FormatError
from witchery.http import Credentials
from witchery.oci.reference import Reference
from witchery.registry.credentials import DockerConfig, helper_key, helper_login
from witchery.registry.login import Login


def auth(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def read(**fields: Any) -> DockerConfig:
    return DockerConfig.read(json.dumps(fields).encode())


def user(config: DockerConfig, reference: str) -> str:
    login = config.login(Reference.parse(reference))
    return login.credentials.user if login and login.credentials else ""


@pytest.mark.parametrize(
    "key",
    [
        "example.org",
        "https://example.org",
        "http://example.org/",
        "https://example.org/v1/",
        "example.org/v2",
    ],
)
def test_a_registry_is_found_however_its_key_is_written(key: str) -> None:
    assert user(read(auths={key: {"auth": auth("a", "b:c")}}), "example.org/x:1") == "a"
    assert not user(read(auths={key: {"auth": auth("a", "b")}}), "other.example.org/x")


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"]
)
def test_docker_hub_has_many_names(key: str) -> None:
    assert user(read(auths={key: {"auth": auth("hub", "b")}}), "alpine") == "hub"


def test_the_longest_key_of_a_repository_counts() -> None:
    keys = {"example.org": "host", "example.org/team": "team", "example.org/team/app": "app"}
    config = read(auths={key: {"auth": auth(name, "x")} for key, name in keys.items()})
    assert user(config, "example.org/team/app:1") == "app"
    assert user(config, "example.org/team/other") == "team"
    assert user(config, "example.org/teams/app") == "host"


def test_passwords_hold_colons_and_tokens_are_read() -> None:
    config = read(
        auths={
            "a.example": {"auth": auth("u", "p:q")},
            "b.example": {"identitytoken": "i"},
            "c.example": {"registrytoken": "r"},
            "d.example": {"username": "u", "password": "p"},
            "e.example": {},
        }
    )
    found = {key: config.login(Reference.parse(f"{key}.example/x")) for key in "abcde"}
    assert found == {
        "a": Login(credentials=Credentials("u", "p:q")),
        "b": Login(identity_token="i"),
        "c": Login(registry_token="r"),
        "d": Login(credentials=Credentials("u", "p")),
        "e": None,
    }


def test_a_helper_of_a_registry_goes_before_the_store_of_all() -> None:
    config = read(credHelpers={"https://example.org": "ecr-login"}, credsStore="desktop")
    assert config.helper("example.org") == "ecr-login"
    assert config.helper("docker.io") == "desktop"
    assert helper_key("docker.io") == "https://index.docker.io/v1/"


def test_a_helpers_answer_is_a_password_or_a_token() -> None:
    assert helper_login(b'{"ServerURL":"s","Username":"u","Secret":"p"}').credentials == Credentials("u", "p")
    assert helper_login(b'{"Username":"<token>","Secret":"t"}') == Login(identity_token="t")


@pytest.mark.parametrize(
    "data",
    [
        b"s3cret",
        b'{"auths": ["s3cret"]}',
        b'{"auths": {"example.org": "s3cret"}}',
        b'{"auths": {"example.org": {"auth": "s3cret!"}}}',
        b'{"auths": {"example.org": {"auth": 7, "password": "s3cret"}}}',
        b'{"credsStore": "../../s3cret"}',
        b'{"credsStore": ["s3cret"]}',
        b'{"credHelpers": {"example.org": "a b s3cret"}}',
        b'{"auths": {"s3cret": {}, "s3cret": {}}}',
        b'\xff{"s3cret": 1}',
    ],
)
def test_a_malformed_file_is_refused_and_nothing_of_it_told(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        DockerConfig.read(data).login(Reference.parse("example.org/x"))
    assert "s3cret" not in f"{caught.value} {caught.value.hints}"


@pytest.mark.parametrize(
    "answer", [b"s3cret", b"[]", b'{"Username": "s3cret"}', b'{"Username": 1, "Secret": "s3cret"}']
)
def test_a_helpers_malformed_answer_is_refused_and_not_told(answer: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        helper_login(answer)
    assert "s3cret" not in str(caught.value)


def test_no_value_shows_what_it_holds() -> None:
    config = read(auths={"example.org": {"auth": auth("alice", "s3cret")}})
    login = config.login(Reference.parse("example.org/x"))
    assert login is not None
    assert "s3cret" not in repr((config, login))
    assert "alice" not in repr((config, login))
    assert set(login.secrets) == {"s3cret", auth("alice", "s3cret")}
