"""One request, one answer: the door to `urllib3`.

Nothing is retried, redirected or decoded here. Whatever `urllib3` and the sockets below it raise becomes a
`Failure`, whose words hold nothing of the request but what a person may see.
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import urllib3
from urllib3 import exceptions as trouble

from witchery.errors import StorageError
from witchery.http import Headers, Request, Response, Url
from witchery.net.conversation import Failure
from witchery.net.paced import EndlessError, TooSlowError, paced_pools
from witchery.net.settings import NetSettings

_CHUNK = 1 << 18  # the most that one read takes; a read takes what is there
_CERTIFICATES = "name your own certificate authority with SSL_CERT_FILE"
_NAMES = "check the URL, the network, and the proxy (`https_proxy`)"
_CAUSES: tuple[tuple[type[BaseException], Failure], ...] = (
    (EndlessError, Failure(reason="the server's headers do not end", transient=False)),
    (trouble.ConnectTimeoutError, Failure(reason="no connection within the time limit", unsent=True)),
    (trouble.ReadTimeoutError, Failure(reason="the server sent nothing for too long")),
    (http.client.IncompleteRead, Failure(reason="the connection closed in the middle of the answer")),
    (http.client.RemoteDisconnected, Failure(reason="the server closed the connection without an answer")),
    (ConnectionRefusedError, Failure(reason="the server refused the connection", unsent=True)),
    (ConnectionResetError, Failure(reason="the connection was reset")),
    (BrokenPipeError, Failure(reason="the connection was reset")),
    (TimeoutError, Failure(reason="the server sent nothing for too long")),
)
"""What the causes of an error mean, the first match counts."""


class BrokenOffError(Exception):
    """A body that stopped before its end.

    Attributes:
        failure: What happened.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Transport:
    """Connections to servers, kept open between requests; safe for many threads."""

    def __init__(self, settings: NetSettings, *, connections: int = 8) -> None:
        """Opens nothing yet.

        Args:
            settings: Timeouts, proxies, certificates.
            connections: How many connections to keep per server.

        Raises:
            StorageError: if the certificates cannot be read.
        """
        self._settings = settings
        self._connections = connections
        self._tls = _tls(settings)
        self._managers: dict[Url | None, urllib3.PoolManager] = {}
        for proxy in {None, settings.proxies.http, settings.proxies.https}:
            self._managers[proxy] = self._manager(proxy)

    def exchange(self, request: Request) -> Response | Failure:
        """Sends a request once; the answer's body raises `BrokenOffError` where it stops early."""
        manager = self._managers[self._settings.proxies.choose(request.url)]
        headers = dict(request.headers.fields)
        if request.body is not None:
            headers["Content-Length"] = str(request.body.size)
        try:
            answer = manager.urlopen(
                request.method,
                str(request.url),
                headers=headers,
                body=None if request.body is None else request.body.chunks(),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                chunked=False,
                timeout=urllib3.Timeout(
                    connect=self._settings.connect_timeout, read=self._settings.read_timeout
                ),
            )
        except (trouble.HTTPError, OSError, ValueError) as error:
            return _failure(error)
        return Response(
            status=answer.status,
            url=request.url,
            headers=Headers(tuple(answer.headers.items())),
            body=_body(answer),
            on_close=lambda: _close(request, answer),
        )

    def close(self) -> None:
        """Closes every connection."""
        for manager in self._managers.values():
            manager.clear()

    def _manager(self, proxy: Url | None) -> urllib3.PoolManager:
        manager: urllib3.PoolManager
        if proxy is None:
            manager = urllib3.PoolManager(16, maxsize=self._connections, ssl_context=self._tls)
        else:
            secret = proxy.credentials
            manager = urllib3.ProxyManager(
                str(proxy),
                16,
                maxsize=self._connections,
                ssl_context=self._tls,
                proxy_ssl_context=self._tls,
                proxy_headers={"Proxy-Authorization": secret.basic()} if secret else None,
            )
        manager.pool_classes_by_scheme = paced_pools(self._settings.pace, self._settings.clock)
        return manager


def _tls(settings: NetSettings) -> ssl.SSLContext:
    context = urllib3.util.create_urllib3_context()
    if settings.ca_file is None:
        context.load_default_certs()
    else:
        _trust(context, settings.ca_file, "SSL_CERT_FILE names a file of certificates in PEM form")
    for path in settings.more_ca_files:
        _trust(context, path, "expected certificates in PEM form")
    return context


def _trust(context: ssl.SSLContext, path: Path, hint: str) -> None:
    try:
        context.load_verify_locations(path)
    except OSError as error:  # ssl.SSLError is one
        reason = "it holds no certificates" if isinstance(error, ssl.SSLError) else error.strerror
        raise StorageError(
            f"cannot read the certificate authorities, {reason}: `{path}`", hint=hint
        ) from error


def _body(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := answer.read1(_CHUNK):
            yield chunk
    except (trouble.HTTPError, OSError, ValueError) as error:
        raise BrokenOffError(_failure(error)) from error
    finally:
        answer.close()


def _close(request: Request, answer: urllib3.BaseHTTPResponse) -> None:
    """Gives a connection back: for more requests if nothing is left to read, else to be closed.

    What is left of a body is not read to save the connection: it may be long in coming.
    """
    bodiless = request.method == "HEAD" or answer.status in {204, 304}
    if (bodiless or answer.headers.get("Content-Length") == "0") and not answer.closed:
        answer.read()
    else:
        answer.close()


def _failure(error: Exception) -> Failure:
    """What went wrong, from the innermost cause that says something."""
    causes = list(_causes(error))
    for cause in causes:
        found = _known(cause)
        if found is not None:
            return found
    unsent = any(isinstance(cause, trouble.NewConnectionError) for cause in causes)
    inner = next((cause for cause in causes if isinstance(cause, OSError) and cause.strerror), None)
    if inner is not None:
        return Failure(reason=f"the connection failed, {inner.strerror}", unsent=unsent)
    return Failure(reason=f"the server's answer is not HTTP ({type(error).__name__})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _known(cause: BaseException) -> Failure | None:
    refusal = _proxy_refusal(cause)
    if refusal:
        return Failure(
            reason=f"the proxy refused, {refusal}",
            transient=False,
            unsent=True,
            hint="check the proxy, and its user name and password, in `https_proxy` or `http_proxy`",
        )
    if isinstance(cause, TooSlowError):
        return Failure(reason=f"the server is too slow, {cause}", transient=False)
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"the server's certificate is not trusted, {cause.verify_message}"
        return Failure(reason=reason, transient=False, unsent=True, hint=_CERTIFICATES)
    if isinstance(cause, socket.gaierror):
        again = cause.errno == socket.EAI_AGAIN
        return Failure(reason="the host name cannot be found", transient=again, unsent=True, hint=_NAMES)
    if isinstance(
        cause, trouble.NewConnectionError
    ):  # a ConnectTimeoutError by descent; its cause knows better
        return None
    return next((failure for kind, failure in _CAUSES if isinstance(cause, kind)), None)


def _proxy_refusal(cause: BaseException) -> str:
    """The status with which a proxy refused to connect, or an empty string."""
    text = str(cause) if isinstance(cause, OSError) else ""
    marker = "Tunnel connection failed: "  # the words of http.client, which has no type for it
    return text.partition(marker)[2] if marker in text else ""
