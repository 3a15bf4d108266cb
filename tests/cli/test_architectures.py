"""Builds for several architectures, as their user sees them: outputs, words, refusals."""

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.command import Command, Outcome
from support.elf_files import ElfFile
from support.repositories import Simulator, key, package
from witchery.apk import writer
from witchery.apk.pkginfo import PackageInfo
from witchery.arch import Arch
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import file
from witchery.store import layout

HELLO = Path(__file__).resolve().parents[2] / "examples" / "hello" / "witchery.yaml"


def repository(root: Path, *simulators: Simulator) -> Path:
    """A repository with a folder for each architecture, and its key beside it."""
    for each in simulators:
        each.write(root)
    (root / key().name).write_bytes(key().public.pem)
    return root


def offering(arch: str, *packages: tuple[str, str], depends: tuple[str, ...] = ()) -> Simulator:
    """An architecture with these packages; the first needs `depends`."""
    simulator = Simulator(arch=arch)
    for number, (name, version) in enumerate(packages):
        simulator.add(package(name, version, arch=arch, depends=depends if not number else ()))
    return simulator


def config(folder: Path, repository: Path, *names: str, **more: Any) -> Path:
    """A configuration of packages from a repository."""
    path = folder / "witchery.json"
    contents = {
        "build_repositories": [str(repository)],
        "keyring": [str(repository / key().name)],
        "packages": list(names),
    }
    path.write_text(json.dumps({"contents": contents, **more}))
    return path


def index_of(folder: Path) -> dict[str, Any]:
    """The one index in a layout."""
    source = layout.read(folder)
    (entry,) = source.index.manifests
    found: dict[str, Any] = json.loads(source.document(entry))
    return found


def platforms(folder: Path) -> list[str]:
    return ["/".join(each["platform"].values()) for each in index_of(folder)["manifests"]]


def built(done: Outcome) -> Mapping[str, Any]:
    assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def static_program(arch: Arch) -> bytes:
    """A program that needs nothing."""
    made = ElfFile(
        bits=arch.elf_class, little=arch.elf_little, machine=arch.elf_machine, type=2, dynamic=False
    )
    return made.build().data


