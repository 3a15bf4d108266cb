"""What an audit looks for: every rule with what it costs. A score is nothing but the sum of what these say.

A rule costs `points` for each finding, and `most` in all. Rules without points tell what is good to know. The
numbers are a convention: what an attacker can use at once (memory that is written and executed, a file that
anyone may overwrite) costs ten, a tool that helps once somebody is in costs three to ten, a precaution that
is missing one to five. See `docs/adr/0015-audit.md`.
"""

from enum import Enum
from typing import NamedTuple


class Severity(Enum):
    """How much a finding matters; the worst first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """Its place among all, the worst first."""
        return list(Severity).index(self)


class Rule(NamedTuple):
    """Something that is looked for.

    Attributes:
        name: A short name, by which configurations speak of it.
        severity: How much it matters.
        points: What each finding costs.
        most: What all of them cost at most.
        meaning: What it finds.
        hint: What to do about it.
    """

    name: str
    severity: Severity
    points: int
    most: int
    meaning: str
    hint: str = ""


_HIGH, _MEDIUM, _LOW, _NOTE = Severity
_PIE = "Compile it with `-fPIE`, link it with `-pie`."
_RUN_PATH = "Link it with `-Wl,-rpath,'$ORIGIN/...'`, or change it: `patchelf --set-rpath PATH FILE`."
_LEAVE_OUT = "Leave out the package that brings it; `witchery why` says what needs it."

PROGRAMS = (
    Rule("exec-stack", _HIGH, 10, 20, "a stack that can be executed", "Link it with `-Wl,-z,noexecstack`."),
    Rule("rwx-segment", _HIGH, 10, 20, "memory that can be both written and executed"),
    Rule("textrel", _MEDIUM, 5, 10, "code that the loader has to write into", "Compile it with `-fPIC`."),
    Rule("not-pie", _MEDIUM, 3, 9, "a program at a fixed address", _PIE),
    Rule(
        "no-relro", _MEDIUM, 3, 9, "the loader's tables stay writable", "Link it with `-Wl,-z,relro,-z,now`."
    ),
    Rule(
        "partial-relro",
        _LOW,
        1,
        5,
        "part of the tables stays writable, though musl fills them before the program starts",
        "Link it with `-Wl,-z,now`.",
    ),
    Rule(
        "no-stack-protector",
        _LOW,
        1,
        5,
        "nothing in its 16 KiB of code or more refers to the stack protector",
        "Compile it with `-fstack-protector-strong`.",
    ),
    Rule(
        "no-fortify",
        _LOW,
        1,
        5,
        "made for glibc, and calls none of its functions that check sizes (n/a for musl)",
        "Compile it with `-O2 -D_FORTIFY_SOURCE=3`.",
    ),
    Rule("run-path", _MEDIUM, 5, 10, "looks for libraries where it should not", _RUN_PATH),
    Rule("writable-run-path", _HIGH, 10, 20, "looks for libraries where anyone may put one", _RUN_PATH),
    Rule("setuid-not-pie", _HIGH, 10, 20, "runs with its owner's rights at an address that all know", _PIE),
    Rule(
        "setuid-run-path",
        _HIGH,
        10,
        20,
        "runs with its owner's rights, and has a search path of its own for libraries",
        "Link it without `-rpath`.",
    ),
    Rule("unreadable-elf", _MEDIUM, 5, 10, "looks like ELF, and cannot be read as such"),
    Rule("other-machine", _LOW, 1, 3, "an ELF file for another machine than the image's", _LEAVE_OUT),
    Rule("processor", _NOTE, 0, 0, "says that it does not run on every processor of its architecture"),
    Rule("not-stripped", _NOTE, 0, 0, "has symbols that only debuggers read", "`strip` makes it smaller."),
)
"""Rules about ELF files; they have no meaning for objects that are still to be linked."""

FILES = (
    Rule("setuid", _HIGH, 5, 15, "runs with the rights of its owner, whoever starts it", _LEAVE_OUT),
    Rule("setgid", _MEDIUM, 3, 9, "runs with the rights of its group, whoever starts it", _LEAVE_OUT),
    Rule("root-capability", _HIGH, 5, 15, "a capability with which a program can become root", _LEAVE_OUT),
    Rule("capability", _MEDIUM, 3, 9, "a capability that a program has, whoever starts it"),
    Rule("writable-file", _HIGH, 10, 20, "a file that anyone may write to", "`paths` sets its permissions."),
    Rule(
        "writable-folder",
        _HIGH,
        10,
        20,
        "a folder in which anyone may replace what others put there: no sticky bit",
        "`paths` sets its permissions.",
    ),
    Rule("device", _MEDIUM, 5, 10, "a device node", _LEAVE_OUT),
)
"""Rules about any file."""

SURFACE = (
    Rule("shell", _MEDIUM, 10, 10, "a shell", "`contents.shell: forbid` builds without one."),
    Rule("package-manager", _MEDIUM, 10, 10, "a program that fetches and installs others", _LEAVE_OUT),
    Rule("compiler", _MEDIUM, 10, 10, "a compiler or build tool", _LEAVE_OUT),
    Rule("privilege-tool", _MEDIUM, 5, 5, "a program that changes who one is", _LEAVE_OUT),
    Rule("interpreter", _LOW, 3, 9, "an interpreter: runs what somebody brings as text", _LEAVE_OUT),
    Rule("network-client", _LOW, 5, 5, "a program that fetches or sends over the network", _LEAVE_OUT),
    Rule("network-server", _NOTE, 0, 0, "a program that listens on the network"),
)
"""Rules about programs that serve an attacker who is in; each counts for all programs of its kind once."""

START = (
    Rule(
        "runs-as-root",
        _MEDIUM,
        10,
        10,
        "started as root unless somebody says otherwise",
        "`accounts.run-as` names another user.",
    ),
)
"""Rules about the configuration of the image."""

WAIVERS = (
    Rule("expired-waiver", _MEDIUM, 0, 0, "a waiver whose day has passed; what it let pass counts again"),
    Rule("unused-waiver", _NOTE, 0, 0, "a waiver that lets nothing pass"),
)
"""Rules about what is let pass."""

GROUPS = (
    ("Programs and libraries", PROGRAMS),
    ("Files", FILES),
    ("Programs that serve an attacker", SURFACE),
    ("How it is started", START),
    ("Waivers", WAIVERS),
)
"""All of them, as the reference lists them."""

RULES = {rule.name: rule for _, rules in GROUPS for rule in rules}
"""Each by its name."""

FULL = 100
"""The score of an image in which nothing is found."""
