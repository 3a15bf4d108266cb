"""Images made for questions: a package database drawn in a few lines, a world, and files."""

from collections.abc import Mapping
from pathlib import Path

from support.images import Made, image_of_tars, link, member, tar_of
from support.indexes import drawn
from witchery.store import layout

DATABASE = "lib/apk/db/installed"


def image(
    world: str | None,
    picture: str,
    files: Mapping[str, bytes] | None = None,
    links: Mapping[str, str] | None = None,
) -> Made:
    """An image.

    Args:
        world: What was requested; None for no `etc/apk/world`.
        picture: Its packages as for `indexes.drawn`; their files as `F:usr/lib | R:libz.so`. Empty for no
            package database.
        files: What is in a lower layer.
        links: Symbolic links in it.
    """
    lower = [member(path, data) for path, data in (files or {}).items()]
    lower += [link(path, target) for path, target in (links or {}).items()]
    upper = [member(DATABASE, drawn(picture).encode())] if picture else []
    upper += (
        [member("etc/apk/world", "".join(f"{each}\n" for each in world.split()).encode())]
        if world is not None
        else []
    )
    return image_of_tars(tar_of(*lower), tar_of(*upper))


def write(made: Made, place: Path) -> str:
    """An image as a layout, in transport notation."""
    layout.write(place, made.image, made.contents)
    return f"oci:{place}"
