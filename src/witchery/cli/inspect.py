"""Show what an image consists of: its layers, its start, its users, its largest packages and files.

SOURCE is an image (oci:DIR, an archive, docker://REF), whoever built it, or an application or configuration,
which is composed and written nowhere. What cannot be known of an image is said. The kinds of layers are what
its builder says; `witchery verify` proves them.
"""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from witchery.build.subjects.subject import COMPOSED, Kind
from witchery.cli import options as shared
from witchery.cli import subjects
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.build.inspecting import FileFacts, Inspected, LayerFacts

EXAMPLE = """\
example:
  witchery inspect oci:app
  witchery inspect docker://registry.example.org/team/app:1.2 --with oci:base --json
"""

_DIGEST = 12
"""How many digits of a digest a person is shown."""
_NAMES = 3
"""How many packages of a layer."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    subjects.add_subject(parser, COMPOSED)
    parser.add_argument(
        "--with",
        metavar="IMAGE",
        action="append",
        default=[],
        dest="others",
        help="another image: say which layers both have; repeatable",
    )
    parser.add_argument(
        "--top", metavar="N", type=_count, default=10, help="how many packages and files to show; default: 10"
    )
    subjects.add_ways(parser)
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Shows it."""
    from witchery.build.inspecting import inspect
    from witchery.build.subjects.subject import open_subject

    with subjects.reaching(options, console) as means:
        subject = open_subject(options.source, means, COMPOSED)
        others = [open_subject(each, means, (Kind.IMAGE,)) for each in options.others]
        subjects.warn(subject, console)
        inspected = inspect(subject, others)
    if options.json:
        console.document(_document(inspected, options.top))
    else:
        _Telling(inspected, options.top, console).tell()
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 6:
        raise argparse.ArgumentTypeError("expected a number")
    return int(text)


