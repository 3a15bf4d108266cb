"""Every document that a command prints with `--json` has a schema, and is as its schema says.

The schemas are held against what the commands really print, and the commands against the schemas: no document
has a member that no schema describes, and no schema of this test describes a member that no document has.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import schemas, secdbs
from support.command import Command
from support.elf_files import ElfFile
from support.images import image_of_tars, member, tar_of
from support.indexes import drawn
from support.real_apk import unpack
from support.registries import Registry, registry
from support.repositories import Simulator, key, package
from support.shared import needs_shared
from support.signing import private_pem
from support.tampering import Tampered
from support.universes import index_file
from support.v3_repository import Workbench
from witchery.apk import archive, writer
from witchery.apk.head import Script
from witchery.apk.pkginfo import PackageInfo
from witchery.cli import COMMANDS, make_parser
from witchery.keys import PrivateKey
from witchery.rootfs.content import BytesContent
from witchery.rootfs.entry import file, symlink
from witchery.store import layout

pytestmark = needs_shared

ROOT = Path(__file__).resolve().parents[2]
HELLO = ROOT / "examples/hello/witchery.yaml"
EXAMPLES = ROOT / "examples/repository"
MUSL = "/lib/ld-musl-x86_64.so.1"
ELSEWHERE = frozenset({"audit", "diff", "impact", "inspect", "report", "tree", "why"})
"""Forms of which every member is shown by tests of their own."""


@dataclass(frozen=True)
class Stage:
    """Where the commands of a test run.

    Attributes:
        witchery: The command line.
        folder: The folder that it runs in.
        boot_set: A repository of real packages.
        registry: A registry that runs.
    """

    witchery: Command
    folder: Path
    boot_set: Path
    registry: Registry

    def __call__(self, *words: str | Path, statuses: Sequence[int] = (0,)) -> str:
        """What a command prints with `--json`."""
        done = self.witchery(*words, "--json")
        assert done.status in statuses, f"{words}: {done.status}\n{done.err}"
        return done.out

    def do(self, *words: str | Path) -> None:
        """Runs a command that has to succeed."""
        done = self.witchery(*words)
        assert done.status == 0, f"{words}: {done.status}\n{done.err}"

    def write(self, name: str, data: str | bytes, mode: int = 0o644) -> Path:
        """Writes a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(mode)
        return path

    def key(self) -> Path:
        """The key of `support.repositories`, as a file to be trusted."""
        return self.write(key().public.name, key().public.pem)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def stage(witchery: Command, tmp_path: Path, boot_set: Path, running: Registry) -> Stage:
    return Stage(witchery, tmp_path, boot_set, running)


def application(stage: Stage) -> Path:
    """An application with its own library, a module of node, scripts, and something to remark."""
    runs_with = ("libown.so.1", "libz.so.1", "libc.musl-x86_64.so.1")
    program = ElfFile(interpreter=MUSL, needed=runs_with, runpath="$ORIGIN")
    stage.write("app/hello", program.build().data, 0o755)
    stage.write("app/libown.so.1", ElfFile(soname="libown.so.1").build().data, 0o755)
    stage.write("app/package.json", '{"name": "app", "version": "1.0.0", "main": "start.js"}')
    stage.write("app/start.js", "")
    minimist = {"name": "minimist", "version": "1.2.0"}
    stage.write("app/node_modules/minimist/package.json", json.dumps(minimist))
    integrity = f"sha512-{b64encode(bytes(64)).decode()}"
    locked = {"node_modules/minimist": {"version": "1.2.0", "integrity": integrity, "dev": True}}
    stage.write("app/package-lock.json", json.dumps({"lockfileVersion": 3, "packages": locked}))
    for name in "one", "two":
        stage.write(f"app/{name}.sh", "#!/bin/sh\ncurl x\nopenssl x\n", 0o755)
    return stage.folder / "app"


def repository(stage: Stage) -> tuple[str, ...]:
    """Options that name a repository with what such an application needs besides the boot set."""
    simulator = Simulator()
    simulator.add(package("nodejs", files={"usr/bin/node": b"node"}))
    place = simulator.write(stage.folder / "more")
    return (
        "-X",
        str(stage.boot_set),
        "-X",
        str(place),
        "-k",
        str(stage.key()),
        "--arch",
        "amd64",
        "--entrypoint",
        "hello",
    )


def image(stage: Stage) -> str:
    """An image of the example, with its evidence; its key is in `EXAMPLES`."""
    stage.do("build", HELLO, "--arch", "amd64", "-o", "oci:hello")
    return "oci:hello"


