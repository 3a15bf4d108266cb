"""A lock, and what may happen to what it locks: the image stays the same, or the build says why it cannot."""

import hashlib
import json
import shutil
from base64 import b64encode
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from support.command import Command, Outcome
from support.locks import leaves
from support.repositories import Simulator, key, package
from support.servers import Server, files
from support.shared import SHARED, needs_shared, repository
from witchery.lock.model import COMPATIBILITY

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BOTH = ("--arch", "x86_64,aarch64")


class Project:
    """A folder with a configuration, a repository beside it, and the command line.

    Attributes:
        folder: Where the configuration and its lock are.
        repository: The repository, until a test takes it away.
    """

    def __init__(self, root: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.folder = root / "project"
        self.repository = root / "repository"
        self.folder.mkdir()
        self.run = Command(root, capture)

    @property
    def lock_file(self) -> Path:
        return self.folder / "witchery.lock.json"

    @property
    def lock(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.lock_file.read_text())
        return found

    def configure(self, *names: str, **more: Any) -> None:
        contents = {"repositories": ["../repository"], "keyring": ["../key.rsa.pub"], "packages": list(names)}
        contents |= more.pop("contents", {})
        (self.folder / "witchery.yaml").write_text(json.dumps({"contents": contents, **more}))

    def __call__(self, command: str, *words: str | Path) -> Outcome:
        return self.run(command, self.folder / "witchery.yaml", *words)

    def built(self, *words: str | Path) -> str:
        """The digest of the image that a build gives."""
        done = self("build", "-o", f"oci:{self.root}/image", *words)
        assert done.status == 0, done.err
        return done.out.strip()

    def locked(self, *words: str | Path) -> dict[str, Any]:
        """The lock that the command writes."""
        done = self("lock", *words)
        assert done.status == 0, done.err
        return self.lock

    def forget(self) -> None:
        """Takes the cache away."""
        shutil.rmtree(self.root / "cache")

    def versions(self) -> dict[str, str]:
        return {each["name"]: each["version"] for each in self.lock["architectures"]["x86_64"]["packages"]}


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    """A project with the repository of the examples, which has two architectures."""
    made = Project(tmp_path, capsys)
    shutil.copytree(EXAMPLES / "repository", made.repository)
    shutil.copy(
        EXAMPLES / "repository/keys/witchery-example-2.rsa.pub", tmp_path / "witchery-example-2.rsa.pub"
    )
    made.configure("hello", "example-certificates", contents={"keyring": ["../witchery-example-2.rsa.pub"]})
    return made


@pytest.fixture
def small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    """A project with a repository that a test makes."""
    made = Project(tmp_path, capsys)
    public = key().public
    (tmp_path / public.name).write_bytes(public.pem)
    made.configure("tool", contents={"keyring": [f"../{public.name}"]})
    return made


def test_a_locked_image_is_the_same_with_its_repository_gone_from_cache_and_from_a_mirror(
    project: Project, tmp_path: Path
) -> None:
    before = project.built(*BOTH)
    project.locked(*BOTH)
    assert project.built(*BOTH, "--locked") == before
    done = project.run(
        "mirror", project.lock_file, "-o", tmp_path / "mirror", "-k", tmp_path / "witchery-example-2.rsa.pub"
    )
    assert done.status == 0, done.err
    shutil.rmtree(project.repository)
    assert project.built(*BOTH, "--locked") == before
    assert project.built(*BOTH, "--locked", "--offline") == before
    project.forget()
    lost = project("build", "--locked", *BOTH, "-o", f"oci:{tmp_path}/lost")
    assert lost.status == 5
    assert "`witchery mirror`" in lost.err
    assert project.built(*BOTH, "--locked", "--offline", "--from", tmp_path / "mirror") == before
    for arch in ("x86_64", "aarch64"):
        for file in (tmp_path / "mirror" / arch).glob("*.apk"):
            assert file.read_bytes() == (EXAMPLES / "repository" / arch / file.name).read_bytes()


def test_a_mirror_is_a_repository_that_solves_to_the_same_image(project: Project, tmp_path: Path) -> None:
    """Signed, and built from without a lock, by whoever moves to it for good."""
    before = project.built("--arch", "x86_64")
    project.locked(*BOTH)
    assert project.run("keygen", tmp_path / "me.rsa", cache=False).status == 0
    public = tmp_path / "witchery-example-2.rsa.pub"
    made = project.run(
        "mirror",
        project.lock_file,
        "-o",
        tmp_path / "mirror",
        "--sign-key",
        tmp_path / "me.rsa",
        "-k",
        public,
    )
    assert made.status == 0, made.err
    shutil.rmtree(project.repository)
    project.forget()
    shutil.move(tmp_path / "mirror", project.repository)
    project.configure("hello", "example-certificates", contents={"keyring": [str(public), "../me.rsa.pub"]})
    assert project.built("--arch", "x86_64") == before


@needs_shared
@pytest.mark.parametrize("more", [{}, {"contents": {"shell": "forbid"}}], ids=["a shell", "no shell"])
def test_a_locked_build_of_real_packages_reads_no_index_and_gives_the_same_image(
    boot_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: dict[str, Any]
) -> None:
    project = Project(tmp_path, capsys)
    names = ["wget", "ca-certificates-bundle", *([] if more else ["alpine-base", "chrony", "openssh-server"])]
    with Server(files(boot_set)) as server:
        project.configure(
            *names, contents={"repositories": [server.url], "keyring": [], **more.get("contents", {})}
        )
        words = ("--arch", "x86_64")
        before = project.built(*words)
        project.locked(*words)
        project.forget()
        asked = len(server.asked)
        assert project.built(*words, "--locked") == before
        paths = [each.path for each in server.asked[asked:]]
        assert paths
        assert not [path for path in paths if "APKINDEX" in path]
    assert project.built(*words, "--locked", "--offline") == before


def test_what_does_not_matter_changes_the_image_and_needs_no_new_lock(project: Project) -> None:
    project.locked("--arch", "x86_64")
    before = project.built("--locked", "--arch", "x86_64")
    project.configure(
        "example-certificates",
        "hello",
        contents={"keyring": ["../witchery-example-2.rsa.pub"]},
        environment={"MOOD": "good"},
        labels={"a": "b"},
    )
    assert project.built("--locked", "--arch", "x86_64") != before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"packages": ["hello"]},
            "configuration.packages: the package is locked, and not asked for: `example-certificates`",
        ),
        (
            {"packages": ["hello", "example-certificates", "base-files"]},
            "asked for, and not locked: `base-files`",
        ),
        ({"packages": ["hello>1", "example-certificates"]}, "asked for, and not locked: `hello>1`"),
        (
            {"repositories": ["../elsewhere"]},
            "configuration.repositories: the repository is asked for, and not locked",
        ),
        ({"shell": "forbid"}, "configuration.shell: `allow` is locked, `forbid` is asked for"),
    ],
    ids=["a package less", "a package more", "another constraint", "another repository", "no shell"],
)
def test_a_lock_for_something_else_is_refused_with_the_difference(
    project: Project, change: dict[str, Any], said: str
) -> None:
    project.locked("--arch", "x86_64")
    project.configure(
        "hello",
        "example-certificates",
        contents={"keyring": ["../witchery-example-2.rsa.pub"], **change},
    )
    done = project("build", "--locked", "--arch", "x86_64")
    assert done.status == 3
    assert said in done.err
    assert "--update" in done.err


