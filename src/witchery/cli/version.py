"""Print the version of Witchery, and with -v those of what it stands on."""

import argparse

import witchery
from witchery.cli.console import Console

EXAMPLE = "example:\n  witchery version --json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("-v", "--verbose", action="store_true", help="also Python and the libraries")
    parser.add_argument("--json", action="store_true", help="as JSON")


def execute(options: argparse.Namespace, console: Console) -> int:
    """Prints the version."""
    versions = {"witchery": witchery.__version__}
    if options.verbose or options.json:
        import platform
        from importlib.metadata import version

        versions["python"] = platform.python_version()
        versions |= {name: version(name) for name in ("cryptography", "isal", "PyYAML", "rich", "urllib3")}
    if options.json:
        console.document({"schema": "dev.witchery.version/1", **versions})
    else:
        for name, number in versions.items():
            console.result(f"{name} {number}")
    return 0
