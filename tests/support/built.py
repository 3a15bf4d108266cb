"""Images built by the command, each in a process of its own, and what became of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import pytest

from support.command import process
from support.peers import Subject

TAG = "witchery/test:latest"
TALL = (
    "wget alpine-base libc-dev pyc udev-init-scripts dhcpcd-openrc eudev-openrc ifupdown-ng-wifi bridge"
    " chrony-openrc ipmitool-openrc utmps-libs libattr libpanelw bonding ppp-chat ppp-minconn ppp-passprompt"
    " ppp-passwordfd tiny-cloud-alpine libatomic ppp-winbind libacl ppp-atm mount libffi netcat-openbsd"
    " coreutils-fmt ppp-l2tp coreutils-env coreutils-sha512sum doas eudev-libs jansson pciutils-libs"
    " efibootmgr libtasn1 gdbm ppp-pppoe libbz2 kmod-libs libusb lsblk openntpd mpc1 libseccomp libexpat"
)
"""Small packages that need others: 119 in all, 114 of them with files."""


@dataclass(frozen=True)
class BuiltImage:
    """An image as `witchery build` left it.

    Attributes:
        folder: Where its outputs are: `layout`, `image.tar`, and `rootfs` where it was asked for.
        document: What the build said to a program.
        said: What it said to a person.
    """

    folder: Path
    document: Mapping[str, Any]
    said: str

    @property
    def layout(self) -> Path:
        return self.folder / "layout"

    @property
    def archive(self) -> Path:
        return self.folder / "image.tar"

    @property
    def rootfs(self) -> Path:
        return self.folder / "rootfs"

    @property
    def subject(self) -> Subject:
        """The image for the tools that judge images."""
        return Subject(self.layout, "latest", self.archive)

    @property
    def packages(self) -> dict[str, str]:
        """The versions of its packages by name."""
        return {each["name"]: each["version"] for each in self.document["packages"]}

    @property
    def kinds(self) -> list[str]:
        """What each of its layers is, the lowest first."""
        return [layer["kind"] for layer in self.document["layers"]]

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest, as whoever reads the layout finds it."""
        found: dict[str, Any] = json.loads(self.blob(self.document["digest"]))
        return found

    def blob(self, digest: str) -> bytes:
        """A blob of the layout."""
        return (self.layout / "blobs" / digest.replace(":", "/")).read_bytes()


@dataclass(frozen=True)
class Builder:
    """Builds images below one folder, with one cache.

    Attributes:
        folder: Where they go, a new folder for each.
    """

    folder: Path

    def __call__(
        self,
        name: str,
        config: Mapping[str, Any],
        *options: str | Path,
        rootfs: bool = False,
        archive: bool = True,
        arch: str = "x86_64",
    ) -> BuiltImage:
        """Builds an image; fails the test if that fails.

        Args:
            name: The name of its folder.
            config: Its configuration.
            *options: More words of the command line.
            rootfs: Whether to unpack it too, with our own code.
            archive: Whether to write it as an archive too.
            arch: What it is for.
        """
        # Test files that share a process may give their images the same name.
        names = chain([name], (f"{name}-{number}" for number in count(2)))
        folder = next(self.folder / each for each in names if not (self.folder / each).exists())
        folder.mkdir(parents=True)
        (folder / "witchery.yaml").write_text(json.dumps(dict(config)))
        words = ["build", "witchery.yaml", "-t", TAG, "-o", "oci:layout", "--json", "--arch", arch]
        words += ["-o", "oci-archive:image.tar"] if archive else []
        words += ["-o", "rootfs:rootfs"] if rootfs else []
        words += ["--cache-dir", str(self.folder / "cache"), *map(str, options)]
        done = process(*words, cwd=folder)
        if done.status:
            pytest.fail(f"witchery {' '.join(words)}: {done.status}\n{done.err}")
        return BuiltImage(folder, json.loads(done.out), done.err)


def packages(repository: Path, *names: str, **more: Any) -> dict[str, Any]:
    """A configuration: packages of a repository that the image itself does not name."""
    contents = {"build_repositories": [str(repository)], "packages": list(names)}
    return {"contents": contents | more.pop("contents", {}), **more}