def test_an_architecture_that_is_not_locked_is_refused(project: Project) -> None:
    project.locked("--arch", "x86_64")
    done = project("build", "--locked", "--arch", "aarch64")
    assert done.status == 2
    assert "not locked for aarch64: the lock is for x86_64" in done.err


def test_another_application_is_refused_and_an_update_takes_it_and_moves_nothing(project: Project) -> None:
    (project.folder / "app.txt").write_text("one")
    project.configure(
        "hello",
        contents={"keyring": ["../witchery-example-2.rsa.pub"]},
        payload=["app.txt"],
        entrypoint={"command": "/usr/bin/hello"},
    )
    words = ("--arch", "x86_64")
    before = project.built(*words)
    lock = project.locked(*words)
    assert project.built(*words, "--locked") == before
    (project.folder / "app.txt").write_text("two")
    done = project("build", "--locked", *words)
    assert done.status == 3
    assert "architectures.x86_64.payload.diff_id: the files of the application are others" in done.err
    updated = project.locked(*words, "--update")
    assert updated["architectures"]["x86_64"]["packages"] == lock["architectures"]["x86_64"]["packages"]
    assert project.built(*words, "--locked") == project.built(*words) != before


def changed(value: Any) -> Any:
    """Another value of the same form: one that only its meaning can betray."""
    if isinstance(value, int):
        return value + 1
    for old, new in (("0", "1"), ("1", "2"), ("a", "b"), ("e", "f")):
        if old in value:
            return value.replace(old, new, 1)
    return value + "x"


