"""Talking to one repository: who we are, tokens, and errors that say what to do."""

import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import NoReturn

from witchery.errors import FormatError, NetworkError
from witchery.http import Request, Response, Url
from witchery.net.reporter import SILENT, Reporter
from witchery.registry.challenge import Challenge, choose, read_challenges
from witchery.registry.login import Login
from witchery.registry.place import Repository, is_loopback
from witchery.registry.refusal import Refusal
from witchery.registry.tokens import MAX_ANSWER, Token, read_token, token_request
from witchery.repository.access import Send

_UNAUTHORIZED = 401
_WARNING = '299 - "'  # distribution-spec, "Warnings"
_MAX_WARNING = 256


class Session:
    """One repository of one registry; safe for many threads.

    Attributes:
        repository: The repository.
        lists_referrers: Whether the registry lists the artifacts about an image; None where nobody asked yet.

    Credentials and tokens go to the registry's own origin and to the place that it names for tokens, nowhere
    else: not where it redirects to, not where it says that an upload goes on.
    """

    def __init__(
        self,
        repository: Repository,
        send: Send,
        *,
        find_login: Callable[[], Login | None],
        clock: Callable[[], float],
        reporter: Reporter = SILENT,
    ) -> None:
        """Sends nothing yet.

        Args:
            repository: The repository.
            send: The network.
            find_login: Finds out who we are, once the registry asks.
            clock: Seconds that only grow.
            reporter: Is told of what the registry warns of.
        """
        self.repository = repository
        self.lists_referrers: bool | None = None
        self._send = send
        self._find_login = find_login
        self._clock = clock
        self._reporter = reporter
        self._lock = threading.Lock()
        self._challenge: Challenge | None = None
        self._login: Login | None = None
        self._tokens: dict[tuple[str, ...], Token] = {}
        self._warned: set[str] = set()

    @property
    def registry(self) -> str:
        """The registry's name."""
        return self.repository.reference.registry

    def send(self, request: Request, *scopes: str) -> Response:
        """Sends a request with what identifies us, if the registry wants that.

        Args:
            request: The request.
            *scopes: What a token has to allow for it.

        Raises:
            NetworkError: if no answer comes, or the registry or its token server does not accept us.
        """
        used = self._authorization(request.url, scopes)
        response = self._sent(request, used)
        if response.status != _UNAUTHORIZED or response.url.origin != self.repository.base.origin:
            return response
        challenge = choose(read_challenges(response.headers))
        if challenge is None:
            return response
        with self._lock:
            self._learn(challenge)
            if used and used == self._cached(scopes):
                self._tokens.pop(scopes, None)
        again = self._authorization(request.url, scopes)
        if not again or (again == used and challenge.scheme == "basic"):
            return response
        Refusal.of(response)  # read to its end, the connection can be used again
        return self._sent(request, again)

    def expect(self, response: Response, statuses: Iterable[int], what: str) -> Response:
        """The response, where its status is one of those.

        Raises:
            NetworkError: if it is another; `what` says what did not work.
        """
        if response.status not in statuses:
            self.refuse(Refusal.of(response), what)
        return response

    def refuse(self, refusal: Refusal, what: str) -> NoReturn:
        """Raises a refusal as an error.

        Raises:
            NetworkError: always.
        """
        login = self._login
        secrets = [*(login.secrets if login else ()), *(token.value for token in self._tokens.values())]
        raise refusal.error(what, registry=self.registry, known=bool(login), secrets=secrets)

    def _sent(self, request: Request, authorization: str) -> Response:
        response = self._send(
            request.with_header("Authorization", authorization) if authorization else request
        )
        for warning in response.headers.all("Warning"):
            if warning.startswith(_WARNING) and warning not in self._warned and len(self._warned) < 16:
                self._warned.add(warning)
                text = warning.removeprefix(_WARNING).rstrip().removesuffix('"')[:_MAX_WARNING]
                self._reporter.warned(f"{self.registry} says: {text}")
        return response

    def _authorization(self, url: Url, scopes: tuple[str, ...]) -> str:
        """The value of the `Authorization` field; empty where there is to be none."""
        if url.origin != self.repository.base.origin:
            return ""
        with self._lock:
            cached = self._cached(scopes)
            if cached or self._challenge is None or self._challenge.scheme == "basic":
                return cached
            if self._login is not None and self._login.registry_token:
                return f"Bearer {self._login.registry_token}"
            token = self._fetched(self._challenge, scopes)
            self._tokens[scopes] = token
            return f"Bearer {token.value}"

    def _cached(self, scopes: tuple[str, ...]) -> str:
        if self._challenge is None:
            return ""
        if self._challenge.scheme == "basic":
            credentials = self._login.credentials if self._login else None
            return credentials.basic() if credentials else ""
        token = self._tokens.get(scopes)
        return f"Bearer {token.value}" if token and self._clock() < token.expires else ""

    def _learn(self, challenge: Challenge) -> None:
        """Remembers how the registry wants to be asked."""
        if self._challenge is None:
            self._login = self._find_login()
            base = self.repository.base
            if self._login and base.scheme == "http" and not is_loopback(base.authority):
                self._reporter.warned(f"credentials travel unencrypted to {self.registry}")
        self._challenge = challenge

    def _fetched(self, challenge: Challenge, scopes: tuple[str, ...]) -> Token:
        request = token_request(challenge, scopes, self._login, self.repository.base)
        response = self._send(request)
        if response.status != 200:
            self.refuse(Refusal.of(response), f"no token was given: `{response.url.shown}`")
        with _told(f"no token was given: `{response.url.shown}`"):
            return read_token(response.read(MAX_ANSWER), now=self._clock())


@contextmanager
def _told(what: str) -> Generator[None, None, None]:
    """A malformed answer as what did not work."""
    try:
        yield
    except FormatError as error:
        raise NetworkError(f"{what}: {error.message}") from None
