"""Challenges and tokens, against what registries send and against what they must not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.errors import FormatError, NetworkError
from witchery.http import Credentials, Headers, Url
from witchery.registry.challenge import Challenge, choose, read_challenges
from witchery.registry.login import Login
from witchery.registry.tokens import read_token, token_request

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/a:pull"'
REGISTRY = Url.parse("https://example.org")


def challenges(*values: str) -> tuple[Challenge, ...]:
    return read_challenges(Headers.of([("WWW-Authenticate", value) for value in values]))


def test_docker_hubs_challenge_is_read() -> None:
    (found,) = challenges(HUB)
    assert found.scheme == "bearer"
    assert found.get("realm") == "https://auth.docker.io/token"
    assert found.get("scope") == "repository:library/a:pull"


def test_several_challenges_in_one_field_and_in_two_are_told_apart() -> None:
    found = challenges('Basic realm="a \\"b\\", c", Bearer realm=x , service = "y"', "Negotiate")
    assert [each.scheme for each in found] == ["basic", "bearer", "negotiate"]
    assert found[0].get("realm") == 'a "b", c'
    assert dict(found[1].parameters) == {"realm": "x", "service": "y"}


def test_a_token_is_preferred_to_a_password_and_other_ways_are_not_taken() -> None:
    chosen = choose(challenges('Basic realm="r"', HUB))
    assert chosen is not None
    assert chosen.scheme == "bearer"
    assert choose(challenges("Negotiate", "Bearer")) is None


@given(st.text(max_size=200))
def test_no_text_makes_reading_a_challenge_fail(text: str) -> None:
    assert len(challenges(text, text)) <= 16


def test_a_token_is_asked_for_by_service_and_scope_with_the_password_in_a_header() -> None:
    (challenge,) = challenges(HUB)
    login = Login(credentials=Credentials("al ice", "pass word"))
    request = token_request(challenge, ["repository:a/b:pull", "repository:c:pull"], login, REGISTRY)
    assert str(request.url) == (
        "https://auth.docker.io/token?service=registry.docker.io&scope=repository:a/b:pull"
        "&scope=repository:c:pull&account=al+ice"
    )
    assert request.headers.get("Authorization") == Credentials("al ice", "pass word").basic()
    assert "pass" not in repr(request)


def test_nobody_asks_for_a_token_without_a_header() -> None:
    (challenge,) = challenges(HUB)
    assert not token_request(challenge, ["repository:a:pull"], None, REGISTRY).headers.get("Authorization")


@pytest.mark.parametrize("realm", ["http://example.org/token", "ftp://x/", "http://[", ""])
def test_no_password_goes_to_a_place_without_tls_that_a_registry_with_tls_names(realm: str) -> None:
    challenge = Challenge("bearer", {"realm": realm})
    if not realm:
        assert choose((challenge,)) is None
        return
    with pytest.raises(NetworkError, match="token"):
        token_request(challenge, [], Login(credentials=Credentials("a", "b")), REGISTRY)


@pytest.mark.parametrize(
    ("answer", "life"),
    [
        (b'{"token": "t"}', 60),
        (b'{"access_token": "t", "expires_in": 300}', 300),
        (b'{"token": "t", "expires_in": 1}', 60),
        (b'{"token": "t", "expires_in": -5}', 60),
        (b'{"token": "t", "expires_in": "300"}', 60),
    ],
)
def test_a_token_lasts_as_long_as_it_says_but_a_minute_at_least(answer: bytes, life: int) -> None:
    token = read_token(answer, now=1000.0)
    assert token.value == "t"
    assert token.expires == 1000.0 + life - 10
    assert "t" not in repr(token).removeprefix("Token")


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"token": 1}', b'{"token": "a b"}', b'{"token": "a\\r\\nb"}']
)
def test_an_answer_without_a_token_is_refused(answer: bytes) -> None:
    with pytest.raises(FormatError):
        read_token(answer, now=0.0)
