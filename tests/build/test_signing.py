"""Signing, and finding signatures: in layouts and registries, in the places of cosign, within limits."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.fake_registry import FakeRegistry
from support.images import image_of_tars, member, tar_of
from support.servers import Answer, Asked, Server
from support.signing import (
    cosign_bundle,
    cosign_payload,
    cosign_statement,
    dsse,
    openssl_accepts,
    private_pem,
    public_pem,
    signed,
)
from witchery.attest.artifacts import CLASSIC
from witchery.attest.signatures import Candidate, Form, Outcome, check
from witchery.build.registry.attaching import artifacts_of
from witchery.build.registry.copying import Opened, copy, open_source
from witchery.build.registry.pushing import push, source_of
from witchery.build.registry.registries import Registries
from witchery.build.signatures import find_signatures
from witchery.build.signing import Signed, sign
from witchery.digest import Digest
from witchery.errors import FormatError, UsageError
from witchery.oci.artifact import Artifact
from witchery.oci.descriptor import Descriptor
from witchery.oci.image_index import index_of
from witchery.oci.reference import Reference
from witchery.oci.transport import Transport, parse
from witchery.repository.cache import Cache
from witchery.rootfs.content import BytesContent
from witchery.signing_keys import SigningKey, VerifyingKey
from witchery.store import archive, layout

MADE = image_of_tars(tar_of(member("file", b"content")))
IMAGE = MADE.image.digest
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
BOTH = {Form.BUNDLE, Form.CLASSIC}


def key(kind: str = "p256", number: int = 0) -> SigningKey:
    return SigningKey.parse(f"{kind}.key", private_pem(kind, number), lambda: b"")


def verifying(kind: str = "p256", number: int = 0) -> VerifyingKey:
    return VerifyingKey.parse(f"{kind}.pub", public_pem(private_pem(kind, number)))


def places(candidates: tuple[Candidate, ...], by: VerifyingKey) -> list[tuple[Form, Outcome]]:
    return [(each.candidate.form, each.outcome) for each in check(candidates, IMAGE, by)]


def verified(candidates: tuple[Candidate, ...], by: VerifyingKey) -> list[Form]:
    return [form for form, outcome in places(candidates, by) if outcome is Outcome.VERIFIED]


class Place:
    """Somewhere with an image, without signatures."""

    def __init__(self, place: Transport, registries: Registries) -> None:
        self.place = place
        self.registries = registries

    def opened(self) -> Opened:
        return open_source(self.place, self.registries)

    def sign(self, with_key: SigningKey, **options: Any) -> tuple[Signed, ...]:
        return sign(self.place, with_key, self.registries, **options)

    def found(self, digest: Digest | None = None) -> tuple[Candidate, ...]:
        return find_signatures(self.opened(), self.registries, digest=digest)


@contextmanager
def in_registry(folder: Path, fake: FakeRegistry | None = None) -> Iterator[Place]:
    with (
        Server(fake or FakeRegistry()) as server,
        Registries(environ={}, cache=Cache(folder / "cache")) as registries,
    ):
        reference = Reference.parse(f"127.0.0.1:{server.port}/team/app:1")
        source, root = source_of(MADE.image, MADE.contents)
        push(source, root, reference, registries)
        yield Place(parse(f"docker://{reference}"), registries)


@contextmanager
def in_layout(folder: Path) -> Iterator[Place]:
    layout.write(folder / "layout", MADE.image, MADE.contents)
    with Registries(environ={}, cache=Cache(folder / "cache")) as registries:
        yield Place(parse(f"oci:{folder}/layout"), registries)


@pytest.fixture(params=["layout", "registry"])
def somewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with (in_layout if request.param == "layout" else in_registry)(tmp_path) as found:
        yield found


def test_an_image_is_signed_in_both_forms_and_found_signed(somewhere: Place) -> None:
    assert somewhere.found() == ()
    (done,) = somewhere.sign(key())
    assert done.digest == IMAGE
    assert set(done.made) == BOTH
    assert set(verified(somewhere.found(), verifying())) == BOTH
    assert verified(somewhere.found(), verifying("p256", 1)) == []


def test_signing_again_adds_nothing_and_another_key_adds_its_own(somewhere: Place) -> None:
    somewhere.sign(key())
    before = somewhere.found()
    (again,) = somewhere.sign(key())
    assert (again.made, set(again.present)) == ((), BOTH)
    assert somewhere.found() == before
    (other,) = somewhere.sign(key("ed25519"))
    assert set(other.made) == BOTH
    for by in (verifying(), verifying("ed25519")):
        assert sorted(verified(somewhere.found(), by)) == sorted(BOTH)
    assert len(somewhere.found()) == 4


def test_the_image_and_its_name_stay_what_they_were(tmp_path: Path) -> None:
    with in_layout(tmp_path) as place:
        before = (tmp_path / "layout/index.json").read_bytes()
        place.sign(key())
        assert (tmp_path / "layout/index.json").read_bytes() == before
        assert place.opened().root.digest == IMAGE


def test_in_a_registry_the_older_form_is_where_cosign_looks(tmp_path: Path) -> None:
    """Read with `json` and checked by OpenSSL, as cosign's specification describes it."""
    fake = FakeRegistry()
    with in_registry(tmp_path, fake) as place:
        place.sign(key())
        place.sign(key("rsa"))
    manifest = json.loads(fake.blobs[f"team/app:sha256-{IMAGE.hex}.sig"])
    assert [each["mediaType"] for each in manifest["layers"]] == [SIMPLE, SIMPLE]
    for each, kind in zip(manifest["layers"], ("p256", "rsa"), strict=True):
        payload = fake.blobs[each["digest"]]
        said = json.loads(payload)["critical"]
        assert said["image"]["docker-manifest-digest"] == str(IMAGE)
        assert said["identity"]["docker-reference"].endswith("/team/app")
        signature = base64.b64decode(each["annotations"]["dev.cosignproject.cosign/signature"])
        assert openssl_accepts(public_pem(private_pem(kind)), signature, payload)


