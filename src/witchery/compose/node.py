"""What stands at a path of an image, and whose it is."""

from typing import NamedTuple

from witchery.rootfs.entry import Entry

GENERATED = -1
"""The owner of what no package brings."""


class Node(NamedTuple):
    """What stands at a path.

    Attributes:
        entry: The entry, at its real path.
        owner: The position of its package in `Tree.parts`, or `GENERATED`. For a folder: the package whose
            mode and owner hold.
        source: The path in the package of what it is a copy of; empty for a link that the package lacks.
    """

    entry: Entry
    owner: int
    source: str
