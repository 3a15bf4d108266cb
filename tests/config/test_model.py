"""The configuration as a value."""

import pytest

from support.configs import config, problems
from witchery.config.encode import document
from witchery.config.model import Entrypoint, ImageConfig
from witchery.errors import ConfigError


def test_a_configuration_is_a_value() -> None:
    one, two = config("environment: {B: 1, A: 2}\ncmd: x"), config("cmd: [x]\nenvironment: {A: 2, B: 1}")
    assert one == two
    assert hash(one) == hash(two)
    assert one != config("cmd: x")
    other: object = "cmd: x"
    assert one != other
    assert repr(two).startswith("ImageConfig(include='', contents=Contents(repositories=(),")
    with pytest.raises(AttributeError):
        one.work_dir = "/"  # type: ignore[misc]
    with pytest.raises(TypeError):
        one.environment["A"] = "3"  # type: ignore[index]


@pytest.mark.parametrize(
    ("entrypoint", "argv"),
    [
        (Entrypoint(), ()),
        (Entrypoint(command=("a", "b c")), ("a", "b c")),
        (Entrypoint(shell_fragment="a && b"), ("/bin/sh", "-c", "a && b")),
        (Entrypoint(type="service-bundle", command=("a",)), ("/bin/s6-svscan", "/sv")),
    ],
)
def test_the_entrypoint_of_each_form(entrypoint: Entrypoint, argv: tuple[str, ...]) -> None:
    assert entrypoint.argv == argv


def test_the_world_has_s6_once_where_services_need_it() -> None:
    bundle = "entrypoint: {type: service-bundle}\n"
    assert config(bundle + "contents: {packages: [a]}").world == ("a", "s6")
    assert config(bundle + "contents: {packages: [s6, a]}").world == ("s6", "a")
    assert config("contents: {packages: [a]}").world == ("a",)


@pytest.mark.parametrize(
    ("url", "halves"),
    [
        ("https://example.org/a@0123abc", ("https://example.org/a", "0123abc")),
        ("https://example.org/a", ("https://example.org/a", "")),
        ("git@example.org:team/a", ("git@example.org:team/a", "")),
        ("git@example.org:team/a@v1.0", ("git@example.org:team/a", "v1.0")),
        ("git@example.org:a", ("git@example.org:a", "")),
        ("https://me@example.org/a", ("https://me@example.org/a", "")),
    ],
)
def test_source_and_revision(url: str, halves: tuple[str, str]) -> None:
    assert config(f"vcs-url: {url}").source_and_revision == halves
    assert ImageConfig().source_and_revision == ("", "")


def test_the_command_line_adds_after_the_file() -> None:
    given = config("contents: {packages: [a], repositories: [/r], keyring: [k.pub]}\ncmd: x")
    added = given.adding(packages=["b"], repositories=["/s"], keyring=["l.pub"])
    assert added.contents.packages == ("a", "b")
    assert added.contents.repositories == ("/r", "/s")
    assert added.contents.keyring == ("k.pub", "l.pub")
    assert added.cmd == ("x",)
    assert given.adding() == given


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_is_refused_with_a_start(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^a\.yaml:1:1: the file is empty$") as caught:
        config(text, name="a.yaml")
    assert caught.value.hints[0].startswith("a configuration begins with, for example, `contents: {")
    assert config(caught.value.hints[0].split("`")[1]).world == ("wget",)


def test_a_file_that_is_no_mapping_is_refused() -> None:
    assert problems("- a\n") == ("a.yaml:1:1: expected a mapping with keys such as `contents`",)


def test_the_printed_form_is_readable_yaml_without_credentials() -> None:
    found = config(
        "contents:\n  repositories: ['https://me:hunter2@example.org/r', '@a http://me@example.org/s']\n"
        "  keyring: ['https://:hunter2@example.org/k.pub']\n"
        "environment:\n  HTTP_PROXY: http://me:hunter2@proxy:3128\n  ON: on\n  P: $${X}\n"
        "  L: |\n    one\n    two\n"
        "vcs-url: https://me:hunter2@example.org/a@0123abc\ncmd: fetch 'https://me:hunt@r2@example.org/ x'\n"
        "paths: [{path: a, type: directory, permissions: 750}]\n"
        "entrypoint: {type: service-bundle, services: {a: b https://me:hunter2@example.org/}}\n"
    )
    printed = found.to_yaml()
    assert (
        printed
        == """\
contents:
  repositories:
    - https://***@example.org/r
    - '@a http://***@example.org/s'
  keyring:
    - https://***@example.org/k.pub
entrypoint:
  type: service-bundle
  services:
    a: b https://***@example.org/
cmd:
  - fetch
  - https://***@example.org/ x
environment:
  HTTP_PROXY: http://***@proxy:3128
  'ON': 'on'
  P: $${X}
  L: |
    one
    two
paths:
  - path: /a
    type: directory
    permissions: 0o750
vcs-url: https://***@example.org/a@0123abc
"""
    )
    assert found.contents.repositories[0] == "https://me:hunter2@example.org/r", "the value itself is whole"
    assert config(printed).to_yaml() == printed


def test_what_looks_like_a_variable_is_printed_so_that_it_is_none() -> None:
    found = config("labels: {'${A}': $$}\nannotations: {b: '$${A} $$${A}'}\ncmd: [a, '$${B']", A="1")
    assert found.labels == {"${A}": "$$"}
    assert found.annotations == {"b": "${A} $${A}"}
    assert config(found.to_yaml()) == found


def test_the_document_holds_what_differs_from_the_defaults() -> None:
    assert ImageConfig().to_document() == {}
    assert config("layering: {budget: 60}\nbase: {tmp: false}\nformat: tar").to_document() == {
        "base": {"tmp": False}
    }
    rule = config("paths: [{path: a, type: directory, uid: 0}]").paths[0]
    assert document(rule) == {"path": "/a", "type": "directory", "uid": 0}