def test_the_bundle_is_a_referrer_as_cosign_describes_it(tmp_path: Path) -> None:
    fake = FakeRegistry()
    with in_registry(tmp_path, fake) as place:
        place.sign(key())
    listed = json.loads(fake.blobs[f"team/app:sha256-{IMAGE.hex}"])["manifests"]
    (entry,) = listed
    assert entry["artifactType"] == BUNDLE
    manifest = json.loads(fake.blobs[entry["digest"]])
    assert manifest["artifactType"] == BUNDLE
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert manifest["subject"]["digest"] == str(IMAGE)
    assert (
        manifest["annotations"]
        == entry["annotations"]
        == {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
        }
    )
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == BUNDLE


def test_signatures_that_cosign_left_are_kept_and_found(tmp_path: Path) -> None:
    """Several layers under the tag, one of them by somebody else, one of something else."""
    fake = FakeRegistry()
    with in_registry(tmp_path, fake) as place:
        payloads = [cosign_payload(str(IMAGE), "a"), cosign_payload(str(IMAGE), "b")]
        layers = [_layer(fake, SIMPLE, each, private_pem("p256", n)) for n, each in enumerate(payloads)]
        layers.append(_layer(fake, "application/octet-stream", b"junk", private_pem("p256")))
        _tag(fake, "sig", layers)
        assert places(place.found(), verifying()) == [
            (Form.CLASSIC, Outcome.VERIFIED),
            (Form.CLASSIC, Outcome.OTHER_KEY),
        ]
        (done,) = place.sign(key())
        assert (done.made, done.present) == ((Form.BUNDLE,), (Form.CLASSIC,))
        place.sign(key("ed25519"))
        now = json.loads(fake.blobs[f"team/app:sha256-{IMAGE.hex}.sig"])["layers"]
        assert now[:3] == layers
        assert len(now) == 4


def test_signatures_that_others_bring_at_the_same_time_are_not_lost(tmp_path: Path) -> None:
    """Another client's manifest takes the place of ours just after we have put it."""
    fake = FakeRegistry()
    rivals = [b"rival"]

    def rival(asked: Asked) -> Answer | None:
        if asked.method == "GET" and asked.path.endswith(f"{IMAGE.hex}.sig") and len(rivals) == 2:
            payload = cosign_payload(str(IMAGE), "rival")
            _tag(fake, "sig", [_layer(fake, SIMPLE, payload, private_pem("p256", 1))])
            rivals.clear()
        if asked.method == "PUT" and asked.path.endswith(f"{IMAGE.hex}.sig"):
            rivals.append(b"ours")
        return None

    fake.quirk = rival
    with in_registry(tmp_path, fake) as place:
        place.sign(key())
        assert Form.CLASSIC in verified(place.found(), verifying())
        assert verified(place.found(), verifying("p256", 1)) == [Form.CLASSIC]