def survivors(
    project: Project, whole: dict[str, Any], paths: list[tuple[Any, ...]], *words: str | Path
) -> list[Any]:
    """The edits after which a locked build goes on, or says nothing of the field that was edited."""
    wrong = []
    for path in paths:
        edited = deepcopy(whole)
        inside = edited
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = changed(inside[path[-1]])
        project.lock_file.write_text(json.dumps(edited))
        done = project("build", "--locked", *words, "-o", f"oci:{project.root}/never")
        field = next(step for step in reversed(path) if isinstance(step, str))
        if done.status not in (2, 3) or field not in done.err:
            wrong.append((path, done.status, done.err))
    return wrong


def test_a_lock_edited_by_hand_is_refused_for_that_field_whatever_field_it_is(project: Project) -> None:
    """Every leaf of a lock in turn; the error names it, or at least the field that no longer goes with it."""
    (project.folder / "app.txt").write_text("one")
    project.configure(
        "hello",
        "example-certificates",
        contents={"keyring": ["../witchery-example-2.rsa.pub"]},
        payload=["app.txt"],
        entrypoint={"command": "/usr/bin/hello"},
    )
    whole = project.locked("--arch", "x86_64")
    paths = list(leaves(whole))
    assert len(paths) > 60
    assert not survivors(project, whole, paths, "--arch", "x86_64")
    assert not (project.root / "never").exists()


def moving(small: Project) -> Simulator:
    """A repository of a tool and two others, one of which has to have the tool's version."""
    simulator = Simulator()
    for name, depends in (("tool", ("lib=1.0-r0", "free")), ("lib", ()), ("free", ())):
        simulator.add(package(name, "1.0-r0", depends=depends))
    simulator.write(small.repository)
    return simulator


def newer(simulator: Simulator, repository: Path, *names: str) -> None:
    depends = {"tool": ("lib=1.1-r0", "free")}
    for name in names:
        simulator.add(package(name, "1.1-r0", depends=depends.get(name, ())))
    simulator.write(repository)


def test_an_update_moves_only_what_was_asked_and_a_plain_lock_everything(small: Project) -> None:
    words = ("--arch", "x86_64")
    simulator = moving(small)
    small.locked(*words)
    newer(simulator, small.repository, "tool", "lib", "free")
    small.locked(*words, "--update", "free")
    assert small.versions() == {"lib": "1.0-r0", "free": "1.1-r0", "tool": "1.0-r0"}
    small.locked(*words, "--update", "tool", "lib")
    assert small.versions() == dict.fromkeys(("lib", "free", "tool"), "1.1-r0")


def test_an_update_that_cannot_be_alone_says_what_would_move_along(small: Project) -> None:
    words = ("--arch", "x86_64")
    simulator = moving(small)
    small.locked(*words)
    newer(simulator, small.repository, "tool", "lib", "free")
    small.configure("tool>1.0-r0", contents={"keyring": [f"../{key().public.name}"]})
    before = small.lock_file.read_bytes()
    done = small("lock", *words, "--update", "tool")
    assert done.status == 4
    assert "`tool` cannot move alone" in done.err
    assert "`lib`: 1.0-r0 to 1.1-r0" in done.err
    assert "`free`" not in done.err
    assert "--update tool lib" in done.err
    assert small.lock_file.read_bytes() == before


def test_an_update_keeps_what_its_repository_deleted_as_long_as_a_cache_or_a_mirror_has_it(
    small: Project,
) -> None:
    words = ("--arch", "x86_64")
    simulator = moving(small)
    small.locked(*words)
    mirror = small.root / "mirror"
    public = small.root / key().public.name
    assert small.run("mirror", small.lock_file, "-o", mirror, "-k", public).status == 0
    simulator.packages.clear()
    shutil.rmtree(small.repository)
    newer(simulator, small.repository, "tool", "lib", "free")
    small.locked(*words, "--update", "free")
    assert small.versions() == {"lib": "1.0-r0", "free": "1.1-r0", "tool": "1.0-r0"}
    small.forget()
    lost = small("lock", *words, "--update", "free")
    assert lost.status == 5
    assert "name it too, after `--update`" in lost.err
    small.locked(*words, "--update", "free", "--from", mirror)
    assert small.versions() == {"lib": "1.0-r0", "free": "1.1-r0", "tool": "1.0-r0"}


