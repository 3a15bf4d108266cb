"""Connections whose answers must keep a pace.

A socket's timeout starts anew with every byte, so a server that sends one byte a minute holds a client for
ever. Here each read of a socket, for status line, headers, chunk sizes and body alike, waits no longer than
the pace of the whole answer allows, and no call takes in much more than it was asked for: an endless row of
headers, of `100 Continue` or of trailers would keep any pace.
"""

import http.client
import io
import socket
import sys
from collections.abc import Callable
from typing import IO, Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from witchery.net.settings import Pace

_SLACK = 1 << 23
"""How many bytes beside the body one call may take in: a buffer, or 100 headers of 64 KiB (`http.client`)."""


class TooSlowError(OSError):
    """An answer that does not keep the pace."""


class EndlessError(OSError):
    """Headers or trailers without an end."""


class _PacedReader(io.RawIOBase):
    """The bytes of one answer, as they come from a socket."""

    def __init__(self, sock: socket.socket, pace: Pace, clock: Callable[[], float]) -> None:
        self._raw = cast("io.RawIOBase", sock.makefile("rb", buffering=0))
        self._sock = sock
        self._timeout = sock.gettimeout()
        self._pace = pace
        self._clock = clock
        self._begun = clock()
        self._received = 0
        self._allowed = 0

    def allow(self, count: int | None) -> None:
        """Begins a call that wants `count` bytes; None for all there are."""
        self._allowed = sys.maxsize if count is None or count < 0 else self._received + count + _SLACK

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._received > self._allowed:
            raise EndlessError
        left = self._time_left()
        if left <= 0:
            raise self._too_slow()
        self._sock.settimeout(left if self._timeout is None else min(left, self._timeout))
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError:
            if self._time_left() <= 0:
                raise self._too_slow() from None
            raise
        self._received += count or 0
        return count

    def _time_left(self) -> float:
        return self._pace.time_left(self._clock() - self._begun, self._received)

    def _too_slow(self) -> TooSlowError:
        return TooSlowError(f"{self._received} bytes in {self._clock() - self._begun:.0f} seconds")

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Reading:
    """Stands in for a socket where `http.client` only wants to read from it."""

    def __init__(self, sock: socket.socket, pace: Pace, clock: Callable[[], float]) -> None:
        self.reader = _PacedReader(sock, pace, clock)

    def makefile(self, *_: object) -> IO[bytes]:
        return io.BufferedReader(self.reader, 65536)


def paced_pools(pace: Pace, clock: Callable[[], float]) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Connection pools by scheme, whose answers all keep `pace`."""

    class PacedResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            reading = _Reading(sock, pace, clock)
            self._paced = reading.reader
            super().__init__(cast("socket.socket", reading), *args, **kwargs)

        def begin(self) -> None:
            self._paced.allow(0)
            super().begin()

        def read1(self, n: int = -1) -> bytes:
            self._paced.allow(n)
            return super().read1(n)

        def read(self, amt: int | None = None) -> bytes:
            self._paced.allow(amt)
            return super().read(amt)

    class Plain(HTTPConnection):
        response_class = PacedResponse

    class Secure(HTTPSConnection):
        response_class = PacedResponse

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