def test_attestations_of_before_bundles_are_found(tmp_path: Path) -> None:
    fake = FakeRegistry()
    said = "https://slsa.dev/provenance/v1"
    with in_registry(tmp_path, fake) as place:
        document = dsse(cosign_statement(str(IMAGE), said), private_pem("p256"))
        media_type = "application/vnd.dsse.envelope.v1+json"
        _tag(fake, "att", [_layer(fake, media_type, json.dumps(document).encode(), None)])
        (judged,) = check(place.found(), IMAGE, verifying(), predicate_type=said)
        assert judged.verified
        assert judged.candidate.form is Form.ENVELOPE
        assert verified(place.found(), verifying()) == []


def _layer(fake: FakeRegistry, media_type: str, data: bytes, pem: bytes | None) -> dict[str, Any]:
    digest = str(Digest.sha256(data))
    fake.blobs[digest] = data
    layer: dict[str, Any] = {"mediaType": media_type, "digest": digest, "size": len(data)}
    if pem:
        signature = base64.b64encode(signed(pem, data)).decode()
        layer["annotations"] = {"dev.cosignproject.cosign/signature": signature}
    return layer


def _tag(fake: FakeRegistry, suffix: str, layers: list[dict[str, Any]]) -> None:
    config = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": "sha256:" + "0" * 64,
        "size": 2,
    }
    manifest = {"schemaVersion": 2, "config": config, "layers": layers}
    name = f"team/app:sha256-{IMAGE.hex}.{suffix}"
    fake.blobs[name] = json.dumps(manifest).encode()
    fake.types[name] = "application/vnd.oci.image.manifest.v1+json"


def test_one_that_is_malformed_too_large_or_lost_says_so_and_hides_none(tmp_path: Path) -> None:
    fake = FakeRegistry()
    with in_registry(tmp_path, fake) as place:
        good = _layer(fake, SIMPLE, cosign_payload(str(IMAGE)), private_pem("p256"))
        unsigned = _layer(fake, SIMPLE, b"{}", None)
        large = good | {"size": 2 << 20}
        swapped = _layer(fake, SIMPLE, b'{"a":1}', private_pem("p256"))
        fake.blobs[swapped["digest"]] = b'{"b":1}'
        _tag(fake, "sig", [unsigned, large, swapped, good])
        found = place.found()
        assert [each.problem.partition(":")[0] for each in found] == [
            "expected a signature as base64 in the annotation `dev.cosignproject.cosign/signature`",
            "expected at most 1048576 bytes",
            "expected the digest `" + swapped["digest"].partition(":")[0],
            "",
        ]
        assert verified(found, verifying()) == [Form.CLASSIC]


def test_more_signatures_than_are_judged_are_refused(tmp_path: Path) -> None:
    fake = FakeRegistry()
    with in_registry(tmp_path, fake) as place:
        good = _layer(fake, SIMPLE, cosign_payload(str(IMAGE)), private_pem("p256"))
        _tag(fake, "sig", [good] * 101)
        with pytest.raises(FormatError, match="more than 100 signatures"):
            place.found()
        opened = place.opened()
        with pytest.raises(FormatError, match="more than 100 signatures"):
            tuple(artifacts_of(opened.source, opened.root, place.registries, opened.origin))


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"[" * 60_000, b'{"layers":{}}', b'{"schemaVersion":2}'])
def test_junk_under_the_tag_is_refused_with_its_place(data: bytes, tmp_path: Path) -> None:
    fake = FakeRegistry()
    with in_registry(tmp_path, fake) as place:
        fake.blobs[f"team/app:sha256-{IMAGE.hex}.sig"] = data
        with pytest.raises(FormatError, match=rf"app:sha256-{IMAGE.hex}\.sig: "):
            place.found()


def test_hostile_bundles_are_candidates_with_a_reason(tmp_path: Path) -> None:
    with in_layout(tmp_path) as place:
        root = place.opened().root
        good = json.dumps(cosign_bundle(cosign_statement(str(IMAGE)), private_pem("p256"))).encode()
        blobs = [b"", b"[" * 60_000, b'{"mediaType":"x"}', good.replace(b"payloadType", b"payloadTyp\\u0065")]
        artifacts = [Artifact.of_document(root, BUNDLE, each) for each in (*blobs, good)]
        two = [(Descriptor.of(BUNDLE, each), BytesContent(each)) for each in (good, b"{}")]
        artifacts += [Artifact.of(root, BUNDLE, two), Artifact.of(root, BUNDLE, [])]
        layout.attach(tmp_path / "layout", artifacts)
        found = place.found()
        assert [bool(each.problem) for each in found] == [True, True, True, False, False, True, True]
        assert len(verified(found, verifying())) == 2