def made(stage: Stage) -> tuple[str, ...]:
    """Options that name a repository of packages that cannot be layers as they are, of a key nobody knows.

    `low` has a link where `high` has a folder, and a file that `high` takes; the index says something else of
    `low` than the package does.
    """
    simulator = Simulator()
    own = PackageInfo(name="low", version="1-r0", arch="x86_64")
    simulator.add(
        writer.package(
            own,
            [(symlink("bin", "usr/bin"), BytesContent(b"")), (file("etc/x", 1), BytesContent(b"x"))],
            key=key(),
        )
    )
    more = PackageInfo(name="high", version="1-r0", arch="x86_64", depends=("low",), replaces=("low",))
    files = [(file(path, 1), BytesContent(b"y")) for path in ("bin/y", "etc/x")]
    simulator.add(writer.package(more, files, key=key()))
    place = simulator.write(stage.folder / "made")
    read = [archive.read([data], lambda _: None) for data in simulator.packages.values()]
    index = writer.index([f"{writer.stanza(each, 'x86_64')}m:Somebody else\n" for each in read], key=key())
    (place / "x86_64/APKINDEX.tar.gz").write_bytes(index)
    return ("-X", str(place), "--allow-untrusted", "--arch", "amd64", "-p", "high")


def v3(stage: Stage) -> tuple[str, ...]:
    """Options that name a repository of apk version 3, made by apk."""
    bench = Workbench(unpack("3.0.8", stage.folder / "apk"), stage.folder / "v3")
    stage.write("v3/tree/usr/share/three", "three")
    bench.index(
        [bench.package("three", bench.folder / "tree", origin="three")],
        "--pkgname-spec",
        "${arch}/${name}-${version}.apk",
    )
    return ("-X", f"v3 {bench.folder / 'r'}", "-k", str(bench.keys), "--arch", "amd64", "-p", "three")


def wheel(stage: Stage) -> None:
    """Puts a wheel for glibc into the application, with a compiled module."""
    module = "m.cpython-312-x86_64-linux-gnu.so"
    folder = "app/site-packages/m-1.dist-info"
    stage.write(f"app/site-packages/{module}", ElfFile(needed=("libc.so.6",)).build().data, 0o755)
    stage.write(f"{folder}/WHEEL", "Wheel-Version: 1.0\nTag: cp312-cp312-manylinux_2_17_x86_64\n")
    stage.write(f"{folder}/METADATA", "Metadata-Version: 2.1\nName: m\nVersion: 1\n")
    stage.write(f"{folder}/RECORD", f"{module},,\n")


def empty(stage: Stage) -> Path:
    """A configuration that says nothing."""
    return stage.write("empty.yaml", "contents: {}\n")


def shell_free(stage: Stage) -> Path:
    """A configuration of a package of which only a script wants a shell, and how an image is started."""
    config = {
        "contents": {
            "build_repositories": [str(stage.boot_set)],
            "packages": ["alpine-baselayout-data", "chrony"],
            "shell": "forbid",
        },
        "entrypoint": {"command": "/usr/sbin/chronyd"},
        "cmd": "--version",
        "stop-signal": "SIGINT",
        "volumes": ["/var/lib/chrony"],
        "ports": ["123/udp"],
        "labels": {"org.example.label": "x"},
    }
    return stage.write("shell-free.json", json.dumps(config))


def several(stage: Stage, shell: str) -> tuple[str | Path, ...]:
    """What builds an application for two architectures, with a package whose versions differ."""
    place = stage.folder / "several"
    for arch, version, machine in ("x86_64", "1.1-r0", 62), ("aarch64", "1.0-r0", 183):
        stage.write(f"dist/{arch}/app", ElfFile(type=2, machine=machine, dynamic=False).build().data, 0o755)
        simulator = Simulator(arch=arch)
        info = PackageInfo(name="one", version=version, arch=arch, depends=("/bin/sh",))
        script = [Script(".post-install", b"#!/bin/sh\nexit 0\n")]
        simulator.add(writer.package(info, [], scripts=script, key=key()))
        info = PackageInfo(name="shell", version="1-r0", arch=arch, provides=("/bin/sh=1",))
        simulator.add(writer.package(info, [(file("bin/sh", 1, mode=0o755), BytesContent(b"x"))], key=key()))
        simulator.write(place)
    config = {"contents": {"shell": shell}, "payload": [{"source": "dist/{arch}/app"}]}
    path = stage.write("several.json", json.dumps(config))
    words = ("-X", place, "-k", stage.key(), "-p", "one", "--arch", "amd64,arm64", "--allow-arch-skew")
    return (path, *words)


