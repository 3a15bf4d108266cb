"""Retries and redirects, without a network: the conversation is told what happened."""

import pytest

from witchery.errors import NetworkError
from witchery.http import Headers, Request, Response, Url
from witchery.net.conversation import Failure, Wait, converse
from witchery.net.settings import Policy

URL = Url.parse("https://host/a")
POLICY = Policy(delays=(1.0, 2.0))


def hold(
    request: Request, *outcomes: Response | Failure, policy: Policy = POLICY
) -> tuple[Response, list[object]]:
    """Runs a conversation with prepared outcomes; the steps are what it wanted done."""
    conversation = converse(request, policy, lambda: 0.0)
    left = list(outcomes)
    steps: list[object] = []
    outcome: Response | Failure | None = None
    while True:
        try:
            step = conversation.send(outcome)
        except StopIteration as end:
            assert not left
            return end.value, steps
        steps.append(step if isinstance(step, Request) else step.seconds)
        outcome = left.pop(0) if isinstance(step, Request) else None


def answer(status: int, **fields: str) -> Response:
    return Response(
        status=status, url=URL, headers=Headers.of({k.replace("_", "-"): v for k, v in fields.items()})
    )


def test_failures_are_waited_out_on_the_schedule() -> None:
    get = Request(url=URL)
    response, steps = hold(get, Failure(reason="reset"), answer(502), answer(200))
    assert (response.status, response.attempts) == (200, 3)
    assert steps == [get, 1.0, get, 2.0, get]


def test_the_error_tells_how_often_it_was_tried() -> None:
    with pytest.raises(NetworkError, match=r"^reset \(tried 3 times\): `https://host/a`$"):
        hold(Request(url=URL), *[Failure(reason="reset")] * 3)


def test_what_cannot_pass_is_not_tried_again() -> None:
    with pytest.raises(NetworkError, match=r"^bad: `https://host/a`$") as caught:
        hold(Request(url=URL), Failure(reason="bad", transient=False, hint="do this"))
    assert caught.value.hints == ("do this",)


@pytest.mark.parametrize(
    ("outcome", "attempts"),
    [
        (Failure(reason="reset"), 1),
        (Failure(reason="refused", unsent=True), 2),
        (answer(500), 1),
        (answer(429), 2),
        (answer(503), 2),
    ],
)
def test_a_post_is_repeated_only_where_nothing_was_done(outcome: Response | Failure, attempts: int) -> None:
    request = Request(method="POST", url=URL)
    if attempts == 1:
        try:
            _, steps = hold(request, outcome)
        except NetworkError:
            return
        assert steps == [request]
    else:
        _, steps = hold(request, outcome, answer(200))
        assert steps == [request, 1.0, request]


def test_attempts_begin_anew_after_a_redirect_and_are_counted_in_all() -> None:
    response, steps = hold(
        Request(url=URL), answer(503), answer(302, Location="/b"), answer(503), answer(503), answer(200)
    )
    assert response.attempts == 5
    assert [step.url.target if isinstance(step, Request) else step for step in steps] == [
        "/a", 1.0, "/a", "/b", 1.0, "/b", 2.0, "/b",
    ]  # fmt: skip


def test_every_answer_that_is_not_returned_is_closed() -> None:
    closed: list[int] = []

    def closing(status: int, **fields: str) -> Response:
        made = answer(status, **fields)
        return Response(status=status, url=URL, headers=made.headers, on_close=lambda: closed.append(status))

    hold(Request(url=URL), closing(503), closing(307, Location="/b"), closing(200))
    assert closed == [503, 307]


def test_a_wait_names_its_reason() -> None:
    conversation = converse(Request(url=URL), POLICY, lambda: 0.0)
    next(conversation)
    assert conversation.send(answer(429)) == Wait(1.0, "the server answered 429", URL)
