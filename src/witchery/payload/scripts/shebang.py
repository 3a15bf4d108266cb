"""The first line of a script: by which interpreter it runs, as Linux reads it (execve(2)).

    #!INTERPRETER [ONE ARGUMENT]

Blanks around both are dropped; all that follows the interpreter is a single argument. Of the file 256 bytes
are looked at. `env` finds a program on `PATH`; with `-S` it splits its argument into words (GNU coreutils).
"""

from typing import NamedTuple

LINE = 255
"""How many bytes of the line count."""
_SPLIT = ("-S", "-vS", "--split-string")


class Shebang(NamedTuple):
    """What a script asks for.

    Attributes:
        interpreter: The path.
        argument: All that follows it, or an empty string.
        cut: Whether the line is longer than what Linux looks at.
        crlf: Whether the line ends as on Windows: Linux takes the carriage return for a part of the name.
    """

    interpreter: str
    argument: str
    cut: bool
    crlf: bool

    @property
    def is_env(self) -> bool:
        """Whether the interpreter is found through `env`."""
        return self.interpreter in ("/usr/bin/env", "/bin/env")

    def __str__(self) -> str:
        return f"#!{self.interpreter} {self.argument}".rstrip()


class EnvCall(NamedTuple):
    """What `env` is asked for.

    Attributes:
        command: The program it is to find; empty where there is none.
        arguments: What that is given.
        plain: Whether it does nothing but find the program.
        broken: Whether it will look for a program with a blank in its name, for lack of `-S`.
    """

    command: str
    arguments: tuple[str, ...] = ()
    plain: bool = True
    broken: bool = False


def parse(head: bytes) -> Shebang | None:
    """The first line of a script; None where Linux takes the file for none.

    Args:
        head: The first bytes of the file, 256 or the whole file.
    """
    if not head.startswith(b"#!"):
        return None
    line, end, _ = head[: LINE + 1].partition(b"\n")
    cut = not end and len(head) > LINE
    raw = line[2:LINE].partition(b"\0")[0]
    crlf = raw.endswith(b"\r")
    text = raw.decode("utf-8", "surrogateescape").strip(" \t\r")
    interpreter, _, argument = text.replace("\t", " ").partition(" ")
    if not interpreter or interpreter.startswith("["):
        return None  # the latter is a source file of Rust: `#![...]`
    return Shebang(interpreter, argument.strip(" "), cut, crlf)


def parse_env(argument: str) -> EnvCall:
    """What an argument makes `env` do."""
    words = argument.split()
    if not words:
        return EnvCall("")
    if len(words) == 1 and not words[0].startswith("-"):
        return EnvCall(words[0])
    if words[0].startswith(_SPLIT):
        rest = _after_option(words)
        skipped = 0
        while skipped < len(rest) and (rest[skipped].startswith("-") or "=" in rest[skipped]):
            skipped += 2 if rest[skipped] in ("-u", "--unset", "-C", "--chdir") else 1
        command = rest[skipped].strip("'\"") if skipped < len(rest) else ""
        return EnvCall(command, tuple(rest[skipped + 1 :]), plain=not skipped)
    first = next((word for word in words if not word.startswith("-")), "")
    return EnvCall(first, plain=False, broken=True)


def _after_option(words: list[str]) -> list[str]:
    """The words without the option that has them split: `-S X`, `-SX`, `--split-string=X`."""
    for option in reversed(_SPLIT):
        if words[0].startswith(option):
            joined = words[0].removeprefix(option).removeprefix("=")
            return [joined, *words[1:]] if joined else words[1:]
    return words