class _Telling:
    """Tells a person."""

    def __init__(self, inspected: "Inspected", top: int, console: Console) -> None:
        self._inspected = inspected
        self._top = top
        self._console = console

    def tell(self) -> None:
        """Says it all."""
        self._start()
        self._layers()
        self._packages()
        self._files()
        for each in self._inspected.unknown:
            self._console.note(f"not known: {each}")

    def _line(self, text: str) -> None:
        from witchery.cli.console import printable

        self._console.result(printable(text))

    def _table(self, title: str, rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
        from witchery.cli.rendering import table

        self._line("")
        self._line(title)
        for line in table(rows, right).splitlines():
            self._line(f"  {line}")

    def _start(self) -> None:
        import shlex

        from witchery.cli.rendering import size

        found, how = self._inspected, self._inspected.execution
        user = found.user
        named = f"{user.name} ({user.uid})" if user else how.user or "root (0)"
        rows = [
            ("image", found.name),
            ("digest", str(found.digest)),
            ("platform", found.platform),
            ("created", found.created),
            ("size", f"{size(found.transfer)} to transfer, {size(found.size)} of files"),
            ("entry point", shlex.join(how.entrypoint)),
            ("command", shlex.join(how.cmd)),
            ("user", named),
            ("folder", how.working_dir),
            *(("environment" if not at else "", each) for at, each in enumerate(how.env)),
            ("ports", " ".join(how.ports)),
            ("volumes", " ".join(how.volumes)),
            ("stop signal", how.stop_signal),
            ("accounts", ", ".join(f"{each.name} ({each.uid})" for each in found.users)),
        ]
        for name, text in rows:
            if text:
                self._line(f"{name:<12} {text}")

    def _layers(self) -> None:
        from witchery.cli.rendering import counted_as, size

        found = self._inspected
        rows = [
            (str(at), each.kind, size(each.size), each.digest.hex[:_DIGEST], _what(each))
            for at, each in enumerate(found.layers, 1)
        ]
        shared = f", {size(found.shared)} of them shared" if found.shared else ""
        self._table(f"{counted_as(len(found.layers), 'layer')}{shared}", rows, right=(0, 2))

    def _packages(self) -> None:
        from witchery.cli.rendering import counted_as, size

        packages = self._inspected.packages
        if packages:
            shown = packages[: self._top]
            rows = [(size(each.size), f"{each.name}-{each.version}") for each in shown]
            self._table(
                f"{counted_as(len(packages), 'package')}{_largest(shown, packages)}", rows, right=(0,)
            )

    def _files(self) -> None:
        from witchery.cli.rendering import counted_as, size

        found = self._inspected
        shown = found.largest[: self._top]
        rows = [(size(each.entry.size), f"/{each.entry.path}", each.package) for each in shown]
        self._table(f"{counted_as(len(found.files), 'file')}{_largest(shown, found.files)}", rows, right=(0,))
        rows = [(_rights(each), f"/{each.entry.path}", each.package) for each in found.privileged]
        if rows:
            self._table("files that give more rights", rows)
        else:
            self._line("")
            self._line("no file gives more rights (setuid, setgid, capabilities)")


def _largest(shown: Sequence[object], whole: Sequence[object]) -> str:
    return "" if len(shown) == len(whole) else f", the {len(shown)} largest"


def _what(layer: "LayerFacts") -> str:
    names = ", ".join(layer.packages[:_NAMES])
    more = f" and {len(layer.packages) - _NAMES} more" if len(layer.packages) > _NAMES else ""
    what = f"{names}{more}" or ("generated files" if layer.kind == "top" else layer.created_by[:60])
    shared = f"  (also in {', '.join(layer.shared_with)})" if layer.shared_with else ""
    return f"{what or 'nothing that is in the image'}{shared}"


def _rights(file: "FileFacts") -> str:
    set_id = [name for bit, name in ((0o4000, "setuid"), (0o2000, "setgid")) if file.entry.mode & bit]
    capable = any(name == "security.capability" for name, _ in file.entry.xattrs)
    return " ".join([*set_id, *(["capabilities"] if capable else [])])


def _document(found: "Inspected", top: int) -> dict[str, Any]:
    """What was found, for a program: `dev.witchery.inspect/1`."""
    how = found.execution
    return {
        "schema": "dev.witchery.inspect/1",
        "name": found.name,
        "digest": str(found.digest),
        "platform": found.platform,
        "created": found.created,
        "annotations": dict(found.annotations),
        "sizes": {
            "transfer": found.transfer,
            "files": found.size,
            "shared": found.shared,
        },
        "execution": {
            "entrypoint": list(how.entrypoint),
            "cmd": list(how.cmd),
            "user": how.user,
            "account": found.user.name if found.user else "",
            "work_dir": how.working_dir,
            "environment": list(how.env),
            "ports": list(how.ports),
            "volumes": list(how.volumes),
            "stop_signal": how.stop_signal,
            "labels": dict(how.labels),
        },
        "layers": [_layer_document(each) for each in found.layers],
        "packages": [
            {"name": each.name, "version": each.version, "size": each.size, "files": each.files}
            for each in found.packages
        ],
        "users": [
            {"name": each.name, "uid": each.uid, "gid": each.gid, "home": each.home, "shell": each.shell}
            for each in found.users
        ],
        "files": len(found.files),
        "largest_files": [_file_document(each) for each in found.largest[:top]],
        "privileged_files": [_file_document(each) for each in found.privileged],
        "unknown": list(found.unknown),
    }


def _layer_document(layer: "LayerFacts") -> dict[str, Any]:
    return {
        "digest": str(layer.digest),
        "diff_id": str(layer.diff_id),
        "size": layer.size,
        "kind": layer.kind,
        "reason": layer.reason,
        "created_by": layer.created_by,
        "packages": list(layer.packages),
        "files": layer.files,
        "content_size": layer.content,
        "shared_with": list(layer.shared_with),
    }


def _file_document(file: "FileFacts") -> dict[str, Any]:
    entry = file.entry
    return {
        "path": f"/{entry.path}".encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"),
        "size": entry.size,
        "mode": f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "layer": file.layer,
        "package": file.package,
        "rights": _rights(file).split(),
    }
