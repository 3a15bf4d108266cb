"""Print a script that completes Witchery's commands and options in a shell."""

import argparse

from witchery.cli.console import Console

EXAMPLE = "example:\n  witchery completion bash > ~/.local/share/bash-completion/completions/witchery"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="the shell")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints the script."""
    import shtab

    from witchery.cli import make_parser

    console.result(shtab.complete(make_parser(every=True), shell=options.shell))
    return 0
