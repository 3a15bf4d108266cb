"""Which Python an application needs, and on which evidence.

A compiled module works with one version of CPython only, as does a virtual environment; then exactly that
version is needed. The stable ABI and pure Python work with all from some version on.

Rules: `python-versions` (error: parts of the application need different versions).
"""

from collections.abc import Iterator
from typing import NamedTuple

from witchery.payload.findings import Evidence, Finding, Need, Severity
from witchery.payload.python.facts import Facts
from witchery.payload.python.tags import Version, built, dotted, least_version
from witchery.payload.python.venv import SYSTEM, Interpreter

_SHOWN = 3
"""How much evidence of each version a message names."""
_LIBRARY = "lib/python3."


class Claim(NamedTuple):
    """Something that works with one version only."""

    version: Version
    evidence: Evidence


class Runtime(NamedTuple):
    """The Python that the application runs on.

    Attributes:
        needs: The package, unless it brings one.
        findings: Where its parts disagree.
        version: The only version that works; None where several do.
        own: The interpreter that it brings.
    """

    needs: tuple[Need, ...]
    findings: tuple[Finding, ...]
    version: Version | None
    own: Interpreter | None


def runtime(facts: Facts) -> Runtime:
    """Which Python all parts together need."""
    claims: dict[Version, list[Evidence]] = {}
    for claim in dict.fromkeys(_claims(facts)):
        claims.setdefault(claim.version, []).append(claim.evidence)
    own = _chosen(facts, claims)
    bounds = sorted(_bounds(facts), reverse=True, key=lambda each: each.version)
    if own is not None:
        claims.setdefault(own.version, []).insert(0, Evidence(own.path, f"is Python {dotted(own.version)}"))
        return Runtime((), tuple(_conflict(claims, bounds)), own.version, own)
    findings = tuple(_conflict(claims, bounds))
    if claims:
        version = max(claims, key=lambda each: (len(claims[each]), each))
        need = Need(f"python3~{dotted(version)}", tuple(claims[version]))
        return Runtime((need,), findings, version if len(claims) == 1 else None, None)
    if bounds:
        shown = tuple(each.evidence for each in bounds if each.version == bounds[0].version)
        return Runtime((Need(f"python3>={dotted(bounds[0].version)}", shown),), findings, None, None)
    need = Need("python3", tuple(_plain(facts)))
    return Runtime((need,) if need.evidence else (), findings, None, None)


def _chosen(facts: Facts, claims: dict[Version, list[Evidence]]) -> Interpreter | None:
    """The interpreter of several that fits most, and the newest of those; none if the system's is used."""
    if any(f"/{each.lead}".startswith(SYSTEM) for each in facts.venvs if each.python):
        return None
    return max(
        facts.interpreters,
        key=lambda each: (len(claims.get(each.version, ())), each.version, each.path),
        default=None,
    )


def _claims(facts: Facts) -> Iterator[Claim]:
    covered: set[str] = set()
    for each in facts.everything:
        said = built(each.tags)
        if said and said.exact:
            covered.update(each.compiled)
            yield Claim(said.exact, Evidence(each.wheel, f"was built for CPython {dotted(said.exact)}"))
    inside = (pair for held in facts.archives for pair in held.extensions)
    packages: set[tuple[str, Version]] = set()
    for path, found in (*facts.extensions.items(), *inside):
        # Of a package without a wheel's metadata one module speaks for all.
        if found.version and path not in covered and (key := (path.rpartition("/")[0], found.version)):
            if key not in packages:
                yield Claim(found.version, Evidence(path, f"was built for CPython {dotted(found.version)}"))
            packages.add(key)
    for venv in facts.venvs:
        if venv.version:
            what = f"is a virtual environment of Python {dotted(venv.version)}"
            yield Claim(venv.version, Evidence(venv.config, what))
    yield from _folders(facts)


def _folders(facts: Facts) -> Iterator[Claim]:
    """What the names of folders say: `lib/python3.12/site-packages`."""
    known = (
        *(f"{each.prefix}/" for each in facts.venvs),
        *(f"{each.prefix}/" for each in facts.interpreters),
    )
    sites = dict.fromkeys(each.site for each in facts.distributions)
    for site in sites:
        before, found, after = site.rpartition(_LIBRARY)
        minor, _, last = after.partition("/")
        looked = found and last in ("site-packages", "dist-packages") and not before.startswith(known)
        if looked and minor.isdecimal() and len(minor) < 3:
            version = (3, int(minor))
            yield Claim(version, Evidence(site, f"is where Python {dotted(version)} looks"))


def _bounds(facts: Facts) -> Iterator[Claim]:
    for each in facts.everything:
        said = built(each.tags)
        if said and not said.exact and len(said.least) > 1 and said.least[1]:
            what = f"works with CPython {dotted(said.least)} and newer"
            yield Claim(said.least, Evidence(each.wheel, what))
        if least := least_version(each.requires_python):
            yield Claim(least, Evidence(each.path, f"Requires-Python: {each.requires_python[:80]}"))


def _plain(facts: Facts) -> Iterator[Evidence]:
    for each in facts.everything:
        yield Evidence(each.path, "is a Python distribution")
    for path in (*facts.extensions, *facts.sources):
        yield Evidence(path, "is a Python module" if path in facts.extensions else "is a Python program")
    for venv in facts.venvs:
        yield Evidence(venv.config, "is a virtual environment")
    for held in facts.readable_archives:
        yield Evidence(held.path, "is a Python application in a zip file")


def _conflict(claims: dict[Version, list[Evidence]], bounds: list[Claim]) -> Iterator[Finding]:
    if len(claims) > 1:
        told = "; ".join(
            f"{dotted(version)} ({', '.join(map(str, shown[:_SHOWN]))})"
            for version, shown in sorted(claims.items())
        )
        yield Finding(
            "python-versions",
            Severity.ERROR,
            "",
            f"parts of the application are for different versions of Python: {told}",
            (
                (
                    "Install all packages for one version: "
                    "`pip install --target DIR --python-version 3.N --only-binary=:all: REQUIREMENTS`."
                ),
            ),
        )
    elif claims and bounds:
        (version,) = claims
        above = bounds[0]
        if above.version[: len(version)] > version:
            yield Finding(
                "python-versions",
                Severity.ERROR,
                above.evidence.path,
                f"wants a newer Python than {dotted(version)} ({claims[version][0]}): {above.evidence.what}",
            )
