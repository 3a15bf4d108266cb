"""A sender for tests: quick to give up, and its sleep takes no time."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.servers import (
    Answer,
    Asked,
    Server,
    content,
    in_turn,
)
from witchery.http import Request, Response, Url
from witchery.net.client import Client
from witchery.net.settings import NetSettings, Pace, Policy

DATA = b"".join(hashlib.sha256(bytes([n & 255, n >> 8])).digest() for n in range(32768))  # 1 MiB


class Slept:
    """A sleep that takes no time, and remembers."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.times.append(seconds)


QUICK = NetSettings(
    policy=Policy(delays=(0.5, 1.0, 2.0)),
    pace=Pace(grace=1.0, bytes_per_second=1000),
    read_timeout=0.5,
    connect_timeout=0.5,
    sleep=lambda _: None,
)


def get(url: str, settings: NetSettings = QUICK, *, limit: int = 1 << 24) -> tuple[Response, bytes]:
    with Client(settings) as client:
        response = client.send(Request(url=Url.parse(url), max_length=limit))
        return response, response.read(limit)


@contextmanager
def serving(*steps: Answer | Callable[[Asked], Answer]) -> Iterator[Server]:
    with Server(in_turn(*steps)) as server:
        yield server


def good(asked: Asked) -> Answer:
    return content(asked, DATA)
