"""What a person sees: results on standard output, talk on standard error, errors in one form."""

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from witchery.errors import WitcheryError
from witchery.value import field, frozen

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

_INTERRUPTED = 130
_BROKEN_PIPE = 141
_BUG = 70

_STYLES = {"error": "1;31", "warning": "1;33", "note": "1;36", "hint": "32", "dim": "2", "bold": "1"}


@frozen
class Console:
    """Standard output and standard error, with what the user asked of them.

    Attributes:
        quiet: True to say nothing but results, warnings and errors.
        verbose: True to say more.
        json: True where results are JSON.
    """

    quiet: bool = False
    verbose: bool = False
    json: bool = False
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    @staticmethod
    def of(options: "argparse.Namespace") -> "Console":
        """The console that the options ask for."""
        return Console(
            quiet=getattr(options, "quiet", False),
            verbose=getattr(options, "verbose", False),
            json=getattr(options, "json", False),
        )

    @property
    def colour(self) -> bool:
        """Whether standard error may be coloured (https://no-color.org)."""
        return self.err.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def styled(self, style: str, text: str) -> str:
        """Text for standard error in a style, where there are colours."""
        return f"\033[{_STYLES[style]}m{text}\033[0m" if self.colour else text

    def result(self, text: str) -> None:
        """A result: a line on standard output."""
        print(text, file=self.out)

    def document(self, value: Any) -> None:
        """A result as JSON. Bytes of names that are not UTF-8 are escaped: JSON has only text."""
        from witchery.canonical import encode_pretty

        try:
            data = encode_pretty(value)
        except UnicodeEncodeError:
            data = encode_pretty(_readable(value))
        self.out.write(data.decode())

    def say(self, text: str) -> None:
        """Talk."""
        if not self.quiet:
            print(printable(text), file=self.err)

    def detail(self, text: str) -> None:
        """Talk that only `-v` shows."""
        if self.verbose:
            print(self.styled("dim", printable(text)), file=self.err)

    def warn(self, text: str) -> None:
        """Something that went well but may not be what was meant."""
        print(self.styled("warning", "warning:"), printable(text), file=self.err)

    def note(self, text: str) -> None:
        """Something good to know."""
        self.say(f"{self.styled('note', 'note:')} {text}")

    def object(self, text: str) -> None:
        """What a check found: the answer is no."""
        print(self.styled("error", "problem:"), printable(text), file=self.err)

    def fail(self, error: WitcheryError) -> None:
        """An error: what, where, and what next."""
        for problem, hints in error.complaints:
            print(self.styled("error", "error:"), printable(problem), file=self.err)
            for hint in hints:
                print(self.styled("hint", "  hint:"), printable(hint), file=self.err)


def _readable(value: Any) -> Any:
    """The same, without surrogates that stand for bytes (PEP 383)."""
    match value:
        case str():
            try:
                return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
            except UnicodeEncodeError:  # a surrogate that stands for no byte
                return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {_readable(name): _readable(each) for name, each in value.items()}
        case list() | tuple():
            return [_readable(each) for each in value]
        case _:
            return value


def printable(text: str) -> str:
    """Text in which no control character reaches the terminal: names come from strangers."""
    safe = "".join(c if c == "\n" or (c.isprintable() or c == "\t") else repr(c)[1:-1] for c in text)
    return safe.encode("utf-8", "backslashreplace").decode()


def standalone(
    prog: str,
    description: str,
    configure: "Callable[[argparse.ArgumentParser], None]",
    execute: "Callable[[argparse.Namespace, Console], int]",
    arguments: "Sequence[str] | None",
    *,
    epilog: str | None = None,
) -> int:
    """Runs a command that has a name of its own, as the scripts of 2021 had, and returns the exit status."""
    import argparse

    parser = argparse.ArgumentParser(
        prog=prog,
        description=description.strip(),
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    configure(parser)
    parser.set_defaults(execute=execute)
    try:
        options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    except SystemExit as end:  # argparse has said what it had to say
        return end.code if isinstance(end.code, int) else 2
    return guarded(options)


def guarded(options: "argparse.Namespace") -> int:
    """Executes a command, and turns every end into an exit status."""
    console = Console.of(options)
    try:
        status: int = options.execute(options, console)
        console.out.flush()
    except WitcheryError as error:
        console.fail(error)
        return error.exit_status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # the reader has gone, as `head` does: nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except Exception as bug:  # noqa: BLE001 - the last resort: a bug is reported as one
        import traceback

        traceback.print_exception(bug)
        print("this is a bug in Witchery: please report it with the lines above", file=sys.stderr)
        return _BUG
    return status
