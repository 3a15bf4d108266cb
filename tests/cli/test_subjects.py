"""What a command may be asked about: the same kinds, in the same words, with the same errors everywhere."""

from pathlib import Path

import pytest

from support.command import Command
from support.images import image_of_tars, member, tar_of
from support.shared import needs_shared
from support.surveys import database
from witchery.build.subjects.subject import Kind, kind_of
from witchery.store import layout

COMMANDS = ("why musl", "tree", "inspect", "audit", "diff oci:image", "vulns", "sbom", "report")


@pytest.fixture
def image(witchery: Command) -> str:
    """An image with one package, in the folder of the command."""
    del witchery
    made = image_of_tars(
        tar_of(database(("musl", "1-r0", "MIT")), member("etc/os-release", b"ID=alpine\nVERSION_ID=3.19.1\n"))
    )
    layout.write(Path("image"), made.image, made.contents)
    return "oci:image"


def test_a_word_is_told_by_its_form_and_a_file_by_what_is_in_it(tmp_path: Path) -> None:
    for text in ("oci:a", "oci-archive:a", "docker-archive:a", "docker://a/b", "rootfs:a", "a.tar", "-"):
        assert kind_of(text) is Kind.IMAGE, text
    assert kind_of("a.lock.json") is Kind.LOCK
    assert kind_of("a.apk") is Kind.PACKAGE
    assert kind_of("witchery.yaml") is Kind.SOURCE
    assert kind_of(str(tmp_path)) is Kind.SOURCE
    renamed, other = tmp_path / "pinned.json", tmp_path / "app.json"
    renamed.write_text('{"schema": "dev.witchery.lock/1"}')
    other.write_text("{}")
    assert kind_of(str(renamed)) is Kind.LOCK
    assert kind_of(str(other)) is Kind.SOURCE


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("image")
def test_a_package_is_refused_with_what_is_taken(witchery: Command, command: str) -> None:
    done = witchery(*command.split(), "wget-1.21.4-r0.apk")
    assert done.status == 2
    assert "expected an image, " in done.err
    assert "got a package (*.apk): `wget-1.21.4-r0.apk`" in done.err


@pytest.mark.parametrize("command", ["inspect", "scan"])
def test_a_lock_is_refused_where_files_are_asked_about(witchery: Command, command: str) -> None:
    done = witchery(command, "witchery.lock.json")
    assert done.status == 2
    assert "an application or a configuration, got a lock (*.lock.json): `witchery.lock.json`" in done.err


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("image")
def test_a_registry_is_not_reached_without_the_network(witchery: Command, command: str) -> None:
    done = witchery(*command.split(), "docker://registry.invalid/app", "--offline")
    assert done.status == 2
    assert "a registry is not reached without the network: `docker://registry.invalid/app`" in done.err


@pytest.mark.parametrize("command", [each for each in COMMANDS if each != "vulns"])
def test_an_image_is_looked_at_for_one_platform(witchery: Command, image: str, command: str) -> None:
    done = witchery(*command.split(), image, "--arch", "amd64,arm64")
    assert done.status == 2
    assert "one architecture at a time is looked at: `--arch x86_64,aarch64`" in done.err


@needs_shared
@pytest.mark.parametrize(
    "command", ["why musl", "tree", "audit", "diff oci:image", "vulns", "sbom", "report"]
)
@pytest.mark.usefixtures("image")
def test_what_is_not_locked_is_said(witchery: Command, wget: Path, command: str) -> None:
    assert witchery("lock", wget, "--arch", "x86_64").status == 0
    done = witchery(*command.split(), "witchery.lock.json", "--arch", "aarch64")
    assert done.status == 2
    assert "witchery.lock.json: not locked for aarch64: the lock is for x86_64" in done.err