def test_a_difference_is_told_and_nothing_is_written(small: Project) -> None:
    words = ("--arch", "x86_64")
    simulator = moving(small)
    small.locked(*words)
    before = small.lock_file.read_bytes()
    same = small("lock", *words, "--diff")
    assert (same.status, same.out) == (0, "")
    newer(simulator, small.repository, "free")
    simulator.add(package("extra"))
    simulator.write(small.repository)
    small.configure("tool", "extra", contents={"keyring": [f"../{key().public.name}"]})
    done = small("lock", *words, "--diff")
    assert done.status == 1
    assert "configuration.packages: the package is asked for, and not locked: `extra`" in done.out
    rows = [line.split()[:2] for line in done.out.splitlines()[1:]]
    assert rows == [["added", "extra"], ["moved", "free"]]
    found = json.loads(small("lock", *words, "--diff", "--json").out)
    moved = found["architectures"]["x86_64"][1]
    assert (moved["before"]["version"], moved["after"]["version"]) == ("1.0-r0", "1.1-r0")
    assert moved["after"]["size"] > 0
    assert small.lock_file.read_bytes() == before


def test_a_lock_that_is_not_there_is_missed_with_the_command_that_writes_it(small: Project) -> None:
    moving(small)
    done = small("build", "--locked", "--arch", "x86_64")
    assert done.status == 5
    assert "`witchery lock SOURCE` writes it" in done.err
    small.locked("--arch", "x86_64")
    offline = ("--from", "docker://example.org/app", "--offline")
    registry = small("build", "--locked", "--arch", "x86_64", *offline)
    assert registry.status == 2
    assert "a registry is not reached without the network" in registry.err


def test_an_unknown_package_cannot_be_updated(small: Project) -> None:
    moving(small)
    small.locked("--arch", "x86_64")
    done = small("lock", "--arch", "x86_64", "--update", "nothing")
    assert done.status == 2
    assert "not in the lock: `nothing`" in done.err


def test_a_package_that_no_known_key_signed_is_refused_without_its_index(small: Project) -> None:
    """The signed index vouches for it while there is one; a lock vouches for nothing."""
    stranger = key("stranger.rsa.pub")
    simulator = Simulator()
    simulator.add(package("tool", signer=stranger))
    simulator.write(small.repository)
    words = ("--arch", "x86_64")
    before = small.built(*words)
    done = small("lock", *words)
    assert done.status == 0
    assert "no known key signed the package itself" in done.err
    refused = small("build", "--locked", *words)
    assert refused.status == 3
    assert "packages[0].key: signed by an unknown key: `stranger.rsa.pub`" in refused.err
    accepted = small.built("--locked", "--allow-untrusted", *words)
    assert accepted != before, "the image says that not everything in it is trusted"


def test_a_key_that_is_another_under_the_same_name_is_refused(small: Project) -> None:
    moving(small)
    words = ("--arch", "x86_64")
    small.locked(*words)
    (small.root / key().public.name).write_bytes(key("other.rsa.pub").public.pem)
    done = small("build", "--locked", *words)
    assert done.status == 3
    assert "keys[0].fingerprint: the key known as `test@example.org-1.rsa.pub` is another" in done.err


def test_a_lock_of_another_kind_is_refused_and_an_update_renews_it(small: Project) -> None:
    moving(small)
    words = ("--arch", "x86_64")
    lock = small.locked(*words)
    lock["compatibility"] += 1
    small.lock_file.write_text(json.dumps(lock))
    done = small("build", "--locked", *words)
    assert done.status == 3
    assert "compatibility: made for other bytes" in done.err
    lock["compatibility"] -= 1
    assert small.locked(*words, "--update") == lock


def apko_lock(project: Project, **changes: Any) -> dict[str, Any]:
    """What apko would write for the packages of a lock: one list, hashes in base64, no diff IDs."""
    found = []
    for arch, locked in project.lock["architectures"].items():
        for each in reversed(locked["packages"]):
            data = (project.folder / each["url"]).read_bytes()
            ends = [int(each[name].split("-")[1]) + 1 for name in ("signature", "control")] + [len(data)]
            segments = zip(("signature", "control", "data"), (0, *ends[:2]), ends, strict=True)
            entry = {"name": each["name"], "version": each["version"], "architecture": arch}
            entry |= {"url": str(project.folder / each["url"]), "checksum": each["identity"]}
            for name, begin, end in segments:
                kind = "sha256" if name == "data" else "sha1"
                checksum = b64encode(hashlib.new(kind, data[begin:end]).digest()).decode()
                entry[name] = {"range": f"bytes={begin}-{end - 1}", "checksum": f"{kind}-{checksum}"}
            found.append(entry | changes)
    return {"version": "v1", "config": {"name": "x", "checksum": "x"}, "contents": {"packages": found}}


