"""Connections whose answers must keep a pace.

A socket's timeout starts anew with every byte, so a server that sends one byte a minute holds a client for
ever. Here each read of a socket, for status line, headers, chunk sizes and body alike, waits no longer than
the pace of the whole answer allows.
"""

import http.client
import io
import socket
from collections.abc import Callable
from typing import IO, Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from witchery.net.settings import Pace


class TooSlowError(OSError):
    """An answer that does not keep the pace."""


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

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
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
        self._reader = _PacedReader(sock, pace, clock)

    def makefile(self, *_: object) -> IO[bytes]:
        return io.BufferedReader(self._reader, 65536)


def paced_pools(pace: Pace, clock: Callable[[], float]) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Connection pools by scheme, whose answers all keep `pace`."""

    class PacedResponse(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(cast("socket.socket", _Reading(sock, pace, clock)), *args, **kwargs)

    class Plain(HTTPConnection):
        response_class = PacedResponse

    class Secure(HTTPSConnection):
        response_class = PacedResponse

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
