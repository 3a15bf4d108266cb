"""Node applications: which Node they need, what they are made of, what does not run on Alpine.

Recognised by `node_modules`, compiled addons, a `package.json` that says how to start or for which Node, and
files at the top that start a server. Alpine has two packages with a `node`: `nodejs`, the version with long
support, whose major number is even, and `nodejs-current`. The first is taken, unless only odd ones will do.

Rules: `npm-not-installed` (warning: dependencies, and no `node_modules`), `npm-development` (note: packages
that only its author needs), `engines` (note: a range of versions that is not understood), `npm-start`
(warning: a start that is not there). Further ones stand in `npm` and `node_addons`.
"""

import re
from collections.abc import Iterator, Mapping

from witchery.payload import programs
from witchery.payload.findings import Component, Evidence, Finding, Need, Report, Severity, Suggestion
from witchery.payload.node import addons as node_addons
from witchery.payload.node import locks as npm_lock
from witchery.payload.node import npm
from witchery.payload.node import ranges as node_range
from witchery.payload.node import start as node_start
from witchery.payload.node.locks import Locked
from witchery.payload.node.npm import NodePackage, Packages
from witchery.payload.options import ScanOptions
from witchery.payload.purl import purl
from witchery.payload.tree import Payload

_OLDEST = (18,)
"""What every Alpine since 3.17 has: nothing to suggest."""
_OWN = re.compile(r"(?:.*/)?bin/node")
_TOOLS = (("pnpm-lock.yaml", "pnpm install --prod"), ("yarn.lock", "yarn install --production"))


def inspect(payload: Payload, options: ScanOptions) -> Report:
    """What of an application is for Node.

    Raises:
        StorageError: if a file cannot be read.
    """
    own = own_node(payload)
    packages = npm.packages(payload)
    if not own and not _is_application(payload, packages):
        return Report(findings=packages.findings)
    lock, unread = npm_lock.locked(payload)
    starts, missing = node_start.programs(payload, packages.root, own)
    return Report(
        kinds=("Node, brought along" if own else "Node application",),
        needs=() if own else (_need(payload, packages),),
        suggestions=() if own else tuple(_suggestions(packages)),
        findings=(
            *packages.findings,
            *unread,
            *missing,
            *_engines(packages),
            *_uninstalled(payload, packages),
            *_development(packages, lock),
            *node_addons.findings(payload, packages, options),
        ),
        programs=starts,
        components=tuple(_components(packages, lock)),
        environment=_environment(own),
    )


def _environment(own: str) -> dict[str, str]:
    """The variables that it wants; scripts find the Node that is brought along."""
    found = {"NODE_ENV": "production"}
    return found | {"PATH": f"/{own.rpartition('/')[0]}:{programs.PATH}"} if own else found


def own_node(payload: Payload) -> str:
    """The Node that the application brings along; an empty string where it brings none."""
    found = (path for path, elf in payload.elves.items() if _OWN.fullmatch(path) and elf.is_executable)
    return next(found, "")


def _is_application(payload: Payload, packages: Packages) -> bool:
    if packages.installed or any(path.endswith(".node") for path in payload.elves):
        return True
    root = packages.root
    if root is not None and (root.engine or node_start.is_started_by_node(payload, root)):
        return True
    return bool(node_start.unmistakable(payload))


def _need(payload: Payload, packages: Packages) -> Need:
    root = packages.root
    if root and root.engine and (wanted := node_range.read(root.engine)):
        evidence = (Evidence(root.path, f"engines.node: {root.engine}"),)
        odd = wanted.majors and all(major % 2 for major in wanted.majors)
        name = "nodejs-current" if odd else "nodejs"
        return Need(name + _bound(wanted.least), evidence)
    if root:
        return Need("nodejs", (Evidence(root.path, "is a package for Node"),))
    for package in packages.installed.values():
        return Need("nodejs", (Evidence(package.path, "is a package for Node"),))
    addons = [path for path in payload.elves if path.endswith(".node")]
    path = addons[0] if addons else node_start.unmistakable(payload)
    return Need("nodejs", (Evidence(path, "is an addon of Node" if addons else "is a program for Node"),))


def _bound(least: node_range.Version) -> str:
    return f">={'.'.join(map(str, least))}" if any(least) else ""


def _suggestions(packages: Packages) -> Iterator[Suggestion]:
    """A newer Node, where installed packages want one: npm itself only warns."""
    root = packages.root
    own = node_range.read(root.engine) if root and root.engine else None
    wanted: dict[node_range.Version, list[NodePackage]] = {}
    for each in packages.installed.values():
        found = node_range.read(each.engine) if each.engine else None
        if found and any(found.least):
            wanted.setdefault(found.least, []).append(each)
    most = max(wanted, default=())
    if most > max(own.least if own else (), _OLDEST):
        shown = tuple(Evidence(each.path, f"engines.node: {each.engine}") for each in wanted[most][:5])
        yield Suggestion(f"nodejs{_bound(most)}", "installed packages say that they want this version", shown)


def _engines(packages: Packages) -> Iterator[Finding]:
    root = packages.root
    if root and root.engine and node_range.read(root.engine) is None:
        message = f"a range of versions that is not understood: any Node is taken for `{root.engine[:80]}`"
        yield Finding("engines", Severity.NOTE, root.path, message)


def _uninstalled(payload: Payload, packages: Packages) -> Iterator[Finding]:
    root = packages.root
    wanted = list(npm.names(root, "dependencies")) if root else []
    if root is None or not wanted or packages.installed or f"{root.folder}/.pnp.cjs" in payload.files:
        return
    cpu = node_addons.cpu(payload.arch)
    used = (how for file, how in _TOOLS if f"{root.folder}/{file}" in payload.files)
    command = next(used, f"npm ci --omit=dev --os=linux --libc=musl --cpu={cpu}")
    count = "a dependency" if len(wanted) == 1 else f"{len(wanted)} dependencies"
    yield Finding(
        "npm-not-installed",
        Severity.WARNING,
        root.path,
        f"names {count}, such as `{wanted[0][:80]}`, and there is no `node_modules`",
        (f"Install them: `{command}`.", "If a bundler put them into one file, acknowledge this."),
    )


def _development(packages: Packages, lock: Mapping[str, Locked]) -> Iterator[Finding]:
    spare = [each for folder, each in packages.installed.items() if folder in lock and lock[folder].is_dev]
    if spare:
        count = "a package" if len(spare) == 1 else f"{len(spare)} packages"
        message = f"{count} for development only, such as `{spare[0].name}`, could be left out"
        hint = "Leave them out: `npm prune --omit=dev`."
        yield Finding("npm-development", Severity.NOTE, spare[0].folder, message, (hint,))


def _components(packages: Packages, lock: Mapping[str, Locked]) -> Iterator[Component]:
    for folder, each in packages.installed.items():
        known = lock.get(folder)
        digests = known.digests if known and known.version == each.version else ()
        address = purl("npm", each.name, each.version)
        yield Component(address, each.name, each.version, each.path, "package.json", digests)
