"""The reference page of the configuration (docs/reference/config.md), made from the model."""

from collections.abc import Iterator

from witchery.config.encode import plain
from witchery.config.kinds import (
    Choice,
    Flag,
    Kind,
    ListOf,
    MapOf,
    Mode,
    Number,
    Record,
    Setting,
    Text,
    Words,
    settings,
)
from witchery.config.model import IMAGE

_INTRODUCTION = """\
# The configuration file

An image is described by a YAML file, `witchery.yaml`. The schema is a superset of apko's: an `apko.yaml` is
read as it is. Keys marked **+** are Witchery's own. This page is made from the types that read the file.

```yaml
# yaml-language-server: $schema=witchery.schema.json
contents:
  repositories:
    - https://dl-cdn.alpinelinux.org/alpine/v3.22/main
  packages:
    - wget
    - ca-certificates-bundle
entrypoint:
  command: /usr/bin/wget
cmd: --help
```

The first line lets editors check and complete the file; `witchery show --schema > witchery.schema.json`
writes the schema.

## How it is read

- **Every value is text first.** `3.10` is not 3.1, and `on` is not true. What a key wants decides: a number
  is decimal digits, a flag is `true` or `false`, both without quotes; permissions are octal however they
  are written (`0o755`, `0755`, `755`).
- **A list may begin with `@` or `!` only in quotes**: `"@edge https://…"`, `"!bash"`. Unquoted, YAML gives
  these characters a meaning of its own.
- **A problem has a place**, `file:line:column: key`, and all problems are reported at once. Unknown keys,
  keys given twice and values of the wrong kind are problems. A key without a value counts as absent.
- **Relative paths** of repositories, keys, package files and parts of the application start at the folder
  of the file that is named, in files that it includes too; in an `apko.yaml`, at the current folder.
- **Anchors, aliases and `<<`** work within a file. Tags and several documents in one file do not. A file is
  UTF-8, 1 MiB at most, with 24 levels and 20,000 values at most.

### Variables

`${NAME}` in any value, never in a key, stands for the value that `--set NAME=VALUE` gives. It is replaced
after the YAML is parsed: a value stays one value, whatever the variable holds. A variable without a value
is a problem; a literal `${NAME}` is written `$${NAME}`. Inside `{}` and `[]`, YAML wants such a text in
quotes.

### Including another file

`include:` starts from another file: lists are joined, the included file's part first; of mappings, each key
counts by itself; anything else that this file gives wins. `entrypoint`, `cmd`, `archs`, `layering` and
`certificates` are replaced as a whole. Included files may include others, but not in a circle.

### apko's files

A file named `apko.yaml` or `*.apko.yaml` that uses none of the keys marked **+** is read as apko reads it,
where the two differ: without `accounts` the image runs as root (a note says so), and `${NAME}` is literal
unless `--set` is used. Two things of apko's schema are not supported, and say why: `contents.baseimage` and
`format: erofs`.
"""


def markdown() -> str:
    """The page."""
    return _INTRODUCTION + "\n## Keys\n" + "".join(_section(IMAGE, ""))


def _section(kind: Record, path: str) -> Iterator[str]:
    if path:
        summary = (kind.type.__doc__ or "").strip().split("\n")[0]
        yield f"\n### `{path}`\n\n{summary}\n"
    yield "\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n"
    inner: list[tuple[Record, str]] = []
    for key, each in settings(kind.type).items():
        mark = " **+**" if each.own else ""
        yield f"| `{key}`{mark} | {_value(each.kind)} | {_default(each)} | {_cell(each.doc)} |\n"
        inner += _records(each.kind, f"{path}.{key}" if path else key)
    for record, where in inner:
        yield from _section(record, where)


def _records(kind: Kind, path: str) -> Iterator[tuple[Record, str]]:
    if isinstance(kind, Record):
        yield kind, path
    elif isinstance(kind, ListOf):
        yield from _records(kind.item, f"{path}[]")


def _value(kind: Kind) -> str:
    found: str
    match kind:
        case Text() | Number() | Mode() | Flag() | Words():
            found = kind.what
        case Choice():
            found = " or ".join(f"`{value}`" for value in kind.values)
        case ListOf(Record() as item):
            short = f", or the `{item.short}` of each" if item.short else ""
            found = f"a list of mappings, see below{short}"
        case ListOf():
            found = f"a list; each {_value(kind.item)}"
        case MapOf():
            found = f"a mapping; each key {kind.key.what}, each value {_value(kind.value)}"
        case _:
            found = "a mapping, see below" + (f", or its `{kind.short}` alone" if kind.short else "")
    return _cell(found)


def _default(setting: Setting) -> str:
    if setting.required:
        return "required"
    shown = plain(setting.kind, setting.default) if setting.default is not None else ""
    if isinstance(shown, bool):
        return f"`{str(shown).lower()}`"
    if isinstance(shown, list | tuple):
        shown = f"[{', '.join(map(str, shown))}]" if shown else ""
    return f"`{shown}`" if shown else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
