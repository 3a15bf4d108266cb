"""Sending requests: the shell around `conversation`, `resume` and `transport`."""

import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Self

from witchery.errors import NetworkError
from witchery.http import Request, Response
from witchery.net.conversation import Failure, Wait, converse, gave_up
from witchery.net.netrc import Netrc
from witchery.net.reporter import SILENT, Reporter
from witchery.net.resume import Download
from witchery.net.settings import NetSettings
from witchery.value import replace

if TYPE_CHECKING:
    from witchery.net.transport import Transport

_PROGRESS = 1 << 16  # a connection that brings so many bytes counts as having worked


class Client:
    """Sends requests with retries, redirects, credentials and limits; safe for many threads."""

    def __init__(self, settings: NetSettings, *, reporter: Reporter = SILENT, connections: int = 8) -> None:
        self._settings = settings
        self._reporter = reporter
        self._connections = connections
        self._lock = threading.Lock()
        self._opened: tuple[Transport, Netrc] | None = None

    def send(self, request: Request) -> Response:
        """Sends a request and returns the final answer, whatever its status.

        The body of a `GET` is resumed where it breaks off.

        Raises:
            NetworkError: if no answer comes; also while the body is read: if it breaks off for good, is
                longer than `request.max_length`, or comes too slowly.
            StorageError: if the netrc file or the certificates cannot be read.
            UsageError: if the netrc file is malformed.
        """
        response = self._converse(request)
        body = self._body(Download.begun(request, response), response)

        def close() -> None:
            body.close()  # a body that was resumed has another connection
            response.close()

        return replace(response, body=body, on_close=close)

    def close(self) -> None:
        """Closes every connection."""
        if self._opened is not None:
            self._opened[0].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _converse(self, request: Request) -> Response:
        transport, netrc = self._open()
        conversation = converse(request, self._settings.policy, self._settings.now)
        outcome: Response | Failure | None = None
        try:
            while True:
                match conversation.send(outcome):
                    case Wait() as wait:
                        self._wait(wait)
                        outcome = None
                    case Request() as step:
                        outcome = transport.exchange(self._prepared(step, netrc))
        except StopIteration as end:
            response: Response = end.value
            return response

    def _body(self, download: Download, response: Response) -> Generator[bytes, None, None]:
        """The bytes of a body, in spite of broken connections."""
        from witchery.net.transport import BrokenOffError

        settings = self._settings
        begun = settings.clock()
        received = breaks = marked = 0
        skip = 0
        _refuse_longer(download, response.length or 0)
        while True:
            current = response
            try:
                for chunk in current.body:
                    fresh = chunk[skip:] if skip else chunk
                    skip -= min(skip, len(chunk))
                    received += len(fresh)
                    _refuse_longer(download, received)
                    if settings.overall.time_left(settings.clock() - begun, received) <= 0:
                        slow = Failure(reason="the download is too slow")
                        raise gave_up(download.request.url, slow, 1)
                    if fresh:
                        yield fresh
            except BrokenOffError as broken:
                breaks = 1 if received - marked >= _PROGRESS else breaks + 1
                marked = received
                response, skip = self._resumed(download, received, breaks, broken.failure)
            else:
                return
            finally:
                current.close()

    def _resumed(
        self, download: Download, received: int, breaks: int, failure: Failure
    ) -> tuple[Response, int]:
        """The answer that goes on after `received` bytes, and how many of its bytes are known already."""
        delays = self._settings.policy.delays
        if breaks > len(delays) or not failure.transient or not download.resumable:
            of = "" if download.length is None else f" of {download.length}"
            reason = f"{failure.reason} after {received}{of} bytes"
            raise gave_up(download.request.url, Failure(reason=reason, hint=failure.hint), breaks)
        self._wait(Wait(delays[breaks - 1], failure.reason, download.request.url))
        response = self._converse(download.rest(received))
        try:
            return response, download.skip(response, received)
        except NetworkError:
            response.close()
            raise

    def _wait(self, wait: Wait) -> None:
        self._reporter.waiting(wait.url.shown, wait.seconds, wait.reason)
        self._settings.sleep(wait.seconds)

    def _open(self) -> "tuple[Transport, Netrc]":
        with self._lock:
            if self._opened is None:
                from witchery.net.transport import Transport

                netrc = Netrc.load(self._settings.netrc)
                self._opened = Transport(self._settings, connections=self._connections), netrc
            return self._opened

    def _prepared(self, request: Request, netrc: Netrc) -> Request:
        """The request with the fields that every request has, and the credentials for its host."""
        headers = request.headers.with_field("User-Agent", self._settings.user_agent)
        if not headers.get("Accept-Encoding"):
            headers = headers.with_field("Accept-Encoding", "identity")  # digests are of the bytes as stored
        if not headers.get("Authorization"):
            known = request.url.credentials or netrc.find(request.url.host)
            if known is not None:
                headers = headers.with_field("Authorization", known.basic())
        return replace(request, headers=headers)


def _refuse_longer(download: Download, length: int) -> None:
    limit = download.request.max_length
    if limit is not None and length > limit:
        raise NetworkError(f"the answer is longer than {limit} bytes: `{download.request.url.shown}`")