def evidence(layout: Path) -> str:
    """The document of evidence beside the image in a layout."""
    return json.dumps(Tampered(layout, layout.with_name(f"{layout.name}-copy")).document)


def _build(stage: Stage) -> Iterator[str]:
    app = application(stage)
    other = ElfFile(interpreter="/lib64/ld-linux-x86-64.so.2", needed=("libc.so.6",)).build().data
    stage.write("app/other", other, 0o755)
    words = ("--accept-suggestions", "--acknowledge", "glibc:/app/other")
    yield stage("build", app, *repository(stage), *words, "-o", "oci:one")
    yield stage("build", shell_free(stage), "--arch", "amd64", "-o", "oci:shell-free")
    for shell in ("allow", "forbid"):
        yield stage("build", *several(stage, shell), "-o", "oci:two")
    yield stage("build", empty(stage), *made(stage), "-o", "oci:made")
    stage.do("build", stage.write("flat.yaml", "layering: single\n"), *made(stage), "-o", "oci:flat")
    stage.do("build", empty(stage), *v3(stage), "-o", "oci:three")
    for each in ("one", "made", "flat", "three", "shell-free"):
        yield evidence(stage.folder / each)


def _lock(stage: Stage) -> Iterator[str]:
    app = application(stage)
    yield stage("lock", app, *repository(stage), "-o", "app.lock.json")
    yield stage("lock", empty(stage), *made(stage), "-o", "made.lock.json")
    yield stage("lock", empty(stage), *v3(stage), "-o", "three.lock.json")
    words = ("-X", stage.boot_set, "--arch", "amd64", "-o", "few.lock.json")
    yield stage("lock", empty(stage), *words, "-p", "zlib")
    yield stage("lock", empty(stage), *words, "-p", "yaml", "--diff", statuses=(1,))


def _mirror(stage: Stage) -> Iterator[str]:
    stage.do("lock", HELLO, "-o", "hello.lock.json")
    yield stage("mirror", "hello.lock.json", "-o", "mirror", "-k", EXAMPLES / "keys")


def _scan(stage: Stage) -> Iterator[str]:
    app = application(stage)
    wheel(stage)
    yield stage("scan", app, statuses=(1,))
    broken = ElfFile(interpreter=MUSL, needed=("libgone.so.1",)).build().data
    plugin = ElfFile(needed=("libc.musl-x86_64.so.1",)).build().data
    tar = tar_of(member("app/broken", broken, mode=0o755), member("app/plugin.so", plugin, mode=0o755))
    made_of = image_of_tars(tar)
    layout.write(stage.folder / "broken", made_of.image, made_of.contents)
    yield stage("scan", "oci:broken", statuses=(1,))


def _vulns(stage: Stage) -> Iterator[str]:
    secdbs.write_image(secdbs.image([("curl", "8.5.0-r0", "curl")]), stage.folder / "image")
    db = secdbs.write(stage.folder / "db", {"curl": {"8.6.0-r0": ["CVE-2024-0853", "CVE-2023-52071"]}})
    scores = stage.write(
        "epss.csv",
        "#score_date:2026-01-05\ncve,epss,percentile\nCVE-2024-0853,0.01,0.9\nCVE-2023-52071,0.02,0.8\n",
    )
    exploited = [{"cveID": each, "dateAdded": "2024-02-01"} for each in ("CVE-2024-0853", "CVE-2023-52071")]
    kev = stage.write("kev.json", json.dumps({"vulnerabilities": exploited}))
    vex = stage.write("vex.json", json.dumps(secdbs.vex("CVE-2023-52071", "pkg:apk/alpine/curl")))
    osv = {
        "id": "GHSA-xvch-5gv4-984h",
        "aliases": ["CVE-2021-44906"],
        "summary": "Prototype Pollution in minimist",
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": "minimist"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.6"}]}],
            }
        ],
    }
    data: tuple[str | Path, ...] = (
        "--db",
        db,
        "--osv",
        stage.write("osv.json", json.dumps(osv)),
        "--epss",
        scores,
        "--kev",
        kev,
    )
    words = (*data, "--vex", vex, "--arch", "amd64", "--fail-on", "kev")
    yield stage("vulns", "oci:image", *words, statuses=(1,))
    app: tuple[str | Path, ...] = (application(stage), *repository(stage), "--release", "v3.19")
    yield stage("vulns", *app, *data)
    judged = secdbs.vex("CVE-2021-44906", "pkg:npm/minimist@1.2.0")
    yield stage("vulns", *app, *data, "--vex", stage.write("judged.json", json.dumps(judged)))


