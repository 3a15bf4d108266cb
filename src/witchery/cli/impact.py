"""Look at all packages of some repositories: who depends on one, what breaks without it, who has yet to move.

NAME is a package, anything that packages provide (so:libssl.so.3, cmd:perl, pc:openssl), or a source package
(origin:openssl). A name may have wildcards ('so:libboost_*') and a condition ('python3~3.11'). Those that
depend on it are listed by the source package that would have to be built again; with --levels also those that
depend on it through others.

With --remove: which packages could not be installed any more if NAME went. A package goes with all that it
provides; any other NAME only stops being provided, as the old name does when a library changes its SONAME.
The exit status is 1 if anything breaks.

With --from and --to: a migration. Who is done, who remains, who is on both; who is blocked, because a library
that it loads remains as well; and the source packages that remain in waves, each after those that block it.
With --before, what happened since an earlier snapshot.

With --before alone: which packages cannot be installed now, and could in the earlier snapshot, as after a
library whose dependents were not all built again. The exit status is 1 if there are any.

A REPOSITORY may also be an index (APKINDEX.tar.gz), such as one that was kept.

An index knows what packages need when they run, not what they are built with: what is linked statically, or
only built with something, is not seen.
"""

import argparse
import os
from typing import TYPE_CHECKING

from witchery.cli import options as shared
from witchery.cli.console import Console

if TYPE_CHECKING:
    from witchery.arch import Arch
    from witchery.build.impacting import Question, Snapshot

EXAMPLE = """\
example:
  witchery impact so:libcurl.so.4 --release v3.22 --levels 2
  witchery impact --remove perl --release edge
  witchery impact --from so:libcrypto.so.1.1 --from so:libssl.so.1.1 \\
      --to so:libcrypto.so.3 --to so:libssl.so.3 --release v3.17 --before-release v3.16 --markdown
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help="a package, a provided name, or origin:SOURCE"
    )
    _add_repositories(parser)
    change = parser.add_argument_group("changes")
    change.add_argument("--remove", action="store_true", help="say what breaks if NAME goes")
    change.add_argument(
        "--solve", action="store_true", help="confirm with the solver, package by package; takes a while"
    )
    change.add_argument(
        "--from",
        metavar="DEPENDENCY",
        dest="away",
        action="append",
        default=[],
        help="what packages move away from; repeatable",
    )
    change.add_argument(
        "--to", metavar="DEPENDENCY", action="append", default=[], help="what they move to; repeatable"
    )
    change.add_argument(
        "--any-dependency",
        action="store_true",
        help="whatever a package depends on blocks it, not only the libraries that it loads",
    )
    parser.add_argument(
        "--levels",
        metavar="N",
        type=_level,
        default=1,
        help="list also those that depend on it through others, up to N steps; `all` for all; default: 1",
    )
    shared.add_trust(parser)
    shared.add_talk(parser)
    parser.add_argument("--markdown", action="store_true", help="results as Markdown, for an issue tracker")


def _add_repositories(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("repositories")
    shared.add_repositories(group)
    shared.add_arch(group)
    group.add_argument(
        "--before",
        metavar="REPOSITORY",
        action="append",
        default=[],
        help="compare with a repository as it was before; repeatable",
    )
    group.add_argument(
        "--before-release", metavar="RELEASE", default="", help="the same where no repository is named"
    )
    group.add_argument(
        "--before-arch",
        metavar="ARCH",
        action="append",
        default=[],
        help="the architecture of what is compared with; default: the same",
    )


def execute(options: argparse.Namespace, console: Console) -> int:
    """Answers."""
    from witchery.arch import Arch
    from witchery.build.impacting import examine
    from witchery.cli.request import only_arch
    from witchery.cli.workshop import open_workshop

    question = _question(options)
    host = Arch.parse(os.uname().machine)
    arch = only_arch(options, host) or host
    now = _snapshot(options.repository, options.release, arch)
    before = None
    if options.before or options.before_release:
        named = only_arch(argparse.Namespace(arch=options.before_arch), host)
        before = _snapshot(options.before, options.before_release, named or arch)
    impact = examine(question, now, before, open_workshop(options, console))
    for warning in impact.warnings:
        console.warn(warning)
    if options.json:
        from witchery.cli.impact_document import document

        console.document(document(impact, options.levels))
    else:
        from witchery.cli.impact_report import tell

        tell(impact, options.levels, console, markdown=options.markdown)
    return 1 if impact.breaks else 0


def _question(options: argparse.Namespace) -> "Question":
    """What the options ask.

    Raises:
        UsageError: if they contradict each other, or ask nothing.
    """
    from witchery.build.impacting import Question
    from witchery.errors import UsageError
    from witchery.impact.asked import Asked

    moving = bool(options.away or options.to)
    compared = bool(options.before or options.before_release)
    if not options.names and not moving and not compared:
        raise UsageError(
            "nothing is asked for",
            hint="name a package, or a migration (`--from A --to B`), or what to compare with (`--before`)",
        )
    if options.names and compared and not moving:
        raise UsageError("`--before` compares whole repositories, or a migration: it takes no names")
    if moving and not (options.away and options.to):
        raise UsageError("a migration has two ends: both `--from` and `--to`")
    if options.remove and not options.names:
        raise UsageError("`--remove` needs the names of what is to go")
    if options.solve and not options.remove:
        raise UsageError("`--solve` confirms what `--remove` says, and there is no `--remove`")
    if options.json and options.markdown:
        raise UsageError("either `--json` or `--markdown`")
    return Question(
        names=tuple(map(Asked.parse, options.names)),
        remove=options.remove,
        confirm=options.solve,
        away=tuple(map(Asked.parse, options.away)),
        to=tuple(map(Asked.parse, options.to)),
        loaded_only=not options.any_dependency,
    )


def _snapshot(repositories: list[str], release: str, arch: "Arch") -> "Snapshot":
    """The repositories that are named, else those of a release."""
    from witchery.build.impacting import Snapshot
    from witchery.cli.user_config import read_user_config
    from witchery.config import user
    from witchery.errors import located
    from witchery.repository import releases

    if repositories:
        return Snapshot(repositories=tuple(repositories), arch=arch)
    preferred = read_user_config()
    with located("--release"):
        named = user.release(release) if release else preferred.release or releases.DEFAULT_RELEASE
    mirror = preferred.mirror or releases.MIRROR
    return Snapshot(repositories=releases.repositories(named, mirror), arch=arch)


def _level(text: str) -> int:
    """A number of steps; 0 for all."""
    if text == "all":
        return 0
    if not text.isdigit() or not 0 < int(text[:6]) < 100_000:
        raise argparse.ArgumentTypeError("a number from 1 on, or `all`")
    return int(text[:6])
