"""Repositories of apk version 3, made and signed by real apk."""

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.real_apk import RealApk

TIME = 1_700_000_000
"""When every file here was changed last."""


@dataclass(frozen=True)
class Workbench:
    """A folder in which real apk makes packages and indexes.

    Attributes:
        apk: apk 3.
        folder: Everything it makes is below.
    """

    apk: RealApk
    folder: Path

    @property
    def keys(self) -> Path:
        """The folder of the public key."""
        return self.folder / "keys"

    def __post_init__(self) -> None:
        self.keys.mkdir(parents=True)
        private, public = self.folder / "key.pem", self.keys / "made.pem"
        new: list[str | Path] = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"]
        subprocess.run([*new, private], check=True, capture_output=True)
        show: list[str | Path] = ["openssl", "pkey", "-in", private, "-pubout", "-out", public]
        subprocess.run(show, check=True, capture_output=True)

    def package(
        self,
        name: str,
        tree: Path | None,
        *,
        version: str = "1.0-r0",
        compression: str = "deflate",
        options: Sequence[str | Path] = (),
        where: str = "r/x86_64",
        **fields: str,
    ) -> Path:
        """Makes a package; `fields` with underlines for dashes."""
        file = self.folder / where / f"{name}-{version}.apk"
        file.parent.mkdir(parents=True, exist_ok=True)
        said = {"name": name, "version": version, "arch": "x86_64"} | fields
        words = [f"{key.replace('_', '-')}:{value}" for key, value in said.items()]
        command = [*(word for each in words for word in ("-I", each)), "--compression", compression]
        command += ["--sign-key", str(self.folder / "key.pem"), "--output", str(file)]
        command += ["--files", str(tree)] if tree else []
        self.apk.run("mkpkg", *command, *options, folder=self.folder)
        return file

    def index(self, packages: Iterable[Path], *options: str, where: str = "r/x86_64") -> Path:
        """Makes `Packages.adb` beside the packages."""
        file = self.folder / where / "Packages.adb"
        command = [
            "--allow-untrusted",
            "mkndx",
            "--sign-key",
            str(self.folder / "key.pem"),
            "--output",
            str(file),
        ]
        self.apk.run(*command, *options, *sorted(packages), folder=self.folder)
        return file

    def dumped(self, file: Path) -> Mapping[str, Any]:
        """What apk reads in a file."""
        found: Mapping[str, Any] = json.loads(
            self.apk.output("adbdump", "--format", "json", file, folder=self.folder)
        )
        return found

    def installed(self, repositories: Iterable[str], *packages: str, name: str = "root") -> Path:
        """A root into which apk installed packages, without their scripts."""
        root = self.folder / name
        root.mkdir()
        lines = self.folder / "repositories"
        lines.write_text("".join(f"{each}\n" for each in repositories))
        command: list[str | Path] = ["--root", root, "--arch", "x86_64", "--keys-dir", self.keys]
        command += ["--repositories-file", lines, "--no-network", "add", "--initdb", "--no-scripts"]
        self.apk.run(*command, *packages, folder=self.folder)
        return root


def rich_tree(folder: Path) -> Path:
    """A folder with a file of every kind that a package may have."""
    for path, data in {
        "usr/bin/hello": b"#!/bin/sh\n",
        "etc/zero": b"",
        ".hidden/x": b"x",
        "top": b"top\n",
        "a/b/many": bytes(range(256)) * 2000,
        "a-b/c": b"c",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    (folder / "usr/bin/hello").chmod(0o4755)
    os.link(folder / "usr/bin/hello", folder / "usr/bin/again")
    (folder / "usr/bin/link").symlink_to("hello")
    (folder / "var/tmp").mkdir(parents=True)
    (folder / "var/tmp").chmod(0o1777)
    with suppress(OSError):  # not every file system has them
        os.setxattr(folder / "etc/zero", "user.test", b"\0value")
    for each in sorted(folder.rglob("*"), reverse=True):
        os.utime(each, (TIME, TIME), follow_symlinks=False)
    return folder
