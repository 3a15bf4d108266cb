"""Write down exactly what an image is made of, for all its architectures, so that it can be built again.

The lock holds every package with its address, size, digests and the key that signed it, and the digest of
every index that was read. `witchery build SOURCE --locked` builds exactly that, without an index and without
solving.

Without `--update` everything is solved anew. With it, a package stays as it is locked unless it is named; the
rest of the lock follows the source.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from witchery.cli import locked
from witchery.cli import options as shared
from witchery.cli.console import Console
from witchery.cli.vuln_options import add_condition, with_condition

if TYPE_CHECKING:
    from witchery.build.request import Request
    from witchery.lock.changes import Change, Changes, Held
    from witchery.lock.model import Lock

EXAMPLE = """\
example:
  witchery lock witchery.yaml && witchery build witchery.yaml --locked -o oci:app
  witchery lock witchery.yaml --diff
  witchery lock witchery.yaml --update openssl libssl3 libcrypto3
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    shared.add_source(parser, help_text="an application (file or folder), or a configuration (*.yaml)")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="where the lock goes; default: witchery.lock.json beside SOURCE",
    )
    locked.add_file(parser)
    parser.add_argument(
        "--update",
        metavar="PACKAGE",
        nargs="*",
        help="keep the lock, and move only these packages; none: only what the source changed",
    )
    parser.add_argument("--diff", action="store_true", help="write nothing; say what would move")
    locked.add_mirrors(parser)
    parser.add_argument(
        "--allow-arch-skew",
        action="store_true",
        help="let a package have different versions on different architectures",
    )
    shared.add_packages(parser)
    shared.add_application(parser)
    add_condition(parser)
    shared.add_registry(shared.add_trust(parser))
    shared.add_talk(parser)


def execute(options: argparse.Namespace, console: Console) -> int:
    """Writes the lock, or says what would be in it."""
    from witchery.build.locks import files as lock_files
    from witchery.build.locks.locked import identities_of
    from witchery.build.locks.locking import make_lock
    from witchery.build.locks.updating import Update, would_change
    from witchery.cli.request import open_requests
    from witchery.cli.workshop import open_workshop

    requests = with_condition(open_requests(options), options)
    for note in requests[0].notes:
        console.note(note)
    workshop = open_workshop(options, console)
    output = options.output or lock_files.default_path(Path(options.source))
    before = options.lock or output
    keeping = None
    if options.update is not None:
        lock = _read(before, requests[0])
        keeping = Update(
            lock=lock, path=before, moving=tuple(options.update), mirrors=locked.mirrors(options)
        )
        keeping.check()
        locked.take_from_images(options, console, [identities_of(lock)])
    if options.diff:
        changes = would_change(requests, workshop, _read(before, requests[0]), before, keeping)
        return _tell(changes, options, console)
    made = make_lock(requests, workshop, output, keeping=keeping, allow_skew=options.allow_arch_skew)
    for name in made.unsigned:
        console.warn(
            f"no known key signed the package itself, so building from the lock will not trust it: `{name}`"
        )
    lock_files.write_lock(output, made.lock)
    if options.json:
        from witchery.lock.document import document

        console.document(document(made.lock))
        return 0
    _summarise(made.lock, output, console)
    return 0


def _read(path: Path, request: "Request") -> "Lock":
    """A lock to start from or to compare with, ours or apko's."""
    from witchery.build.locks import files as lock_files

    found = lock_files.read_any(path)
    if not isinstance(found, tuple):
        return found
    from witchery.build.locks.apko_locked import as_lock

    return as_lock(found, request, lock_files.Notation.of(path, request))


def _summarise(lock: "Lock", output: Path, console: Console) -> None:
    from witchery.cli.rendering import counted_as, size

    for each in lock:
        total = sum(package.size for package in each.packages)
        console.say(f"{counted_as(len(each.packages), 'package')} for {each.arch}, {size(total)}")
    console.result(str(output))


def _tell(changes: "Changes", options: argparse.Namespace, console: Console) -> int:
    """Says what would move; 1 if anything would."""
    if options.json:
        console.document(_document(changes))
        return 1 if changes else 0
    from witchery.cli.rendering import size, table

    for line in changes.demand:
        console.result(line)
    rows = []
    for change, archs in changes.rows:
        versions = " -> ".join(each.version for each in (change.before, change.after) if each)
        growth = f"{'-' if change.growth < 0 else '+'}{size(abs(change.growth))}"
        whom = "" if len(archs) == len(changes.archs) else ", ".join(arch.apk for arch in archs)
        rows.append((change.kind, change.name, versions, growth, whom))
    if rows:
        console.result(table(rows, right=(3,)))
    if not changes:
        console.say("nothing would move")
    return 1 if changes else 0


def _document(changes: "Changes") -> dict[str, Any]:
    return {
        "schema": "dev.witchery.lock-diff/1",
        "configuration": list(changes.demand),
        "architectures": {
            arch.apk: [_change(change) for change in found] for arch, found in changes.archs if found
        },
    }


def _change(change: "Change") -> dict[str, Any]:
    found: dict[str, Any] = {"name": change.name, "kind": change.kind}
    for name, held in (("before", change.before), ("after", change.after)):
        if held is not None:
            found[name] = _held(held)
    return found


def _held(held: "Held") -> dict[str, Any]:
    return {"version": held.version, "size": held.size}