def test_a_lock_of_apko_is_built_from_and_becomes_one_of_ours(project: Project, tmp_path: Path) -> None:
    words = ("--arch", "x86_64")
    before = project.built(*words)
    ours = project.locked(*words)
    theirs = tmp_path / "apko.lock.json"
    theirs.write_text(json.dumps(apko_lock(project)))
    for index in project.repository.glob("*/APKINDEX.tar.gz"):
        index.rename(index.with_suffix(".away"))
    assert project.built(*words, "--lock", theirs) == before
    for index in project.repository.glob("*/APKINDEX.tar.away"):
        index.rename(index.with_suffix(".gz"))
    assert project.locked(*words, "--lock", theirs, "--update") == ours


def test_a_lock_of_apko_that_lies_is_refused(project: Project, tmp_path: Path) -> None:
    """Whatever it says of a package is held against the package; what nothing asks for is not taken."""
    words = ("--arch", "x86_64")
    project.locked(*words)
    theirs = tmp_path / "apko.lock.json"
    whole = apko_lock(project)
    for position in range(len(whole["contents"]["packages"])):
        for path in leaves(whole["contents"]["packages"][position]):
            if path == ("url",):
                continue  # the same bytes from elsewhere are the same
            edited = deepcopy(whole)
            inside = edited["contents"]["packages"][position]
            for step in path[:-1]:
                inside = inside[step]
            inside[path[-1]] = changed(inside[path[-1]])
            theirs.write_text(json.dumps(edited))
            done = project("build", *words, "--lock", theirs, "-o", f"oci:{tmp_path}/never")
            assert done.status in (2, 3, 5), (path, done.err)
    project.configure("hello", contents={"keyring": ["../witchery-example-2.rsa.pub"]})
    theirs.write_text(json.dumps(whole))
    done = project("build", *words, "--lock", theirs)
    assert done.status == 3
    assert "nothing asks for `example-certificates-1-r0`" in done.err


@pytest.mark.parametrize(
    ("more", "configuration"),
    [({}, "e7fedef396938917"), ({"layering": "single", "accounts": {"run-as": "root"}}, "14b0dfdec314fa20")],
    ids=["layers of packages", "one layer"],
)
def test_a_lock_gives_the_same_bytes_as_long_as_the_compatibility_number_is_the_same(
    project: Project, more: dict[str, Any], configuration: str
) -> None:
    """If this fails, old locks come to other images: mend it, or raise `witchery.lock.model.COMPATIBILITY`.

    The configuration names all layers by what they hold, whatever compressed them.
    """
    names = ("hello", "example-certificates")
    project.configure(*names, contents={"keyring": ["../witchery-example-2.rsa.pub"]}, **more)
    project.locked("--arch", "x86_64")
    digest = project.built("--arch", "x86_64", "--locked")
    manifest = (project.root / "image/blobs" / digest.replace(":", "/")).read_text()
    assert COMPATIBILITY == 1
    assert json.loads(manifest)["config"]["digest"].removeprefix("sha256:")[:16] == configuration


