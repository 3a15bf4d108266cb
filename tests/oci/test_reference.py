"""References and transports: Docker's and skopeo's notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witchery.errors import FormatError, UsageError
from witchery.oci import transport
from witchery.oci.reference import Reference
from witchery.oci.transport import ArchiveFile, LayoutFolder, PlainFolder, RegistryImage, RootfsFolder

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("alpine", "docker.io/library/alpine"),
        ("alpine:3.19", "docker.io/library/alpine:3.19"),
        ("docker.io/alpine", "docker.io/library/alpine"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine"),
        ("team/app", "docker.io/team/app"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/app:1", "localhost:5000/app:1"),
        ("LOCALHOST/app", "LOCALHOST/app"),
        ("registry.example.org/a/b/c:v1.0", "registry.example.org/a/b/c:v1.0"),
        ("[::1]:5000/app", "[::1]:5000/app"),
        ("127.0.0.1:5000/x/y:1", "127.0.0.1:5000/x/y:1"),
        (f"app@{DIGEST}", f"docker.io/library/app@{DIGEST}"),
        (f"example.org/app:1@{DIGEST}", f"example.org/app:1@{DIGEST}"),
        ("e/a.b__c-d---e", "docker.io/e/a.b__c-d---e"),
    ],
)
def test_a_reference_is_completed_as_docker_does(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full
    assert str(Reference.parse(full)) == full


@pytest.mark.parametrize(
    "text",
    [
        *("", ":1", "/a", "a/", "A", "team/App", "a..b", "a//b", "-a", "a_", "a___b", "a:", "a:-1", "a b"),
        *("a:" + "t" * 129, "a" * 256, "f" * 64, "example.org/", "exa_mple.org/a", "http://example.org/a"),
        *("a\n", "a:1\n", "localhost:5000x/a", "../a", "a/../b", "é"),
    ],
)
def test_what_is_no_reference_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError):
        Reference.parse(text)


@pytest.mark.parametrize("digest", ["sha256:abc", "md5:" + "a" * 32, "", "sha256:" + "A" * 64])
def test_a_malformed_digest_is_refused(digest: str) -> None:
    with pytest.raises(FormatError):
        Reference.parse(f"a@{digest}")


def test_a_tag_is_added_only_where_nothing_says_which() -> None:
    assert Reference.parse("a").tagged().tag == "latest"
    assert Reference.parse("a:1").tagged().tag == "1"
    assert Reference.parse(f"a@{DIGEST}").tagged().tag == ""


def test_the_familiar_form_is_what_docker_shows() -> None:
    shown = {
        text: Reference.parse(text).familiar for text in ("alpine:1", "team/app", "example.org/library/a")
    }
    assert shown == {
        "alpine:1": "alpine:1",
        "team/app": "team/app",
        "example.org/library/a": "example.org/library/a",
    }


@given(st.text(max_size=40))
def test_any_text_gives_a_reference_that_reads_back_or_an_error(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except (UsageError, FormatError):
        return
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar) == reference


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("oci:out", LayoutFolder("out")),
        ("oci:out:1.0", LayoutFolder("out", "1.0")),
        ("oci:out:example.org/app:1", LayoutFolder("out", "example.org/app:1")),
        ("oci-archive:a.tar", ArchiveFile("a.tar")),
        ("docker-archive:a.tar:app:1", ArchiveFile("a.tar", "app:1", docker=True)),
        ("oci-archive:-", ArchiveFile("-")),
        ("docker://app", RegistryImage(Reference.parse("app:latest"))),
        ("docker://localhost:5000/app:1", RegistryImage(Reference.parse("localhost:5000/app:1"))),
        ("rootfs:/tmp/x", RootfsFolder("/tmp/x")),
        ("rootfs:a:b", RootfsFolder("a:b")),
        ("out.tar", ArchiveFile("out.tar")),
        ("-", ArchiveFile("-")),
        ("out", PlainFolder("out")),
        ("./oci", PlainFolder("./oci")),
        ("a:b", PlainFolder("a:b")),
    ],
)
def test_a_transport_is_read(text: str, value: transport.Transport) -> None:
    assert transport.parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("oci:", "oci::tag", "oci:a:-", "oci-archive:", "rootfs:", "docker:app", "docker://", "docker://A"),
        *("", "a\0b", "docker-daemon:x", "containers-storage:x", "dir:x", "oci:a:team/UPPER"),
    ],
)
def test_a_transport_that_cannot_be_meant_is_wrong_use(text: str) -> None:
    with pytest.raises(UsageError):
        transport.parse(text)


@given(st.text(max_size=30))
def test_any_text_gives_a_transport_or_wrong_use(text: str) -> None:
    try:
        value = transport.parse(text)
    except (UsageError, FormatError):
        return
    assert str(value)
