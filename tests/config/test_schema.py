"""The JSON schema says what the decoder does, as far as a schema can."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from support.config_documents import FITTING, damaged, written
from support.configs import IMAGES, as_editors_see_it, loaded
from witchery import canonical
from witchery.config import schema
from witchery.config.reference import markdown
from witchery.config.schema import json_schema
from witchery.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = Draft7Validator(json_schema())

BEYOND_A_SCHEMA = (
    "is given twice",  # between values
    "needs a `source`",
    "only links have a `source`",
    "the rule changes nothing",
    "nothing is below a",
    "cannot both be the entrypoint",
    "services run only under",
    "needs the shell",
    "uid 0 is root's",
    "must not contain `..`",  # unreadable as a pattern
    "a port is a number from",
    "a pattern names something below",
    "nobody of that name",
    "a number of an owner goes to",
    "PEM block",
    "unknown architecture",
    "not a valid world dependency",
    "a repository is a path or an http, https or file URL",
    "a URL without a host",
    "not a command line",
    "permissions are octal",  # the notation is lost
    "expected octal permissions",
    'without quotes: `"',
)
"""Problems that the decoder finds and the schema need not."""


def complaints(text: bytes | str, **variables: str) -> tuple[str, ...]:
    try:
        loaded(text, name="a.yaml", variables=variables)
    except ConfigError as error:
        return error.problems
    return ()


def agree(text: str) -> str:
    """The schema refuses nothing that the decoder takes, and, but for the list, the reverse."""
    refused = [error.message for error in VALIDATOR.iter_errors(as_editors_see_it(text))]
    found = complaints(text)
    within = [problem for problem in found if not any(reason in problem for reason in BEYOND_A_SCHEMA)]
    if refused:
        assert found, refused
    if within:
        assert refused, within
    return f"schema {'refuses' if refused else 'takes'}, decoder {'refuses' if found else 'takes'}"


def test_the_schema_is_a_schema() -> None:
    Draft7Validator.check_schema(json_schema())
    assert json_schema()["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_the_shipped_schema_and_the_reference_page_are_up_to_date() -> None:
    """Otherwise: `python docs/reference/generate.py`."""
    shipped = Path(schema.__file__).with_name("schema.json").read_bytes()
    assert shipped == canonical.encode_pretty(json_schema())
    assert (ROOT / "docs/reference/config.md").read_text() == markdown()


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.yaml")), ids=lambda path: path.name)
def test_an_editor_finds_no_fault_in_an_example(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(as_editors_see_it(path.read_bytes()))] == []


@pytest.mark.parametrize(
    "text",
    [
        "contents: {packges: []}",
        "contents: []",
        "contents: {packages: wget}",
        "contents: {packages: [{a: b}]}",
        "contents: {packages: [a b]}",
        "contents: {packages: [null]}",
        "contents: {shell: never}",
        "contents: {baseimage: {image: x}}",
        "format: erofs",
        "accounts: {users: [{uid: 1}]}",
        "accounts: {users: [{username: a, uid: -1}]}",
        "accounts: {users: [{username: a, uid: 4294967296}]}",
        "accounts: {users: [{username: a, uid: '1'}]}",
        "accounts: {users: [{username: a, uid: 1.5}]}",
        "accounts: {users: [{username: 1, uid: 1}]}",
        "accounts: {users: [null]}",
        "base: {tmp: yes}",
        "base: {tmp: 'true'}",
        "layering: sngle",
        "layering: {budget: 0}",
        "layering: [single]",
        "paths: [{path: /a}]",
        "paths: [{path: /a, type: dir}]",
        "paths: [{path: /a, type: directory, permissions: 8888}]",
        "work-dir: a",
        "ports: [http]",
        "ports: [1.5]",
        "ports: [-1]",
        "environment: {1A: x}",
        "environment: [A]",
        "environment: {A: [x]}",
        "cmd: {}",
        "cmd: [[]]",
        "cmd: [null]",
        "volumes: [data]",
        "unknown: 1",
    ],
)
def test_what_the_decoder_refuses_an_editor_marks_too(text: str) -> None:
    assert complaints(text)
    if "8888" not in text:
        agree(text)
        assert list(VALIDATOR.iter_errors(as_editors_see_it(text)))


@pytest.mark.parametrize(
    "text",
    [
        "contents:\ncmd:\npaths:\nlayering:\nbase:\nformat:\nenvironment:\nwork-dir:\n",
        "cmd: ''\nwork-dir: ''\nformat: ''\nlayering: ''\n",
        "cmd: 5\n",
        "cmd: [sleep, 5, true, 1.5]\n",
        "environment: {A: 1, B: 1.5, C: true, D: , E: ~, F: ''}",
        "layering: single",
        "accounts: {run-as: 0}",
        "accounts: {run-as: '0:0'}",
        "ports: [80, 80/udp]",
        "stop-signal: 15",
        "paths: [{path: 5, type: directory, permissions: 755}]",
        "paths: [{path: a, type: directory, permissions: 0o755}]",
        "paths: [{path: a, type: directory, permissions: '0755'}]",
        "archs: [386, x86_64]",
        "contents: {packages: [389, 1.5, true]}",
        "base: {tmp: False, group: TRUE}",
    ],
)
def test_what_the_decoder_takes_an_editor_takes_too(text: str) -> None:
    assert complaints(text) == ()
    agree(text)


@pytest.mark.parametrize(
    "text",
    [
        "work-dir: ${DIR}",
        "ports: ['${PORT}']",
        "layering: ${LAYERING}",
        "contents: {shell: '${SHELL}', packages: ['a=${VERSION}']}",
        "accounts: {users: [{username: '${NAME}', uid: '${ID}', gid: '${ID}'}]}",
        "paths: [{path: '${P}', type: '${T}', permissions: '${M}', recursive: '${R}'}]",
        "archs: ['${ARCH}']",
        "base: {tmp: '${NO}'}",
        "cmd: ${CMD}",
    ],
)
def test_an_editor_takes_a_variable_in_any_value(text: str) -> None:
    assert list(VALIDATOR.iter_errors(as_editors_see_it(text))) == []


@pytest.mark.property
@given(FITTING)
def test_schema_and_decoder_agree_on_documents_that_fit(document: dict[str, Any]) -> None:
    event(agree(written(document)))


@pytest.mark.property
@given(damaged())
def test_schema_and_decoder_agree_on_documents_that_nearly_fit(document: dict[str, Any]) -> None:
    event(agree(written(document)))


@pytest.mark.property
@given(FITTING)
def test_a_configuration_printed_and_read_again_is_the_same(document: dict[str, Any]) -> None:
    try:
        first = loaded(written(document), name="a.yaml").config
    except ConfigError:
        event("refused")
        return
    printed = first.to_yaml()
    if "***" not in printed:
        assert loaded(printed, name="a.yaml").config == first


_PIECES = st.sampled_from(
    [*b"contents:|cmd: |paths:|---|\n|  |- |a|: |&a |*a|<<|[|]|{|}|'|\"|${|!x|\t|#|%|\xff".split(b"|"), b"|"]
)


@pytest.mark.property
@given(st.binary(max_size=64) | st.lists(_PIECES, max_size=40).map(b"".join))
def test_any_bytes_give_a_configuration_or_problems_with_places(data: bytes) -> None:
    for problem in complaints(data, X="y"):
        assert re.match(r"a\.yaml:\d+:\d+: |and \d+ more", problem)


@pytest.mark.property
@given(st.sampled_from(sorted(IMAGES.glob("*.yaml"))), st.data())
def test_an_example_with_a_changed_byte_gives_a_configuration_or_problems(
    path: Path, data: st.DataObject
) -> None:
    text = bytearray(path.read_bytes())
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    text = text.replace(b"include:", b"#")
    for problem in complaints(bytes(text), RELEASE="3.22"):
        assert re.match(r"a\.yaml:\d+:\d+: ", problem)


def test_the_schema_is_small_enough_to_read() -> None:
    assert len(json.dumps(json_schema())) < 22_000
