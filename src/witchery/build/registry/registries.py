"""Registries as one command sees them: connections, who we are, what is known of them."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from witchery import canonical
from witchery.build.registry.credentials import find_login
from witchery.build.registry.session import Session
from witchery.digest import Digest
from witchery.errors import NetworkError, Refused, StorageError
from witchery.http import Request, Url
from witchery.net.reporter import SILENT, Reporter
from witchery.net.settings import NetSettings
from witchery.oci.reference import Reference
from witchery.registry.login import Login
from witchery.registry.place import LOOPBACK, Repository, base_url, is_loopback
from witchery.registry.upload import USUAL, Effort
from witchery.repository.cache import Cache, Document
from witchery.value import replace

if TYPE_CHECKING:
    from witchery.net.client import Client

PARALLEL = 6
"""How many blobs travel at once: as many as podman and skopeo move."""

_MAX_SOURCES = 4
_READ_TIMEOUT = 60.0  # a registry hashes a whole layer before it says that it has it


class Registries:
    """How registries are reached; safe for many threads.

    A registry on this machine (`localhost`, 127.0.0.0/8, `::1`) is asked without TLS first, and with TLS
    where it wants that: nothing leaves the machine, and the question holds no credentials. All others are
    reached by TLS, unless `plain_http` says otherwise.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        cache: Cache,
        reporter: Reporter = SILENT,
        plain_http: bool = False,
        settings: NetSettings | None = None,
        effort: Effort = USUAL,
        parallel: int = PARALLEL,
        login: Callable[[Reference], Login | None] | None = None,
    ) -> None:
        """Connects to nothing yet.

        Args:
            environ: The environment: proxies, certificates, credentials.
            cache: Where it is remembered which repository has which blob, and where blobs are kept.
            reporter: Is told of progress.
            plain_http: True to do without TLS.
            settings: The network; by default as the environment says.
            effort: How hard uploads are tried.
            parallel: How many blobs travel at once.
            login: Finds out who we are to a registry; by default from configuration files.
        """
        self.cache = cache
        self.reporter = reporter
        self.effort = effort
        self.parallel = parallel
        self._environ = environ
        self._plain_http = plain_http
        self._settings = settings
        self._find_login = login or (lambda reference: find_login(reference, environ))
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}
        self._bases: dict[str, Url] = {}
        self._sessions: dict[str, Session] = {}

    def session(self, reference: Reference) -> Session:
        """The session with a repository.

        Raises:
            NetworkError: if the registry cannot be reached.
        """
        with self._lock:
            found = self._sessions.get(reference.name)
            if found is None:
                base = self._bases.get(reference.registry) or self._base(reference.registry)
                self._bases[reference.registry] = base
                found = Session(
                    Repository(base, reference),
                    lambda request: self._client(reference.registry).send(request),
                    find_login=lambda: self._find_login(reference),
                    clock=self.settings.clock,
                    reporter=self.reporter,
                )
                self._sessions[reference.name] = found
            return found

    @property
    def settings(self) -> NetSettings:
        """The network, as it is used for registries: a netrc file is not for them, no proxy for loopback."""
        if self._settings is None:
            found = NetSettings.from_environment(self._environ)
            proxies = replace(found.proxies, without=(*found.proxies.without, *LOOPBACK))
            self._settings = replace(found, netrc=None, read_timeout=_READ_TIMEOUT, proxies=proxies)
        return self._settings

    def pause(self, url: Url, seconds: float, reason: str) -> None:
        """Waits, and says why."""
        self.reporter.waiting(url.shown, seconds, reason)
        self.settings.sleep(seconds)

    def known_sources(self, repository: Repository, digest: Digest) -> tuple[str, ...]:
        """Other repositories of the same registry that held a blob."""
        found = self._remembered(repository, digest)
        return tuple(name for name in found if name != repository.name)

    def remember(self, repository: Repository, digest: Digest) -> None:
        """Keeps in mind that a repository holds a blob; where that cannot be kept nothing is lost."""
        known = self._remembered(repository, digest)
        if repository.name in known:
            return
        names = (repository.name, *known)[:_MAX_SOURCES]
        key = _memory_key(repository, digest)
        document = Document(url=key, etag="", modified="", fetched=0.0, data=canonical.encode(list(names)))
        try:
            self.cache.keep_document(key, document)
        except StorageError as error:
            self.reporter.warned(f"cannot remember where layers are: {error}")

    def close(self) -> None:
        """Closes every connection."""
        for client in self._clients.values():
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _remembered(self, repository: Repository, digest: Digest) -> tuple[str, ...]:
        document = self.cache.document(_memory_key(repository, digest))
        if document is None:
            return ()
        try:
            names = canonical.decode(document.data)
        except Refused:
            return ()
        return tuple(name for name in names if isinstance(name, str))

    def _client(self, registry: str) -> "Client":
        """The connections of a registry, which trust the certificates that are kept for it."""
        found = self._clients.get(registry)
        if found is None:
            from witchery.net.client import Client

            settings = replace(self.settings, more_ca_files=_certificates(registry, self._environ))
            found = Client(settings, reporter=self.reporter, connections=self.parallel + 2)
            self._clients[registry] = found
        return found

    def _base(self, registry: str) -> Url:
        """Where a registry is, with TLS or without."""
        plain = base_url(registry, "http")
        if self._plain_http:
            return plain
        secure = base_url(registry, "https")
        if not is_loopback(registry):
            return secure
        ask = Request(url=plain / "v2" / "", repeatable=False, follow=False, max_length=1 << 16)
        try:
            answer = self._client(registry).send(ask)
        except NetworkError as error:
            if "refused" in error.message:
                raise
            return secure
        answer.close()
        return plain if answer.status in {200, 401, 403, 404} else secure


def _certificates(registry: str, environ: Mapping[str, str]) -> tuple[Path, ...]:
    """What is kept for a registry in `certs.d` (containers-certs.d(5), and the same of Docker)."""
    home = environ.get("HOME", "")
    bases = ([Path(home, ".config/containers")] if home else []) + [
        Path("/etc/containers"),
        Path("/etc/docker"),
    ]
    folders = [base / "certs.d" / registry for base in bases]
    return tuple(path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.crt")))


def _memory_key(repository: Repository, digest: Digest) -> str:
    return f"docker://{repository.reference.registry}@{digest}"