def _push(stage: Stage) -> Iterator[str]:
    place = f"{stage.registry.host}/json"
    yield stage("push", image(stage), f"{place}/first:1")
    stage.do("pull", f"{place}/first:1", "-o", "oci:pulled")
    yield stage("push", f"docker://{place}/first:1", f"{place}/second:1")


def _copy(stage: Stage) -> Iterator[str]:
    yield stage("copy", image(stage), "oci:copied", f"docker://{stage.registry.host}/copied:1")


def _pull(stage: Stage) -> Iterator[str]:
    place = f"{stage.registry.host}/pulled:1"
    stage.do("push", image(stage), place)
    yield stage("pull", place, "-o", "oci:pulled")


def _verify(stage: Stage) -> Iterator[str]:
    keys = ("-k", EXAMPLES / "keys")
    yield stage("verify", image(stage), *keys)
    stage.do("build", shell_free(stage), "--arch", "amd64", "-o", "oci:shell-free")
    yield stage("verify", "oci:shell-free", statuses=(0, 1))
    yield stage("verify", "oci:hello", statuses=(1,))
    stage.do("build", application(stage), *repository(stage), "-o", "oci:one")
    yield stage("verify", "oci:one", "-k", stage.key(), statuses=(1,))


def _sign(stage: Stage) -> Iterator[str]:
    place = f"{stage.registry.host}/signed:1"
    stage.do("push", image(stage), place)
    secret = stage.write("my.key", private_pem("p256"))
    yield stage("sign", f"docker://{place}", "--key", secret)
    yield stage("sign", f"docker://{place}", "--key", secret)
    both = ("build", HELLO, "--arch", "amd64,arm64", "-o", "oci:both")
    stage.do(*both)
    yield stage("sign", "oci:both", "--recursive", "--key", stage.write("other.key", private_pem("rsa")))


def _show(stage: Stage) -> Iterator[str]:
    yield stage("show", HELLO, "--arch", "amd64")
    for part in ("--config", "--packages"):
        yield stage("show", HELLO, "--arch", "amd64", part)


def _compose(stage: Stage) -> Iterator[str]:
    yield stage("compose", "-X", EXAMPLES, "-k", EXAMPLES / "keys", "-d", "hello", "--arch", "x86_64", "root")


def _package(stage: Stage) -> Iterator[str]:
    secret = stage.write("me.rsa", PrivateKey.generate("me.rsa.pub", 2048).pem)
    words = ("-n", "hello", "--sign-key", secret, "--provides", "--accept-suggestions")
    yield stage("package", application(stage), "--root", "/usr/bin", *words)


def _index(stage: Stage) -> Iterator[str]:
    stage.write("packages/one-1.0-r0.apk", package("one"))
    yield stage("index", "packages", "-k", stage.key())


def _cache(stage: Stage) -> Iterator[str]:
    yield stage("cache", "info")
    yield stage("cache", "prune")


def _version(stage: Stage) -> Iterator[str]:
    yield stage("version")


def _audit(stage: Stage) -> Iterator[str]:
    yield stage("audit", image(stage))


def _diff(stage: Stage) -> Iterator[str]:
    stage.do("build", HELLO, "--arch", "arm64", "-o", "oci:arm")
    yield stage("diff", image(stage), "oci:arm")


def _inspect(stage: Stage) -> Iterator[str]:
    yield stage("inspect", image(stage))


def _tree(stage: Stage) -> Iterator[str]:
    yield stage("tree", image(stage))


def _why(stage: Stage) -> Iterator[str]:
    yield stage("why", "hello", image(stage))


def _report(stage: Stage) -> Iterator[str]:
    db = secdbs.write(stage.folder / "db", {})
    yield stage("report", image(stage), "--db", db, "--diff", "oci:hello")


def _impact(stage: Stage) -> Iterator[str]:
    index = index_file(drawn("lib-1 p:so:x.1\napp-1 D:so:x.1\n"), stage.folder / "index.tar.gz")
    yield stage("impact", "so:x.1", "-X", index, "--arch", "x86_64", "--allow-untrusted")


