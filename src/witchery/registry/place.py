"""Where things are in a registry: URLs (distribution-spec, "Endpoints")."""

import re
from typing import Final, Self

from witchery.digest import Digest
from witchery.http import Url
from witchery.oci.reference import DOCKER_HUB, Reference
from witchery.value import frozen, replace

HUB_HOST: Final = "registry-1.docker.io"
"""The host that serves Docker Hub."""

LOOPBACK: Final = ("localhost", "127.0.0.0/8", "::1")
"""This machine, as `NO_PROXY` would say it."""

_LOOPBACK = re.compile(r"localhost|127(?:\.[0-9]{1,3}){3}|\[(?:0*:)*0*1\]", re.IGNORECASE)


def base_url(registry: str, scheme: str) -> Url:
    """The URL of a registry.

    Raises:
        FormatError: if its port is none.
    """
    return Url.parse(f"{scheme}://{HUB_HOST if registry == DOCKER_HUB else registry}")


def is_loopback(registry: str) -> bool:
    """True for this machine: `localhost`, 127.0.0.0/8 and `::1`."""
    return _LOOPBACK.fullmatch(Url.parse(f"http://{registry}").host) is not None


@frozen
class Repository:
    """A repository of a registry.

    Attributes:
        base: The registry.
        reference: The repository's name; a tag or a digest in it does not matter here.
    """

    base: Url
    reference: Reference

    @property
    def name(self) -> str:
        """Its name in the registry, such as `library/alpine`."""
        return self.reference.repository

    def manifest(self, which: str | Digest) -> Url:
        """A manifest, by its tag or digest."""
        return self._at(f"manifests/{which}")

    def blob(self, digest: Digest) -> Url:
        """A blob."""
        return self._at(f"blobs/{digest}")

    def referrers(self, subject: Digest) -> Url:
        """What is said about a manifest."""
        return self._at(f"referrers/{subject}")

    def uploads(self, query: str = "") -> Url:
        """Where uploads begin."""
        return self._at(f"blobs/uploads/{query and '?'}{query}")

    def scope(self, *actions: str) -> str:
        """What a token has to allow (distribution, "Token Scope Documentation")."""
        return f"repository:{self.name}:{','.join(actions)}"

    def shown(self, which: str | Digest = "") -> str:
        """The name for a person, with a tag or a digest."""
        mark = "@" if isinstance(which, Digest) else ":"
        return f"{self.reference.name}{mark}{which}" if which else self.reference.name

    def sibling(self, name: str) -> Self:
        """Another repository of the same registry."""
        return replace(self, reference=replace(self.reference, repository=name, tag="", digest=None))

    def _at(self, rest: str) -> Url:
        return replace(self.base, target=f"/v2/{self.name}/{rest}")


def with_digest(location: Url, digest: Digest) -> Url:
    """The URL that completes an upload: the one it is at, and the digest."""
    joint = "&" if "?" in location.target else "?"
    return replace(location, target=f"{location.target}{joint}digest={digest.algorithm}%3A{digest.hex}")
