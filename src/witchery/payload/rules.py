"""Every rule of a finding, for the reference and for whoever acknowledges one.

How bad a finding is may depend on the file: what is only in the way is a warning, what is started or
loaded is an error.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    """One thing that is looked for.

    Attributes:
        name: Its name, by which it is acknowledged.
        severity: How bad what it finds is: `error`, `warning`, `note`, or several of them.
        meaning: What it finds, in a sentence without a final stop.
    """

    name: str
    severity: str
    meaning: str


_NATIVE = (
    Rule(
        "damaged-elf", "error, warning", "a file that begins like ELF and is cut off, or contradicts itself"
    ),
    Rule("foreign-architecture", "error, warning", "a program or library for another machine or system"),
    Rule("glibc", "error, warning, note", "a file that was made for glibc; a note with `allow-gcompat`"),
    Rule("interpreter", "error", "a program that starts through a loader that Alpine has not"),
    Rule("not-executable", "warning", "a program without permission to execute it"),
    Rule("thread-stack", "note", "threads get the 128 KiB of stack that musl gives"),
    Rule("unreachable-library", "error", "a library of the application that no search path leads to"),
    Rule("unloadable-library", "error", "a library that is found and cannot be loaded"),
    Rule("library-name", "error", "a library is needed by a name that no package can provide"),
    Rule("library-path", "error", "a library is needed by a path that is not in the image"),
    Rule("library-limit", "error", "more libraries than any real program loads"),
    Rule("load-order", "note", "a library is found only because another one is loaded before"),
    Rule(
        "rpath",
        "warning",
        "libraries are looked for in folders that an image has not, or that others write to",
    ),
    Rule("exec-stack", "warning", "a stack that can be executed"),
    Rule("rwx-segment", "warning", "memory that can be both written and executed"),
    Rule("textrel", "warning", "code that the loader has to write into"),
    Rule("setuid-not-pie", "warning", "a setuid program that is always loaded at the same address"),
)
_LINKING = (
    Rule("no-such-program", "error", "the program to start is not in the image, or not executable"),
    Rule("unresolved-library", "error", "a library that the loader does not find in the image"),
    Rule("unresolved-symbol", "error", "a symbol that nothing has which is loaded with the object"),
    Rule("link-limit", "error", "an object that loads more than any real one"),
    Rule("unproven", "note", "an object for another libc, so nothing is known about its loading"),
)
_SCRIPTS = (
    Rule("shell", "note", "a script wants a shell, so the image gets one"),
    Rule(
        "shebang-outside",
        "error, warning",
        "a script's interpreter is neither in a package nor in the application",
    ),
    Rule(
        "shebang-crlf", "error", "a script's first line ends with a carriage return, which Linux takes along"
    ),
    Rule("shebang-arguments", "error", "a script's first line has several arguments, which arrive as one"),
    Rule("shebang-long", "error", "a script's first line is longer than Linux reads"),
    Rule("shebang-place", "warning", "a script names its interpreter by a path where the package has it not"),
    Rule("shebang-rewrite", "warning", "a script whose first line cannot be rewritten"),
    Rule("runs-a-shell", "note", "a program calls `system` or `popen`, which fail without a shell"),
    Rule("link-outside", "error", "a symbolic link leads out of the application to where nothing will be"),
    Rule("link-loop", "error", "symbolic links lead in a circle"),
    Rule("dangling-link", "warning", "a symbolic link leads to nothing inside the application"),
)
_LANGUAGES = (
    Rule("manylinux", "error", "a Python wheel or module for glibc"),
    Rule("foreign-wheel", "error", "a Python wheel or module for another system, machine or kind of Python"),
    Rule("python-versions", "error", "parts that want different versions of Python"),
    Rule("venv-outside", "error", "a virtual environment whose Python is not in the image"),
    Rule("venv-shebang", "warning", "scripts of a virtual environment that name the build machine's Python"),
    Rule(
        "opaque-bundle",
        "warning",
        "a program that carries a whole Python application, which is not looked into",
    ),
    Rule("pip-not-installed", "warning", "requirements, and no Python package is installed"),
    Rule("wheel-file", "note", "a wheel that is not installed"),
    Rule("python-metadata", "note", "metadata of a Python package that cannot be read"),
    Rule("node-addon", "error", "a Node addon that Alpine's Node cannot load"),
    Rule("foreign-prebuilds", "note", "addons for other systems that could be left out"),
    Rule("npm-not-installed", "warning", "dependencies in `package.json`, and no `node_modules`"),
    Rule("npm-development", "note", "packages that only development wants"),
    Rule("npm-start", "warning", "what `package.json` names as the start is not there"),
    Rule("engines", "note", "a range of Node versions that is not understood"),
    Rule("package-json", "note", "a `package.json` or lock file that cannot be read"),
    Rule("java-version", "note", "classes for a Java that no package has yet"),
    Rule("broken-jar", "warning", "a jar that cannot be read"),
    Rule("glibc-in-jar", "warning", "a library for glibc inside a jar"),
    Rule("dotnet-rid", "error", "a .NET application that was published for another runtime than musl's"),
    Rule("broken-json", "warning, note", "a file that says what is needed, and cannot be read"),
    Rule("php-version", "note", "the version of PHP cannot be told"),
    Rule("ruby-version", "note", "the version of Ruby cannot be told"),
    Rule("cgo", "note", "a Go program that is linked with C libraries"),
    Rule("broken-dep-v0", "note", "a list of crates in a program that cannot be read"),
)
_SECRETS = (
    Rule("private-key", "error, warning", "a private key; a warning where it is encrypted, or a test's"),
    Rule("secret-file", "warning", "a file that usually holds secrets: `.env`, `.npmrc` with a token, ..."),
    Rule("token", "warning", "an access token of a known form"),
    Rule(
        "leftover", "warning, note", "what building or editing left: `.git`, object files, core dumps, caches"
    ),
    Rule("large-duplicate", "note", "the same large file twice"),
    Rule("mounted-over", "warning", "files where a runtime mounts something"),
    Rule("not-searched", "note", "more text than is searched for tokens"),
)
_FILES = (
    Rule("special-file", "error", "a socket, pipe or device"),
    Rule("file-name", "error", "a name or link target that tar, apk or a runtime does not take"),
    Rule(
        "top-level-dotfile", "error", "a name at the top that begins with a dot, which apk does not install"
    ),
    Rule("file-size", "error", "a file of 8 GiB or more"),
    Rule("file-capability", "error", "a file with Linux capabilities, which are not kept"),
    Rule(
        "setuid",
        "error, warning",
        "a setuid or setgid bit that `mode: normal` drops; a warning where it is kept",
    ),
    Rule("folder-mode", "warning, note", "a sticky or setgid folder that `mode: normal` makes a plain one"),
    Rule("world-writable", "warning", "what anyone may write to"),
    Rule("odd-owner", "error", "an owner whose number a package cannot hold"),
    Rule("misplaced", "error", "a file below something that is no folder"),
    Rule("empty", "error", "a package without files"),
)

GROUPS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("Programs and libraries", _NATIVE),
    ("Linked on paper", _LINKING),
    ("Scripts and links", _SCRIPTS),
    ("Languages", _LANGUAGES),
    ("Secrets and leftovers", _SECRETS),
    ("Files", _FILES),
)
"""All rules, by what they are about."""

NAMES = frozenset(rule.name for _, rules in GROUPS for rule in rules)
"""The names of all rules."""
