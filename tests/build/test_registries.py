"""Pushing to and pulling from registries that misbehave: clear errors, in bounded time, no secret told."""

import base64
import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_registry import FakeRegistry, Quirk, refusal
from support.images import Made, image_of_tars, member, tar_of
from support.registries import Proxy
from support.sending import QUICK, Slept
from support.servers import Answer, Asked, Server
from witchery.build.registry.pulling import keep, pull
from witchery.build.registry.pushing import Pushed, push, source_of
from witchery.build.registry.registries import Registries
from witchery.errors import IntegrityError, NetworkError, UsageError, WitcheryError
from witchery.http import Credentials, Url
from witchery.net.reporter import Reporter
from witchery.net.settings import Pace
from witchery.oci.reference import Reference
from witchery.registry.login import Login
from witchery.registry.upload import Effort
from witchery.repository.cache import Cache
from witchery.rootfs.content import BytesContent
from witchery.value import replace

SECRET = "s3cret-of-alice"
LOGIN = Login(credentials=Credentials("alice", SECRET))
MADE = image_of_tars(tar_of(member("a", b"alpha")), tar_of(member("b", b"beta")))
LAYER = MADE.image.layers[0].descriptor


class Heard(Reporter):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def warned(self, message: str) -> None:
        self.said.append(message)


class Reach:
    """Registries with a login, quick to give up; and what became of them."""

    def __init__(self, folder: Path, login: Login | None = LOGIN, *, chunk: int = 1 << 16) -> None:
        self.slept = Slept()
        self.heard = Heard()
        self.registries = Registries(
            environ={},
            cache=Cache(folder / "cache"),
            settings=replace(QUICK, sleep=self.slept, pace=Pace(grace=2.0)),
            effort=Effort(chunk=chunk, delays=(0.0, 0.5, 1.0)),
            login=lambda _: login,
            reporter=self.heard,
            parallel=2,
        )

    def push(self, server: Server | Proxy, made: Made = MADE, name: str = "team/app:1") -> Pushed:
        source, root = source_of(made.image, made.contents)
        return push(source, root, Reference.parse(f"127.0.0.1:{server.port}/{name}"), self.registries)

    def pull(self, server: Server, name: str = "team/app:1") -> None:
        source = pull(Reference.parse(f"127.0.0.1:{server.port}/{name}"), self.registries)
        keep(source, [*MADE.image.blobs], self.registries)


@pytest.fixture
def reach(tmp_path: Path) -> Reach:
    return Reach(tmp_path)


def only(method: str, path: str, answer: Answer) -> Quirk:
    """One answer to whatever begins so; all else is as it should be."""
    return lambda asked: answer if asked.method == method and path in asked.path else None


def bearing(realm: Callable[[], str], quirk: Quirk = lambda _: None) -> Quirk:
    """A registry that wants a token."""

    def behave(asked: Asked) -> Answer | None:
        if asked.path.startswith("/token"):
            return Answer(body=b'{"token": "t0ken"}')
        if asked["authorization"] == "Bearer t0ken":
            return quirk(asked)
        header = f'Bearer realm="{realm()}/token",service="s",scope="repository:team/app:pull"'
        return refusal(401, "UNAUTHORIZED", WWW_Authenticate=header)

    return behave


def test_a_push_to_a_registry_that_keeps_to_the_specification(reach: Reach) -> None:
    registry = FakeRegistry()
    with Server(registry) as server:
        done = reach.push(server)
        reach.pull(server)
    assert {blob.digest for blob in done.uploaded} == {blob.digest for blob in MADE.image.blobs}
    assert registry.blobs["team/app:1"] == MADE.image.manifest.raw
    assert all(str(blob.digest) in registry.blobs for blob in MADE.image.blobs)


