"""How two images are started: what of their configurations differs."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from witchery.oci.config import Execution


class SettingChange(NamedTuple):
    """Something that is configured otherwise.

    Attributes:
        name: What: `user`, `entrypoint`, `env PATH`, `label org.example.team`.
        before: As it was; None where it is new.
        after: As it is; None where it is gone.
    """

    name: str
    before: str | None
    after: str | None


def compared(before: Execution, after: Execution) -> tuple[SettingChange, ...]:
    """What differs, in the order of the configuration."""
    old, new = dict(_settings(before)), dict(_settings(after))
    names = dict.fromkeys((*old, *new))
    changes = (SettingChange(name, old.get(name), new.get(name)) for name in names)
    return tuple(each for each in changes if each.before != each.after)


def _settings(execution: Execution) -> Iterator[tuple[str, str]]:
    single: Mapping[str, object] = {
        "user": execution.user,
        "entrypoint": execution.entrypoint,
        "cmd": execution.cmd,
        "working folder": execution.working_dir,
        "stop signal": execution.stop_signal,
    }
    for name, value in single.items():
        if value:
            yield name, value if isinstance(value, str) else _words(value)
    for each in execution.env:
        name, _, value = each.partition("=")
        yield f"env {name}", value
    for each in execution.ports:
        yield f"port {each}", "exposed"
    for each in execution.volumes:
        yield f"volume {each}", "mounted"
    for name, value in execution.labels.items():
        yield f"label {name}", value


def _words(value: object) -> str:
    from witchery import canonical

    return canonical.encode(value).decode()
