"""Configurations made by hypothesis: documents that fit the model, and documents that nearly do."""

from typing import Any

import yaml
from hypothesis import strategies as st

from support.configs import IMAGES
from witchery.config import values
from witchery.config.kinds import (
    Choice,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Mode,
    Number,
    Record,
    Text,
    Words,
    settings,
)
from witchery.config.model import IMAGE

_EXAMPLE: dict[str, Any] = yaml.safe_load((IMAGES / "certificates.apko.yaml").read_text())
_PEM = {
    values.CERTIFICATE: _EXAMPLE["certificates"]["additional"][0]["content"],
    values.PUBLIC_KEY: _EXAMPLE["contents"]["runtime_keyring"][0]["content"],
}
_PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"]), max_size=8)
_WORDS = st.text("abc -=/.'", max_size=8).filter(lambda text: text.count("'") % 2 == 0)


def fitting(kind: Kind) -> st.SearchStrategy[Any]:
    """Values, as a YAML library would give them, that a kind's pattern and range allow."""
    found: st.SearchStrategy[Any]
    match kind:
        case Text():
            found = _text(kind)
        case Number():
            found = st.integers(kind.low, kind.high)
        case Mode():
            found = st.integers(0, 0o7777).map(lambda mode: f"{mode:#o}")
        case Flag():
            found = st.booleans()
        case Choice():
            found = st.sampled_from(kind.values)
        case Words():
            found = _WORDS | st.lists(_WORDS | st.integers() | st.booleans(), max_size=3)
        case ListOf():
            found = st.lists(fitting(kind.item), max_size=3)
        case MapOf():
            found = st.dictionaries(_text(kind.key), fitting(kind.value), max_size=3)
        case Record():
            found = _record(kind)
    return found


def _text(kind: Text) -> st.SearchStrategy[Any]:
    if kind in _PEM:
        return st.just(_PEM[kind])
    if kind.pattern:
        ascii_only = st.characters(max_codepoint=126, min_codepoint=32)
        return (
            st.sampled_from(kind.examples)
            if kind.examples
            else st.from_regex(kind.pattern, fullmatch=True, alphabet=ascii_only)
        )
    return _PLAIN if kind.empty else _PLAIN.filter(bool)


def _record(kind: Record) -> st.SearchStrategy[dict[str, Any]]:
    table = settings(kind.type)
    required = {key: fitting(each.kind) for key, each in table.items() if each.required}
    optional = {
        key: fitting(each.kind) for key, each in table.items() if not each.required and key != "include"
    }
    return st.fixed_dictionaries(required, optional=optional)


FITTING: st.SearchStrategy[dict[str, Any]] = _record(IMAGE)
"""Whole documents; some break a rule that holds between values."""

_JUNK: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-10, 10**10)
    | st.sampled_from([1.5, -0.25])
    | st.sampled_from(["", "x", "1", "true", "a b", "/", "/a/..", "allow", "0o755", "999", "@a", "!a"])
    | st.sampled_from(["a=1", "a\nb", "é", "SIGINT"])
    | st.just([])
    | st.just({})
    | st.just(["x"])
    | st.just({"x": "y"})
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A fitting document with something else in one place, or a key too many or too few."""
    document = draw(FITTING)
    places = list(_places(document))
    holder, key = draw(st.sampled_from(places)) if places else (document, "cmd")
    damage = draw(st.integers(0, 3))
    if damage == 0 and isinstance(holder, dict):
        holder[draw(st.sampled_from(["x", "uid", "type", "packages"]))] = draw(_JUNK)
    elif damage == 1 and places:
        del holder[key]
    else:
        holder[key] = draw(_JUNK)
    return document


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(below)


def written(document: Any) -> str:
    """The document as YAML; a literal `${` is escaped, and octal numbers stay as they are written."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text.replace("${", "$${")
