"""What the install scripts of an image's packages would have done, read from their text.

Scripts are never run: that would take root, emulation for other architectures, and trust in code that runs at
build time. Each is read instead (see `script_run`), in the order in which apk runs them: a package's
pre-install and post-install scripts when it is installed, triggers at the end.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from fnmatch import fnmatchcase

from witchery.apk.head import Script
from witchery.compose.files import Files
from witchery.compose.part import Part
from witchery.compose.script_state import Root, State
from witchery.errors import FormatError, located
from witchery.rootfs.entry import Kind
from witchery.value import frozen

_INSTALL = (".pre-install", ".post-install")
_LATER = {
    ".pre-upgrade": "runs when an older version is replaced",
    ".post-upgrade": "runs when an older version is replaced",
    ".pre-deinstall": "runs when the package is removed",
    ".post-deinstall": "runs when the package is removed",
}
_SHELL = r"#!\s*/(?:usr/)?bin/(?:(?:busybox\s+)?(?:sh|ash)|bash|dash)((?:\s+-[eux]+)*)\s*"
_NOTHING = "would do nothing in a fresh image"


class Verdict(Enum):
    """What became of a script."""

    EMULATED = "emulated"
    IRRELEVANT = "irrelevant"
    NOT_DONE = "not done"


@frozen(kw_only=True)
class ScriptReport:
    """One script of the image.

    Attributes:
        package: The package, as `name-version`.
        script: `pre-install`, `post-install`, `trigger`, ...
        verdict: What became of it.
        effects: What was done in its place, in words: ``user `chrony` (100:101)``.
        reason: Why it is irrelevant, or what of it was not done.
    """

    package: str
    script: str
    verdict: Verdict
    effects: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        said = "; ".join(text for text in (*self.effects, self.reason) if text)
        return f"{self.package}.{self.script}: {self.verdict.value}: {said}"

    @property
    def warning(self) -> str:
        """A sentence about what is missing in the image; empty where nothing is."""
        if self.verdict is not Verdict.NOT_DONE:
            return ""
        return f"the {self.script} script of `{self.package}` was not done in full: {self.reason}"


def emulate(parts: Sequence[Part], files: Files, root: Root) -> tuple[ScriptReport, ...]:
    """Reads every script and does to the root what it would do.

    Args:
        parts: The packages, in the order in which apk would install them.
        files: What they put where.
        root: Is changed.

    Raises:
        FormatError: if a file that a script works with is malformed.
        Refused: if two ask for the same number; the message names both.
    """
    reports = [_read(part, script, root) for part, script in _scripts(parts, _INSTALL)]
    for part, script in _scripts(parts, (".trigger",)):
        if _triggered(part, files):
            reports.append(_read(part, script, root))
        else:
            reports.append(_irrelevant(part, script, "no folder of the image sets it off"))
    return (*reports, *_later(parts))


def left_out(parts: Sequence[Part]) -> tuple[ScriptReport, ...]:
    """The report where nothing is done in place of scripts (`contents.scripts: none`)."""
    reports = [
        ScriptReport(
            package=str(part),
            script=script.name[1:],
            verdict=Verdict.NOT_DONE,
            reason="`contents.scripts` is `none`",
        )
        for part, script in _scripts(parts, (*_INSTALL, ".trigger"))
    ]
    return (*reports, *_later(parts))


def _later(parts: Sequence[Part]) -> Iterator[ScriptReport]:
    return (_irrelevant(part, script, _LATER[script.name]) for part, script in _scripts(parts, tuple(_LATER)))


def _scripts(parts: Sequence[Part], names: Sequence[str]) -> Iterator[tuple[Part, Script]]:
    for part in parts:
        for script in part.archive.scripts:
            if script.name in names:
                yield part, script


def _irrelevant(part: Part, script: Script, reason: str) -> ScriptReport:
    return ScriptReport(package=str(part), script=script.name[1:], verdict=Verdict.IRRELEVANT, reason=reason)


def _read(part: Part, script: Script, root: Root) -> ScriptReport:
    from witchery.compose.script_run import run  # most images have no scripts, and do not wait for this
    from witchery.compose.shell_syntax import parse

    name = script.name[1:]
    state = State(root, f"the {name} script of `{part}`")
    text = script.text.decode("utf-8", "surrogateescape")
    shebang = re.fullmatch(_SHELL, text.split("\n", 1)[0])
    if shebang is None:
        state.problems.append("it is not a shell script")
    else:
        state.errexit = "e" in shebang[1]
        try:
            commands = parse(text)
        except FormatError as error:
            state.problems.append(str(error))
        else:
            with located(f"{part}.{name}"):
                run(commands, state)
    effects = tuple(state.done)
    if state.problems:
        verdict, reason = Verdict.NOT_DONE, _first(state.problems)
    else:
        verdict, reason = (Verdict.EMULATED, "") if effects else (Verdict.IRRELEVANT, _NOTHING)
    return ScriptReport(package=str(part), script=name, verdict=verdict, effects=effects, reason=reason)


def _first(problems: Sequence[str]) -> str:
    more = len(problems) - 1
    return problems[0] if not more else f"{problems[0]} (and {more} more)"


def _triggered(part: Part, files: Files) -> bool:
    """Whether a folder of the image matches one of the package's triggers, part by part (apk-package(5))."""
    patterns = [trigger.lstrip("+").strip("/").split("/") for trigger in part.archive.info.triggers]
    for pattern in patterns:
        if not any(character in "*?[" for piece in pattern for character in piece):
            found = files.entry("/".join(pattern))
            if found is not None and found.kind is Kind.DIRECTORY:
                return True
            continue
        for path in files.paths():
            pieces = path.split("/")
            matches = len(pieces) == len(pattern) and all(map(fnmatchcase, pieces, pattern))
            found = files.entry(path) if matches else None
            if found is not None and found.kind is Kind.DIRECTORY:
                return True
    return False
