"""Python applications, of real wheels from PyPI and of environments as Python's own `venv` lays them out."""

import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.downloads import wheel, wheel_files
from support.elf_files import ElfFile
from support.payloads import make_payload
from witchery.payload.findings import Report, Severity
from witchery.payload.options import ScanOptions
from witchery.payload.python import detector as python
from witchery.payload.python.tags import built, least_version
from witchery.payload.tree import Payload

MUSL_MODULE = ElfFile(needed=("libc.musl-x86_64.so.1",)).build().data
PROGRAM = ElfFile(interpreter="/lib/ld-musl-x86_64.so.1", needed=("libc.musl-x86_64.so.1",)).build().data


def scanned(payload: Payload) -> Report:
    return python.inspect(payload, ScanOptions())


def installed(name: str, version: str, site: str = "site-packages", **options: str) -> dict[str, bytes]:
    """A real wheel, unpacked as `pip install --target` does."""
    files = wheel_files(wheel(name, version, **options))
    return {f"{site}/{path}": content for path, content in files.items()}


def distribution(
    name: str,
    version: str,
    site: str = "site-packages",
    *,
    tag: str = "py3-none-any",
    more: str = "",
    **files: str,
) -> dict[str, bytes]:
    """A small one made by hand; `files` stand in its `dist-info`."""
    folder = f"{site}/{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}\n\nRequires-Python: >=3.99\n"
    texts = {"METADATA": metadata, "WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n", **files}
    return {f"{folder}/{path.replace('__', '.')}": text.encode() for path, text in texts.items()}


def needs(report: Report) -> list[str]:
    return [need.dependency for need in report.needs]


def rules(report: Report) -> list[tuple[str, Severity]]:
    return [(each.rule, each.severity) for each in report.findings]


def test_a_web_application_with_a_compiled_wheel_needs_exactly_its_python() -> None:
    files = installed("flask", "3.1.0") | installed("markupsafe", "3.0.2") | {"app.py": b"import flask\n"}
    report = scanned(make_payload(files))
    assert report.kinds == ("Python 3.12 application",)
    assert needs(report) == ["python3~3.12"]
    (evidence,) = report.needs[0].evidence
    assert evidence.path == "app/site-packages/MarkupSafe-3.0.2.dist-info/WHEEL"
    assert report.findings == ()
    assert {part.purl for part in report.components} == {"pkg:pypi/flask@3.1.0", "pkg:pypi/markupsafe@3.0.2"}
    assert report.environment == {
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": "/app/site-packages",
        "PYTHONUNBUFFERED": "1",
    }
    assert min((each.rank, each.argv) for each in report.programs) == (2, ("/usr/bin/python3", "/app/app.py"))


def test_a_manylinux_wheel_is_refused_with_the_command_that_gets_the_right_one() -> None:
    report = scanned(make_payload(installed("markupsafe", "3.0.2", platform="manylinux2014_x86_64")))
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("manylinux", Severity.ERROR)
    assert finding.path == "app/site-packages/MarkupSafe-3.0.2.dist-info/WHEEL"
    assert finding.message.startswith("MarkupSafe 3.0.2 is a wheel for glibc")
    command = (
        "pip install --target site-packages --platform musllinux_1_2_x86_64 --only-binary=:all: "
        "--python-version 3.12 markupsafe==3.0.2"
    )
    assert f"`{command}`" in finding.hints[0]


def test_a_module_named_for_glibc_is_refused_even_where_no_wheel_says_so() -> None:
    name = "site-packages/fast.cpython-312-x86_64-linux-gnu.so"
    assert rules(scanned(make_payload({name: MUSL_MODULE}))) == [("manylinux", Severity.ERROR)]
    # Python 3.9 for musl still gave its modules that name.
    old = "site-packages/fast.cpython-39-x86_64-linux-gnu.so"
    report = scanned(make_payload({old: MUSL_MODULE}))
    assert (needs(report), report.findings) == (["python3~3.9"], ())


def test_a_wheel_built_from_source_is_judged_by_its_module() -> None:
    glibc = ElfFile(needed=("libc.so.6",), needs=[("libc.so.6", ["GLIBC_2.17"])]).build().data
    files = distribution(
        "fast", "1.0", tag="cp39-abi3-linux_x86_64", RECORD="fast/_c.abi3.so,sha256=x,1\nfast/x.py,,\n"
    )
    module = "site-packages/fast/_c.abi3.so"
    assert scanned(make_payload({**files, module: MUSL_MODULE})).findings == ()
    (finding,) = scanned(make_payload({**files, module: glibc})).findings
    assert (finding.rule, finding.path) == ("manylinux", f"app/{module}")
    assert "fast 1.0" in finding.message
    assert "GLIBC_2.17" in finding.message
    assert "fast==1.0" in finding.hints[0]


