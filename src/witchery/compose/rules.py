"""The `paths` of a configuration, applied to an image one after the other."""

from collections.abc import Sequence

from witchery.compose.assembly import Assembler, below
from witchery.compose.part import Generated
from witchery.compose.reasons import Reason
from witchery.config.model import PathRule
from witchery.errors import Refused, located
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import Entry, Kind, directory, file, symlink


def apply(assembler: Assembler, rules: Sequence[PathRule]) -> None:
    """Applies the rules in their order.

    Raises:
        Refused: naming the rule, such as `paths[2]`, if it cannot be applied to what is there.
    """
    for number, rule in enumerate(rules):
        why = f"paths[{number}]"
        with located(why):
            _apply(assembler, rule, why)


def _apply(assembler: Assembler, rule: PathRule, why: str) -> None:
    path = assembler.links.locate(rule.path)
    if not path:
        raise Refused("a rule cannot be about the root of the image", hint="name a path below it")
    match rule.type:
        case "permissions":
            _set(assembler, assembler.links.follow(path), rule)
        case "directory":
            _directory(assembler, path, rule, why)
        case "empty-file":
            _empty_file(assembler, path, rule, why)
        case "symlink":
            _make(assembler, symlink(path, rule.source), why)
        case "hardlink":
            _hard_link(assembler, path, rule, why)


def _make(assembler: Assembler, entry: Entry, why: str) -> None:
    assembler.place(Generated(entry, BytesContent(b""), why))


def _set(assembler: Assembler, path: str, rule: PathRule) -> None:
    """Changes owner and mode of what is there, and for a recursive rule of all below it."""
    if path not in assembler.nodes:
        raise Refused(f"there is no such path in the image: `{path}`")
    for each in (path, *(below(assembler.nodes, path) if rule.recursive else ())):
        entry = assembler.nodes[each].entry
        if entry.kind is Kind.HARDLINK:
            entry = assembler.nodes[entry.target].entry
        if entry.kind is Kind.SYMLINK and each != path:
            mode = entry.mode
        else:
            mode = entry.mode if rule.mode is None else rule.mode
        uid = entry.uid if rule.uid is None else rule.uid
        gid = entry.gid if rule.gid is None else rule.gid
        if (mode, uid, gid) != (entry.mode, entry.uid, entry.gid):
            assembler.change(entry.path, entry._replace(mode=mode, uid=uid, gid=gid), Reason.RULE)


def _directory(assembler: Assembler, path: str, rule: PathRule, why: str) -> None:
    real = assembler.links.follow(path)
    there = assembler.nodes.get(real)
    if there is None or there.entry.kind is not Kind.DIRECTORY:
        _make(assembler, directory(real, rule.mode or 0, uid=rule.uid or 0, gid=rule.gid or 0), why)
    _set(assembler, real, rule)


def _empty_file(assembler: Assembler, path: str, rule: PathRule, why: str) -> None:
    """An empty file in place of what is there, whose owner stays unless the rule names one."""
    there = assembler.nodes.get(path)
    uid, gid = (there.entry.uid, there.entry.gid) if there else (0, 0)
    uid = uid if rule.uid is None else rule.uid
    gid = gid if rule.gid is None else rule.gid
    _make(assembler, file(path, 0, rule.mode or 0, uid=uid, gid=gid), why)


def _hard_link(assembler: Assembler, path: str, rule: PathRule, why: str) -> None:
    target = assembler.links.follow(rule.source)
    there = assembler.nodes.get(target)
    if there is not None and there.entry.kind is Kind.HARDLINK:
        target = there.entry.target
        there = assembler.nodes[target]
    if there is None or there.entry.kind is not Kind.FILE:
        raise Refused(f"a hard link needs a file to lead to: `{rule.source}`")
    if path != target:
        assembler.link(path, target, why)
