"""Python packages that were built for something else than Alpine.

Rules: `manylinux` (error: a wheel or compiled module for glibc), `foreign-wheel` (error: for another system,
machine or kind of Python), `wheel-file` (note: a wheel that is not installed), `pip-not-installed` (warning:
requirements, and nothing installed).
"""

from collections.abc import Iterator

from witchery.elf.glibc import proof
from witchery.payload import programs
from witchery.payload.findings import Finding, Severity
from witchery.payload.python.facts import Facts
from witchery.payload.python.tags import Built, Extension, System, Version, built, dotted, machine
from witchery.payload.python.wheels import Distribution
from witchery.payload.tree import Payload

_SHOWN = 50
"""How many modules without a wheel are named."""
_MUSL_NAMED_GNU = (3, 10)
"""The last version whose builds for musl called their modules `-linux-gnu.so` too (bpo-43112)."""
_REQUIREMENTS_LIMIT = 1 << 20
_PIP_ITSELF = "/ensurepip/_bundled/"
"""Where the standard library keeps the wheel of pip."""


def findings(payload: Payload, facts: Facts, version: Version | None) -> Iterator[Finding]:
    """What does not run on Alpine.

    Args:
        payload: The application.
        facts: What speaks of Python in it.
        version: The only Python that it works with, if there is but one.
    """
    told: set[str] = set()
    for each in facts.everything:
        wrong = _judged(payload, each)
        if wrong is not None:
            told.update(each.compiled)
            yield wrong._replace(hints=(_command(payload, each, version), *wrong.hints))
    owners = {path: each for each in facts.everything for path in each.compiled}
    alone = [(path, made) for path, made in facts.extensions.items() if path not in told]
    wrongs = [
        found for path, made in alone if (found := _module(payload, path, made, owners.get(path), version))
    ]
    yield from wrongs[:_SHOWN]
    if len(wrongs) > _SHOWN:
        message = f"and {len(wrongs) - _SHOWN} more compiled modules that Alpine's Python does not import"
        yield Finding(wrongs[0].rule, Severity.ERROR, "", message)
    for file in payload:
        if file.is_file and file.name.endswith(".whl") and _PIP_ITSELF not in file.path:
            message = "is a wheel that is not installed: Python does not look into it here"
            yield Finding(
                "wheel-file", Severity.NOTE, file.path, message, ("Install it: `pip install --target`.",)
            )
    yield from _missing(payload, facts)


def _judged(payload: Payload, each: Distribution) -> Finding | None:
    """What is wrong with a distribution by its own account, and that of its files."""
    said = built(each.tags)
    if said is None or System.ANY in said.systems or not each.tags:
        return None
    if System.MUSL in said.systems or System.LINUX in said.systems:
        return _other_machine(payload, each, said)
    if System.GLIBC not in said.systems:
        message = f"{each} was built for another system ({each.tags[0]})"
        return Finding("foreign-wheel", Severity.ERROR, each.wheel, message)
    elves = [payload.elves[path] for path in each.compiled if path in payload.elves]
    if elves and all(elf.is_static for elf in elves):
        return None  # programs that do without any C library
    message = f"{each} is a wheel for glibc ({each.tags[0]}), and Alpine has musl"
    return Finding("manylinux", Severity.ERROR, each.wheel, message, also=tuple(each.compiled))


def _other_machine(payload: Payload, each: Distribution, said: Built) -> Finding | None:
    if not said.arches or said.arches & {machine(payload.arch), payload.arch.apk}:
        return None
    message = f"{each} was built for another machine than {payload.arch.apk} ({each.tags[0]})"
    return Finding("foreign-wheel", Severity.ERROR, each.wheel, message)


def _module(
    payload: Payload, path: str, made: Extension, owner: Distribution | None, version: Version | None
) -> Finding | None:
    """What is wrong with a compiled module whose wheel does not say so."""
    whose = f" of {owner}" if owner else ""
    hints = (_command(payload, owner, version),) if owner else ("Build it on Alpine, or for musl.",)
    if made.system is System.GLIBC and not _is_old_musl(payload, path, made):
        message = f"this module{whose} has a name by which Alpine's Python does not find it: `-linux-gnu.so`"
        return Finding("manylinux", Severity.ERROR, path, message, hints)
    if made.system is System.LINUX and (elf := payload.elf(path)) and (shown := proof(elf)):
        message = f"this module{whose} was built for glibc: it {shown}"
        return Finding("manylinux", Severity.ERROR, path, message, hints)
    if made.system is System.OTHER:
        message = f"this module{whose} was built for another system or kind of Python"
        return Finding("foreign-wheel", Severity.ERROR, path, message, hints)
    if made.abi:
        kind = "free-threaded Python" if made.abi == "t" else f"a special build of Python (`{made.abi}`)"
        message = f"this module{whose} was built for {kind}, which Alpine's is not"
        return Finding("foreign-wheel", Severity.ERROR, path, message, hints)
    return None


def _is_old_musl(payload: Payload, path: str, made: Extension) -> bool:
    elf = payload.elf(path)
    old = made.version is not None and made.version <= _MUSL_NAMED_GNU
    return old and elf is not None and any(name.startswith("libc.musl-") for name in elf.needed)


def _command(payload: Payload, each: Distribution, version: Version | None) -> str:
    """How to get the right one."""
    said = built(each.tags)
    wanted = version or (said.exact if said else None)
    number = f" --python-version {dotted(wanted)}" if wanted else ""
    top = programs.inside(payload, "")
    folder = each.site.partition("!/")[0].removeprefix(top).strip("/") or "."
    if "!/" in each.site:
        folder = "DIR"
    platform = f"--platform musllinux_1_2_{machine(payload.arch)} --only-binary=:all:"
    command = f"pip install --target {folder} {platform}{number} {each.key}=={each.version}"
    return f"Install the one for musl: `{command}` (with `--upgrade` over the present one)."


def _missing(payload: Payload, facts: Facts) -> Iterator[Finding]:
    file = payload.files.get(programs.inside(payload, "requirements.txt"))
    if (
        file is None
        or facts.distributions
        or facts.readable_archives
        or file.content.size > _REQUIREMENTS_LIMIT
    ):
        return
    lines = (line.strip() for line in file.read(_REQUIREMENTS_LIMIT).decode(errors="replace").splitlines())
    wanted = [line for line in lines if line and not line.startswith(("#", "-"))]
    if wanted:
        message = f"names {len(wanted)} requirements, and no Python package is installed in the application"
        platform = f"--platform musllinux_1_2_{machine(payload.arch)} --only-binary=:all:"
        hint = f"Install them beside it: `pip install --target site-packages {platform} -r requirements.txt`."
        yield Finding("pip-not-installed", Severity.WARNING, file.path, message, (hint,))
