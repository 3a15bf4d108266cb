"""Uploading as a conversation: what is asked next, without a server."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.errors import NetworkError
from witchery.http import Headers, Request, Response, Url
from witchery.oci import media
from witchery.oci.descriptor import Descriptor
from witchery.oci.reference import Reference
from witchery.registry import blobs
from witchery.registry.place import Repository, base_url, is_loopback, with_digest
from witchery.registry.upload import USUAL, Effort, Part, Pause, RefusedError, upload
from witchery.rootfs.content import BytesContent

DATA = bytes(range(256)) * 1024
BLOB = Descriptor.of(media.LAYER, DATA)
HERE = Repository(Url.parse("https://example.org"), Reference.parse("example.org/team/app"))
PLACE = "https://example.org/v2/team/app/blobs/uploads/1?state=a"


def answer(status: int, **fields: str) -> Response:
    headers = Headers.of({name.replace("_", "-"): text for name, text in fields.items()})
    return Response(status=status, url=HERE.uploads(), headers=headers)


class Server:
    """Answers from a script; remembers what was asked."""

    def __init__(self, *answers: Response | NetworkError) -> None:
        self.answers = iter(answers)
        self.asked: list[str] = []
        self.pauses: list[float] = []

    def run(self, effort: Effort = USUAL, sources: tuple[str, ...] = ()) -> object:
        conversation = upload(HERE, BLOB, BytesContent(DATA), sources=sources, effort=effort)
        outcome: Response | NetworkError | None = None
        try:
            while True:
                step = conversation.send(outcome)
                outcome = self._pause(step) if isinstance(step, Pause) else self._answer(step)
        except StopIteration as end:
            return end.value

    def _pause(self, step: Pause) -> Response | None:
        self.pauses.append(step.seconds)
        return None

    def _answer(self, step: Request) -> Response | NetworkError:
        sent = step.headers.get("Content-Range") or (str(step.body.size) if step.body else "")
        self.asked.append(f"{step.method} {str(step.url).removeprefix('https://example.org')} {sent}".strip())
        return next(self.answers)


BEGUN = answer(202, Location=PLACE)
UPLOADS = "/v2/team/app/blobs/uploads"
END = f"state=a&digest=sha256%3A{BLOB.digest.hex}"


def test_a_blob_goes_in_two_requests() -> None:
    server = Server(BEGUN, answer(201))
    server.run()
    assert server.asked == [f"POST {UPLOADS}/", f"PUT {UPLOADS}/1?{END} {len(DATA)}"]


def test_a_blob_that_can_be_taken_over_goes_in_one() -> None:
    server = Server(answer(201))
    server.run(sources=("team/other",))
    assert server.asked == [f"POST {UPLOADS}/?mount=sha256%3A{BLOB.digest.hex}&from=team/other"]


def test_a_mount_that_became_an_upload_is_used_as_one() -> None:
    server = Server(BEGUN, answer(201))
    server.run(sources=("team/other",))
    assert [line.split()[0] for line in server.asked] == ["POST", "PUT"]


def test_parts_follow_the_newest_location_and_what_the_registry_has() -> None:
    server = Server(
        BEGUN,
        answer(202, Location=f"{UPLOADS}/1?state=b", Range="0-99999"),
        answer(202, Location=f"{UPLOADS}/1?state=c", Range="0-149999"),  # it kept half of the part
        answer(202, Location=f"{UPLOADS}/1?state=d"),
        answer(202, Location=f"{UPLOADS}/1?state=e"),
        answer(201),
    )
    server.run(Effort(chunk=100_000, whole=False))
    assert server.asked[1:] == [
        f"PATCH {UPLOADS}/1?state=a 0-99999",
        f"PATCH {UPLOADS}/1?state=b 100000-199999",
        f"PATCH {UPLOADS}/1?state=c 150000-249999",
        f"PATCH {UPLOADS}/1?state=d 250000-262143",
        f"PUT {UPLOADS}/1?state=e&digest=sha256%3A{BLOB.digest.hex}",
    ]


def test_parts_are_as_large_as_the_registry_wants_them() -> None:
    begun = answer(202, Location=PLACE, OCI_Chunk_Min_Length="200000")
    server = Server(begun, answer(202, Location=PLACE), answer(202, Location=PLACE), answer(201))
    server.run(Effort(chunk=1000, whole=False))
    assert [line.split()[-1] for line in server.asked[1:3]] == ["0-199999", "200000-262143"]


def test_after_a_break_the_registry_is_asked_and_sent_the_rest() -> None:
    cut = NetworkError("the connection was reset")
    server = Server(BEGUN, cut, answer(204, Range="0-99999"), answer(202, Location=PLACE), answer(201))
    server.run(Effort(chunk=1 << 20))
    assert [line.split()[0] for line in server.asked] == ["POST", "PUT", "GET", "PATCH", "PUT"]
    assert server.asked[3].endswith(" 100000-262143")


def test_a_registry_that_limits_what_comes_at_once_gets_parts() -> None:
    server = Server(BEGUN, answer(413), answer(404), BEGUN, answer(202, Location=PLACE), answer(201))
    server.run(Effort(chunk=1 << 20))
    assert [line.split()[0] for line in server.asked] == ["POST", "PUT", "HEAD", "POST", "PATCH", "PUT"]


@pytest.mark.parametrize("status", [400, 401, 403, 405])
def test_what_will_not_get_better_is_not_repeated(status: int) -> None:
    server = Server(BEGUN, answer(status))
    with pytest.raises(RefusedError) as caught:
        server.run()
    assert caught.value.refusal.status == status
    assert len(server.asked) == 2


statuses = st.sampled_from([200, 201, 202, 204, 400, 404, 413, 416, 429, 500, 503])
ranges = st.sampled_from(
    ["", "0-0", "0-99", "0-70000", "0-200000", "0-262143", "0-999999", "bytes=0-70000", "x"]
)


@given(st.lists(st.tuples(st.one_of(st.none(), statuses), ranges), min_size=1, max_size=6))
def test_whatever_a_registry_answers_over_and_over_an_upload_ends(
    script: list[tuple[int | None, str]],
) -> None:
    """Its answers repeat for ever; the upload does not."""

    def answers() -> Iterator[Response | NetworkError]:
        count = 0
        while True:
            for status, range_ in script:
                count += 1
                assert count < 500, "it does not end"
                yield NetworkError("cut") if status is None else answer(status, Location=PLACE, Range=range_)

    server = Server()
    server.answers = answers()
    with suppress(NetworkError, RefusedError):
        server.run(Effort(chunk=100_000, delays=(0.0, 1.0, 2.0)))


@given(st.integers(0, len(DATA)), st.integers(0, len(DATA)))
def test_a_part_is_that_part(first: int, size: int) -> None:
    size = min(size, len(DATA) - first)
    part = Part(content=BytesContent(DATA), first=first, size=size)
    assert b"".join(part.chunks()) == DATA[first : first + size]


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("0-0", 0), ("0-1", 2), ("bytes=0-9", 10), ("", 0), ("5-9", 0), ("0-9/10", 0), ("0--1", 0)],
)
def test_a_range_says_how_much_is_there(text: str, bytes_: int) -> None:
    assert blobs.received(answer(204, Range=text)) == bytes_


def test_an_upload_does_not_go_on_without_tls() -> None:
    with pytest.raises(NetworkError, match="without TLS"):
        blobs.location(answer(202, Location="http://example.org/x"))
    assert blobs.location(answer(202, Location="https://u:p@other.example/x?a=b")).credentials is None
    assert str(with_digest(Url.parse("https://a/x"), BLOB.digest)).startswith("https://a/x?digest=sha256%3A")


@pytest.mark.parametrize(
    ("registry", "loopback"),
    [
        ("localhost:5000", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.8.9.1:80", True),
        ("[::1]:5000", True),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("10.0.0.1:5000", False),
        ("[::2]", False),
    ],
)
def test_only_this_machine_is_loopback(registry: str, loopback: bool) -> None:
    assert is_loopback(registry) is loopback


def test_docker_hub_is_served_by_another_host() -> None:
    assert str(base_url("docker.io", "https")) == "https://registry-1.docker.io/"
