"""`include:`: how one configuration builds on another.

Trees are merged before they are decoded, so that every value keeps the place it was written at and only
what was really written counts as given. The included file is the base: what the including file says is added
to it, or wins over it, as each setting and its kind say. A key without a value, an empty list and an
empty mapping say nothing.
"""

from witchery.config import tree
from witchery.config.decode import is_absent, listed
from witchery.config.kinds import ListOf, MapOf, Record, Setting, settings


def merged(kind: Record, base: tree.Mapping, top: tree.Mapping) -> tree.Mapping:
    """The tree of `top` on the tree of `base`. Keys that nobody knows stay, for the decoder to refuse."""
    table = settings(kind.type)
    entries = dict(base.entries)
    for key, entry in top.entries.items():
        under = entries.get(key)
        if under is None or key not in table:
            entries[key] = entry
        elif not _says_nothing(table[key], entry.value):
            entries[key] = tree.Entry(entry.place, _joined(table[key], under.value, entry.value))
    return tree.Mapping(top.place, entries)


def _says_nothing(setting: Setting, node: tree.Node) -> bool:
    match node:
        case tree.Scalar():
            return is_absent(setting, node)
        case tree.Sequence(_, items):
            return not items
        case _:
            return not node.entries


def _joined(setting: Setting, base: tree.Node, top: tree.Node) -> tree.Node:
    if setting.whole or _says_nothing(setting, base):
        return top
    kind, joined = setting.kind, top
    if isinstance(kind, ListOf):
        base, top = listed(kind, base), listed(kind, top)
    match kind, base, top:
        case ListOf(), tree.Sequence(_, under), tree.Sequence(place, items):
            joined = tree.Sequence(place, under + items)
        case MapOf(), tree.Mapping(_, known), tree.Mapping(place, entries):
            joined = tree.Mapping(place, known | entries)
        case Record(), tree.Mapping(), tree.Mapping():
            joined = merged(kind, base, top)
        case (ListOf(), tree.Scalar() | tree.Mapping(), _) | (
            MapOf() | Record(),
            tree.Scalar() | tree.Sequence(),
            _,
        ):
            joined = base  # of the wrong shape: it is kept, for the decoder to refuse
        case _:
            pass
    return joined
