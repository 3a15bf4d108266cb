"""References: the names of images in registries, as Docker writes them.

    reference  = name [ ":" tag ] [ "@" digest ]
    name       = [ domain "/" ] path
    path       = component { "/" component }
    component  = [a-z0-9]+ { ( "." | "_" | "__" | "-"+ ) [a-z0-9]+ }
    tag        = [A-Za-z0-9_] [A-Za-z0-9_.-]{0,127}

Sources: the grammar of distribution's `reference` package; distribution-spec, "Pulling manifests".
"""

import re
from typing import Final, Self

from witchery.digest import Digest
from witchery.errors import UsageError
from witchery.value import frozen, replace

DOCKER_HUB: Final = "docker.io"
"""The registry that is meant when none is named."""

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IDENTIFIER = re.compile(r"[0-9a-f]{64}")

_MAX_NAME = 255
_EXAMPLE = "a reference looks like `registry.example.org/team/app:1.0`"


@frozen
class Reference:
    """The full name of an image.

    Attributes:
        registry: Host and port, such as `docker.io` or `localhost:5000`.
        repository: Such as `library/alpine`.
        tag: Such as `3.19`; empty where there is none.
        digest: The manifest's digest, or None.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads a reference, short forms of Docker Hub included: `alpine` is `docker.io/library/alpine`.

        A missing tag stays missing; see `tagged`.

        Raises:
            UsageError: if it is not one.
        """
        rest, at, digest = text.partition("@")
        path, tag = rest, ""
        head, colon, last = rest.rpartition(":")
        if colon and "/" not in last:
            path, tag = head, last
            if not _TAG.fullmatch(tag):
                raise UsageError(f"not a tag: `{tag}` in `{text}`", hint=_EXAMPLE)
        registry, repository = _split(path, text)
        if len(registry) + 1 + len(repository) > _MAX_NAME:
            raise UsageError(f"the name is longer than {_MAX_NAME} characters: `{text}`")
        return cls(registry, repository, tag, Digest.parse(digest) if at else None)

    def tagged(self, tag: str = "latest") -> Self:
        """This reference, with `tag` if it has neither tag nor digest."""
        return self if self.tag or self.digest else replace(self, tag=tag)

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """The shortest form, as `docker images` shows it."""
        return str(self).removeprefix(f"{DOCKER_HUB}/").removeprefix("library/") if self.is_hub else str(self)

    @property
    def is_hub(self) -> bool:
        """True for Docker Hub."""
        return self.registry == DOCKER_HUB

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def is_tag(text: str) -> bool:
    """True for what a registry takes as a tag."""
    return _TAG.fullmatch(text) is not None


def _split(path: str, text: str) -> tuple[str, str]:
    """Registry and repository of a name; Docker's rule for where the one ends and the other begins."""
    first, slash, rest = path.partition("/")
    has_domain = bool(slash) and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    )
    if not has_domain:
        if _IDENTIFIER.fullmatch(path):
            raise UsageError(f"64 hexadecimal digits are an image ID, not a name: `{text}`", hint=_EXAMPLE)
        registry, repository = DOCKER_HUB, path
    else:
        registry, repository = first, rest
    if registry == f"index.{DOCKER_HUB}":
        registry = DOCKER_HUB
    if not _PATH.fullmatch(repository):
        lower = "names are lower case" if repository != repository.lower() else _EXAMPLE
        raise UsageError(f"not the name of an image: `{text}`", hint=lower)
    if not _DOMAIN.fullmatch(registry):
        raise UsageError(f"not the name of a registry: `{registry}` in `{text}`", hint=_EXAMPLE)
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository
