"""Node applications, of real packages from npm and of small ones made by hand."""

import json
from base64 import b64encode
from hashlib import sha512
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.downloads import npm_files, npm_tarball
from support.elf_files import ElfFile
from support.payloads import make_payload
from witchery.payload.findings import Report, Severity
from witchery.payload.node import detector as node
from witchery.payload.node.ranges import read
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload

MUSL = ElfFile(needed=("libc.so",)).build().data
GLIBC = ElfFile(needed=("libc.so.6",), needs=[("libc.so.6", ["GLIBC_2.17"])]).build().data
ARM = ElfFile(machine=183, needed=("libc.so",)).build().data
MACHO = b"\xcf\xfa\xed\xfe" + bytes(60)


def scanned(payload: Payload, *, allow_gcompat: bool = False) -> Report:
    return node.inspect(payload, ScanOptions(allow_gcompat=allow_gcompat))


def document(**members: Any) -> bytes:
    return json.dumps(members).encode()


def installed(name: str, version: str, called: str = "") -> dict[str, bytes]:
    """A real package in `node_modules`, under its own name or another."""
    files = npm_files(npm_tarball(name, version))
    return {f"node_modules/{called or name}/{path}": content for path, content in files.items()}


def package(name: str, version: str = "1.0.0", **members: Any) -> dict[str, bytes]:
    """A small one."""
    manifest = document(name=name, version=version, **members)
    return {f"node_modules/{name}/package.json": manifest}


def needs(report: Report) -> list[str]:
    return [need.dependency for need in report.needs]


def rules(report: Report) -> list[tuple[str, Severity]]:
    return [(each.rule, each.severity) for each in report.findings]


def test_an_application_with_a_real_addon_for_musl_is_taken() -> None:
    archive = npm_tarball("@parcel/watcher-linux-x64-musl", "2.5.1").read_bytes()
    integrity = f"sha512-{b64encode(sha512(archive).digest()).decode()}"
    name = "node_modules/@parcel/watcher-linux-x64-musl"
    lock = document(lockfileVersion=3, packages={"": {}, name: {"version": "2.5.1", "integrity": integrity}})
    manifest = document(
        name="hello", scripts={"start": "node server.js"}, engines={"node": ">=18"}, dependencies={"a": "1"}
    )
    files = installed("@parcel/watcher-linux-x64-musl", "2.5.1")
    files |= {"package.json": manifest, "server.js": b"", "node_modules/.package-lock.json": lock}
    report = scanned(make_payload(files))
    assert report.kinds == ("Node application",)
    assert needs(report) == ["nodejs>=18"]
    assert [str(each) for each in report.needs[0].evidence] == ["app/package.json: engines.node: >=18"]
    assert report.findings == ()
    assert report.programs == ((("/usr/bin/node", "/app/server.js"), "scripts.start", 0),)
    assert report.environment == {"NODE_ENV": "production"}
    (component,) = report.components
    assert component.purl == "pkg:npm/%40parcel/watcher-linux-x64-musl@2.5.1"
    assert component.digests == (("sha512", sha512(archive).hexdigest()),)


def test_a_real_addon_for_glibc_is_refused_with_the_command_that_gets_the_right_one() -> None:
    files = installed("@parcel/watcher-linux-x64-glibc", "2.5.1")
    report = scanned(make_payload(files))
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("node-addon", Severity.ERROR)
    assert finding.path == "app/node_modules/@parcel/watcher-linux-x64-glibc/watcher.node"
    assert "@parcel/watcher-linux-x64-glibc 2.5.1 was built for glibc" in finding.message
    assert "GLIBC_2." in finding.message
    assert "`npm install --os=linux --libc=musl --cpu=x64`" in finding.hints[0]
    assert scanned(make_payload(files), allow_gcompat=True).findings == ()


def test_an_addon_for_glibc_beside_one_for_musl_can_be_left_out() -> None:
    both = installed("@parcel/watcher-linux-x64-glibc", "2.5.1")
    both |= installed("@parcel/watcher-linux-x64-musl", "2.5.1")
    report = scanned(make_payload(both))
    assert rules(report) == [("foreign-prebuilds", Severity.NOTE)]
    size = len(both["node_modules/@parcel/watcher-linux-x64-glibc/watcher.node"])
    assert f"{size} bytes" in report.findings[0].message


def test_the_name_of_an_addon_proves_nothing() -> None:
    files = package("@x/y-linux-x64-musl", libc=["musl"]) | {"node_modules/@x/y-linux-x64-musl/y.node": GLIBC}
    (finding,) = scanned(make_payload(files)).findings
    assert finding.rule == "node-addon"
    assert "it calls itself one for musl" in finding.message
    files = package("@x/y-linux-x64-gnu", libc=["glibc"]) | {"node_modules/@x/y-linux-x64-gnu/y.node": MUSL}
    assert scanned(make_payload(files)).findings == ()


@pytest.mark.parametrize(
    ("addons", "expected"),
    [
        ({"prebuilds/x64/a.glibc.node": GLIBC, "prebuilds/x64/a.musl.node": MUSL}, "foreign-prebuilds"),
        ({"prebuilds/darwin-arm64/a.node": MACHO, "prebuilds/linux-x64/a.node": MUSL}, "foreign-prebuilds"),
        ({"prebuilds/linux-arm64/a.node": ARM, "build/Release/a.node": MUSL}, "foreign-prebuilds"),
        ({"prebuilds/x64/a.glibc.node": GLIBC, "prebuilds/x64/b.musl.node": MUSL}, "node-addon"),
        ({"prebuilds/darwin-arm64/a.node": MACHO, "prebuilds/linux-x64/a.node": GLIBC}, "node-addon"),
        ({"prebuilds/darwin-arm64/a.node": MACHO}, "node-addon"),
        ({"build/Release/a.node": ARM}, "node-addon"),
        ({"build/Release/a.node": MUSL}, None),
    ],
)
def test_of_the_addons_in_a_package_one_has_to_fit(addons: dict[str, bytes], expected: str | None) -> None:
    files = {f"node_modules/native/{path}": content for path, content in addons.items()}
    report = scanned(make_payload(package("native") | files))
    assert [each.rule for each in report.findings] == ([expected] if expected else [])
    if expected == "node-addon" and GLIBC in addons.values():
        assert "GLIBC_2.17" in report.findings[0].message


def test_a_package_that_is_only_for_another_system_is_no_error() -> None:
    files = package("fsevents", os=["darwin"]) | {"node_modules/fsevents/fsevents.node": MACHO}
    assert rules(scanned(make_payload(files))) == [("foreign-prebuilds", Severity.NOTE)]


@pytest.mark.parametrize(
    ("text", "dependency"),
    [
        (">=18", "nodejs>=18"),
        (">= 10.0.0", "nodejs>=10.0.0"),
        ("^20.1", "nodejs>=20.1"),
        ("~18.2.1", "nodejs>=18.2.1"),
        ("20.x", "nodejs>=20"),
        ("20", "nodejs>=20"),
        ("18 || 20", "nodejs>=18"),
        ("^14.18.0 || >=16.10.0", "nodejs>=14.18.0"),
        ("v18.0.0 - 20", "nodejs>=18.0.0"),
        (">=18 <21", "nodejs>=18"),
        (">=18.0.0-0", "nodejs>=18.0.0"),
        ("*", "nodejs"),
        ("", "nodejs"),
        ("<20", "nodejs"),
        ("21.x", "nodejs-current>=21"),
        ("18.x || 21.x", "nodejs>=18"),
        (">=21", "nodejs>=21"),
        ("lts/*", "nodejs"),
    ],
)
def test_the_lower_bound_of_engines_is_what_is_needed(text: str, dependency: str) -> None:
    files = {"package.json": document(engines={"node": text}), "server.js": b""}
    report = scanned(make_payload(files))
    assert needs(report) == [dependency]
    assert rules(report) == ([("engines", Severity.NOTE)] if text == "lts/*" else [])


def test_what_installed_packages_say_of_node_is_a_suggestion() -> None:
    files = package("old", engines={"node": ">=4"}) | package("new", engines={"node": ">=22"})
    report = scanned(make_payload({**files, "package.json": document(engines={"node": ">=18"})}))
    assert needs(report) == ["nodejs>=18"]
    (suggestion,) = report.suggestions
    assert suggestion.dependency == "nodejs>=22"
    assert suggestion.evidence == (("app/node_modules/new/package.json", "engines.node: >=22"),)


def test_a_node_of_its_own_needs_no_package() -> None:
    program = ElfFile(interpreter="/lib/ld-musl-x86_64.so.1").build().data
    report = scanned(make_payload({"runtime/bin/node": program, "server.js": b"", **package("a")}))
    assert (report.kinds, report.needs) == (("Node, brought along",), ())
    assert report.programs[0].argv == ("/app/runtime/bin/node", "/app/server.js")


@pytest.mark.parametrize(
    ("manifest", "arguments"),
    [
        ({"scripts": {"start": "node dist/main --port 80"}}, ("/app/dist/main.js", "--port", "80")),
        (
            {"scripts": {"start": "node -r ./hook.js --trace ."}},
            ("-r", "./hook.js", "--trace", "/app/index.js"),
        ),
        ({"scripts": {"start": "NODE_ENV=x node dist/main"}, "main": "lib.js"}, ("/app/lib.js",)),
        ({"scripts": {"start": "node lib.js && rm -r x"}, "main": "./dist/main.js"}, ("/app/dist/main.js",)),
        ({"bin": {"hello": "lib.js"}, "main": "dist/main.js"}, ("/app/lib.js",)),
        ({"bin": "./lib"}, ("/app/lib.js",)),
        ({"main": "../../etc/passwd", "bin": {"a": 1}, "scripts": []}, ()),
    ],
)
def test_the_start_is_what_the_application_declares(
    manifest: dict[str, Any], arguments: tuple[str, ...]
) -> None:
    files = dict.fromkeys(("dist/main.js", "lib.js", "index.js", "hook.js"), b"")
    report = scanned(make_payload({**files, "package.json": document(**manifest)}))
    first = [each.argv for each in report.programs if each.rank == 0]
    assert first == ([("/usr/bin/node", *arguments)] if arguments else [])
    others = {each.argv[1]: each.rank for each in report.programs if each.rank > 1}
    assert set(others) <= {"/app/index.js"}


def test_a_start_that_is_not_there_and_dependencies_that_are_not_are_noticed() -> None:
    manifest = document(scripts={"start": "node dist/x.js"}, dependencies={"express": "^4"})
    report = scanned(make_payload({"package.json": manifest}))
    assert rules(report) == [("npm-start", Severity.WARNING), ("npm-not-installed", Severity.WARNING)]
    assert "`npm ci --omit=dev --os=linux --libc=musl --cpu=x64`" in report.findings[1].hints[0]
    locked = scanned(make_payload({"package.json": manifest, "pnpm-lock.yaml": b""}))
    assert "`pnpm install --prod`" in locked.findings[1].hints[0]
    assert rules(scanned(make_payload({"package.json": manifest, ".pnp.cjs": b""}))) == [
        ("npm-start", Severity.WARNING)
    ]


def test_pages_for_a_browser_are_no_application_for_node() -> None:
    manifest = document(name="page", devDependencies={"vite": "5"}, dependencies={"react": "18"})
    files = {"package.json": manifest, "index.html": b"", "index.js": b"", "app.js": b""}
    assert scanned(make_payload(files)) == Report()
    assert scanned(make_payload({"app.js": b"", "index.html": b""})) == Report()


DIGEST = sha512(b"archive")
SRI = f"sha1-AAAA sha512-{b64encode(DIGEST.digest()).decode()}?x sha512-%%%"
LOCKED = {"version": "1.0.0", "integrity": SRI}


@pytest.mark.parametrize(
    ("name", "lock"),
    [
        ("package-lock.json", {"packages": {"node_modules/a/node_modules/b": LOCKED}}),
        ("package-lock.json", {"dependencies": {"a": {"dependencies": {"b": LOCKED}}}}),
        ("npm-shrinkwrap.json", {"dependencies": {"a": {"dependencies": {"b": LOCKED}}}}),
    ],
    ids=["version 2 or 3", "version 1", "shrinkwrap"],
)
def test_digests_come_from_the_lock_where_versions_agree(name: str, lock: dict[str, Any]) -> None:
    files = package("a") | {"node_modules/a/node_modules/b/package.json": document(name="b", version="1.0.0")}
    report = scanned(make_payload({**files, name: document(**lock)}))
    digests = {each.name: each.digests for each in report.components}
    assert digests == {"a": (), "b": (("sha512", DIGEST.hexdigest()),)}
    files["node_modules/a/node_modules/b/package.json"] = document(name="b", version="1.0.1")
    report = scanned(make_payload({**files, name: document(**lock)}))
    assert {each.digests for each in report.components} == {()}


def test_packages_for_development_are_noticed() -> None:
    lock = document(packages={"node_modules/jest": {"version": "1.0.0", "dev": True}})
    report = scanned(make_payload({**package("jest"), "package-lock.json": lock}))
    assert rules(report) == [("npm-development", Severity.NOTE)]


def test_only_the_package_json_of_packages_name_components() -> None:
    inside = {
        "node_modules/a/dist/esm/package.json": document(type="module"),
        "node_modules/.bin/package.json": b"{}",
    }
    files = package("a") | package("@s/b", "2.0.0-rc.1+x") | inside
    report = scanned(make_payload(files))
    assert {each.purl for each in report.components} == {"pkg:npm/a@1.0.0", "pkg:npm/%40s/b@2.0.0-rc.1%2Bx"}
    marked = {path: b"\xef\xbb\xbf" + content for path, content in package("a").items()}
    assert scanned(make_payload(marked)).findings == ()
    broken = scanned(make_payload({"node_modules/a/package.json": b"\xef\xbb\xbf{]"}))
    assert rules(broken) == [("package-json", Severity.NOTE)]
    assert [each.purl for each in broken.components] == ["pkg:npm/a"]


MEMBERS = (
    *("name", "version", "main", "bin", "scripts", "start", "engines", "node", "os", "cpu", "libc"),
    *("dependencies", "packages", "integrity", "node_modules/a", "dev"),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "version",
                    "main",
                    "bin",
                    "scripts",
                    "start",
                    "engines",
                    "node",
                    "os",
                    "cpu",
                    "libc",
                    "dependencies",
                    "packages",
                    "integrity",
                ]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


@given(root=JSON, inner=JSON, lock=JSON, raw=st.binary(max_size=20))
def test_any_json_gives_a_report(root: object, inner: object, lock: object, raw: bytes) -> None:
    files = {"package.json": root, "node_modules/a/package.json": inner, "package-lock.json": lock}
    encoded = {path: json.dumps(value).encode() for path, value in files.items()}
    more = {"node_modules/a/x.node": MACHO + raw, "node_modules/b/package.json": raw, "server.js": b""}
    report = scanned(make_payload(encoded | more))
    assert report.kinds == ("Node application",)


@given(st.text(alphabet="0123456789.xX*<>=^~|- v+a", max_size=40))
def test_any_range_gives_a_bound_or_nothing(text: str) -> None:
    found = read(text)
    assert found is None or all(number < 100_000 for number in found.least)