CASES: dict[str, tuple[set[str], Callable[[Stage], Iterator[str]]]] = {
    "build": ({"build", "evidence"}, _build),
    "lock": ({"lock", "lock-diff"}, _lock),
    "mirror": ({"mirror"}, _mirror),
    "scan": ({"scan"}, _scan),
    "why": ({"why"}, _why),
    "tree": ({"tree"}, _tree),
    "inspect": ({"inspect"}, _inspect),
    "vulns": ({"vulns"}, _vulns),
    "audit": ({"audit"}, _audit),
    "diff": ({"diff"}, _diff),
    "report": ({"report"}, _report),
    "impact": ({"impact"}, _impact),
    "push": ({"push"}, _push),
    "pull": ({"copy"}, _pull),
    "copy": ({"copy"}, _copy),
    "verify": ({"verify"}, _verify),
    "sign": ({"sign"}, _sign),
    "show": ({"show"}, _show),
    "compose": ({"compose"}, _compose),
    "package": ({"package"}, _package),
    "index": ({"index"}, _index),
    "cache": ({"cache-info", "cache-prune"}, _cache),
    "version": ({"version"}, _version),
}
"""For every command the forms of its documents, and what makes it print them.

Evidence is no output of `build`: it stands beside the image.
"""


RARE = {
    "build": {"#/$defs/finding.also[]"},
    "package": {"#/$defs/finding.also[]"},
}
"""What is not shown of a form, since only errors have it, after which nothing is made; `scan` shows it."""


@pytest.mark.parametrize("command", CASES)
def test_a_command_prints_what_its_schema_says(command: str, stage: Stage) -> None:
    forms, run = CASES[command]
    documents = [schemas.check(text) for text in run(stage)]
    assert {schemas.name_of(each) for each in documents} == forms
    for form in forms - ELSEWHERE:
        mine = [each for each in documents if schemas.name_of(each) == form]
        unshown = set(schemas.unshown(form, mine)) - RARE.get(form, set())
        assert unshown == set(), "described, and not shown by this test"


def offering() -> dict[str, str]:
    """The commands that have `--json`, with their help."""
    helps = {}
    for name in COMMANDS:
        found = next(each for each in make_parser(only=name)._actions if each.dest == "command")
        assert isinstance(found.choices, dict)
        helps[name] = found.choices[name].format_help()
    return {name: text for name, text in helps.items() if "--json" in text.partition("\nexample:")[0]}


STANDARD = {"sbom"}
"""Commands whose documents have the form of somebody else's standard, with `--json` and without."""


def test_every_command_that_has_json_is_run_here() -> None:
    assert set(CASES) | STANDARD == set(offering())


def test_a_bill_of_materials_is_the_same_with_json(stage: Stage) -> None:
    words = ("sbom", image(stage), "--arch", "amd64")
    assert stage(*words) == stage.witchery(*words).out


def test_every_form_has_a_schema_and_every_schema_a_form() -> None:
    sources = "".join(path.read_text() for path in sorted((ROOT / "src/witchery").rglob("*.py")))
    forms = set(re.findall(r"dev\.witchery\.([a-z0-9-]+/[0-9]+)", sources))
    files = {path.name.removesuffix(".schema.json") for path in schemas.FOLDER.glob("*.json")}
    stated = {schemas.form_of(name) for name in files}
    assert stated == {f"dev.witchery.{form}" for form in forms}
    assert {form.partition("/")[0] for form in forms} == files
    assert {form for forms, _ in CASES.values() for form in forms} == files


@pytest.mark.parametrize("name", sorted(path.name for path in schemas.FOLDER.glob("*.json")))
def test_a_schema_says_what_every_member_is(name: str) -> None:
    schema = schemas.read(name.removesuffix(".schema.json"))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(schemas.undescribed(schema)) == []


def test_the_page_lists_every_command_with_its_forms() -> None:
    page = (schemas.FOLDER / "README.md").read_text()
    rows = re.findall(
        r"^\| (.+) \| `(dev\.witchery\.[a-z0-9/-]+)` \| \[(.+)\]\((.+)\) \|$", page, re.MULTILINE
    )
    listed: dict[str, set[str]] = {}
    for what, form, shown, target in rows:
        name = form.removeprefix("dev.witchery.").partition("/")[0]
        assert shown == target == f"{name}.schema.json"
        for command in re.findall(r"`witchery ([a-z]+)", what):
            listed.setdefault(command, set()).add(name)
    assert listed == {command: forms for command, (forms, _) in CASES.items()}
