"""Finding out who we are to a registry: configuration files of Docker and podman, and credential helpers.

The places are looked at in the order of containers-auth.json(5):

| place | |
| --- | --- |
| `$REGISTRY_AUTH_FILE` | alone, where it is set |
| `$XDG_RUNTIME_DIR/containers/auth.json`, `$XDG_CONFIG_HOME/containers/auth.json` | podman, skopeo, buildah |
| `$DOCKER_CONFIG/config.json`, or `~/.docker/config.json` | Docker |

Nothing is read, and no helper runs, before a registry asks who we are.
"""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from witchery.errors import FormatError, StorageError, WorldError, located
from witchery.oci.reference import Reference
from witchery.registry.credentials import MAX_FILE, DockerConfig, helper_key, helper_login
from witchery.registry.login import Login
from witchery.store import atomic

HELPER_PATIENCE = 30.0
"""Seconds that a credential helper has to answer."""

_NOT_FOUND = b"credentials not found"  # what every helper says, in the words of docker-credential-helpers
_MAX_ANSWER = 1 << 16


def find_login(
    reference: Reference, environ: Mapping[str, str], *, patience: float = HELPER_PATIENCE
) -> Login | None:
    """Who we are to the registry of `reference`; None where nobody says.

    Raises:
        StorageError: if a file cannot be read.
        FormatError: if a file is malformed; nothing that is in it is told.
        WorldError: if a credential helper fails.
    """
    for path, required in _files(environ):
        if not required and not path.is_file():
            continue
        with located(str(path)):
            config = DockerConfig.read(atomic.read(path, MAX_FILE))
            helper = config.helper(reference.registry)
            login = _ask(helper, reference.registry, environ, patience) if helper else None
            login = login or config.login(reference)
        if login:
            return login
    return None


def _files(environ: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    """The files to look at, and whether they have to be there."""
    own = environ.get("REGISTRY_AUTH_FILE")
    if own:
        yield Path(own), True
        return
    home = environ.get("HOME", "")
    for base, below in (
        (environ.get("XDG_RUNTIME_DIR"), "containers/auth.json"),
        (environ.get("XDG_CONFIG_HOME") or (home and f"{home}/.config"), "containers/auth.json"),
        (environ.get("DOCKER_CONFIG") or (home and f"{home}/.docker"), "config.json"),
    ):
        if base:
            yield Path(base, below), False


def _ask(name: str, registry: str, environ: Mapping[str, str], patience: float) -> Login | None:
    """What a credential helper knows; what it prints is told to nobody, since secrets may be in it."""
    program = f"docker-credential-{name}"
    try:
        done = subprocess.run(  # noqa: S603 - the name was checked, and the user wrote it
            [program, "get"],
            input=helper_key(registry).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            timeout=patience,
            check=False,
        )
    except FileNotFoundError:
        raise StorageError(
            f"the credential helper is not installed: `{program}`",
            hint="install it, or take it out of the file (`credsStore`, `credHelpers`) and log in anew",
        ) from None
    except OSError as error:
        raise StorageError(f"cannot run the credential helper, {error.strerror}: `{program}`") from None
    except subprocess.TimeoutExpired:
        raise WorldError(
            f"the credential helper did not answer within {patience:g} seconds: `{program}`"
        ) from None
    if done.returncode:
        if _NOT_FOUND in done.stdout[:_MAX_ANSWER].lower():
            return None
        raise WorldError(
            f"the credential helper failed, with exit status {done.returncode}: `{program}`",
            hint=f"see what it says: echo {helper_key(registry)} | {program} get",
        )
    if len(done.stdout) > _MAX_ANSWER:
        raise FormatError(f"the credential helper's answer is too long: `{program}`")
    return helper_login(done.stdout)