ERRORS: dict[str, tuple[Quirk, type[WitcheryError], str]] = {
    "401 forever": (only("", "", Answer()), NetworkError, "401"),
    "429 forever": (only("HEAD", "", refusal(429, "TOOMANYREQUESTS", Retry_After="7")), NetworkError, "429"),
    "500 forever": (only("HEAD", "", Answer(status=500)), NetworkError, "500"),
    "500 for uploads": (only("PUT", "/uploads/", Answer(status=500)), NetworkError, "500"),
    "500 for the manifest": (only("PUT", "/manifests/", Answer(status=500)), NetworkError, "500"),
    "denied": (only("POST", "", refusal(403, "DENIED", "not yours")), NetworkError, "DENIED (not yours)"),
    "a web page": (
        only("PUT", "/manifests/", Answer(status=404, headers={"Content-Type": "text/html"}, body=b"<p>")),
        NetworkError,
        "web page",
    ),
    "no place to go on": (only("POST", "", Answer(status=202)), NetworkError, "where the upload goes on"),
    "uploads that never end": (
        only("PUT", "/uploads/", Answer(status=202, headers={"Location": "/v2/team/app/blobs/uploads/0"})),
        NetworkError,
        "does not end the upload",
    ),
    "another manifest taken": (
        only("PUT", "/manifests/", Answer(status=201, headers={"Docker-Content-Digest": str(LAYER.digest)})),
        IntegrityError,
        "which was not sent",
    ),
    "silence": (only("HEAD", "", Answer(silent=True)), NetworkError, "without an answer"),
    "nothing for uploads": (only("PUT", "/uploads/", Answer(silent=True)), NetworkError, "without an answer"),
    "a blob that is never known": (
        only("PUT", "/manifests/", refusal(400, "MANIFEST_BLOB_UNKNOWN")),
        NetworkError,
        "MANIFEST_BLOB_UNKNOWN",
    ),
    "a redirect in a circle": (
        only("HEAD", "", Answer(status=307, headers={"Location": "/v2/team/app/again"})),
        NetworkError,
        "redirects",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_a_push_to_a_registry_that_misbehaves_ends_with_a_clear_error(case: str, reach: Reach) -> None:
    quirk, kind, words = ERRORS[case]
    if case == "401 forever":
        quirk = only("HEAD", "", refusal(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="r"'))
    with Server(FakeRegistry(quirk)) as server:
        with pytest.raises(kind) as caught:
            reach.push(server)
        assert len(server.asked) < 80
    assert words in str(caught.value)
    assert "team/app" in str(caught.value)
    assert SECRET not in _everything(caught.value, reach)
    assert sum(reach.slept.times) < 120


def test_a_limit_on_requests_is_waited_for_as_long_as_the_registry_asks(reach: Reach) -> None:
    answers = iter([refusal(429, "TOOMANYREQUESTS", Retry_After="7")])
    with Server(
        FakeRegistry(lambda asked: next(answers, None) if asked.method == "POST" else None)
    ) as server:
        reach.push(server)
    assert 7.0 in reach.slept.times


WRONG = {
    "another manifest than its digest": (
        only("GET", "/manifests/", Answer(headers={"Docker-Content-Digest": str(LAYER.digest)}, body=b"{}")),
        "expected the manifest",
    ),
    "a web page for a manifest": (
        only("GET", "/manifests/", Answer(headers={"Content-Type": "text/html"}, body=b"<html>")),
        "no manifest, but `text/html`",
    ),
    "another blob": (
        only("GET", f"/blobs/{LAYER.digest}", Answer(body=b"x" * LAYER.size)),
        "expected the digest",
    ),
    "a short blob": (only("GET", "/blobs/", Answer(body=b"x", chunked=True)), "expected"),
    "a blob that breaks off": (
        only("GET", "/blobs/", Answer(body=b"x", declared=LAYER.size)),
        "closed in the middle",
    ),
    "an endless blob": (only("GET", "/blobs/", Answer(body=b"x" * (1 << 20))), "longer than"),
    "a first schema": (only("GET", "/manifests/", Answer(body=b'{"schemaVersion":1}')), "not a manifest"),
    "silence": (only("GET", "/blobs/", Answer(silent=True)), "without an answer"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_pull_from_a_registry_that_misbehaves_ends_with_a_clear_error(case: str, reach: Reach) -> None:
    quirk, words = WRONG[case]
    registry = FakeRegistry()
    with Server(registry) as server:
        reach.push(server)
        registry.quirk = quirk
        with pytest.raises(WitcheryError) as caught:
            reach.pull(server)
    assert words in str(caught.value)


def test_an_image_by_digest_is_that_image_or_none(reach: Reach) -> None:
    registry = FakeRegistry()
    with Server(registry) as server:
        reach.push(server)
        registry.blobs[str(MADE.image.digest)] = b'{"schemaVersion": 2, "manifests": []}'
        with pytest.raises(IntegrityError, match="expected the manifest"):
            reach.pull(server, f"team/app@{MADE.image.digest}")


@pytest.mark.parametrize("status", [307, 302])
def test_credentials_do_not_follow_a_redirect_to_another_host(status: int, reach: Reach) -> None:
    """Blobs are served, and uploads taken, by another host: it sees neither password nor token."""
    storage = FakeRegistry()
    with Server(storage) as other, Server(FakeRegistry()) as server:

        def elsewhere(asked: Asked) -> Answer | None:
            if asked.method == "POST" or (asked.method == "GET" and "/blobs/" in asked.path):
                code = 307 if asked.method == "POST" else status
                return Answer(status=code, headers={"Location": f"{other.url}{asked.path}"})
            return None

        server._behaviour = FakeRegistry(bearing(lambda: server.url, elsewhere))
        reach.push(server)
        reach.pull(server)
        assert {asked.method for asked in other.asked} >= {"POST", "PUT", "GET"}
        assert not any(asked["authorization"] or asked["cookie"] for asked in other.asked)
        tokens = [asked for asked in server.asked if asked.path.startswith("/token")]
        assert all(
            base64.b64decode(each["authorization"][6:]).decode() == f"alice:{SECRET}" for each in tokens
        )


def test_another_host_that_wants_a_password_gets_none(reach: Reach) -> None:
    challenge = refusal(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="give me your password"')
    with Server(lambda _: challenge) as other, Server(FakeRegistry()) as server:
        server._behaviour = FakeRegistry(
            only("HEAD", "", Answer(status=307, headers={"Location": f"{other.url}/v2/x"}))
        )
        with pytest.raises(NetworkError, match="401"):
            reach.push(server)
        assert other.asked
        assert not any(asked["authorization"] for asked in (*other.asked, *server.asked))


def test_a_token_is_fetched_once_and_used_for_all(reach: Reach) -> None:
    with Server(FakeRegistry()) as server:
        server._behaviour = FakeRegistry(bearing(lambda: server.url))
        reach.push(server)
        tokens = [asked.path for asked in server.asked if asked.path.startswith("/token")]
    assert tokens == ["/token?service=s&scope=repository:team/app:pull,push&account=alice"]


def test_a_token_that_is_never_enough_ends_after_two(reach: Reach) -> None:
    with Server(FakeRegistry()) as server:
        never = refusal(401, "UNAUTHORIZED", f"password {SECRET} and t0ken are wrong")
        challenge = f'Bearer realm="{server.url}/token",service="s"'
        never = replace(never, headers={**never.headers, "WWW-Authenticate": challenge})

        def behave(asked: Asked) -> Answer:
            return Answer(body=b'{"token": "t0ken"}') if asked.path.startswith("/token") else never

        server._behaviour = behave
        with pytest.raises(NetworkError) as caught:
            reach.pull(server)
        assert len(server.asked) <= 4
    assert "password *** and *** are wrong" in str(caught.value)
    assert SECRET not in _everything(caught.value, reach)
    assert "log in to 127.0.0.1" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(body=b"<html>"), "is not JSON"),
        (Answer(body=b'{"token": "a\\nb"}'), "holds no token"),
        (Answer(body=b"{}"), "holds no token"),
        (Answer(status=503, body=b"down"), "503"),
        (Answer(body=b"x" * (2 << 20)), "longer than"),
    ],
)
def test_a_token_server_that_misbehaves_is_an_error(answer: Answer, words: str, reach: Reach) -> None:
    with Server(FakeRegistry()) as server:
        right = bearing(lambda: server.url)
        server._behaviour = lambda asked: answer if "/token" in asked.path else (right(asked) or Answer())
        with pytest.raises(NetworkError, match=words):
            reach.pull(server)


def test_an_identity_token_is_changed_for_a_token(tmp_path: Path) -> None:
    reach = Reach(tmp_path, Login(identity_token="id3ntity"))
    with Server(FakeRegistry()) as server:
        server._behaviour = FakeRegistry(bearing(lambda: server.url))
        reach.push(server)
        (asked,) = [asked for asked in server.asked if asked.path.startswith("/token")]
    assert asked.method == "POST"
    assert not asked["authorization"]
    assert b"grant_type=refresh_token" in asked.body
    assert b"refresh_token=id3ntity" in asked.body
    assert b"scope=repository:team/app:pull,push" in asked.body


def test_an_upload_that_was_cut_in_the_middle_goes_on_where_it_was(tmp_path: Path) -> None:
    """A registry that keeps what arrived is not sent it again, and parts stay in order."""
    data = random.Random("cut").randbytes(4 << 20)
    made = image_of_tars(tar_of(member("noise", data)))
    reach = Reach(tmp_path, chunk=1 << 20)
    registry = FakeRegistry()
    with (
        Server(registry) as server,
        Proxy(server.port, lambda _, sent: sent > 1_500_000 and wire.cuts < 2) as wire,
    ):
        reach.push(wire, made)
        assert wire.cuts == 2
        assert wire.sent < made.image.size + 200_000
    for layer in made.image.layers:
        found = hashlib.sha256(registry.blobs[str(layer.descriptor.digest)]).hexdigest()
        assert found == layer.descriptor.digest.hex


def test_an_answer_that_was_lost_does_not_send_the_blob_twice(reach: Reach) -> None:
    """The registry has the blob, only its answer did not arrive."""
    registry = FakeRegistry()

    def lose(asked: Asked) -> Answer | None:
        if asked.method == "PUT" and "/uploads/" in asked.path and asked.path not in lost:
            lost.append(asked.path)
            registry._answer(asked)
            return Answer(silent=True)
        return None

    lost: list[str] = []
    registry.quirk = lose
    with Server(registry) as server:
        reach.push(server)
        sent = [asked for asked in server.asked if asked.method == "PUT" and "/uploads/" in asked.path]
    assert len(sent) == len(MADE.image.blobs) == len(lost)


def test_no_proxy_stands_before_this_machine(tmp_path: Path) -> None:
    """What is sent to loopback without TLS does not leave the machine."""
    environ = {"http_proxy": "http://proxy.example:3128", "all_proxy": "http://proxy.example:3128"}
    proxies = Registries(environ=environ, cache=Cache(tmp_path)).settings.proxies
    for host in ("localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000"):
        assert proxies.choose(Url.parse(f"http://{host}/v2/")) is None
    assert proxies.choose(Url.parse("https://example.org/v2/")) is not None


def test_a_damaged_layer_is_not_pushed(reach: Reach) -> None:
    contents = dict(MADE.contents)
    contents[LAYER.digest] = BytesContent(b"x" * LAYER.size)
    registry = FakeRegistry()
    with Server(registry) as server, pytest.raises(IntegrityError, match="expected the digest"):
        reach.push(server, Made(MADE.image, contents))
    assert str(LAYER.digest) not in registry.blobs
    assert "team/app:1" not in registry.blobs


def test_an_image_is_not_pushed_under_another_digest(reach: Reach) -> None:
    with Server(FakeRegistry()) as server, pytest.raises(UsageError, match="cannot be pushed as"):
        reach.push(server, name=f"team/app@{LAYER.digest}")


def test_what_a_registry_warns_of_is_said_once(reach: Reach) -> None:
    warning = Answer(status=404, headers={"Warning": '299 - "this mirror is going away"'})
    with Server(FakeRegistry(only("HEAD", "", warning))) as server:
        reach.push(server)
    assert reach.heard.said == [f"127.0.0.1:{server.port} says: this mirror is going away"]


def test_a_mount_that_is_not_granted_becomes_an_upload(reach: Reach) -> None:
    registry = FakeRegistry()
    with Server(registry) as server:
        reach.push(server)
        for status in (403, 405):
            registry.quirk = only("POST", "mount=", refusal(status, "DENIED"))
            registry.blobs.clear()
            done = reach.push(server, name=f"team/other{status}:1")
            assert len(done.uploaded) == len(MADE.image.blobs)


def _everything(error: WitcheryError, reach: Reach) -> str:
    """All that anybody is told."""
    return " ".join((repr(error), str(error), *error.hints, *reach.heard.said, repr(LOGIN)))
