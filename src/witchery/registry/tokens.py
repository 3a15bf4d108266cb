"""Getting tokens (distribution, "Token Authentication Specification" and "OAuth 2 Token Specification")."""

import re
from collections.abc import Iterable
from typing import Final

from witchery import canonical
from witchery.errors import FormatError, NetworkError
from witchery.http import Headers, Request, Url
from witchery.registry.challenge import Challenge
from witchery.registry.login import Login
from witchery.rootfs.content import BytesContent
from witchery.value import frozen, replace

MAX_ANSWER: Final = 1 << 20
"""Bytes of the longest answer of a token server that is read."""

_LEAST_LIFE: Final = 60.0  # what the specification says where `expires_in` is missing or shorter
_LONGEST_LIFE: Final = 3600.0
_MARGIN: Final = 10.0
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,16000}")  # it becomes part of a header field


@frozen(repr=False)
class Token:
    """A token.

    Attributes:
        value: The token.
        expires: Until when to use it, by the clock that `read_token` was told.
    """

    value: str
    expires: float

    def __repr__(self) -> str:
        return "Token(...)"


def token_request(challenge: Challenge, scopes: Iterable[str], login: Login | None, registry: Url) -> Request:
    """The request for a token.

    Args:
        challenge: What the registry answered.
        scopes: What the token has to allow.
        login: Who asks; None for anybody.
        registry: The registry; of one that is reached by TLS no token is fetched without.

    Raises:
        NetworkError: if the registry names no place to ask that may be asked.
    """
    realm = _realm(challenge, registry)
    if login is not None and login.identity_token:
        form = [("grant_type", "refresh_token"), ("client_id", "witchery")]
        form += _service(challenge)
        form += [("scope", " ".join(_scopes(challenge, scopes))), ("refresh_token", login.identity_token)]
        return Request(
            method="POST",
            url=realm,
            headers=Headers.of({"Content-Type": "application/x-www-form-urlencoded"}),
            body=BytesContent(_encoded(form).encode()),
            max_length=MAX_ANSWER,
            repeatable=True,
            follow=False,  # the body holds what identifies us
        )
    query = _service(challenge) + [("scope", scope) for scope in _scopes(challenge, scopes)]
    headers = Headers.of({})
    if login is not None and login.credentials is not None:
        headers = headers.with_field("Authorization", login.credentials.basic())
        query.append(("account", login.credentials.user))
    joint = "&" if "?" in realm.target else "?"
    target = f"{realm.target}{joint}{_encoded(query)}" if query else realm.target
    return Request(url=replace(realm, target=target), headers=headers, max_length=MAX_ANSWER)


def read_token(answer: bytes, *, now: float) -> Token:
    """Reads the answer of a token server.

    Args:
        answer: Its body.
        now: Seconds of a clock that only grows.

    Raises:
        FormatError: if it holds no token.
    """
    try:
        fields = canonical.decode(answer)
    except FormatError:
        fields = None
    if not isinstance(fields, dict):
        raise FormatError("the token server's answer is not JSON")
    value = fields.get("token") or fields.get("access_token")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise FormatError("the token server's answer holds no token")
    life = fields.get("expires_in")
    seconds = float(life) if isinstance(life, int | float) and 0 < life < _LONGEST_LIFE else _LEAST_LIFE
    return Token(value, now + max(seconds, _LEAST_LIFE) - _MARGIN)


def _realm(challenge: Challenge, registry: Url) -> Url:
    try:
        realm = registry.join(challenge.get("realm"))
    except (FormatError, ValueError):
        raise NetworkError(f"the registry names no place to get a token: `{registry.shown}`") from None
    if registry.scheme == "https" and realm.scheme != "https":
        raise NetworkError(
            f"the registry wants a token to be fetched without TLS, at `{realm.shown}`: `{registry.shown}`",
            hint="a password would be sent in the clear; the registry has to name an `https://` URL",
        )
    return replace(realm, credentials=None)


def _service(challenge: Challenge) -> list[tuple[str, str]]:
    service = challenge.get("service")
    return [("service", service)] if service else []


def _scopes(challenge: Challenge, scopes: Iterable[str]) -> list[str]:
    """What we want; what the registry says it wants only where we want nothing of our own."""
    return list(dict.fromkeys(scopes)) or challenge.get("scope").split()


def _encoded(pairs: list[tuple[str, str]]) -> str:
    from urllib.parse import urlencode

    return urlencode(pairs, safe=":,/")
