"""Evidence as a document: what is written is read again, and nothing that a stranger wrote does harm."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.repositories import key, package
from witchery.apk import archive
from witchery.apk.head import Head
from witchery.arch import Arch
from witchery.attest import evidence as form
from witchery.attest.evidence import Evidence, Proof, ProvenLayer
from witchery.digest import Digest
from witchery.errors import FormatError, Refused, WitcheryError
from witchery.oci import media
from witchery.oci.artifact import Artifact
from witchery.oci.config import Execution
from witchery.oci.descriptor import Descriptor
from witchery.rootfs.content import BytesContent

ARCH = Arch.parse("x86_64")
SUBJECT = Descriptor.of(media.MANIFEST, b"{}")


def heads(*names: str) -> tuple[Head, ...]:
    return tuple(archive.read([package(name)], lambda _: None).head for name in names)


def made(*names: str) -> Evidence:
    """The evidence of an image of some packages, the last of them rewritten."""
    packages = tuple(Proof(head=head) for head in heads(*names))
    layers = [
        ProvenLayer(digest=head.datahash or Digest.sha256(b""), kind="signed", packages=(number,))
        for number, head in enumerate(heads(*names[:-1]))
    ]
    last = len(names) - 1
    layers.append(
        ProvenLayer(
            digest=Digest.sha256(b"derived"),
            kind="derived",
            packages=(last,),
            links={"bin": 0},
            missing={last: ("etc/lost",)},
        )
    )
    return Evidence(
        arch=ARCH, execution=Execution(entrypoint=("/bin/one",)), packages=packages, layers=tuple(layers)
    )


def test_what_is_written_is_read_again() -> None:
    evidence = made("one", "two", "three")
    again = Evidence.read(evidence.artifact(SUBJECT, {}))
    assert again == evidence
    assert again.layers[2].links == {"bin": 0}
    assert again.layers[2].missing == {2: ("etc/lost",)}
    assert again.artifact(SUBJECT, {}).manifest.raw == evidence.artifact(SUBJECT, {}).manifest.raw


def test_heads_are_kept_once_for_all_images_that_share_a_package() -> None:
    """The same blob, whatever else is in the image: a registry keeps it once."""
    one = {each.digest for each in made("one", "two").artifact(SUBJECT, {}).manifest.layers[1:]}
    other = {each.digest for each in made("two", "three").artifact(SUBJECT, {}).manifest.layers[1:]}
    assert len(one & other) == 1


def test_a_data_segment_is_in_the_artifact_and_is_not_read_with_it() -> None:
    data = b"data of two"
    named = Descriptor.of(form.DATA, data)
    one, two = heads("one", "two")
    evidence = Evidence(
        arch=ARCH,
        execution=Execution(),
        packages=(Proof(head=one), Proof(head=two, data=named)),
        layers=(),
    )

    class Untouched:
        size = len(data)

        def chunks(self) -> Any:
            raise AssertionError("read")

    artifact = evidence.artifact(SUBJECT, {named.digest: Untouched()})
    assert artifact.manifest.layers[-1] == named
    assert Evidence.read(artifact) == evidence


def changed(document: Mapping[str, Any], *heads_: bytes) -> Artifact:
    """An artifact of a document and heads as they are."""
    raw = json.dumps(document).encode()
    blobs = [(Descriptor.of(form.DOCUMENT, raw), BytesContent(raw))]
    blobs += [(Descriptor.of(form.HEAD, each), BytesContent(each)) for each in heads_]
    return Artifact.of(SUBJECT, form.DOCUMENT, blobs)


def document(evidence: Evidence) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(evidence.encode())
    return found


def test_a_head_of_another_package_is_refused() -> None:
    one, two = (Proof(head=head).blob for head in heads("one", "two"))
    with pytest.raises(Refused, match=r"the head of another package, `two-1\.0-r0`"):
        Evidence.read(changed(document(made("one")), two))
    with pytest.raises(FormatError, match="names 1 packages, and has 2 heads"):
        Evidence.read(changed(document(made("one")), one, two))


def test_bytes_behind_a_head_are_refused() -> None:
    (head,) = heads("one")
    with pytest.raises(FormatError, match="followed by more bytes"):
        Evidence.read(changed(document(made("one")), Proof(head=head).blob + b"more"))


def test_a_head_that_inflates_without_end_is_refused() -> None:
    bomb = gzip.compress(b"\0" * (64 << 20))
    with pytest.raises(FormatError, match="limit"):
        Evidence.read(changed(document(made("one")), bomb))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("schema",), "dev.witchery.evidence/9", "expected `dev.witchery.evidence/1`"),
        (("architecture",), "vax", "unknown architecture"),
        (("layers", 0, "kind"), "holy", "expected one of"),
        (("layers", 0, "packages"), [7], "no such package"),
        (("layers", 0, "packages"), [-1], "not negative"),
        (("layers", 0, "packages"), [0, 1], "expected the one package"),
        (("layers", 1, "missing"), {"9": ["x"]}, "no such package"),
        (("layers", 1, "missing"), {"x": ["x"]}, "no such package"),
        (("layers", 1, "links"), {"bin": 9}, "no such package"),
        (("layers", 1, "digest"), "sha256:short", "digest"),
        (("packages", 0, "package"), 1, "expected a string"),
        (("packages", 0, "data"), "sha256:" + "0" * 64, "not in the artifact"),
    ],
)
def test_a_malformed_document_is_refused_and_the_member_named(
    path: tuple[str | int, ...], value: Any, said: str
) -> None:
    evidence = made("one", "two")
    written = document(evidence)
    place: Any = written
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(Refused, match=said) as caught:
        Evidence.read(changed(written, *(each.blob for each in evidence.packages)))
    assert str(caught.value)


def test_more_paths_than_an_image_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "MAX_PATHS", 1)
    evidence = made("one", "two")
    with pytest.raises(FormatError, match="more than 1 paths"):
        Evidence.read(evidence.artifact(SUBJECT, {}))


@given(st.data())
def test_any_damage_is_an_error_or_another_evidence(data: st.DataObject) -> None:
    """Never anything else than a refusal: no crash, no endless loop."""
    evidence = made("one", "two")
    raw = bytearray(evidence.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    blobs = [(Descriptor.of(form.DOCUMENT, bytes(raw)), BytesContent(bytes(raw)))]
    for each in evidence.packages:
        blob = bytearray(each.blob)
        if data.draw(st.booleans()):
            blob[data.draw(st.integers(0, len(blob) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        blobs.append((Descriptor.of(form.HEAD, bytes(blob)), BytesContent(bytes(blob))))
    try:
        found = Evidence.read(Artifact.of(SUBJECT, form.DOCUMENT, blobs))
    except WitcheryError as error:
        said = str(error)
    else:
        said = str(len(found.packages))
        assert said == "2"
    assert said


def test_a_signature_is_by_the_key_that_made_it() -> None:
    (head,) = heads("one")
    trust = head.trust({key().name: key().public}, allow_untrusted=False)
    assert trust.key == key().public
    assert Head.split(Proof(head=head).blob) == head
