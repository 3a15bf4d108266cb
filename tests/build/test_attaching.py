"""Artifacts about images, in registries that list them and in those that do not."""

import hashlib
import json
from pathlib import Path

import pytest

from support.fake_registry import INDEX, FakeRegistry, refusal
from support.images import image_of_tars, member, tar_of
from support.sending import QUICK
from support.servers import Answer, Asked, Server
from witchery.build.registry.attaching import artifacts_of, attach
from witchery.build.registry.pulling import pull
from witchery.build.registry.pushing import push, source_of
from witchery.build.registry.registries import Registries
from witchery.errors import FormatError, IntegrityError, NetworkError
from witchery.net.reporter import Reporter
from witchery.oci.artifact import Artifact, tag_of
from witchery.oci.reference import Reference
from witchery.repository.cache import Cache

MADE = image_of_tars(tar_of(member("a", b"alpha")))
TAG = tag_of(MADE.image.digest)


def about(text: bytes, kind: str = "text/plain") -> Artifact:
    return Artifact.of_document(MADE.image.descriptor, kind, text)


class Heard(Reporter):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def warned(self, message: str) -> None:
        self.said.append(message)


class Place:
    """A repository of a registry that a test runs."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.heard = Heard()
        cache = Cache(folder / "cache")
        self.registries = Registries(environ={}, cache=cache, settings=QUICK, reporter=self.heard)
        self.reference = Reference.parse(f"127.0.0.1:{server.port}/team/app:1")

    def push(self) -> None:
        source, root = source_of(MADE.image, MADE.contents)
        push(source, root, self.reference, self.registries)

    def attach(self, *artifacts: Artifact) -> int:
        return len(attach(artifacts, self.reference, self.registries))

    def read(self) -> list[bytes]:
        source = pull(self.reference, self.registries)
        found = artifacts_of(source, source.index.choose(), self.registries)
        return [b"".join(each.contents[each.manifest.layers[0].digest].chunks()) for each in found]


def asked(server: Server, method: str, part: str) -> int:
    return sum(each.method == method and part in each.path for each in server.asked)


@pytest.mark.parametrize("lists", [True, False])
def test_artifacts_are_found_again_wherever_they_are_listed(lists: bool, tmp_path: Path) -> None:
    with Server(FakeRegistry(lists=lists)) as server:
        place = Place(server, tmp_path)
        place.push()
        assert place.attach(about(b"one"), about(b"two")) == 2
        assert place.attach(about(b"three")) == 1
        assert place.attach(about(b"three")) == 0
        assert place.read() == [b"one", b"two", b"three"]
        assert asked(server, "PUT", f"manifests/{TAG}") == (0 if lists else 2)


def test_a_registry_is_asked_for_its_list_until_it_says_that_it_has_none(tmp_path: Path) -> None:
    with Server(FakeRegistry()) as server:
        place = Place(server, tmp_path)
        place.push()
        place.attach(about(b"one"))
        place.attach(about(b"two"))
        assert asked(server, "GET", "/referrers/") == 1


def test_the_list_of_another_client_is_added_to(tmp_path: Path) -> None:
    """What somebody else has listed there stays, members that we do not know included."""
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": "sha256:" + "1" * 64,
        "size": 7,
    }
    index = {"schemaVersion": 2, "manifests": [{**entry, "artifactType": "a/b", "new": True}], "x": 1}
    with Server(registry := FakeRegistry()) as server:
        place = Place(server, tmp_path)
        place.push()
        registry.blobs[f"team/app:{TAG}"] = json.dumps(index).encode()
        registry.types[f"team/app:{TAG}"] = INDEX
        place.attach(about(b"one"))
    written = json.loads(registry.blobs[f"team/app:{TAG}"])
    assert written["x"] == 1
    assert written["manifests"][0]["new"] is True
    assert len(written["manifests"]) == 2


def test_a_list_that_others_take_away_again_is_given_up(tmp_path: Path) -> None:
    """Bounded: whoever keeps losing the race says so."""

    def forgets(question: Asked) -> Answer | None:
        if question.method == "PUT" and question.path.endswith(TAG):
            return Answer(status=201)
        return None

    with Server(FakeRegistry(forgets)) as server:
        place = Place(server, tmp_path)
        place.push()
        with pytest.raises(NetworkError, match="others change the list"):
            place.attach(about(b"one"))
        assert asked(server, "PUT", TAG) == 5


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(headers={"Content-Type": INDEX}, body=b"{"), FormatError),
        (Answer(headers={"Content-Type": INDEX}, body=b'{"schemaVersion":2,"manifests":7}'), FormatError),
        (Answer(headers={"Content-Type": INDEX}, body=b" " * (5 << 20)), NetworkError),
        (refusal(403, "DENIED"), NetworkError),
        (refusal(500, "UNKNOWN"), NetworkError),
        (refusal(429, "TOOMANYREQUESTS"), NetworkError),
    ],
    ids=["no JSON", "no list", "too long", "forbidden", "broken", "too many"],
)
def test_a_list_that_cannot_be_used_is_an_error(
    answer: Answer, error: type[Exception], tmp_path: Path
) -> None:
    def quirk(question: Asked) -> Answer | None:
        return answer if "/referrers/" in question.path else None

    with Server(FakeRegistry(quirk)) as server:
        place = Place(server, tmp_path)
        place.push()
        with pytest.raises(error):
            place.read()


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_registry_of_before_may_answer_as_it_likes(status: int, tmp_path: Path) -> None:
    """HTML, or whatever it says to a question that it does not know: then the tag has the list."""

    def quirk(question: Asked) -> Answer | None:
        html = Answer(status=status, headers={"Content-Type": "text/html"}, body=b"<html>")
        return html if "/referrers/" in question.path else None

    with Server(FakeRegistry(quirk)) as server:
        place = Place(server, tmp_path)
        place.push()
        place.attach(about(b"one"))
        assert place.read() == [b"one"]


def test_an_artifact_that_is_not_what_is_listed_is_refused(tmp_path: Path) -> None:
    with Server(registry := FakeRegistry()) as server:
        place = Place(server, tmp_path)
        place.push()
        place.attach(artifact := about(b"one"))
        registry.blobs[str(artifact.manifest.layers[0].digest)] = b"two"
        with pytest.raises(IntegrityError):
            place.read()


def test_what_is_listed_and_about_something_else_is_passed_over(tmp_path: Path) -> None:
    other = image_of_tars(tar_of(member("b", b"beta")))
    stray = Artifact.of_document(other.image.descriptor, "text/plain", b"stray")
    with Server(registry := FakeRegistry()) as server:
        place = Place(server, tmp_path)
        place.push()
        place.attach(about(b"one"), stray)
        listed = json.loads(registry.blobs[f"team/app:{TAG}"])
        listed["manifests"] += json.loads(registry.blobs[f"team/app:{tag_of(other.image.digest)}"])[
            "manifests"
        ]
        registry.blobs[f"team/app:{TAG}"] = json.dumps(listed).encode()
        assert place.read() == [b"one"]


def test_what_is_listed_and_lost_or_malformed_is_left_behind(tmp_path: Path) -> None:
    """A list may outlive what it names, and anybody may write into it: the rest is found all the same."""
    with Server(registry := FakeRegistry()) as server:
        place = Place(server, tmp_path)
        place.push()
        place.attach(about(b"lost"), about(b"bad"), about(b"good"))
        del registry.blobs[str(about(b"lost").manifest.digest)]
        registry.blobs[str(about(b"bad").manifest.digest)] = b"{}"
        assert place.read() == [b"good"]
        assert len(place.heard.said) == 2
        assert all("left behind" in each for each in place.heard.said)


def test_an_artifact_is_the_same_bytes_whenever_it_is_made() -> None:
    first, second = about(b"one").manifest.raw, about(b"one").manifest.raw
    assert first == second
    assert json.loads(first)["subject"]["digest"] == str(MADE.image.digest)
    assert hashlib.sha256(b"{}").hexdigest() in first.decode()