def test_a_signature_that_was_copied_to_another_image_does_not_count(tmp_path: Path) -> None:
    other = image_of_tars(tar_of(member("file", b"other content")))
    with in_layout(tmp_path) as place:
        place.sign(key())
        layout.write(tmp_path / "layout", other.image, other.contents, tag="other")
        stolen = [
            Artifact.of(
                other.image.descriptor,
                each.manifest.artifact_type,
                [(layer, each.contents[layer.digest]) for layer in each.manifest.layers],
            )
            for each in place_source(place).artifacts(IMAGE).found
        ]
        layout.attach(tmp_path / "layout", stolen)
        opened = open_source(parse(f"oci:{tmp_path}/layout:other"), place.registries)
        judged = check(find_signatures(opened, place.registries), other.image.digest, verifying())
        assert [each.outcome for each in judged] == [Outcome.OTHER_IMAGE] * 2


def place_source(place: Place) -> Any:
    return open_source(parse(f"{place.place}:latest"), place.registries).source


def test_signatures_travel_with_the_image_each_in_its_place(tmp_path: Path) -> None:
    """From a layout to a registry, to another, and back into a layout."""
    first, second = FakeRegistry(), FakeRegistry()
    with in_layout(tmp_path) as place, Server(first) as one, Server(second) as two:
        place.sign(key())
        names = [f"docker://127.0.0.1:{server.port}/a/b:1" for server in (one, two)]
        copy(place.opened(), parse(names[0]), place.registries)
        copy(open_source(parse(names[0]), place.registries), parse(names[1]), place.registries)
        copy(open_source(parse(names[1]), place.registries), parse(f"oci:{tmp_path}/back"), place.registries)
        for text in (*names, f"oci:{tmp_path}/back"):
            found = find_signatures(open_source(parse(text), place.registries), place.registries)
            assert sorted(verified(found, verifying())) == sorted(BOTH), text
            assert len(found) == 2
        for fake in (first, second):
            assert f"a/b:sha256-{IMAGE.hex}.sig" in fake.blobs
            listed = json.loads(fake.blobs[f"a/b:sha256-{IMAGE.hex}"])["manifests"]
            assert [each["artifactType"] for each in listed] == [BUNDLE]
        listed = json.loads((tmp_path / f"back/referrers/sha256-{IMAGE.hex}.json").read_text())["manifests"]
        assert {each["artifactType"] for each in listed} == {BUNDLE, CLASSIC}


def test_of_several_platforms_the_index_is_signed_and_each_if_that_is_wanted(tmp_path: Path) -> None:
    image = index_of([MADE.image])
    layout.write(tmp_path / "layout", image, MADE.contents)
    with Registries(environ={}, cache=Cache(tmp_path / "cache")) as registries:
        place = Place(parse(f"oci:{tmp_path}/layout"), registries)
        (only,) = place.sign(key())
        assert only.digest == image.digest
        assert place.found(IMAGE) == ()
        whole, platform = place.sign(key(), recursive=True)
        assert (whole.made, platform.digest) == ((), IMAGE)
        assert platform.platform == "linux/amd64"
        assert set(verified(place.found(IMAGE), verifying())) == BOTH


def test_nothing_is_added_to_an_archive(tmp_path: Path) -> None:
    archive.write(tmp_path / "image.tar", MADE.image, MADE.contents)
    with (
        Registries(environ={}, cache=Cache(tmp_path / "cache")) as registries,
        pytest.raises(UsageError, match="nothing can be added to an archive") as caught,
    ):
        sign(parse(f"oci-archive:{tmp_path}/image.tar"), key(), registries)
    assert "--sign-key" in caught.value.hints[0]


def test_two_layouts_signed_alike_are_alike(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        with in_layout(tmp_path / name) as place:
            place.sign(key())
        files.append(
            {
                path.relative_to(tmp_path / name / "layout"): path.read_bytes()
                for path in sorted((tmp_path / name / "layout").rglob("*"))
                if path.is_file()
            }
        )
    assert files[0] == files[1]