@needs_shared
def test_packages_of_version_3_are_locked_and_mirrored_beside_those_of_version_2(
    boot_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real ones of OpenWrt and of Alpine in one image."""
    project = Project(tmp_path, capsys)
    openwrt = tmp_path / "repository"
    shutil.copytree(SHARED / "openwrt-v3", openwrt)
    base = Simulator()
    base.add(package("libc"))  # what OpenWrt has in its system itself
    base.write(tmp_path / "base")
    (openwrt / "keys" / key().public.name).write_bytes(key().public.pem)
    repositories = ["../repository/noarch/packages.adb", str(boot_set), "../base"]
    more = {"repositories": repositories, "keyring": ["../repository/keys"]}
    keys = tmp_path / "keys"
    shutil.copytree(openwrt / "keys", keys)
    project.configure("wireless-regdb", "zlib", contents=more)
    words = ("--arch", "x86_64")
    before = project.built(*words)
    locked = project.locked(*words)["architectures"]["x86_64"]["packages"]
    assert [each.get("format") for each in locked if each["name"] in ("wireless-regdb", "zlib")] == [3, None]
    assert project.built(*words, "--locked") == before
    done = project.run("mirror", project.lock_file, "-o", tmp_path / "mirror", "-k", keys)
    assert done.status == 0, done.err
    name = next(each for each in locked if each["name"] == "wireless-regdb")["url"].rpartition("/")[2]
    copy = tmp_path / "mirror/v3/x86_64" / name
    assert copy.read_bytes() == (openwrt / "noarch" / name).read_bytes()
    shutil.rmtree(openwrt / "noarch")
    project.forget()
    assert project.built(*words, "--locked", "--offline", "--from", tmp_path / "mirror") == before
    whole = project.lock
    of_it = [path for path in leaves(whole["architectures"]["x86_64"]) if path[0] in ("indexes", "packages")]
    paths = [
        ("architectures", "x86_64", *path)
        for path in of_it
        if path[0] == "indexes" or locked[path[1]]["name"] == "wireless-regdb"
    ]
    assert len(paths) > 25
    assert not survivors(project, whole, paths, *words, "--offline", "--from", tmp_path / "mirror")


def test_tagged_repositories_files_and_packages_of_the_command_line_are_locked_too(small: Project) -> None:
    main, edge = Simulator(), Simulator()
    main.add(package("tool", depends=("lib",)))
    main.add(package("lib"))
    edge.add(package("fresh", "9-r0", depends=("lib",)))
    main.write(small.repository)
    edge.write(small.root / "edge")
    (small.folder / "own.apk").write_bytes(package("own", depends=("fresh",)))
    small.configure(
        "tool",
        "fresh@edge",
        "./own.apk",
        contents={
            "keyring": [f"../{key().public.name}"],
            "repositories": ["../repository", "@edge ../edge"],
        },
    )
    words = ("--arch", "x86_64", "-X", str(small.root / "edge"))
    before = small.built(*words)
    locked = small.locked(*words)["architectures"]["x86_64"]["packages"]
    urls = {each["name"]: each["url"] for each in locked}
    assert urls["own"] == "./own.apk"
    assert urls["lib"] == "../repository/x86_64/lib-1.0-r0.apk"
    assert small.built(*words, "--locked") == before
    mirror = small.root / "mirror"
    done = small.run("mirror", small.lock_file, "-o", mirror, "-k", small.root / key().public.name)
    assert done.status == 0, done.err
    assert (mirror / "x86_64/own-1.0-r0.apk").is_file()
    (small.folder / "own.apk").write_bytes(package("own", "1.1-r0", depends=("fresh",)))
    refused = small("build", "--locked", *words)
    assert refused.status == 3
    assert "architectures.x86_64.world: asked for, and not locked: `own><Q1" in refused.err


def test_a_lock_of_an_application_says_where_its_packages_are_from(
    small: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody named a repository: those of the lock hold, whatever release is the default one by then."""
    (small.folder / "app").mkdir()
    (small.folder / "app/readme.txt").write_text("hello")
    monkeypatch.chdir(small.folder)
    words = ("app", "--arch", "x86_64", "--release", "v3.22")
    done = small.run("lock", *words)
    assert done.status == 0, done.err
    assert small.lock["configuration"]["repositories"][0].endswith("/v3.22/main")
    asked = small.run("build", "app", "--arch", "x86_64", "--locked", "-o", "oci:one")
    assert asked.status == 0, asked.err
    other = small.run("build", "app", "--arch", "x86_64", "--locked", "--release", "v3.21", "-o", "oci:two")
    assert other.status == 3
    assert "/v3.21/main`" in other.err


@needs_shared
def test_an_update_of_real_packages_moves_one_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alpine 3.19 had two builds of libxml2; the older stays until it is named."""
    project = Project(tmp_path, capsys)
    index_key = str(SHARED / "alpine/test-key/repository-test.rsa.pub")
    alpine = {"keyring": [index_key], "repositories": [str(repository("v3.19-x86_64", tmp_path / "sets"))]}
    words = ("--arch", "x86_64")
    project.configure("libxml2", contents=alpine)
    project.locked(*words)
    newest = project.versions()
    project.configure(f"libxml2<{newest['libxml2']}", contents=alpine)
    project.locked(*words)
    older = project.versions()
    assert older["libxml2"] != newest["libxml2"]
    project.configure("libxml2", contents=alpine)
    told = project("lock", *words, "--diff")
    assert told.status == 1
    assert f"{older['libxml2']} -> {newest['libxml2']}" in told.out
    project.locked(*words, "--update")
    assert project.versions() == older
    project.locked(*words, "--update", "libxml2")
    assert project.versions() == newest
