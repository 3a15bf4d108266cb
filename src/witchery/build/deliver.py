"""Bringing an image where it is wanted."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from witchery.digest import Digest
from witchery.errors import UsageError
from witchery.oci.artifact import Artifact
from witchery.oci.image import Image
from witchery.oci.image_index import AnyImage
from witchery.oci.reference import Reference
from witchery.oci.transport import (
    STDOUT,
    ArchiveFile,
    LayoutFolder,
    PlainFolder,
    RegistryImage,
    RootfsFolder,
    Transport,
)
from witchery.rootfs.content import Content

if TYPE_CHECKING:
    from witchery.build.registry.registries import Registries


def check(targets: tuple[Transport, ...]) -> None:
    """Refuses, before anything is built, what could not be delivered afterwards.

    Raises:
        UsageError: if a target is not supported, or two of them are one.
    """
    check_places(targets)
    for target in targets:
        if isinstance(target, RegistryImage) and target.reference.digest is not None:
            raise UsageError(f"an image is pushed by tag; its digest is not known before: `{target}`")


def pushes(targets: tuple[Transport, ...]) -> bool:
    """Whether a registry is among the targets."""
    return any(isinstance(target, RegistryImage) for target in targets)


def keeps_artifacts(target: Transport) -> bool:
    """Whether a target has a place for what is said about an image."""
    return not isinstance(target, RootfsFolder)


def check_places(targets: tuple[Transport, ...]) -> None:
    """Refuses two outputs to one place.

    Raises:
        UsageError: if there are such.
    """
    paths = [target.path for target in targets if not isinstance(target, RegistryImage)]
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"two outputs go to the same place: `{path}`")


def deliver(
    image: AnyImage,
    contents: Mapping[Digest, Content],
    target: Transport,
    name: Reference | None,
    *,
    registries: "Registries | None" = None,
    artifacts: Sequence[Artifact] = (),
) -> tuple[str, ...]:
    """Writes an image to a target, whole or not at all, and what is said about it beside it.

    Args:
        image: The image, for one platform or several.
        contents: Its layers.
        target: Where to.
        name: What the image is called.
        registries: How registries are reached, where the target is in one.
        artifacts: What is said about the image; a folder of its files has no place for it.

    Returns:
        What a person should know, a sentence each.

    Raises:
        UsageError: if a folder has to be empty and is not.
        StorageError: if the system refuses.
        IntegrityError: if a layer is not what the image says.
        NetworkError: if a registry cannot be reached, or does not take the image.
    """
    match target:
        case LayoutFolder(path, tag):
            from witchery.store import layout

            layout.write(Path(path), image, contents, tag=tag, name=name, artifacts=artifacts)
        case PlainFolder(path):
            from witchery.store import layout

            layout.write(Path(path), image, contents, name=name, artifacts=artifacts)
        case ArchiveFile(path, given):
            from witchery.store import archive

            name, tag = _archive_name(given, name)
            if path == STDOUT:
                import sys

                archive.stream(
                    sys.stdout.buffer.write, image, contents, tag=tag, name=name, artifacts=artifacts
                )
            else:
                archive.write(Path(path), image, contents, tag=tag, name=name, artifacts=artifacts)
            if not isinstance(image, Image):
                return ("`docker load` takes one platform (`--arch`) unless containerd keeps its images",)
        case RootfsFolder(path):
            if not isinstance(image, Image):
                raise UsageError(f"a folder holds one platform, not {len(image.images)}: `{target}`")
            from witchery.store import rootfs_dir

            done = rootfs_dir.unpack(image, contents, Path(path), privileged=os.geteuid() == 0)
            return done.notes
        case RegistryImage(reference):
            if registries is None:
                raise UsageError(f"nothing is pushed from here: `{target}`")
            from witchery.build.registry.attaching import attach
            from witchery.build.registry.pushing import push, source_of

            source, root = source_of(image, contents)
            pushed = push(source, root, reference, registries)
            attach(artifacts, reference, registries, pushed)
    return ()


def _archive_name(given: str, name: Reference | None) -> tuple[Reference | None, str]:
    """The full name and the tag of an image in an archive: a bare word is a tag, as in skopeo."""
    if not given:
        return name, ""
    if "/" in given or ":" in given:
        return Reference.parse(given).tagged(), ""
    return name, given
