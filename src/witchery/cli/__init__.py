"""The command line: the thinnest room. Each command parses, calls one use case, and renders.

Data goes to standard output, talk to standard error. The exit statuses are those of `witchery.errors`.
Modules of commands are imported when the command is used, so `witchery --help` costs little more than Python.
"""

import os
import sys

import witchery

TYPE_CHECKING = False  # that of `typing`, which costs as much to import as all else here
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

COMMANDS = {
    "build": "build an image of an application, or of packages",
    "lock": "write down exactly what an image is made of",
    "mirror": "keep the packages of locks in a repository",
    "scan": "say what an application, package or image needs, and why",
    "sbom": "say what an image consists of, as SPDX or CycloneDX",
    "why": "say why something is in an image, and what would leave with it",
    "tree": "show what asks for what in an image",
    "inspect": "show what an image consists of: layers, users, start, files",
    "vulns": "look up the known vulnerabilities of an image, a lock or a source",
    "audit": "say how an image is hardened, and what in it may serve an attacker",
    "diff": "say what differs between two images",
    "report": "write everything about an image into one page of HTML",
    "impact": "say who depends on packages, what their removal breaks, what a migration still needs",
    "run": "run an image, with whatever runtime is there",
    "push": "push an image to a registry",
    "pull": "pull an image from a registry",
    "copy": "copy an image from one place to others, byte for byte",
    "verify": "verify an image back to the keys of its distribution",
    "sign": "sign an image, with a key or without",
    "show": "show the merged configuration and the solution",
    "compose": "compose packages into a folder, as in 2021",
    "package": "make a package of a folder",
    "index": "write and sign the index of a folder of packages",
    "keygen": "make a key that signs packages and indexes",
    "cache": "look at the cache, or prune it",
    "completion": "print a completion script for a shell",
    "version": "print the version",
}
"""Every command with its line of help. The module `witchery.cli.<command>` has `configure` and `execute`."""

_DESCRIPTION = """\
Turns an application into a distroless OCI image made of Alpine packages:
the application, the packages it really needs, a few files in /etc, nothing else.
"""

_EPILOG = """\
example:
  witchery build examples/hello/witchery.yaml -o oci:hello && witchery run oci:hello

exit status: 0 done, 1 the answer is no, 2 wrong use, 3 input refused,
             4 no solution, 5 the world failed (network, disk)

`witchery COMMAND --help` shows the options of a command and an example.
"""


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Runs a command line and returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = next((word for word in words if not word.startswith("-")), "")
    rest: list[str] = []
    if command == "run" and "--" in words:  # what follows is the program's, whatever it looks like
        cut = words.index("--")
        words, rest = words[:cut], words[cut + 1 :]
    try:
        options = make_parser(only=command if command in COMMANDS else "").parse_args(words)
    except SystemExit as end:  # argparse has said what it had to say
        return end.code if isinstance(end.code, int) else 2
    options.rest = rest
    from witchery.cli.console import guarded

    return guarded(options)


def make_parser(only: str = "", *, every: bool = False) -> "argparse.ArgumentParser":
    """The parser of the whole command line.

    Args:
        only: The one command whose options are wanted; the others are named, not imported.
        every: True to import all of them, as completion scripts need.
    """
    import argparse

    listed = "".join(f"  {name:<12}{line}\n" for name, line in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="witchery",
        usage="witchery [-h] [--version] COMMAND ...",
        description=f"{_DESCRIPTION}\ncommands:\n{listed}",
        epilog=_EPILOG,
        formatter_class=_formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"witchery {witchery.__version__}")
    # With `prog` given, no help is formatted to find it out.
    commands = parser.add_subparsers(
        metavar="COMMAND",
        dest="command",
        required=True,
        prog="witchery",
        help=None if every else argparse.SUPPRESS,
    )
    for name, line in COMMANDS.items():
        if name != only and not every:
            commands.add_parser(name, add_help=False)
            continue
        from importlib import import_module

        module = import_module(f"witchery.cli.{name}")
        sub = commands.add_parser(
            name,
            help=line,
            description=(module.__doc__ or "").strip(),
            epilog=module.EXAMPLE,
            formatter_class=_formatter,
            allow_abbrev=False,
        )
        module.configure(sub)
        sub.set_defaults(execute=module.execute)
    return parser


def _formatter(prog: str) -> "argparse.HelpFormatter":
    """Help as it is written, as wide as the terminal; asked for here, since argparse asks expensively."""
    import argparse

    try:
        width = int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        width = 80
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28, width=min(width, 110) - 2)
