"""Scripts that may be executed: which interpreters they ask for, and whether the image will have them.

What stands below `node_modules`, `site-packages` and the like belongs to dependencies, and is full of scripts
that nobody runs: there a well-known interpreter is a suggestion, and all else passes in silence. The same
holds for the tools that come with a runtime which the application brings (`pip`, `npm`). Scripts of a virtual
environment of Python are not looked at here.

Rules: `shell` (the image gets a shell, a note), `shebang-outside` (the interpreter is in no image, an error;
a warning where the application has it elsewhere, as after a move), `shebang-crlf` (the line ends as on
Windows, an error), `shebang-arguments` (`env` is given several words as one, an error), `shebang-long` (the
line is longer than Linux reads, an error), `shebang-place` (Alpine has the interpreter elsewhere, a warning),
`shebang-rewrite` (it cannot be rewritten, a warning).
"""

import re

from witchery.errors import FormatError
from witchery.payload.classify import FileKind
from witchery.payload.findings import Evidence, Finding, Need, Program, Report, Severity, Suggestion
from witchery.payload.options import ScanOptions
from witchery.payload.programs import program
from witchery.payload.scripts import interpreters, shebang
from witchery.payload.scripts.shebang import EnvCall, Shebang
from witchery.payload.tree import Payload, PayloadFile

MAX_REWRITE = 256 << 20
"""The largest script that is rewritten, in bytes."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for in an image."""

_VENDORED = frozenset({"node_modules", "site-packages", "dist-packages", "gems", "bundle", "vendor"})
"""Folders of dependencies."""
_LIBRARY = re.compile(r"(?:^|/)lib/python[0-9.]+/")
_TOOL = re.compile(r"(?:python[0-9.]*-config|idle|pydoc|2to3|pip|npm|npx|corepack|easy_install)[-0-9.]*")
_RUNTIME = re.compile(r"python3(?:\.[0-9]+)?|node")


def inspect(payload: Payload, options: ScanOptions) -> Report:
    """What the scripts of an application ask for."""
    found = _Scripts(payload, options)
    for file in payload:
        if (
            file.kind is FileKind.SCRIPT
            and file.is_executable
            and not interpreters.is_in_venv(payload, file.path)
        ):
            found.add(file)
    return found.report()


