"""The same input gives the same bytes: wherever packages come from, however often, whoever builds.

User, umask, time zone, locale and hash seed are varied for the wget example in `tests/cli`; here they are for
images whose layers are written by us, whose order of packages and files could depend on them.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.built import TAG, packages
from support.command import process
from support.servers import Server, files
from support.shared import needs_shared

pytestmark = needs_shared

RULE = {"path": "/bin/busybox", "type": "permissions", "permissions": "0o711"}
IMAGES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "signed": (["wget", "ca-certificates-bundle"], {}),
    "derived": (
        ["alpine-base", "chrony", "dhcpcd", "openssh-server"],
        {"layering": {"strategy": "packages", "budget": 12}, "paths": [RULE]},
    ),
    "by origin": (["alpine-base", "openssh"], {"layering": {"strategy": "origin", "budget": 8}}),
    "flat": (["alpine-base", "wget"], {"layering": "single"}),
}


@pytest.fixture(params=IMAGES)
def wanted(request: pytest.FixtureRequest) -> tuple[list[str], dict[str, Any]]:
    return IMAGES[request.param]


def build(
    folder: Path, config: Mapping[str, Any], *options: str, cache: Path | None = None, **how: Any
) -> tuple[str, str]:
    """Builds in a folder; the digest, and the SHA-256 of the archive."""
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    (folder / "image.json").write_text(json.dumps(dict(config)))
    (folder / "image.json").chmod(0o644)
    words = ["build", "image.json", "-t", TAG, "-o", "oci:image", "-o", "oci-archive:image.tar"]
    words += ["--arch", "x86_64", "--cache-dir", str(cache or folder / "cache"), *options]
    done = process(*words, cwd=folder, **how)
    assert done.status == 0, done.err
    assert done.out.startswith("docker.io/witchery/test@sha256:")
    return done.out, hashlib.sha256((folder / "image.tar").read_bytes()).hexdigest()


def test_the_digest_does_not_depend_on_where_packages_come_from(
    boot_set: Path, wanted: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    """A folder, `file://`, `http://`; cold, warm, and warm without the network: image and archive.

    Only the provenance says where they come from.
    """
    names, more = wanted
    made = {}
    with Server(files(boot_set)) as server:
        for name, repository, options in (
            ("folder", str(boot_set), ()),
            ("file", f"file://{boot_set}", ()),
            ("http cold", server.url, ()),
            ("http warm", server.url, ()),
            ("offline", server.url, ("--offline",)),
        ):
            before = len(server.asked)
            cache = tmp_path / ("http" if "://" in repository and "file" not in name else name)
            config = packages(Path("/"), *names, **more)
            config["contents"]["build_repositories"] = [repository]
            words = ("--no-provenance", *options)
            made[name] = build(tmp_path / name.replace(" ", "-"), config, *words, cache=cache / "cache")
            fetched = [each.path for each in server.asked[before:] if each.path.endswith(".apk")]
            assert bool(fetched) == (name == "http cold"), name
    assert len(set(made.values())) == 1, made


def test_the_digest_does_not_depend_on_who_builds(
    boot_set: Path, wanted: tuple[list[str], dict[str, Any]], tmp_path: Path
) -> None:
    """User, umask, time zone, locale, hash seed, and the clock as far as `SOURCE_DATE_EPOCH` is not set."""
    for parent in (tmp_path, *tmp_path.parents):
        if parent.owner() == "root" and len(parent.parts) > 2:
            parent.chmod(0o755)
    names, more = wanted
    config = packages(boot_set, *names, **more)
    made = {
        "plain": build(tmp_path / "plain", config),
        "elsewhere": build(
            tmp_path / "else" / "where",
            config,
            env={"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "42"},
            umask=0o077,
        ),
        "nobody": build(tmp_path / "nobody", config, env={"PYTHONHASHSEED": "7"}, umask=0, user=65534),
    }
    assert len(set(made.values())) == 1, made


def test_the_order_of_words_in_a_configuration_does_not_matter_where_it_means_nothing(
    boot_set: Path, tmp_path: Path
) -> None:
    """Packages in another order, and one of them twice: the world is a set."""
    one = packages(boot_set, "wget", "ca-certificates-bundle", "alpine-base")
    other = packages(boot_set, "alpine-base", "ca-certificates-bundle", "wget", "wget")
    words = ("--no-provenance",)  # which holds the configuration as it is written
    assert build(tmp_path / "one", one, *words) == build(tmp_path / "other", other, *words)


def test_an_image_with_apk_names_the_repositories_that_it_may_name(boot_set: Path, tmp_path: Path) -> None:
    """Those to build from alone are no part of the image: it is the same wherever they are."""
    with Server(files(boot_set)) as server:
        for word in ("repositories", "build_repositories"):
            config = {"contents": {"packages": ["apk-tools"], word: [server.url]}}
            build(tmp_path / word, config, "-o", "rootfs:root")
            named = tmp_path / word / "root/etc/apk/repositories"
            assert (named.read_text() if named.exists() else "") == (
                f"{server.url}\n" if word == "repositories" else ""
            )


def test_another_date_gives_another_image(boot_set: Path, tmp_path: Path) -> None:
    """The test can fail: what is asked for by `SOURCE_DATE_EPOCH` is in the image."""
    config = packages(boot_set, "wget")
    plain = build(tmp_path / "plain", config)
    dated = build(tmp_path / "dated", config, env={"SOURCE_DATE_EPOCH": "1000000000"})
    assert plain != dated
