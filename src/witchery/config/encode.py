"""From the values of the model back to a document, and to YAML."""

from typing import Any

from witchery.config.kinds import (
    Choice,
    Kind,
    ListOf,
    MapOf,
    Mode,
    Model,
    Record,
    Text,
    Words,
    settings,
)
from witchery.config.values import redacted
from witchery.config.variables import escaped


def document(value: Model) -> dict[str, Any]:
    """What differs from the defaults, as plain values in the schema's order.

    Credentials in URLs are replaced, wherever they stand.
    """
    found = {}
    for key, setting in settings(type(value)).items():
        given = getattr(value, setting.name)
        if setting.required or given != setting.default:
            found[key] = plain(setting.kind, given)
    return found


def plain(kind: Kind, value: Any) -> Any:
    """One value of a kind, as it stands in a document."""
    result: Any
    match kind:
        case Record():
            result = document(value)
        case Mode():
            result = f"{value:#o}" if isinstance(value, int) else value
        case Words():
            result = [redacted(word) for word in value]
        case ListOf():
            result = [plain(kind.item, each) for each in value]
        case MapOf():
            result = {key: plain(kind.value, each) for key, each in value.items()}
        case Text() | Choice():
            result = redacted(str(value))
        case _:
            result = value
    return result


def _escaped(value: Any) -> Any:
    match value:
        case str():
            return escaped(value)
        case list():
            return [_escaped(each) for each in value]
        case dict():
            return {key: _escaped(each) for key, each in value.items()}
        case _:
            return value


def to_yaml(value: Model) -> str:
    """The document as YAML in Witchery's dialect: a literal `${` is written `$${`."""
    import yaml

    class _Dumper(yaml.SafeDumper):
        """Writes texts of several lines as blocks."""

        def increase_indent(self, flow: bool = False, *_: object, **__: object) -> None:  # noqa: FBT001, FBT002
            super().increase_indent(flow, indentless=False)

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)

    _Dumper.add_representer(str, text)
    dumped: str = yaml.dump(
        _escaped(document(value)),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=False,
        allow_unicode=True,
        width=10**6,
    )
    return dumped