class _Scripts:
    """What is known of the scripts so far."""

    def __init__(self, payload: Payload, options: ScanOptions) -> None:
        self._payload = payload
        self._options = options
        self._needs: dict[str, dict[Evidence, None]] = {}
        self._suggestions: dict[str, dict[Evidence, None]] = {}
        self._shells: dict[str, list[str]] = {}
        self._findings: list[Finding] = []
        self._programs: list[Program] = []
        self._rewrites: dict[str, bytes] = {}
        self._environment: dict[str, str] = {}
        self._moved: dict[tuple[str, str], list[str]] = {}
        folders = (file.entry.parent for file in payload if _RUNTIME.fullmatch(file.name))
        self._runtimes = frozenset(folders)

    def report(self) -> Report:
        """Everything about the scripts."""
        reason = "a script of a dependency asks for it"
        return Report(
            needs=tuple(Need(name, tuple(shown)) for name, shown in self._needs.items()),
            suggestions=tuple(
                Suggestion(name, reason, tuple(shown)) for name, shown in self._suggestions.items()
            ),
            findings=(
                *self._findings,
                *(_shell(name, paths) for name, paths in self._shells.items()),
                *(_moved(*lead, paths) for lead, paths in self._moved.items()),
            ),
            programs=tuple(self._programs),
            environment=self._environment,
            rewrites=self._rewrites,
        )

    def add(self, file: PayloadFile) -> None:
        """Looks at one script."""
        line = shebang.parse(file.head)
        if line is None:
            return
        if line.crlf:
            self._problem(
                file,
                "shebang-crlf",
                "has Windows line ends: Linux looks for a program whose name ends with a carriage return",
                f"`dos2unix {file.origin}`.",
            )
        elif line.cut:
            message = f"has a first line of more than {shebang.LINE} bytes, of which Linux reads no more"
            self._problem(file, "shebang-long", message, "Shorten it.")
        elif line.is_env:
            self._through_env(file, line)
        else:
            self._by_path(file, line)
        moved = any(file.path in paths for paths in self._moved.values())
        if not moved and not self._is_vendored(file.path):
            self._programs.append(program(self._payload, file.path, f"script: {_shown(line)}"))

    def _through_env(self, file: PayloadFile, line: Shebang) -> None:
        call = shebang.parse_env(line.argument)
        if call.broken:
            message = f"gives `env` several words as one: `{_shown(line)}`"
            self._problem(
                file, "shebang-arguments", message, "Let `env` split them: `#!/usr/bin/env -S ...`."
            )
            return
        if interpreters.is_packaged(call.command):
            self._need(file, line, call.command.rpartition("/")[2])
            self._need(file, line, "env")
        elif not interpreters.is_name(call.command):
            self._outside(file, line)
        else:
            self._found_by_env(file, line, call)

    def _found_by_env(self, file: PayloadFile, line: Shebang, call: EnvCall) -> None:
        own = interpreters.own(self._payload, call.command) or self._beside_runtime(call.command)
        if own is None:
            self._need(file, line, call.command)
        if self._options.rewrite_shebangs and call.plain and len(call.arguments) < 2:
            target = own or interpreters.place(call.command)
            if self._rewrite(file, " ".join([target, *call.arguments])):
                return
        if line.interpreter != interpreters.place("env"):
            self._elsewhere(file, line, interpreters.place("env"))
        if own is not None and not self._is_vendored(file.path):
            self._environment["PATH"] = f"{own.rpartition('/')[0]}:{PATH}"
        if own is None or not self._is_vendored(file.path):
            self._need(file, line, "env")

    def _beside_runtime(self, name: str) -> str | None:
        """The application's own program of that name, where a runtime is that it brings."""
        for folder in sorted(self._runtimes):
            real = self._payload.locate(f"{folder}/{name}")
            if real is not None and self._payload.files[real].is_executable:
                return f"/{folder}/{name}"
        return None

    def _by_path(self, file: PayloadFile, line: Shebang) -> None:
        path = line.interpreter
        name = path.rpartition("/")[2]
        if path.startswith("/") and self._payload.locate(path) is not None:
            return
        if moved := self._moved_to(file, path):
            rewritten = self._options.rewrite_shebangs and self._rewrite(file, f"{moved} {line.argument}")
            if not rewritten and not self._is_vendored(file.path):
                self._moved.setdefault((path, moved), []).append(file.path)
            return
        right = interpreters.place(name)
        known = interpreters.is_known(name)
        rewritten = False
        if self._options.rewrite_shebangs and known and path != right:
            rewritten = self._rewrite(file, f"{right} {line.argument}")
        if not rewritten and not interpreters.is_packaged(path):
            self._outside(file, line)
            return
        if not rewritten and known and path != right:
            self._elsewhere(file, line, right)
        self._need(file, line, name)

    def _moved_to(self, file: PayloadFile, path: str) -> str | None:
        """Where the application has an interpreter that no package has at its path."""
        folder, _, name = path.rpartition("/")
        if not folder.startswith("/") or interpreters.is_packaged(path):
            return None
        beside = f"{file.entry.parent}/{name}"
        real = self._payload.locate(beside)
        if real is not None and self._payload.files[real].is_executable:
            return f"/{beside}"
        return interpreters.own(self._payload, name) if interpreters.is_name(name) else None

    def _need(self, file: PayloadFile, line: Shebang, name: str) -> None:
        evidence = Evidence(file.path, _shown(line))
        dependency = interpreters.dependency(name)
        if not self._is_vendored(file.path):
            self._needs.setdefault(dependency, {})[evidence] = None
            if name in interpreters.SHELLS:
                self._shells.setdefault(name, []).append(file.path)
        elif interpreters.is_known(name):
            self._suggestions.setdefault(dependency, {})[evidence] = None

    def _is_vendored(self, path: str) -> bool:
        """Whether a script is not the application's own: see the module."""
        folder, _, name = path.rpartition("/")
        if not _VENDORED.isdisjoint(folder.split("/")) or _LIBRARY.search(path):
            return True
        return folder in self._runtimes and _TOOL.fullmatch(name) is not None

    def _outside(self, file: PayloadFile, line: Shebang) -> None:
        name = line.interpreter.rpartition("/")[2]
        right = interpreters.place(name if interpreters.is_known(name) else "INTERPRETER")
        rewrite = f"Let its first line become `#!{right}`: `--rewrite-shebangs`."
        self._problem(
            file,
            "shebang-outside",
            f"asks for an interpreter that no package has: `{_shown(line)}`",
            *((rewrite,) if interpreters.is_known(name) else ()),
            f"Or start it through its interpreter: `entrypoint: {right} /{file.path}`.",
        )

    def _elsewhere(self, file: PayloadFile, line: Shebang, right: str) -> None:
        if self._is_vendored(file.path):
            return
        message = f"asks for `{line.interpreter}`, and Alpine has it at `{right}` unless `/usr` is merged"
        hint = f"Let its first line become `#!{right}`: `--rewrite-shebangs`."
        self._findings.append(Finding("shebang-place", Severity.WARNING, file.path, message, (hint,)))

    def _problem(self, file: PayloadFile, rule: str, message: str, *hints: str) -> None:
        if not self._is_vendored(file.path):
            self._findings.append(Finding(rule, Severity.ERROR, file.path, message, hints))

    def _rewrite(self, file: PayloadFile, line: str) -> bool:
        """Gives a script another first line. Where other bytes follow, their places stay what they are."""
        try:
            content = file.read(MAX_REWRITE)
        except FormatError as error:
            message = f"cannot be rewritten: {error.message}"
            self._findings.append(Finding("shebang-rewrite", Severity.WARNING, file.path, message))
            return False
        old, end, rest = content.partition(b"\n")
        new = f"#!{line.rstrip()}".encode("utf-8", "surrogateescape")
        if b"\0" in content:
            new = new.ljust(len(old))  # a zip archive, perhaps; Linux drops blanks at the end
        self._rewrites[file.path] = new + end + rest
        return True


def _shown(line: Shebang) -> str:
    return str(line)[:120]


def _shell(name: str, paths: list[str]) -> Finding:
    more = f"; {len(paths) - 1} more like it" if len(paths) > 1 else ""
    message = f"asks for a shell, `{name}`, so the image gets one{more}"
    return Finding("shell", Severity.NOTE, paths[0], message)


def _moved(lead: str, own: str, paths: list[str]) -> Finding:
    more = f"; {len(paths) - 1} more like it" if len(paths) > 1 else ""
    return Finding(
        "shebang-outside",
        Severity.WARNING,
        paths[0],
        f"asks for `{lead[:120]}`, which is `{own}` in the image{more}",
        (
            f"Let the first lines become `#!{own}`: `--rewrite-shebangs`.",
            f"Or start the script through its interpreter: `entrypoint: {own} /{paths[0]}`.",
        ),
    )
