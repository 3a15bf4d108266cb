"""The sender against real servers that misbehave."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from support.sending import DATA, QUICK, Slept, get, good, serving
from support.servers import (
    Answer,
    Asked,
    closed_port,
    content,
    http_date,
)
from witchery.errors import NetworkError
from witchery.http import Request, Url
from witchery.net.client import Client
from witchery.net.settings import Pace, Policy
from witchery.value import replace


def test_a_good_server_is_asked_once_and_its_bytes_arrive() -> None:
    with serving(good) as server:
        response, body = get(server.url + "/data")
    assert (response.status, response.attempts, body) == (200, 1, DATA)
    assert len(server.asked) == 1
    assert server.asked[0]["User-Agent"].startswith("witchery/")
    assert server.asked[0]["Accept-Encoding"] == "identity"


def test_connections_are_kept_between_requests() -> None:
    with serving(good) as server, Client(QUICK) as client:
        for _ in range(5):
            assert client.send(Request(url=Url.parse(server.url))).read(1 << 24) == DATA
        for _ in range(3):
            client.send(Request(method="HEAD", url=Url.parse(server.url))).close()
    assert (len(server.asked), server.connections) == (8, 1)
    moved = Answer(status=302, headers={"Location": "/"})
    with serving(Answer(status=304), Answer(status=204), moved, good) as server, Client(QUICK) as client:
        for _ in range(3):
            client.send(Request(url=Url.parse(server.url))).close()
    assert (len(server.asked), server.connections) == (4, 1)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_that_fails_for_a_while_is_asked_again(status: int) -> None:
    slept = Slept()
    with serving(Answer(status=status), Answer(status=status, body=b"x" * 100), good) as server:
        response, body = get(server.url, replace(QUICK, sleep=slept))
    assert (response.status, response.attempts, body == DATA) == (200, 3, True)
    assert slept.times == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_answer_that_will_not_change_is_not_asked_for_again(status: int) -> None:
    with serving(Answer(status=status, body=b"why not")) as server:
        response, body = get(server.url)
    assert (response.status, response.attempts, body, len(server.asked)) == (status, 1, b"why not", 1)


def test_the_last_answer_is_returned_when_the_attempts_are_used_up() -> None:
    with serving(Answer(status=503, body=b"down")) as server:
        response, body = get(server.url)
    assert (response.status, response.attempts, body) == (503, 4, b"down")


@pytest.mark.parametrize(
    ("asks", "waits"),
    [("7", 7.0), ("86400", 60.0), ("soon", 0.5), ("0", 0.5), (http_date(-100), 0.5)],
    ids=["soon", "late", "malformed", "now", "past"],
)
def test_retry_after_is_honoured_up_to_a_limit(asks: str, waits: float) -> None:
    slept = Slept()
    with serving(Answer(status=429, headers={"Retry-After": asks}), good) as server:
        get(server.url, replace(QUICK, sleep=slept))
    assert slept.times == [waits]


def test_retry_after_may_be_a_date() -> None:
    slept = Slept()
    with serving(Answer(status=503, headers={"Retry-After": http_date(30)}), good) as server:
        get(server.url, replace(QUICK, sleep=slept))
    assert 25 < slept.times[0] <= 30


def test_a_post_is_not_repeated_after_it_may_have_been_done() -> None:
    with serving(Answer(silent=True), good) as server, Client(QUICK) as client:
        with pytest.raises(NetworkError):
            client.send(Request(method="POST", url=Url.parse(server.url)))
        assert len(server.asked) == 1
        assert (
            client.send(Request(method="POST", url=Url.parse(server.url), repeatable=True)).read(1 << 24)
            == DATA
        )


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "length"])
def test_a_download_that_breaks_off_is_resumed_where_it_stopped(*, reset: bool, chunked: bool) -> None:
    def broken(asked: Asked) -> Answer:
        return replace(content(asked, DATA), cut=400_000, chunked=chunked, reset=False)

    with serving(broken, good) as server:
        _, body = get(server.url)
    assert body == DATA
    assert [a["Range"] for a in server.asked] == ["", "bytes=400000-"]
    assert server.asked[1]["If-Range"].startswith('"')


def test_a_download_survives_resets_as_long_as_it_advances() -> None:
    """Eight resets are more than the attempts, but each connection brought something."""

    def broken(asked: Asked) -> Answer:
        return replace(content(asked, DATA), cut=120_000, reset=True, hang=0.01)

    with serving(broken) as server:
        _, body = get(server.url)
    assert body == DATA
    assert len(server.asked) >= 9


def test_a_download_that_does_not_advance_is_given_up() -> None:
    with (
        serving(lambda asked: replace(content(asked, DATA), cut=10)) as server,
        pytest.raises(NetworkError, match=r"after \d+ of 1048576 bytes \(tried 4 times\)"),
    ):
        get(server.url)
    assert len(server.asked) == 4


def test_a_server_without_ranges_sends_all_again_and_the_known_part_is_skipped() -> None:
    def broken(asked: Asked) -> Answer:
        return replace(content(asked, DATA, ranges=False), cut=300_000)

    with serving(broken, lambda asked: content(asked, DATA, ranges=False)) as server:
        _, body = get(server.url)
    assert body == DATA
    assert len(server.asked) == 2


def test_a_file_that_changed_meanwhile_is_never_glued_together() -> None:
    with (
        serving(lambda a: replace(content(a, DATA), cut=300_000), lambda a: content(a, DATA[::-1])) as server,
        pytest.raises(NetworkError, match="changed on the server"),
    ):
        get(server.url)


def test_a_range_that_was_not_asked_for_is_never_glued_together() -> None:
    wrong = Answer(status=206, headers={"Content-Range": "bytes 0-1048575/1048576"}, body=DATA)
    with (
        serving(lambda a: replace(content(a, DATA), cut=300_000), wrong) as server,
        pytest.raises(NetworkError, match="changed on the server"),
    ):
        get(server.url)


def test_a_download_that_cannot_be_named_is_not_resumed() -> None:
    with (
        serving(lambda a: replace(content(a, DATA, etag=False), cut=300_000), good) as server,
        pytest.raises(NetworkError, match="after 300000 of 1048576 bytes"),
    ):
        get(server.url)


def test_a_length_that_promises_too_much_is_an_error() -> None:
    with (
        serving(lambda _: Answer(body=DATA, declared=len(DATA) + 10)) as server,
        pytest.raises(NetworkError, match="after 1048576 of 1048586 bytes"),
    ):
        get(server.url)


def test_no_more_is_read_than_allowed_when_the_length_is_known() -> None:
    with serving(good) as server, pytest.raises(NetworkError, match="longer than 1000 bytes"):
        get(server.url, limit=1000)


@pytest.mark.parametrize("answer", [Answer(body=DATA, chunked=True), Answer(body=DATA, declared=-1)])
def test_no_more_is_read_than_allowed_when_the_length_is_not_known(answer: Answer) -> None:
    with serving(answer) as server, pytest.raises(NetworkError, match="longer than 1000 bytes"):
        get(server.url, limit=1000)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=DATA, drip=0.1),
        Answer(body=DATA, drip=0.1, chunked=True),
        Answer(body=DATA, drip_headers=0.1),
    ],
    ids=["body", "chunk", "headers"],
)
def test_a_server_that_drips_bytes_ends_in_bounded_time(answer: Answer) -> None:
    """No read ever times out here; only the pace of the whole answer can end it."""
    begun = time.monotonic()
    with serving(answer) as server, pytest.raises(NetworkError, match="too slow"):
        get(server.url, replace(QUICK, pace=Pace(grace=0.6, bytes_per_second=1000)))
    assert time.monotonic() - begun < 8
    assert len(server.asked) == 1


def test_a_server_that_stops_is_not_waited_for_longer_than_the_pace_allows() -> None:
    begun = time.monotonic()
    settings = replace(QUICK, read_timeout=60, pace=Pace(grace=0.5, bytes_per_second=1e9))
    with (
        serving(Answer(body=DATA[:100], drip=30)) as server,
        pytest.raises(NetworkError, match="too slow"),
    ):
        get(server.url, settings)
    assert time.monotonic() - begun < 8


def test_a_server_that_says_nothing_ends_in_bounded_time() -> None:
    begun = time.monotonic()
    with (
        serving(Answer(hang=20)) as server,
        pytest.raises(NetworkError, match=r"sent nothing for too long \(tried 4 times\)"),
    ):
        get(server.url, replace(QUICK, read_timeout=0.2))
    assert time.monotonic() - begun < 8


def test_all_attempts_together_keep_a_pace() -> None:
    """Each connection brings enough to be counted as progress, yet the whole is too slow."""
    clock = iter(range(0, 10_000, 10))
    settings = replace(
        QUICK,
        pace=Pace(grace=1e6),
        overall=Pace(grace=50, bytes_per_second=1e9),
        clock=lambda: float(next(clock)),
    )
    with (
        serving(lambda a: replace(content(a, DATA), cut=70_000)) as server,
        pytest.raises(NetworkError, match="too slow"),
    ):
        get(server.url, settings)


def test_a_server_that_speaks_no_http_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            for _ in range(4):
                client, _address = listener.accept()
                with client:
                    client.recv(4096)
                    client.sendall(b"220 mail.example.org ESMTP\r\n")

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        with pytest.raises(NetworkError, match="not HTTP"):
            get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Header: value\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 100),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X-Trailer: value\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0" * 100),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"e=" * 100),
    ],
    ids=["continue", "headers", "header", "trailers", "chunk size", "chunk extension"],
)
def test_what_comes_without_end_at_full_speed_is_not_read_without_end(begin: bytes, again: bytes) -> None:
    """It keeps every pace, and none of it is body, so that neither time nor length would end it."""
    sent: list[int] = []

    def flood(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(begin)
            block = again * 10_000
            while sum(sent) < 1 << 27:
                connection.sendall(block)
                sent.append(len(block))

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        flood(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        with pytest.raises(NetworkError):
            get(f"http://127.0.0.1:{listener.getsockname()[1]}/", replace(QUICK, policy=Policy(delays=())))
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert sum(sent) < 1 << 25


def test_nobody_there_is_an_error_that_says_so() -> None:
    with (
        closed_port() as port,
        pytest.raises(NetworkError, match=r"refused the connection \(tried 4 times\)"),
    ):
        get(f"http://127.0.0.1:{port}/x")


def test_an_unknown_host_is_not_asked_again_and_again() -> None:
    slept = Slept()
    with pytest.raises(NetworkError, match="host name") as caught:
        get("http://no-such-host.invalid/x", replace(QUICK, sleep=slept))
    assert caught.value.hints
    assert len(slept.times) in {0, 3}  # three where the resolver only says "try again"


def test_a_body_is_sent_again_with_each_attempt() -> None:
    class Text:
        size = 5

        def chunks(self) -> Iterator[bytes]:
            yield b"he"
            yield b"llo"

    with serving(Answer(status=503), Answer(status=201)) as server, Client(QUICK) as client:
        client.send(Request(method="PUT", url=Url.parse(server.url), body=Text())).close()
    assert [(a.method, a.body) for a in server.asked] == [("PUT", b"hello")] * 2
