"""Compiled files: what they are, need and lack; with hand-made, compiled, official and foreign ones."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.elf_files import ElfFile, Sym
from support.payloads import make_payload
from support.real_elf import elf_files
from support.shared import needs_shared
from witchery.arch import ALL, Arch
from witchery.payload.findings import Finding, Report, Severity, shortened
from witchery.payload.native import detector as native
from witchery.payload.options import ScanOptions

MUSL = "/lib/ld-musl-x86_64.so.1"
GLIBC = "/lib64/ld-linux-x86-64.so.2"
LIBC = "so:libc.musl-x86_64.so.1"


def program(*needed: str, **more: object) -> bytes:
    made = {"interpreter": MUSL, "needed": ("libc.musl-x86_64.so.1", *needed), **more}
    return ElfFile(**made).build().data  # type: ignore[arg-type]


def library(*needed: str, **more: object) -> bytes:
    return ElfFile(needed=("libc.so", *needed), **more).build().data  # type: ignore[arg-type]


def inspect(
    files: Mapping[str, bytes],
    *,
    options: ScanOptions | None = None,
    links: Mapping[str, str] | None = None,
    modes: Mapping[str, int] | None = None,
    arch: str = "x86_64",
) -> Report:
    payload = make_payload(files, links=links, modes=modes, arch=arch)
    return native.inspect(payload, options or ScanOptions())


def needs(report: Report) -> dict[str, list[str]]:
    return {need.dependency: [str(each) for each in need.evidence] for need in report.needs}


def rules(report: Report) -> list[tuple[str, str, Severity]]:
    return [(each.path, each.rule, each.severity) for each in report.findings]


def only(report: Report) -> Finding:
    (found,) = report.findings
    return found


class TestNeeds:
    def test_each_need_names_the_file_and_what_in_it(self) -> None:
        report = inspect({"hello": program("libz.so.1"), "lib/a.so": library("libz.so.1")})
        assert needs(report) == {
            LIBC: ["app/hello: needs libc.musl-x86_64.so.1", "app/lib/a.so: needs libc.so"],
            "so:libz.so.1": ["app/hello: needs libz.so.1", "app/lib/a.so: needs libz.so.1"],
        }
        assert not report.findings
        assert report.kinds == ("dynamic musl program", "shared library")

    @pytest.mark.parametrize("arch", ALL, ids=str)
    def test_the_c_library_goes_by_alpines_name_of_the_architecture(self, arch: Arch) -> None:
        suffix = {"x86": "i386", "armv7": "armhf", "ppc64le": "powerpc64le"}.get(arch.apk, arch.apk)
        data = ElfFile(
            bits=arch.elf_class,
            little=arch.elf_little,
            machine=arch.elf_machine,
            interpreter=f"/lib/ld-musl-{suffix}.so.1",
            needed=("libc.so", "libm.so.6", "libpthread.so.0"),
        )
        report = inspect({"hello": data.build().data}, arch=arch.apk)
        assert needs(report) == {f"so:libc.musl-{arch.apk}.so.1": ["app/hello: needs libc.so"]}
        assert not report.findings

    def test_a_program_that_needs_no_library_but_its_loader_needs_the_c_library(self) -> None:
        report = inspect({"hello": ElfFile(interpreter=MUSL).build().data})
        assert needs(report) == {LIBC: [f"app/hello: starts through {MUSL}"]}

    def test_static_programs_need_nothing(self) -> None:
        pie = ElfFile(more_tags=[(0x6FFFFFFB, 0x08000000)])
        report = inspect({"a": ElfFile(type=2, dynamic=False).build().data, "b": pie.build().data})
        assert report.kinds == ("static program", "static-pie program")
        assert not report.needs
        assert not report.findings

    def test_the_applications_own_libraries_are_private(self) -> None:
        report = inspect(
            {
                "bin/hello": program("libfoo.so.1", runpath="$ORIGIN/../lib"),
                "lib/libfoo.so.1.2": library("libbar.so"),
                "lib/libbar.so": library(),
            },
            links={"lib/libfoo.so.1": "libfoo.so.1.2"},
        )
        assert needs(report).keys() == {LIBC}
        assert not report.findings
        assert report.private == (
            ("app/lib/libbar.so", "app/lib/libfoo.so.1.2"),
            ("app/lib/libfoo.so.1.2", "app/bin/hello"),
        )

    def test_a_name_that_no_package_can_have_is_no_dependency(self) -> None:
        report = inspect({"hello": program("lib z.so>=1", "libé.so", "lib\n.so")})
        assert needs(report).keys() == {LIBC}
        assert {rule for _, rule, _ in rules(report)} == {"library-name"}

    def test_more_libraries_than_can_be_followed_are_refused(self) -> None:
        path = ":".join(f"$ORIGIN/{number}" for number in range(40))
        found = only(inspect({"hello": program(*(f"lib{n}.so" for n in range(2000)), runpath=path)}))
        assert (found.rule, found.severity) == ("library-limit", Severity.ERROR)

    def test_a_library_wanted_by_its_path_is_a_need_only_where_packages_have_libraries(self) -> None:
        report = inspect({"hello": program("/usr/lib/libz.so.1", "/build/libq.so", "./libr.so")})
        assert needs(report).keys() == {LIBC, "so:libz.so.1"}
        assert [rule for _, rule, _ in rules(report)] == ["library-path"] * 2


class TestReach:
    def test_a_library_that_no_rpath_reaches_is_refused_with_the_rpath_that_would(self) -> None:
        found = only(inspect({"bin/hello": program("libfoo.so.1"), "lib/x/libfoo.so.1": library()}))
        assert (found.rule, found.severity, found.path) == (
            "unreachable-library",
            Severity.ERROR,
            "app/bin/hello",
        )
        assert (
            found.message == "needs libfoo.so.1, which is at app/lib/x/libfoo.so.1, but no RPATH reaches it"
        )
        assert "patchelf --set-rpath '$ORIGIN/../lib/x' hello" in found.hints[0]
        assert "LD_LIBRARY_PATH=/app/lib/x" in found.hints[1]

    def test_the_rpath_that_the_hint_names_reaches_it(self) -> None:
        files = {
            "bin/hello": program("libfoo.so.1", runpath="$ORIGIN/../lib/x"),
            "lib/x/libfoo.so.1": library(),
        }
        assert not inspect(files).findings

    def test_a_search_path_in_the_environment_reaches_it(self) -> None:
        files = {"bin/hello": program("libfoo.so.1"), "lib/libfoo.so.1": library()}
        assert not inspect(files, options=ScanOptions(library_path=["/app/lib"])).findings

    def test_a_library_counts_by_its_file_name_as_musl_searches(self) -> None:
        report = inspect(
            {"hello": program("libfoo.so.1", runpath="$ORIGIN"), "foo.so": library(soname="libfoo.so.1")}
        )
        assert "so:libfoo.so.1" in needs(report)

    def test_a_plugin_finds_what_its_host_has_on_its_search_path(self) -> None:
        report = inspect(
            {
                "bin/python3.12": program("libpython3.12.so", runpath="$ORIGIN/../lib"),
                "lib/libpython3.12.so": library(),
                "lib/libhelp.so": library(),
                "lib/python3.12/_x.so": library("libpython3.12.so", "libhelp.so"),
            }
        )
        assert not report.findings
        assert needs(report).keys() == {LIBC}

    def test_without_such_a_host_the_plugin_is_refused(self) -> None:
        files = {"lib/libhelp.so": library(), "lib/python3.12/_x.so": library("libhelp.so")}
        assert rules(inspect(files)) == [("app/lib/python3.12/_x.so", "unreachable-library", Severity.ERROR)]

    def test_vendored_libraries_of_a_wheel_are_private(self) -> None:
        report = inspect(
            {
                "x/_x.so": library("libq-12.so", rpath="$ORIGIN/../x.libs"),
                "x.libs/libq-12.so": library("libr-34.so"),
                "x.libs/libr-34.so": library("libz.so.1"),
            }
        )
        assert not report.findings
        assert needs(report).keys() == {LIBC, "so:libz.so.1"}

    def test_what_another_plugin_has_loaded_by_its_name_is_a_note(self) -> None:
        report = inspect(
            {
                "x/_a.so": library("libq.so", rpath="$ORIGIN/../x.libs"),
                "x/_b.so": library("libq.so"),
                "x.libs/libq.so": library(),
            }
        )
        assert rules(report) == [("app/x/_b.so", "load-order", Severity.NOTE)]

    def test_the_libraries_of_a_java_runtime_are_found_by_its_launcher(self) -> None:
        files = {
            "jre/lib/libjava.so": library("libjvm.so", runpath="$ORIGIN"),
            "jre/lib/server/libjvm.so": library(),
        }
        report = inspect(files)
        assert not report.findings
        assert needs(report).keys() == {LIBC}

    def test_a_file_that_is_taken_for_a_library_and_is_none_is_refused(self) -> None:
        found = only(inspect({"hello": program("libq.so", runpath="$ORIGIN"), "libq.so": b"INPUT(libr.so)"}))
        assert (found.rule, found.severity) == ("unloadable-library", Severity.ERROR)


class TestGlibc:
    def test_a_real_program_of_debian_is_refused_with_evidence_and_ways_out(self) -> None:
        found = only(inspect({"ls": Path("/bin/ls").read_bytes()}))
        assert (found.rule, found.severity, found.path) == ("glibc", Severity.ERROR, "app/ls")
        assert "starts through /lib64/ld-linux-x86-64.so.2" in found.message
        assert "wants GLIBC_2." in found.message
        assert [hint for hint in found.hints if "zig cc -target x86_64-linux-musl" in hint]
        assert "--allow-gcompat" in found.hints[-1]

    @pytest.mark.parametrize(
        ("made", "evidence"),
        [
            (ElfFile(interpreter=GLIBC, type=2), f"starts through {GLIBC}"),
            (ElfFile(needed=("ld-linux-x86-64.so.2",)), "needs ld-linux-x86-64.so.2"),
            (
                ElfFile(needed=("libc.so.6",), needs=[("libc.so.6", ["GLIBC_2.9", "GLIBC_2.17"])]),
                "wants GLIBC_2.17 or newer",
            ),
            (ElfFile(symbols=[Sym("__printf_chk")]), "wants the function __printf_chk"),
        ],
    )
    def test_each_kind_of_evidence_is_enough_and_is_named(self, made: ElfFile, evidence: str) -> None:
        found = only(inspect({"lib.so": made.build().data}))
        assert (found.rule, found.severity) == ("glibc", Severity.ERROR)
        assert evidence in found.message

    @pytest.mark.parametrize(
        "made",
        [
            ElfFile(needed=("libc.so.6",)),
            ElfFile(needed=("libgcc_s.so.1",), needs=[("libgcc_s.so.1", ["GCC_3.0"])]),
            ElfFile(symbols=[Sym("__stack_chk_fail"), Sym("my__printf_chk_2")]),
            ElfFile(symbols=[Sym("__printf_chk", defined=True)]),
        ],
    )
    def test_what_musl_answers_to_is_no_evidence(self, made: ElfFile) -> None:
        assert not inspect({"lib.so": made.build().data}).findings

    @pytest.mark.parametrize(
        ("path", "sections", "hint"),
        [
            ("hello", {}, "-static"),
            ("x/_x.cpython-312-x86_64-linux-gnu.so", {}, "pip install --platform musllinux_1_2_x86_64"),
            ("site-packages/x/_y.so", {}, "pip install"),
            ("node_modules/x/y.node", {}, "npm install --os=linux --libc=musl --cpu=x64"),
            ("server", {".go.buildinfo": b"x"}, "CGO_ENABLED=0 go build"),
            (
                "tool",
                {".comment": b"rustc version 1.80"},
                "cargo build --release --target x86_64-unknown-linux-musl",
            ),
        ],
    )
    def test_the_way_out_fits_the_file(self, path: str, sections: dict[str, bytes], hint: str) -> None:
        made = ElfFile(
            interpreter=None if "." in path else GLIBC, needed=("ld-linux-x86-64.so.2",), sections=sections
        )
        found = only(inspect({path: made.build().data}))
        assert any(hint in each for each in found.hints)

    def test_allowed_it_needs_gcompat_and_its_other_libraries(self) -> None:
        made = ElfFile(
            interpreter=GLIBC,
            needed=("libz.so.1", "libpthread.so.0", "libc.so.6", "ld-linux-x86-64.so.2"),
            needs=[("libc.so.6", ["GLIBC_2.34"])],
        )
        report = inspect({"hello": made.build().data}, options=ScanOptions(allow_gcompat=True))
        assert needs(report).keys() == {"gcompat", LIBC, "so:libz.so.1"}
        assert rules(report) == [("app/hello", "glibc", Severity.NOTE)]

    def test_an_application_that_brings_glibc_itself_is_its_own_affair(self) -> None:
        made = ElfFile(interpreter="/app/lib/ld-linux-x86-64.so.2", needed=("libz.so.1",))
        loader = ElfFile(soname="ld-linux-x86-64.so.2").build().data
        report = inspect({"hello": made.build().data, "lib/ld-linux-x86-64.so.2": loader})
        assert not report.findings
        assert needs(report).keys() == {"so:libz.so.1"}

    def test_a_file_for_musl_beside_it_makes_it_a_warning(self) -> None:
        glibc = ElfFile(needed=("libgcc_s.so.1", "ld-linux-x86-64.so.2")).build().data
        report = inspect(
            {
                "node_modules/@rollup/rollup-linux-x64-gnu/x.linux-x64-gnu.node": glibc,
                "node_modules/@rollup/rollup-linux-x64-musl/x.linux-x64-musl.node": library(),
                "prebuilds/linux-x64/addon.glibc.node": glibc,
                "prebuilds/linux-x64/addon.musl.node": library(),
            }
        )
        assert [severity for _, _, severity in rules(report)] == [Severity.WARNING] * 2
        assert needs(report).keys() == {LIBC}, "it takes no further part"

    def test_many_files_are_named_in_part_and_counted(self) -> None:
        glibc = ElfFile(needed=("ld-linux-x86-64.so.2",)).build().data
        report = inspect({f"{number:02}.so": glibc for number in range(29)})
        assert len(report.findings) == 29
        shown = shortened(report.findings)
        assert len(shown) == 6
        assert shown[-1].message == "and 24 more like it"


class TestForeign:
    ARM = ElfFile(machine=183, type=2).build().data

    def test_an_application_for_another_machine_is_refused_with_both_ways_out(self) -> None:
        report = inspect({"hello": self.ARM, "lib/liba.so": ElfFile(machine=183).build().data})
        assert [(rule, severity) for _, rule, severity in rules(report)] == [
            ("foreign-architecture", Severity.ERROR)
        ] * 2
        found = report.findings[0]
        assert found.message == "is for aarch64, and the image is for x86_64"
        assert found.hints == ("Build it for x86_64.", "Or build the image for it: `--arch aarch64`.")
        assert not report.needs
        assert not report.programs
        assert not report.kinds

    @pytest.mark.parametrize(
        "path",
        [
            "prebuilds/linux-arm64/x.node",
            "node_modules/@esbuild/linux-arm64/bin/esbuild",
            "lib/unused.so",
            "tests/a",
        ],
    )
    def test_one_file_of_many_platforms_is_a_warning(self, path: str) -> None:
        report = inspect({"hello": program(), path: self.ARM})
        assert rules(report) == [(f"app/{path}", "foreign-architecture", Severity.WARNING)]
        assert needs(report).keys() == {LIBC}

    def test_a_library_for_another_platform_is_not_the_one_that_is_needed(self) -> None:
        arm = ElfFile(machine=183).build().data
        report = inspect({"hello": program("libq.so"), "prebuilds/linux-arm64/libq.so": arm})
        assert [severity for _, _, severity in rules(report)] == [Severity.WARNING]
        assert needs(report).keys() == {LIBC, "so:libq.so"}

    def test_a_foreign_program_among_the_programs_or_a_needed_library_is_refused(self) -> None:
        library_file = ElfFile(machine=183).build().data
        report = inspect(
            {"hello": program("liba.so", runpath="$ORIGIN"), "liba.so": library_file, "bin/tool": self.ARM}
        )
        assert set(rules(report)) == {
            ("app/bin/tool", "foreign-architecture", Severity.ERROR),
            ("app/liba.so", "foreign-architecture", Severity.ERROR),
            ("app/hello", "unloadable-library", Severity.ERROR),
        }

    def test_other_systems_are_one_warning_each_unless_there_is_nothing_else(self) -> None:
        windows = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(300)
        mac = b"\xcf\xfa\xed\xfe" + bytes(60)
        report = inspect({"hello": program(), "a.exe": windows, "b.exe": windows, "c.dylib": mac})
        assert [each.message for each in report.findings] == [
            "is a Windows program, and the image is for linux/amd64; 1 more like it",
            "is a macOS program, and the image is for linux/amd64",
        ]
        assert {each.severity for each in report.findings} == {Severity.WARNING}
        assert only(inspect({"hello": mac}, modes={"hello": 0o755})).severity is Severity.ERROR

    def test_dotnet_code_is_at_home_everywhere(self) -> None:
        optional = (0x20B).to_bytes(2, "little") + bytes(222) + b"\x48\x20\0\0\x48\0\0\0"
        managed = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + bytes(20) + optional
        assert not inspect({"App.dll": managed}).findings


class TestHeaders:
    @pytest.mark.parametrize(
        ("made", "rule"),
        [
            (ElfFile(stack=(7, 0)), "exec-stack"),
            (ElfFile(stack=None), "exec-stack"),
            (ElfFile(load_flags=7), "rwx-segment"),
            (ElfFile(more_tags=[(22, 0)]), "textrel"),
            (ElfFile(runpath="/home/me/lib"), "rpath"),
            (ElfFile(rpath="/tmp/build:$ORIGIN"), "rpath"),
            (ElfFile(rpath="lib"), "rpath"),
            (ElfFile(rpath="$ORIGIN/../lib:/opt/$PLATFORM"), "rpath"),
        ],
    )
    def test_what_no_official_package_has_is_a_warning(self, made: ElfFile, rule: str) -> None:
        found = only(inspect({"lib/a.so": made.build().data}))
        assert (found.rule, found.severity) == (rule, Severity.WARNING)

    @pytest.mark.parametrize(
        "path", ["$ORIGIN", "${ORIGIN}/../lib", "/usr/lib/x", "/app/lib", "", "$ORIGIN::/opt/y"]
    )
    def test_search_paths_within_the_image_are_fine(self, path: str) -> None:
        assert not inspect({"lib/a.so": ElfFile(rpath=path).build().data}).findings

    def test_setuid_at_a_fixed_address_is_a_warning(self) -> None:
        static = ElfFile(type=2, dynamic=False).build().data
        found = only(inspect({"sudo": static}, modes={"sudo": 0o4755}))
        assert found.rule == "setuid-not-pie"

    def test_small_stacks_of_threads_are_noted_once(self) -> None:
        threads = program(symbols=[Sym("pthread_create")])
        large = program(symbols=[Sym("pthread_create")], stack=(6, 1 << 20))
        report = inspect({"a": threads, "b": threads, "c": large})
        assert rules(report) == [("app/a", "thread-stack", Severity.NOTE)]
        assert not inspect({"c": large}).findings

    @pytest.mark.parametrize(
        "loader",
        [
            "/nix/store/abc/lib/ld-musl-x86_64.so.1",
            "/lib64/ld-musl-x86_64.so.1",
            "/lib/ld-musl-i386.so.1",
            "x",
        ],
    )
    def test_a_loader_that_nothing_provides_is_refused(self, loader: str) -> None:
        found = only(inspect({"hello": ElfFile(interpreter=loader).build().data}))
        assert (found.rule, found.severity) == ("interpreter", Severity.ERROR)
        assert loader in found.message

    def test_a_loader_inside_the_application_is_its_own_affair(self) -> None:
        files = {"hello": ElfFile(interpreter="/app/ld-musl-x86_64.so.1").build().data}
        report = inspect({**files, "ld-musl-x86_64.so.1": ElfFile(soname="libc.so").build().data})
        assert not report.findings
        assert not report.needs

    def test_a_program_without_the_permission_is_a_warning_where_programs_are_kept(self) -> None:
        files = {"hello": program(), "share/x": program()}
        report = inspect(files, modes={"hello": 0o644, "share/x": 0o644})
        assert rules(report) == [("app/hello", "not-executable", Severity.WARNING)]
        assert not report.programs


class TestPrograms:
    def test_programs_are_ranked_and_libraries_are_none(self) -> None:
        report = inspect(
            {"hello": program(), "bin/b": program(), "x/y/c": program(), "lib/d.so": library()},
            modes={"lib/d.so": 0o755},
        )
        assert [(each.argv, each.rank) for each in report.programs] == [
            (("/app/hello",), 1),
            (("/app/bin/b",), 2),
            (("/app/x/y/c",), 3),
        ]

    def test_what_a_note_says_a_program_opens_is_suggested(self) -> None:
        note = b'[{"soname":["libfoo.so.2","libfoo.so.1"],"description":"Foo\\nsupport.",'
        note += b'"priority":"recommended"},'
        note += b'{"soname":["libown.so"]},{"soname":["libc.so.6"]},{"soname":["lib x"]},{"soname":7},3]\0'
        made = program("libz.so.1", notes=[(b"FDO", 0x407C0C0A, note)])
        (found,) = inspect({"hello": made, "lib/libown.so": library()}).suggestions
        assert (found.dependency, found.reason) == ("so:libfoo.so.2", "Foo support (recommended)")
        assert str(found.evidence[0]) == "app/hello: says that it opens libfoo.so.2 or libfoo.so.1"


class TestDamage:
    @pytest.mark.parametrize(
        ("path", "severity"),
        [
            ("hello", Severity.ERROR),
            ("x.so", Severity.ERROR),
            ("x.node", Severity.ERROR),
            ("d", Severity.WARNING),
        ],
    )
    def test_a_truncated_file_is_told_with_the_reason(self, path: str, severity: Severity) -> None:
        modes = {path: 0o755 if path == "hello" else 0o644}
        found = only(inspect({path: program()[:200]}, modes=modes))
        assert (found.rule, found.severity) == ("damaged-elf", severity)
        assert "truncated" in found.message

    @given(st.data())
    def test_no_damage_is_more_than_a_finding(self, data: st.DataObject) -> None:
        whole = program(
            "libfoo.so", symbols=[Sym("f")], runpath="$ORIGIN", needs=[("libc.so.6", ["GLIBC_2.5"])]
        )
        damaged = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 8))):
            damaged[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.sampled_from([len(whole), data.draw(st.integers(4, len(whole)))]))
        report = inspect({"hello": bytes(damaged[:cut]), "libfoo.so": library(), "b.so": bytes(damaged)})
        for need in report.needs:
            assert not set(need.dependency) & set(" <>=~!@\n\0")

    @needs_shared
    @given(st.data())
    def test_damaged_headers_of_official_programs_are_no_more_either(self, data: st.DataObject) -> None:
        real = data.draw(
            st.sampled_from([each for each in elf_files("v3.13-aarch64") if len(each.data) < 1 << 17])
        )
        damaged = bytearray(real.data)
        for _ in range(data.draw(st.integers(1, 6))):
            damaged[data.draw(st.integers(4, 1023))] ^= data.draw(st.integers(1, 255))
        inspect({"hello": bytes(damaged)}, arch="aarch64")


@needs_shared
def test_official_programs_for_aarch64_are_read_without_emulation() -> None:
    files = {each.path: each.data for each in elf_files("v3.13-aarch64") if "busybox" in each.package}
    report = inspect(files, arch="aarch64")
    assert "so:libc.musl-aarch64.so.1" in needs(report)
    assert not [each for each in report.findings if each.severity is not Severity.NOTE]
    assert rules(inspect(files))[0][1:] == ("foreign-architecture", Severity.ERROR)


def test_a_compiled_program_and_its_library_are_traced(tmp_path: Path) -> None:
    (tmp_path / "foo.c").write_text("int foo(void) { return 7; }\n")
    (tmp_path / "main.c").write_text("int foo(void); int main(void) { return foo(); }\n")
    options = ["-O1", "-fPIC", "-pie"]

    def compile_(*arguments: str) -> None:
        subprocess.run(["musl-gcc", *arguments], cwd=tmp_path, check=True, capture_output=True)

    compile_("-O1", "-fPIC", "-shared", "-Wl,-soname,libfoo.so.1", "-o", "libfoo.so.1", "foo.c")
    compile_(*options, "-o", "lost", "main.c", "libfoo.so.1")
    compile_(*options, "-Wl,-rpath,$ORIGIN/lib", "-o", "found", "main.c", "libfoo.so.1")
    compile_("-static", "-o", "static", "foo.c", "main.c")
    files = {name: (tmp_path / name).read_bytes() for name in ("lost", "found", "static")}
    report = inspect(files | {"lib/libfoo.so.1": (tmp_path / "libfoo.so.1").read_bytes()})
    assert rules(report) == [("app/lost", "unreachable-library", Severity.ERROR)]
    assert needs(report) == {
        LIBC: [f"app/{name}: needs libc.so" for name in ("found", "lib/libfoo.so.1", "lost")]
    }
    assert set(report.kinds) == {"dynamic musl program", "static program", "shared library"}
