"""Configurations for tests: files in memory, the example files, and how an editor would see a file."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from witchery.config.load import Loaded, load
from witchery.config.model import ImageConfig
from witchery.errors import ConfigError, StorageError

IMAGES = Path(__file__).resolve().parents[1] / "config" / "data" / "images"
"""Example configurations as people write them."""

VARIABLES = {"witchery.yaml": {"RELEASE": "3.22"}}
"""The variables that an example needs."""


def reader(files: Mapping[str, bytes | str]) -> Callable[[str], bytes]:
    """Reads from files in memory."""

    def read(path: str) -> bytes:
        if path not in files:
            raise StorageError(f"no such file: `{path}`")
        data = files[path]
        return data.encode() if isinstance(data, str) else data

    return read


def loaded(
    text: bytes | str,
    *,
    name: str = "witchery.yaml",
    variables: Mapping[str, str] | None = None,
    **included: str,
) -> Loaded:
    """Loads one file; others, for `include:`, are given by their names without `.yaml`."""
    files = {name: text} | {f"{key}.yaml": value for key, value in included.items()}
    return load(name, reader(files), variables or {})


def config(text: bytes | str, *, name: str = "witchery.yaml", **variables: str) -> ImageConfig:
    """The configuration of one file."""
    return loaded(text, name=name, variables=variables).config


def problems(text: bytes | str, *, name: str = "a.yaml", **variables: str) -> tuple[str, ...]:
    """The problems of one file that has some."""
    with pytest.raises(ConfigError) as caught:
        loaded(text, name=name, variables=variables)
    return caught.value.problems


def example(name: str) -> Loaded:
    """Loads an example file."""
    return load(name, lambda path: (IMAGES / path).read_bytes(), VARIABLES.get(name, {}))


class _Core(yaml.SafeLoader):
    """YAML as editors read it: the core schema of YAML 1.2, where `on` and `1:30` are texts."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", tuple("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", tuple("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", tuple("-+.0123456789")),
    ("merge", r"<<", ("<",)),
):
    for _character in _first:
        _Core.yaml_implicit_resolvers.setdefault(_character, []).append(
            (f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"))
        )


def _integer(loader: _Core, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    assert isinstance(text, str)
    return int(text, 8) if text.startswith("0o") else int(text, 16) if text.startswith("0x") else int(text)


_Core.add_constructor("tag:yaml.org,2002:int", _integer)


def as_editors_see_it(text: bytes | str) -> Any:
    """The values of a YAML file by the core schema of YAML 1.2."""
    return yaml.load(text, Loader=_Core)