@pytest.mark.parametrize(
    ("tag", "rule"),
    [
        ("cp312-cp312-macosx_11_0_arm64", "foreign-wheel"),
        ("cp312-cp312-win_amd64", "foreign-wheel"),
        ("cp312-cp312-musllinux_1_2_aarch64", "foreign-wheel"),
        ("py3-none-manylinux_2_17_x86_64", "manylinux"),
        ("py3-none-manylinux_2_17_x86_64.musllinux_1_1_x86_64", None),
        ("cp312-cp312-musllinux_1_2_x86_64", None),
        ("py2.py3-none-any", None),
    ],
)
def test_the_tags_of_a_wheel_say_where_it_runs(tag: str, rule: str | None) -> None:
    report = scanned(make_payload(distribution("fast", "1.0", tag=tag)))
    assert [each.rule for each in report.findings] == ([rule] if rule else [])


def test_a_wheel_for_any_linux_that_holds_a_static_program_is_taken() -> None:
    static = ElfFile(type=2, dynamic=False).build().data
    files = distribution(
        "tool", "1.0", tag="py3-none-manylinux_2_17_x86_64", RECORD="../bin/tool,sha256=x,1\n"
    )
    assert scanned(make_payload({**files, "bin/tool": static})).findings == ()
    assert rules(scanned(make_payload({**files, "bin/tool": PROGRAM}))) == [("manylinux", Severity.ERROR)]


def test_the_strongest_lower_bound_counts_where_no_module_fixes_the_version() -> None:
    report = scanned(make_payload(installed("pynacl", "1.6.1") | installed("flask", "3.1.0")))
    assert needs(report) == ["python3>=3.9"]
    assert [str(each) for each in report.needs[0].evidence] == [
        "app/site-packages/flask-3.1.0.dist-info/METADATA: Requires-Python: >=3.9"
    ]
    assert report.kinds == ("Python application",)
    stable = distribution("fast", "1.0", tag="cp311-abi3-musllinux_1_2_x86_64", more="Requires-Python: >=3.8")
    assert needs(scanned(make_payload(stable))) == ["python3>=3.11"]
    assert needs(scanned(make_payload(distribution("pure", "1.0")))) == ["python3"]
    assert needs(scanned(make_payload({"app.py": b"print()\n"}))) == ["python3"]


def test_two_versions_of_python_are_an_error_that_names_both() -> None:
    files = installed("markupsafe", "3.0.2") | {"lib/x.cpython-311-x86_64-linux-musl.so": MUSL_MODULE}
    (finding,) = scanned(make_payload(files)).findings
    assert (finding.rule, finding.severity) == ("python-versions", Severity.ERROR)
    assert "3.11 (app/lib/x.cpython-311-x86_64-linux-musl.so" in finding.message
    assert "3.12 (app/site-packages/MarkupSafe-3.0.2.dist-info/WHEEL" in finding.message
    newer = installed("markupsafe", "3.0.2") | distribution("new", "1", more="Requires-Python: >=3.13")
    assert rules(scanned(make_payload(newer))) == [("python-versions", Severity.ERROR)]


OWN: Mapping[str, bytes] = {
    "python/bin/python3.12": PROGRAM,
    "python/lib/python3.12/os.py": b"",
    "python/lib/python3.12/lib-dynload/_x.cpython-312-x86_64-linux-musl.so": MUSL_MODULE,
}


def test_an_interpreter_of_its_own_needs_no_package() -> None:
    files = {**OWN, **installed("markupsafe", "3.0.2", "python/lib/python3.12/site-packages"), "app.py": b""}
    report = scanned(make_payload(files, links={"python/bin/python3": "python3.12"}))
    assert report.kinds == ("Python 3.12, brought along",)
    assert (report.needs, report.findings) == ((), ())
    assert report.programs[0].argv == ("/app/python/bin/python3", "/app/app.py")
    assert "PYTHONPATH" not in report.environment
    assert report.environment["PATH"].startswith("/app/python/bin:/usr/local/sbin:")


def test_modules_are_checked_against_the_interpreter_that_is_brought_along() -> None:
    files = {**OWN, "lib/x.cpython-311-x86_64-linux-musl.so": MUSL_MODULE}
    (finding,) = scanned(make_payload(files)).findings
    assert finding.rule == "python-versions"
    assert "3.12 (app/python/bin/python3.12: is Python 3.12" in finding.message


VENV = {
    "venv/pyvenv.cfg": b"home = %s\ninclude-system-site-packages = false\nversion = 3.12.7\n",
    "venv/bin/pip": b"#!/home/me/venv/bin/python3.12\nimport sys\n",
}


def environment(target: str, home: str, **more: bytes) -> Payload:
    files = installed("markupsafe", "3.0.2", "venv/lib/python3.12/site-packages") | VENV | more
    files["venv/pyvenv.cfg"] %= home.encode()
    links = {"venv/bin/python": "python3", "venv/bin/python3": target, "venv/bin/python3.12": "python3"}
    return make_payload(files, links=links)


def test_an_environment_that_points_outside_is_an_error_with_what_helps() -> None:
    report = scanned(environment("/home/me/.pyenv/versions/3.12.7/bin/python3.12", "/home/me/.pyenv/bin"))
    error, warning = report.findings
    assert (error.rule, error.severity, error.path) == (
        "venv-outside",
        Severity.ERROR,
        "app/venv/bin/python3",
    )
    assert "`/home/me/.pyenv/versions/3.12.7/bin/python3.12`" in error.message
    assert "--platform musllinux_1_2_x86_64 --only-binary=:all: --python-version 3.12" in error.hints[0]
    assert "`ln -sfn /usr/bin/python3 venv/bin/python3`" in error.hints[1]
    assert (warning.rule, warning.severity, warning.path) == (
        "venv-shebang",
        Severity.WARNING,
        "app/venv/bin/pip",
    )
    assert "`/home/me/venv/bin/python3.12`" in warning.message


def test_an_environment_of_the_systems_python_is_taken_and_needs_that_version() -> None:
    report = scanned(environment("/usr/bin/python3", "/usr/bin", **{"app.py": b""}))
    assert [each.rule for each in report.findings] == ["venv-shebang"]
    assert needs(report) == ["python3~3.12"]
    assert ("app/venv/pyvenv.cfg", "is a virtual environment of Python 3.12") in report.needs[0].evidence
    assert report.programs[0].argv == ("/app/venv/bin/python3", "/app/app.py")
    path = "/app/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert report.environment["PATH"] == path
    assert "PYTHONPATH" not in report.environment


def test_an_environment_may_use_an_interpreter_that_is_brought_along() -> None:
    report = scanned(environment("../../python/bin/python3.12", "/app/python/bin", **OWN))
    assert [each.rule for each in report.findings] == ["venv-shebang"]
    assert report.needs == ()
    copied = {"venv/bin/python3.12": PROGRAM, "venv/pyvenv.cfg": b"home = /opt/bin\nversion = 3.12.1\n"}
    links = {"venv/bin/python3": "python3.12"}
    (finding,) = scanned(make_payload(copied, links=links)).findings
    assert (finding.rule, finding.path) == ("venv-outside", "app/venv/bin/python3.12")
    assert "`/opt/bin`" in finding.message


def test_commands_are_started_by_what_they_call_and_the_applications_own_come_first() -> None:
    scripts = (
        "[gui_scripts]\nno = no:no\n[console_scripts]\nhello = hello.cli:Main.run [fast]\nbad = os;x:y\n"
    )
    wants = "Requires-Dist: helper>=1\nRequires-Dist: hello; extra == 'all'"
    module = "[console_scripts]\nhelp = helper.__main__:main\n"
    files = distribution("hello", "1.0", more=wants, entry_points__txt=scripts)
    files |= distribution("helper", "1.0", entry_points__txt=module)
    shown = {each.argv: each.rank for each in scanned(make_payload(files, name="hello")).programs}
    call = "import sys; from hello.cli import Main; sys.exit(Main.run())"
    assert shown == {
        ("/usr/bin/python3", "-c", call): 0,
        ("/usr/bin/python3", "-m", "helper"): 3,
    }
    for name in ("something", "helper"):  # what another one requires is not the application
        assert {each.rank for each in scanned(make_payload(files, name=name)).programs} == {3}
    local = distribution("tool", "2", direct_url__json='{"dir_info": {}}', entry_points__txt=scripts)
    assert [each.rank for each in scanned(make_payload(local)).programs] == [0]


def test_what_a_wheel_copied_from_alpine_is_listed_with_who_says_so() -> None:
    report = scanned(make_payload(installed("greenlet", "3.3.0")))
    bundled = {part.purl: part for part in report.components}
    assert set(bundled) == {
        "pkg:pypi/greenlet@3.3.0",
        "pkg:apk/alpine/libstdc%2B%2B@14.2.0-r6",
        "pkg:apk/alpine/libgcc@14.2.0-r6",
    }
    library = bundled["pkg:apk/alpine/libgcc@14.2.0-r6"]
    assert (library.version, library.source) == ("14.2.0-r6", "bill of materials of greenlet 3.3.0")


def archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("shebang", [b"", b"#!/usr/bin/env python3.12\n"])
def test_a_zip_application_is_looked_into(shebang: bytes) -> None:
    files = {"__main__.py": b"print()", **installed("markupsafe", "3.0.2", ".deps/m")}
    report = scanned(make_payload({"hello.pex": shebang + archive(files)}))
    assert report.kinds == ("Python 3.12 zip application",)
    assert needs(report) == ["python3~3.12"]
    assert report.programs[0] == (
        ("/usr/bin/python3", "/app/hello.pex"),
        "a Python application in a zip file",
        1,
    )
    assert [part.name for part in report.components] == ["MarkupSafe"]
    assert rules(report) == [("opaque-bundle", Severity.WARNING)]
    assert scanned(make_payload({"some.jar": archive({"A.class": b""}), "b.zip": archive({})})) == Report()


def test_a_bundle_of_pyinstaller_is_opaque() -> None:
    cookie = b"MEI\014\013\012\013\016" + bytes(80)
    report = scanned(make_payload({"hello": PROGRAM + bytes(1000) + cookie}))
    assert report.kinds == ("PyInstaller bundle",)
    assert rules(report) == [("opaque-bundle", Severity.WARNING)]
    assert report.needs == ()


def test_what_is_not_installed_is_noticed() -> None:
    content = wheel("markupsafe", "3.0.2").read_bytes()
    files = {"main.py": b"", "requirements.txt": b"# of the web\nflask==3.1.0\n-r x\n", "m.whl": content}
    files["python/lib/python3.12/ensurepip/_bundled/pip-24.2-py3-none-any.whl"] = content
    assert rules(scanned(make_payload(files))) == [
        ("wheel-file", Severity.NOTE),
        ("pip-not-installed", Severity.WARNING),
    ]
    assert scanned(make_payload({"x.txt": b"", "node_modules/gyp/a.py": b""})) == Report()


def test_vendored_distributions_are_components_and_no_path() -> None:
    files = distribution("setuptools", "80.0") | distribution(
        "wheel", "1.0", "site-packages/setuptools/_vendor"
    )
    report = scanned(make_payload({**files, "site-packages/setuptools/__init__.py": b""}))
    assert report.environment["PYTHONPATH"] == "/app/site-packages"
    assert {part.name for part in report.components} == {"setuptools", "wheel"}


@pytest.mark.parametrize(
    ("specifier", "least"),
    [
        (">=3.9", (3, 9)),
        (">=3.7, !=3.9.0, !=3.9.1", (3, 7)),
        ("~=3.10.2", (3, 10, 2)),
        ("<4,>=3.8.1,>3.9", (3, 9)),
        ("==3.11.*", (3, 11)),
        (">=2.7", ()),
        ("", ()),
        ("nonsense >= 3", ()),
    ],
)
def test_a_lower_bound_is_read_from_requires_python(specifier: str, least: tuple[int, ...]) -> None:
    assert least_version(specifier) == least


NAMES = st.sampled_from(
    ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "direct_url.json", "sboms/a.cdx.json")
)
LINES = (
    *(b"Name: a", b"Version: 1", b"Tag: cp3-cp312-any", b"Requires-Dist: (", b"Requires-Python: >=3.99999"),
    *(b"[console_scripts]", b"a = b:c", b"../../a.so,,", b"\xff", b""),
    *(b'{"components": [{"name": 1}]}', b"[" * 2000),
)
WORDS = st.lists(st.sampled_from(LINES))


@given(
    st.dictionaries(NAMES, st.one_of(WORDS.map(b"\n".join), st.binary(max_size=60))), st.binary(max_size=80)
)
def test_any_metadata_gives_a_report(metadata: dict[str, bytes], config: bytes) -> None:
    files = {f"s/a-1.dist-info/{name}": content for name, content in metadata.items()}
    files |= {"pyvenv.cfg": config, "s/a.egg-info": config, "x.pyz": b"#!/x\nPK\x03\x04" + config}
    report = scanned(make_payload({**files, "a.cpython-312-x86_64-linux-musl.so": b"\x7fELF" + config}))
    assert report.kinds


@given(st.lists(st.text(max_size=80), max_size=4))
def test_any_tags_give_something_or_nothing(tags: list[str]) -> None:
    found = built(tags)
    assert found is None or found.systems


def test_one_command_under_two_names_is_one_program_and_an_installed_module_is_none() -> None:
    scripts = "[console_scripts]\npip = pip:main\npip3 = pip:main\n"
    files = distribution("pip", "1", ".", entry_points__txt=scripts)
    at_top = {path.removeprefix("./"): content for path, content in files.items()}
    report = scanned(make_payload({**at_top, "typing_extensions.py": b"", "tool/__main__.py": b""}))
    assert [each.argv[1] for each in report.programs] == ["-c"]
    assert report.environment["PYTHONPATH"] == "/app"
    alone = scanned(make_payload({"bot.py": b"", "tool/__main__.py": b""}))
    assert [(each.argv[1:], each.rank) for each in alone.programs] == [
        (("/app/bot.py",), 2),
        (("-m", "tool"), 2),
    ]
