"""Symbolic links that lead out of the application.

A link into a folder of programs needs the command, one to a library the library. What every image has
(`/dev/null`, `/tmp`) is there. Everything else was on the machine that built the application. A link is
followed as in the image: `..` stops at its root.

Rules: `link-outside` (leads to what is in no image, an error), `link-loop` (leads in a circle, an error),
`dangling-link` (leads to nothing inside the application, a warning).
"""

from witchery.errors import Refused
from witchery.payload.findings import Evidence, Finding, Need, Report, Severity
from witchery.payload.native import libc, sonames
from witchery.payload.options import ScanOptions
from witchery.payload.scripts import interpreters
from witchery.payload.tree import Payload, PayloadFile
from witchery.rootfs.entry import Kind

_BINARIES = ("bin", "sbin", "usr/bin", "usr/sbin")
_LIBRARIES = ("lib", "usr/lib", "usr/local/lib")
_PACKAGES = {
    "etc/ssl/certs": "ca-certificates-bundle",
    "etc/ssl/cert.pem": "ca-certificates-bundle",
    "etc/ssl1.1/certs": "ca-certificates-bundle",
    "usr/share/zoneinfo": "tzdata",
}
"""Places that one package has."""
_ALWAYS = (
    *("dev", "proc", "sys", "tmp", "run", "var/run", "var/tmp", "var/log", "var/cache", "var/lib"),
    *("etc/localtime", "etc/timezone", "etc/passwd", "etc/group", "etc/hosts", "etc/hostname"),
    *("etc/resolv.conf", "etc/os-release", "etc/nsswitch.conf"),
)
"""Places that the image or its runtime has."""


def inspect(payload: Payload, _: ScanOptions) -> Report:
    """What the symbolic links of an application lead to."""
    needs: dict[str, dict[Evidence, None]] = {}
    findings = []
    for file in payload:
        if file.entry.kind is not Kind.SYMLINK or _is_python_of_venv(payload, file):
            continue
        found = _judged(payload, file)
        if isinstance(found, Finding):
            findings.append(found)
        elif found:
            evidence = Evidence(file.path, f"links to {_shown(file.entry.target)}")
            needs.setdefault(found, {})[evidence] = None
    return Report(
        needs=tuple(Need(name, tuple(shown)) for name, shown in needs.items()), findings=tuple(findings)
    )


def _judged(payload: Payload, link: PayloadFile) -> Finding | str:
    """What is wrong with a link, or else what it depends on: nothing, mostly."""
    target = _shown(link.entry.target)
    try:
        real = payload.links.follow(link.path)
    except Refused:
        message = f"symbolic links lead in a circle: `{target}`"
        return Finding("link-loop", Severity.ERROR, link.path, message)
    if real in payload.files or _has_below(payload, real):
        return ""
    if payload.root and f"{real}/".startswith(f"{payload.root}/"):
        return _dangling(link, target)
    known = _dependency(payload, real)
    if known is not None:
        return known
    if not payload.root and not link.entry.target.startswith("/"):
        return _dangling(link, target)
    message = f"leads out of the application to `{target}`"
    if not link.entry.target.startswith("/"):
        message += f", which is `/{_shown(real)}` in the image"
    return Finding(
        "link-outside",
        Severity.ERROR,
        link.path,
        message,
        ("Put what it leads to into the application: `cp -L`.", "Or leave the link out with `exclude`."),
    )


def _is_python_of_venv(payload: Payload, link: PayloadFile) -> bool:
    return link.name.startswith("python") and interpreters.is_in_venv(payload, link.path)


def _dangling(link: PayloadFile, target: str) -> Finding:
    message = f"leads to nothing: `{target}`"
    return Finding("dangling-link", Severity.WARNING, link.path, message)


def _dependency(payload: Payload, real: str) -> str | None:
    """What provides a place in the image; empty where it is always there, None where nothing has it."""
    folder, _, name = real.rpartition("/")
    if folder in _BINARIES and interpreters.is_name(name):
        return interpreters.dependency(name)
    if folder in _LIBRARIES and (name.endswith(".so") or ".so." in name) and sonames.is_name(name):
        return libc.dependency(payload.arch) if libc.is_libc(name) else f"so:{name}"
    for place, package in _PACKAGES.items():
        if f"{real}/".startswith(f"{place}/"):
            return package
    always = not real or any(f"{real}/".startswith(f"{place}/") for place in _ALWAYS)
    return "" if always else None


def _has_below(payload: Payload, folder: str) -> bool:
    """Whether the application has files in a folder that it does not list."""
    return bool(folder) and next(payload.below(folder), None) is not None


def _shown(text: str) -> str:
    return text[:120]
