"""What an image starts: the one program that stands out, or a question that lists them all."""

import pytest

from support.payloads import make_payload
from witchery.errors import UsageError
from witchery.payload.entrypoint import choose, resolved
from witchery.payload.findings import Program


def program(path: str, rank: int) -> Program:
    return Program((path,), "a program", rank)


def test_the_only_program_of_the_best_rank_is_started() -> None:
    server, tool = program("/app/server", 1), program("/app/bin/tool", 2)
    assert choose([tool, server]) == server
    assert choose([tool]) == tool
    assert choose([]) is None


def test_of_several_none_is_guessed_and_all_are_listed() -> None:
    with pytest.raises(UsageError) as caught:
        choose([program("/app/a", 2), program("/app/b", 2), program("/app/lib/c", 3)])
    assert caught.value.hints == (
        "/app/a (a program)",
        "/app/b (a program)",
        "/app/lib/c (a program)",
    )
    with pytest.raises(UsageError) as caught:
        choose([program(f"/app/{number:02}", 2) for number in range(30)])
    assert caught.value.hints[-1] == "and 18 more"


def test_a_program_of_the_application_may_be_named_from_its_folder() -> None:
    payload = make_payload(
        {"bin/serve": b"#!/bin/sh\n", "readme": b"text"}, modes={"bin/serve": 0o755, "readme": 0o644}
    )
    assert resolved(["bin/serve", "-p", "1"], payload) == ("/app/bin/serve", "-p", "1")
    assert resolved(["./bin/serve"], payload) == ("/app/bin/serve",)
    assert resolved(["readme"], payload) == ("readme",), "what cannot be executed is left to PATH"
    assert resolved(["python3"], payload) == ("python3",)
    assert resolved(["/bin/serve"], payload) == ("/bin/serve",)