def programs(folder: Path, *paths: str, arch: str = "x86_64") -> None:
    """Programs for one architecture."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(static_program(Arch.parse(arch)))
        (folder / path).chmod(0o755)


def test_one_line_names_the_index_and_the_order_of_words_changes_nothing(witchery: Command) -> None:
    one = witchery("build", HELLO, "--arch", "amd64,arm64", "-o", "oci:one")
    two = witchery("build", HELLO, "--arch", "aarch64", "--arch", "x86_64,amd64", "-o", "oci:two")
    assert one.out == two.out == f"{layout.read(Path('one')).index.manifests[0].digest}\n"
    assert [each.split()[1] for each in one.err.splitlines()[:2]] == ["linux/amd64", "linux/arm64"]
    assert "2 platforms, " in one.err


def test_each_platform_is_byte_for_byte_the_image_built_alone(witchery: Command) -> None:
    both = built(witchery("build", HELLO, "--arch", "amd64,arm64", "-o", "oci:both", "--json"))
    for row in both["platforms"]:
        alone = built(witchery("build", HELLO, "--arch", row["arch"], "-o", "oci:alone", "--json"))
        assert alone["digest"] == row["digest"]
        assert {name: row[name] for name in ("packages", "layers", "size")} == {
            name: alone[name] for name in ("packages", "layers", "size")
        }
        blob = f"blobs/{row['digest'].replace(':', '/')}"
        assert Path("both", blob).read_bytes() == Path("alone", blob).read_bytes()


def test_blobs_that_platforms_share_are_there_once(witchery: Command) -> None:
    """Two of the packages are for any architecture, and have the same data segment on both."""
    words = ["--arch", "amd64,arm64", "-o", "oci:both", "-o", "x.tar", "--json"]
    words += ["--evidence", "none", "--sbom", "none", "--no-provenance"]
    made = built(witchery("build", HELLO, *words))
    layers = [{layer["digest"] for layer in row["layers"]} for row in made["platforms"]]
    assert len(layers[0] & layers[1]) == 2
    blobs = {path.name for path in Path("both/blobs/sha256").iterdir()}
    documents = 5  # two configurations, two manifests, the index
    assert len(blobs) == len(layers[0] | layers[1]) + documents
    assert made["size"] == sum(path.stat().st_size for path in Path("both/blobs/sha256").iterdir())
    with tarfile.open("x.tar") as archive:
        names = [member.name for member in archive if member.isfile()]
    assert sorted(name.rpartition("/")[2] for name in names if "/" in name) == sorted(blobs)
    assert "manifest.json" not in names


def test_one_architecture_stays_flat(witchery: Command) -> None:
    assert witchery("build", HELLO, "--arch", "arm64", "-o", "oci:flat").status == 0
    (entry,) = layout.read(Path("flat")).index.manifests
    assert entry.media_type.endswith("image.manifest.v1+json")


def test_the_configuration_lists_architectures_and_the_command_line_overrules_it(
    witchery: Command, tmp_path: Path
) -> None:
    """Names of both worlds; whatever the order, that of the index is the same."""
    archs = ["s390x", "arm/v6", "amd64", "armv7"]
    simulators = [offering(Arch.parse(arch).apk, ("one", "1-r0")) for arch in archs]
    source = config(tmp_path, repository(tmp_path / "r", *simulators), "one", archs=archs)
    assert witchery("build", source, "-o", "oci:all").status == 0
    assert platforms(Path("all")) == ["amd64/linux", "arm/linux/v7", "arm/linux/v6", "s390x/linux"]
    assert witchery("build", source, "-o", "oci:two", "--arch", "s390x,x86_64").status == 0
    assert platforms(Path("two")) == ["amd64/linux", "s390x/linux"]


def test_different_versions_are_refused_with_the_names_of_who_differs(
    witchery: Command, tmp_path: Path
) -> None:
    source = config(
        tmp_path,
        repository(
            tmp_path / "r",
            offering("x86_64", ("one", "1.1-r0"), ("two", "2-r0"), depends=("two",)),
            offering("aarch64", ("one", "1.0-r3"), ("two", "2-r0"), depends=("two",)),
            offering("s390x", ("one", "1.1-r0"), ("two", "2-r0"), depends=("two",)),
        ),
        "one",
    )
    options = ("build", source, "--arch", "amd64,arm64,s390x", "-o", "oci:image")
    done = witchery(*options)
    assert (done.status, done.out) == (4, "")
    assert "one: 1.1-r0 on x86_64 s390x, 1.0-r3 on aarch64\n" in done.err
    assert "two" not in done.err
    assert "--allow-arch-skew" in done.err
    assert not Path("image").exists()
    allowed = witchery(*options, "--allow-arch-skew")
    assert allowed.status == 0
    assert "warning: the versions of 1 package differ between the architectures: one: 1.1-r0" in allowed.err
    told = built(witchery(*options, "--allow-arch-skew", "--json"))
    versions = {"x86_64": "1.1-r0", "aarch64": "1.0-r3", "s390x": "1.1-r0"}
    assert told["skew"] == [{"name": "one", "versions": versions}]


def test_a_skew_names_the_version_that_all_have_and_pinning_it_helps(
    witchery: Command, tmp_path: Path
) -> None:
    root = repository(
        tmp_path / "r",
        offering("x86_64", ("one", "1.1-r0"), ("one", "1.0-r0")),
        offering("aarch64", ("one", "1.0-r0")),
    )
    source = config(tmp_path, root, "one")
    done = witchery("build", source, "--arch", "amd64,arm64", "-o", "oci:image")
    assert done.status == 4
    assert "-p 'one=1.0-r0'" in done.err
    again = witchery("build", source, "--arch", "amd64,arm64", "-o", "oci:image", "-p", "one=1.0-r0")
    assert again.status == 0, again.err


def test_packages_that_not_all_have_are_listed_and_no_skew(witchery: Command, tmp_path: Path) -> None:
    root = repository(
        tmp_path / "r",
        offering("x86_64", ("one", "1-r0"), ("two", "1-r0"), depends=("two",)),
        offering("aarch64", ("one", "1-r0")),
    )
    done = witchery("build", config(tmp_path, root, "one"), "--arch", "amd64,arm64", "-o", "oci:image")
    assert done.status == 0
    assert "only on x86_64: two\n" in done.err


def test_what_fails_on_several_architectures_is_told_once_and_the_rest_too(
    witchery: Command, tmp_path: Path
) -> None:
    root = repository(
        tmp_path / "r",
        offering("x86_64", ("one", "1-r0")),
        offering("aarch64", ("two", "1-r0")),
        offering("s390x", ("two", "1-r0")),
    )
    done = witchery("build", config(tmp_path, root, "one"), "--arch", "amd64,arm64,s390x", "-o", "oci:image")
    assert done.status == 4
    assert done.err.count("`one`") == 1
    assert "error: aarch64: " in done.err
    assert "the same on s390x" in done.err


@pytest.mark.parametrize("target", ["rootfs:tree", "docker-archive:image.tar"])
def test_what_holds_one_platform_is_not_given_two(witchery: Command, target: str) -> None:
    done = witchery("build", HELLO, "--arch", "amd64,arm64", "-o", target)
    assert done.status == 2
    assert target in done.err
    assert "`--arch amd64`" in done.err
    assert list(Path().iterdir()) == []
    assert witchery("build", HELLO, "--arch", "amd64", "-o", target).status == 0


def test_an_application_has_a_file_for_each_architecture(witchery: Command, tmp_path: Path) -> None:
    for arch in map(Arch.parse, ("x86_64", "armv7")):
        programs(tmp_path, f"dist/{arch.apk}/app", f"out/{arch.platform}/app", arch=arch.apk)
    made = built(witchery("build", "dist/{arch}/app", "--arch", "amd64,arm/v7", "-o", "oci:one", "--json"))
    other = built(
        witchery("build", "out/linux/{platform}/app", "--arch", "amd64,arm/v7", "-o", "oci:two", "--json")
    )
    assert made["digest"] == other["digest"]
    assert [row["application"]["name"] for row in made["platforms"]] == ["app", "app"]
    assert [row["entrypoint"] for row in made["platforms"]] == [["/app/app"], ["/app/app"]]
    Path("app.yaml").write_text("payload: [{source: 'dist/{arch}/app'}]\narchs: [armv7, amd64]\nname: app\n")
    from_config = built(witchery("build", "app.yaml", "-o", "oci:three", "--json"))
    assert [row["arch"] for row in from_config["platforms"]] == ["x86_64", "armv7"]


def test_what_the_application_needs_elsewhere_is_told_as_a_difference(
    witchery: Command, tmp_path: Path
) -> None:
    """The first platform is told whole, of the other what it needs besides."""
    simulators = []
    for arch in ("x86_64", "aarch64"):
        simulators.append(simulator := Simulator(arch=arch))
        for name in ("one", "two"):
            info = PackageInfo(name=name, version="1-r0", arch=arch, provides=(f"cmd:{name}=1",))
            data = static_program(Arch.parse(arch))
            files = [(file(f"usr/bin/{name}", len(data), mode=0o755), BytesContent(data))]
            simulator.add(writer.package(info, files, key=key()))
        programs(tmp_path, f"dist/{arch}/start", arch=arch)
        Path(f"dist/{arch}/helper").write_text("#!/usr/bin/one\n")
        Path(f"dist/{arch}/helper").chmod(0o755)
    Path("dist/aarch64/other").write_text("#!/usr/bin/two\n")
    Path("dist/aarch64/other").chmod(0o755)
    root = repository(tmp_path / "r", *simulators)
    options = ("-X", root, "-k", root / key().name, "--entrypoint", "start", "-o", "oci:image")
    done = witchery("build", "dist/{arch}", "--arch", "amd64,arm64", *options)
    assert done.status == 0, done.err
    assert done.err.count("cmd:one") == 1
    assert "aarch64 also needs cmd:two (two-1-r0)\n" in done.err
    assert "only on aarch64: two\n" in done.err


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("dist/app-{arch}", "app"),
        ("dist/{platform}_app", "app"),
        ("dist/app.{arch}.bin", "app"),
        ("mine/{arch}", "mine"),
    ],
)
def test_the_name_of_an_application_does_not_hold_the_architecture(
    witchery: Command, tmp_path: Path, path: str, name: str
) -> None:
    programs(tmp_path, path.replace("{arch}", "x86_64").replace("{platform}", "amd64"))
    done = built(witchery("build", path, "--arch", "amd64", "-o", "oci:image", "--json"))
    assert done["application"]["name"] == name


def test_a_file_that_is_missing_for_an_architecture_is_named_before_anything_is_done(
    witchery: Command, tmp_path: Path
) -> None:
    programs(tmp_path, "dist/x86_64/app")
    done = witchery("build", "dist/{arch}/app", "--arch", "amd64,arm/v7,s390x", "-o", "oci:image")
    assert done.status == 2
    assert "no application for armv7, s390x: `dist/{arch}/app`" in done.err
    assert "expected `dist/armv7/app`" in done.err
    assert "`arm/v7`" in done.err


def test_one_file_for_two_machines_is_refused_with_the_way_out(witchery: Command, tmp_path: Path) -> None:
    programs(tmp_path, "app")
    done = witchery("build", "app", "--arch", "amd64,arm64,s390x", "-o", "oci:image")
    assert done.status == 3
    assert done.err.count("error:") == 1
    assert "aarch64: app/app: is for x86_64, and the image is for aarch64" in done.err
    assert "`dist/{arch}/app`" in done.err
    assert "The same on s390x." in done.err


def test_a_package_file_is_named_for_each_architecture(witchery: Command, tmp_path: Path) -> None:
    root = repository(
        tmp_path / "r", offering("x86_64", ("one", "1-r0")), offering("aarch64", ("one", "1-r0"))
    )
    for arch in ("x86_64", "aarch64"):
        (tmp_path / f"mine-{arch}.apk").write_bytes(package("mine", arch=arch))
    source = config(tmp_path, root, "one")
    done = built(
        witchery(
            *("build", source, "--arch", "amd64,arm64", "-o", "oci:image", "--json"),
            *("-p", "./mine-{arch}.apk"),
        )
    )
    assert [[each["name"] for each in row["packages"]] for row in done["platforms"]] == [["mine", "one"]] * 2


def test_an_unknown_architecture_is_wrong_use(witchery: Command) -> None:
    done = witchery("build", HELLO, "--arch", "amd64,sparc")
    assert done.status == 2
    assert "unknown architecture: `sparc`" in done.err


def test_one_architecture_is_looked_at(witchery: Command, tmp_path: Path) -> None:
    """`show` and `scan` take one, and say which one of those that a configuration lists."""
    several = witchery("show", HELLO, "--arch", "amd64,arm64")
    assert several.status == 2
    assert "one architecture at a time" in several.err
    programs(tmp_path, "dist/aarch64/app", arch="aarch64")
    Path("app.yaml").write_text("payload: [{source: 'dist/{arch}/app'}]\narchs: [aarch64, riscv64]\n")
    shown = json.loads(witchery("scan", "app.yaml", "--json", "--arch", "arm64").out)
    assert shown["arch"] == "aarch64"
    assert witchery("build", HELLO, "--arch", "amd64,arm64", "-o", "oci:both").status == 0
    for arch in ("x86_64", "aarch64"):
        assert json.loads(witchery("scan", "oci:both", "--json", "--arch", arch).out)["arch"] == arch
