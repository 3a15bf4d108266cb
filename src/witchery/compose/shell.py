"""Images without a shell (`contents.shell: forbid`): who brings one, and who only seems to need it.

abuild lets every package whose install script begins with `#!/bin/sh` depend on `/bin/sh`, and scripts are
not run here (see `scripts`). So that dependency may be dropped, if a look into the package shows that nothing
but its scripts explains it: it has such a script, and none of its executable files begins with the line of a
shell. Anything else keeps it. What a program does by system(3) cannot be seen this way.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from witchery.apk.dependency import Dependency
from witchery.apk.package import Package
from witchery.compose.part import Part
from witchery.errors import NoSolutionError
from witchery.rootfs.entry import Kind
from witchery.value import frozen

DEPENDENCY = "/bin/sh"
"""The name by which packages ask for a shell without choosing one."""

SHELLS = ("ash", "bash", "busybox", "dash", "fish", "ksh", "loksh", "mksh", "oksh", "sh", "yash", "zsh")
"""What shells are called."""
_PROGRAMS = frozenset(f"{folder}/{name}" for folder in ("bin", "usr/bin") for name in SHELLS)
_SHEBANG = re.compile(
    rb"#![ \t]*(?:\S*/env[ \t]+(?:-\S+[ \t]+)*)?(?:\S*/)?(?:%s)(?=[\s\0]|$)" % "|".join(SHELLS).encode()
)
_HEAD = 256
_SHOWN = 80
_SHOWN_CAUSES = 5
_SHOWN_FILES = 3
_NONE: Mapping[str, str] = MappingProxyType({})


@frozen(kw_only=True)
class ShellVerdict:
    """What a look into a package that depends on `/bin/sh` has shown.

    Attributes:
        package: The package.
        needed: Whether it keeps the dependency.
        evidence: Why, in words.
    """

    package: Package
    needed: bool
    evidence: str

    def __str__(self) -> str:
        kept = "needs" if self.needed else "is taken without"
        return f"`{self.package}` {kept} `{DEPENDENCY}`: {self.evidence}"


def asks_for_shell(package: Package) -> bool:
    """Whether a package depends on `/bin/sh`."""
    return any(each.name == DEPENDENCY and not each.conflict for each in package.depends)


def program(part: Part) -> str:
    """The path of the shell that a package brings, or an empty string."""
    paths = (entry.path for entry in part.entries if entry.kind is not Kind.DIRECTORY)
    return next((path for path in paths if path in _PROGRAMS), "")


def look(parts: Iterable[Part]) -> tuple[ShellVerdict, ...]:
    """Looks into every package that depends on `/bin/sh`, and is no shell itself.

    Raises:
        FormatError: if a package is malformed.
        IntegrityError: if one changed since it was checked.
    """
    return tuple(_verdict(part) for part in parts if asks_for_shell(part.package) and not program(part))


def without_shell(package: Package) -> Package:
    """The package as it would be had nothing asked for a shell; its identity stays."""
    lines = []
    for line in package.stanza.split("\n"):
        if not line.startswith("D:"):
            lines.append(line)
            continue
        kept = [each for each in line[2:].split(" ") if each and not _is_shell(each)]
        if kept:
            lines.append(f"D:{' '.join(kept)}")
    return Package.parse("\n".join(lines))


def amended(verdicts: Iterable[ShellVerdict]) -> tuple[Package, ...]:
    """The packages that can do without a shell, as they go into the next solution in place of themselves."""
    return tuple(without_shell(each.package) for each in verdicts if not each.needed)


def note(parts: Sequence[Part], world: Iterable[Dependency]) -> str:
    """A sentence that names who brings a shell into the image; empty where there is none."""
    shells = [part for part in parts if program(part)]
    if not shells:
        return ""
    names = ", ".join(f"`/{program(part)}` of `{part.name}`" for part in shells)
    causes = dict.fromkeys(cause for part in shells for cause in _causes(part, parts, tuple(world)))
    return f"the image has a shell: {names}, because {'; '.join(causes)} (see `contents.shell`)"


def refuse_shells(
    parts: Sequence[Part], world: Iterable[Dependency], verdicts: Sequence[ShellVerdict] = ()
) -> None:
    """Raises where there is a shell among the packages of an image that is to have none.

    Args:
        parts: The packages, after dropping what could be dropped.
        world: What was asked for.
        verdicts: What was seen in packages.

    Raises:
        NoSolutionError: naming each shell, and who needs it and why.
    """
    shells = [part for part in parts if program(part)]
    if not shells:
        return
    wanted = tuple(world)
    evidence = {each.package.name: each.evidence for each in verdicts if each.needed}
    lines = ["the image cannot be built without a shell"]
    for part in shells:
        lines.append(f"`{part}` brings `/{program(part)}`, because")
        lines += [f"  {cause}" for cause in _causes(part, parts, wanted, evidence)]
    raise NoSolutionError(
        "\n".join(lines),
        hint="leave out what needs the shell, or allow it with `contents.shell: allow`",
    )


def _causes(
    shell: Part, parts: Sequence[Part], world: Sequence[Dependency], evidence: Mapping[str, str] = _NONE
) -> list[str]:
    """Who asks for a shell: the request, or packages; other shells only where nobody else does."""
    causes = [f"it is requested as `{wanted}`" for wanted in world if _met(wanted, shell.package)]
    of_shells: list[str] = []
    for part in parts:
        for wanted in part.package.depends:
            if part is shell or not _met(wanted, shell.package):
                continue
            why = evidence.get(part.name, "") if wanted.name == DEPENDENCY else ""
            cause = f"`{part}` depends on `{wanted}`{f': {why}' if why else ''}"
            (of_shells if program(part) else causes).append(cause)
    causes = causes or of_shells or ["it installs itself with other packages (`install_if`)"]
    more = len(causes) - _SHOWN_CAUSES
    return [*causes[:_SHOWN_CAUSES], f"{more} more ask for it"] if more > 0 else causes


def _met(wanted: Dependency, package: Package) -> bool:
    if wanted.conflict:
        return False
    return any(wanted.accepts(version, package.identity) for version in package.offers(wanted.name))


def _is_shell(text: str) -> bool:
    return text == DEPENDENCY or re.match(re.escape(DEPENDENCY) + "[<>=~]", text) is not None


def _verdict(part: Part) -> ShellVerdict:
    files = _shell_scripts(part)
    scripts = [each.name[1:] for each in part.archive.scripts if _SHEBANG.match(each.text)]
    if files:
        shown = ", ".join(f"`/{path}` begins with `{line}`" for path, line in files[:_SHOWN_FILES])
        more = len(files) - _SHOWN_FILES
        evidence = f"{shown}{f', and {more} more files' if more > 0 else ''}"
    elif scripts:
        evidence = (
            f"only its scripts ({', '.join(scripts)}) begin with the line of a shell, none of its files"
        )
    else:
        evidence = "it states the dependency itself, and nothing in it shows what for"
    return ShellVerdict(package=part.package, needed=bool(files) or not scripts, evidence=evidence)


def _shell_scripts(part: Part) -> list[tuple[str, str]]:
    """The executable files that begin with the line of a shell, with that line."""
    wanted = {e.path for e in part.entries if e.kind is Kind.FILE and e.mode & 0o111 and e.size > len("#!sh")}
    found: list[tuple[str, str]] = []
    if not wanted:
        return found
    for member in part.archive.members(part.data.chunks()):
        if member.entry.path in wanted:
            head = _head(member.content)
            if _SHEBANG.match(head):
                found.append((member.entry.path, head.split(b"\n")[0][:_SHOWN].decode("utf-8", "replace")))
    return found


def _head(content: Iterable[bytes]) -> bytes:
    """The first bytes of a file: enough to hold the line of a shell."""
    head = b""
    for chunk in content:
        head += chunk[:_HEAD]
        if len(head) >= _HEAD:
            break
    return head[:_HEAD]
