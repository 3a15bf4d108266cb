"""Docker's configuration file, as far as it says who we are (docker-config-json; containers-auth.json(5)).

{"auths": {"example.org": {"auth": "BASE64 OF user:password"},
           "https://index.docker.io/v1/": {"identitytoken": "..."}},
 "credHelpers": {"example.org": "secretservice"}, "credsStore": "desktop"}
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Self

from witchery import canonical
from witchery.errors import FormatError
from witchery.http import Credentials
from witchery.oci.reference import DOCKER_HUB, Reference
from witchery.registry.login import Login
from witchery.value import frozen

MAX_FILE: Final = 1 << 20
"""Bytes of the largest configuration that is read."""

HUB_KEY: Final = "https://index.docker.io/v1/"
"""What Docker calls its own registry in these files, and to credential helpers."""

_HUB_NAMES: Final = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})
_HELPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NO_USER: Final = "<token>"


@frozen(repr=False, kw_only=True)
class DockerConfig:
    """A configuration file.

    Attributes:
        auths: What it says of registries and repositories, by name.
        helpers: The program to ask, by registry.
        store: The program to ask of all others, or an empty string.
    """

    auths: Mapping[str, Mapping[str, Any]]
    helpers: Mapping[str, str]
    store: str

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Reads a file; members of no interest may be anything.

        Raises:
            FormatError: if it is malformed; the message tells nothing that is in it.
        """
        try:
            fields = canonical.decode(data)
        except FormatError as error:
            raise FormatError("expected JSON", hint="repair the file, or log in anew") from error
        auths = _member(fields, "auths")
        return cls(
            auths=MappingProxyType({_name(key): _member(auths, key) for key in auths}),
            helpers=MappingProxyType(
                {_name(key): _helper(name) for key, name in _member(fields, "credHelpers").items()}
            ),
            store=_helper(fields.get("credsStore") or ""),
        )

    def helper(self, registry: str) -> str:
        """The program that knows a registry's credentials (`docker-credential-...`), or an empty string."""
        return self.helpers.get(_name(registry), "") or self.store

    def login(self, reference: Reference) -> Login | None:
        """What the file itself says; the entry for the longest part of the name counts.

        Raises:
            FormatError: if the entry is malformed; the message tells nothing that is in it.
        """
        for key in _keys(reference):
            found = self.auths.get(key)
            login = _login(key, found) if found else None
            if login:
                return login
        return None

    def __repr__(self) -> str:
        return "DockerConfig(...)"


def helper_key(registry: str) -> str:
    """What a credential helper is asked for."""
    return HUB_KEY if registry == DOCKER_HUB else registry


def helper_login(answer: bytes) -> Login:
    """Reads what a credential helper prints: `{"ServerURL": ..., "Username": ..., "Secret": ...}`.

    Raises:
        FormatError: if it is something else; the message tells nothing that is in it.
    """
    try:
        fields = canonical.decode(answer)
    except FormatError:
        raise FormatError("the credential helper's answer is not JSON") from None
    user, secret = (fields.get(name) if isinstance(fields, dict) else None for name in ("Username", "Secret"))
    if not isinstance(user, str) or not isinstance(secret, str):
        raise FormatError("the credential helper's answer holds no `Username` and `Secret`")
    if user == _NO_USER:
        return Login(identity_token=secret)
    return Login(credentials=Credentials(user, secret))


def _keys(reference: Reference) -> Iterator[str]:
    """The names under which credentials for a repository may stand, the longest first."""
    name = reference.name
    while name:
        yield name
        name = name.rpartition("/")[0]


def _name(key: str) -> str:
    """A key without what Docker puts around the registry: `https://`, `/v1/`."""
    name = key.partition("://")[2] if "://" in key else key
    name = name.rstrip("/")
    host, slash, path = name.partition("/")
    if path in {"v1", "v2"}:
        path = ""
    host = DOCKER_HUB if host.lower() in _HUB_NAMES else host
    return f"{host}{slash}{path}" if path else host


def _member(fields: object, name: str) -> Mapping[str, Any]:
    found = fields.get(name) if isinstance(fields, dict) else None
    if not isinstance(fields, dict) or not isinstance(found, dict | None):
        raise FormatError("expected an object", where=(name,))
    return found or {}


def _helper(name: object) -> str:
    if not isinstance(name, str) or (name and not _HELPER.fullmatch(name)):
        raise FormatError("not the name of a credential helper")
    return name


def _login(key: str, fields: Mapping[str, Any]) -> Login | None:
    texts = {name: fields.get(name) or "" for name in _MEMBERS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise FormatError(f"a malformed entry for: `{key}`")
    user, password = texts["username"], texts["password"]
    if texts["auth"]:
        try:
            decoded = base64.b64decode(texts["auth"], validate=True).decode()
        except (binascii.Error, ValueError):
            raise FormatError(f"expected base64 of `user:password` in the entry for: `{key}`") from None
        user, _, password = decoded.partition(":")
        password = password.rstrip("\0")
    credentials = Credentials(user, password) if user else None
    return Login(
        credentials=credentials,
        identity_token=texts["identitytoken"],
        registry_token=texts["registrytoken"],
    )


_MEMBERS: Final = ("auth", "username", "password", "identitytoken", "registrytoken")
