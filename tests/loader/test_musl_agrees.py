"""The loader on paper against musl's own: real packages, and programs made for the purpose."""

import os
import shutil
from pathlib import Path

import pytest

from support.alpine import real_file
from support.elf_roots import LIBC, Compiler, Folder, listing, run
from support.shared import SHARED, needs_shared
from witchery.apk import archive
from witchery.loader.loading import Loading, load
from witchery.loader.proof import Verdict, prove
from witchery.loader.symbols import Unresolved, unresolved
from witchery.rootfs.entry import Kind

_PLUGINS = "usr/lib/pppd/2.5.0/"


@pytest.fixture(scope="session")
def boot(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The root of the 3.19.1 boot medium."""
    return unpacked("v3.19.1-boot-x86_64/x86_64", tmp_path_factory.mktemp("boot"))


def unpacked(packages: str, top: Path) -> Folder:
    """The ELF files and links of all packages of a repository, on disk."""
    for package in sorted((SHARED / "alpine" / packages).glob("*.apk")):
        segment = list[bytes]()
        archive.read([real_file(package).read_bytes()], segment.append)
        for member in archive.members(segment):
            path = top / member.entry.path
            data = b"".join(member.content)
            if member.entry.kind is Kind.HARDLINK and (top / member.entry.target).exists():
                path.hardlink_to(top / member.entry.target)
            if member.entry.kind is Kind.SYMLINK or data.startswith(b"\x7fELF"):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                if member.entry.kind is Kind.SYMLINK:
                    path.symlink_to(member.entry.target)
                else:
                    path.write_bytes(data)
                    path.chmod(0o755)
    return Folder(top)


@pytest.fixture
def compiler(tmp_path: Path) -> Compiler:
    return Compiler(tmp_path)


def names(loading: Loading) -> tuple[str, ...]:
    """What `--list` prints: where each library was found."""
    return tuple(each.name for each in loading.objects[1:])


def lacking(loading: Loading) -> frozenset[tuple[str, str]]:
    return frozenset((each.path, each.symbol) for each in unresolved(loading))


def agree(compiler: Compiler, path: str) -> Loading:
    """Musl's answer for a program, after it was found to be ours."""
    loading = load(path, compiler.folder())
    said = listing(compiler.top, path)
    assert names(loading) == said.names
    assert {(each.path, each.name) for each in loading.missing} == {(by, name) for by, name in said.libraries}
    assert lacking(loading) == said.symbols
    return loading


@needs_shared
def test_everything_on_the_boot_medium_loads_and_eleven_plugins_into_pppd(boot: Folder) -> None:
    proof = prove(boot, boot.elf_paths())
    assert len(proof.linked) == 185
    assert proof.holds
    assert sum(each.verdict is Verdict.LOADS for each in proof) == 174
    hosted = [each for each in proof if each.verdict is Verdict.HOSTED]
    assert len(hosted) == 11
    assert all(each.path.startswith(_PLUGINS) and each.host == "usr/sbin/pppd" for each in hosted)
    after = {each.path.removeprefix(_PLUGINS): each.after for each in hosted if each.after}
    assert after == {
        "openl2tp.so": (f"{_PLUGINS}pppol2tp.so",),
        "radattr.so": (f"{_PLUGINS}radius.so",),
        "radrealms.so": (f"{_PLUGINS}radius.so",),
    }


@needs_shared
def test_everything_for_aarch64_loads_without_such_a_machine(tmp_path: Path) -> None:
    root = unpacked("v3.13-aarch64/aarch64", tmp_path)
    proof = prove(root, root.elf_paths())
    assert proof.holds
    assert {each.host for each in proof if each.verdict is Verdict.HOSTED} == {"usr/sbin/pppd"}
    assert (len(proof.linked), sum(each.verdict is Verdict.HOSTED for each in proof)) == (163, 11)


@needs_shared
def test_musl_lists_the_same_libraries_in_the_same_order_for_every_file_of_the_boot_medium(
    boot: Folder, tmp_path: Path
) -> None:
    compiler = Compiler(tmp_path)  # skips where musl cannot be run
    shutil.rmtree(compiler.top)
    asked = [path for path in boot.elf_paths() if path != LIBC]
    different = {}
    for path in asked:
        said, loading = listing(boot.top, path), load(path, boot)
        if (names(loading), lacking(loading)) != (said.names, said.symbols):
            different[path] = (names(loading), said)
    assert not different
    assert len(asked) == 184


def test_debians_ls_lacks_what_musl_says_it_lacks_name_by_name(compiler: Compiler) -> None:
    if not Path("/lib64/ld-linux-x86-64.so.2").exists() and os.environ.get("CI") != "true":
        pytest.skip("needs programs for glibc")
    shutil.copy("/bin/ls", compiler.top / "ls")
    loading = agree(compiler, "ls")
    assert len(unresolved(loading)) >= 10
    assert "__printf_chk" in {each.symbol for each in unresolved(loading)}


def test_run_paths_of_every_kind_lead_where_musl_goes(compiler: Compiler) -> None:
    compiler.compile("opt/l/libfoo.so", "int foo(void){return 1;}")
    (compiler.top / "appAL").mkdir()
    for number, path in enumerate(
        [
            "/opt/l",
            "$ORIGIN/../opt/l",
            "${ORIGIN}/../opt/l/",
            "$ORIGIN/$ORIGIN:/opt/l",
            ":/none::/opt/l",
            "/none\n/opt/l",
            "$LIB:/opt/l",
            "$$ORIGIN/../opt/l",
            "$ORIGINAL/../../opt/l",
            " /opt/l",
            "/opt//l",
            "/none",
        ]
    ):
        program = f"app/hello{number}"
        compiler.compile(
            program, "int foo(void);int main(){return foo();}", "opt/l/libfoo.so", f"-Wl,-rpath,{path}"
        )
        _rename(compiler.top / program, b"opt/l/libfoo.so", b"libfoo.so")
        agree(compiler, program)


def _rename(file: Path, old: bytes, new: bytes) -> None:
    """Makes a library that was linked by its path a name to be searched for."""
    padded = new.ljust(len(old), b"\0") + b"\0"
    file.write_bytes(file.read_bytes().replace(old + b"\0", padded))


def test_deep_chains_with_inherited_run_paths_agree(compiler: Compiler) -> None:
    compiler.compile("p/deep/libdeep.so", "int deep(void){return 1;}", "-Wl,-soname,libdeep.so")
    compiler.compile(
        "p/libmid.so",
        "int deep(void);int mid(void){return deep();}",
        "-Wl,-soname,libmid.so",
        "-Lp/deep",
        "-ldeep",
    )
    compiler.compile(
        "p/libtop.so",
        "int mid(void);int top(void){return mid();}",
        "-Wl,-soname,libtop.so",
        "-Lp",
        "-lmid",
        "-Wl,-rpath,$ORIGIN/deep",
        "-Wl,-rpath-link,p/deep",
    )
    compiler.compile(
        "app/hello",
        "int top(void),mid(void);int main(){return top()+mid();}",
        "-Lp",
        "-ltop",
        "-lmid",
        "-Wl,-rpath,/p",
        "-Wl,-rpath-link,p/deep",
    )
    loading = agree(compiler, "app/hello")
    assert loading.missing, "libmid.so is loaded by the program, whose run path lacks `deep`"
    (compiler.top / "p/deep/libdeep.so").rename(compiler.top / "p/libdeep.so")
    assert not agree(compiler, "app/hello").missing


def test_a_broken_program_lacks_the_symbols_that_musl_says(compiler: Compiler) -> None:
    library = "int kept(void){return 1;}int lost(void){return 2;}int value=3;int gone=4;"
    compiler.compile("lib/libfoo.so", library, "-Wl,-soname,libfoo.so")
    program = """
        int kept(void), lost(void); extern int value, gone;
        int hook(void) __attribute__((weak));
        int main(){ return kept() + lost() + value + gone + (hook ? hook() : 0); }
    """
    compiler.compile("app/pie", program, "lib/libfoo.so", "-fPIE", "-pie")
    compiler.compile("app/copying", program, "lib/libfoo.so", "-fno-pie", "-no-pie")
    compiler.compile(
        "app/lib/libbar.so", "int absent(void);int bar(void){return absent();}", "-Wl,-soname,libbar.so"
    )
    assert not unresolved(agree(compiler, "app/pie"))
    compiler.compile("lib/libfoo.so", "int kept(void){return 1;}int value=3;", "-Wl,-soname,libfoo.so")
    for path in ("app/pie", "app/copying"):
        assert {each.symbol for each in unresolved(agree(compiler, path))} == {"lost", "gone"}
    assert [each.symbol for each in unresolved(agree(compiler, "app/lib/libbar.so"))] == ["absent"]


def test_definitions_that_musl_does_not_take_agree(compiler: Compiler) -> None:
    compiler.compile("lib/libfoo.so", "int foo(void){return 1;}", "-Wl,-soname,libfoo.so")
    compiler.compile("app/hello", "int foo(void);int main(){return foo();}", "lib/libfoo.so")
    (compiler.top / "v.map").write_text("V1 { foo; };")
    hidden = 'int one(void){return 1;} __asm__(".symver one,foo@V1");'
    shown = 'int one(void){return 1;} __asm__(".symver one,foo@@V1");'
    chosen = "static int one(void){return 1;}static void *pick(void){return one;}"
    chosen += 'int foo(void) __attribute__((ifunc("pick")));'
    for source, args, found in (
        (shown, ["-Wl,--version-script=v.map"], True),
        (hidden, ["-Wl,--version-script=v.map"], False),
        (chosen, [], False),
        ('__asm__(".globl foo; .set foo, 0");', [], False),
        ("_Thread_local int foo = 1;", [], True),
    ):
        compiler.compile("lib/libfoo.so", source, "-Wl,-soname,libfoo.so", *args)
        assert bool(unresolved(agree(compiler, "app/hello"))) is not found


def test_plugins_open_in_the_host_and_after_the_plugins_that_the_proof_names(compiler: Compiler) -> None:
    host = """
        #include <dlfcn.h>
        #include <stdio.h>
        int api(void){ return 1; }
        int main(int count, char **plugins) {
            for (int n = 1; n < count; n++)
                puts(dlopen(plugins[n], RTLD_NOW | RTLD_GLOBAL) ? "loads" : dlerror());
        }
    """
    compiler.compile("app/host", host, "-rdynamic", "-Wl,-rpath,$ORIGIN/private")
    compiler.compile("app/silent", host, "-Wl,-rpath,$ORIGIN/private")
    compiler.compile("app/private/libmore.so", "int more(void){return 1;}", "-Wl,-soname,libmore.so")
    call = "int {0}(void); int {1}(void){{ return {0}(); }}"
    plugins = {
        "aaa": call.format("api", "aaa"),
        "bbb": call.format("more", "bbb"),
        "ccc": "int api(void),typo(void); int ccc(void){ return api() + typo(); }",
        "ddd": "int api(void),aaa(void); int ddd(void){ return api() + aaa(); }",
    }
    for name, source in plugins.items():
        libraries = ["app/private/libmore.so"] if name == "bbb" else []
        compiler.compile(f"app/p/{name}.so", source, *libraries)
        _rename(compiler.top / f"app/p/{name}.so", b"app/private/libmore.so", b"libmore.so")
    paths = [f"app/p/{name}.so" for name in plugins]
    for program in ("app/host", "app/silent"):
        lines = run(compiler.top, program, *(f"/{path}" for path in paths))
        proof = prove(compiler.folder(), paths, hosts=lambda _, program=program: [program])  # type: ignore[misc]
        assert [each.verdict is not Verdict.FAILS for each in proof] == [line == "loads" for line in lines]
        for each, line in zip(proof, lines, strict=True):
            lacking = [problem.symbol for problem in each.problems if isinstance(problem, Unresolved)]
            assert not lacking or any(name in line for name in lacking)
    assert [each.verdict.name for each in prove(compiler.folder(), ["app/host", *paths])] == [
        *("LOADS", "HOSTED", "HOSTED", "FAILS", "HOSTED"),
    ]
    (after,) = [each.after for each in prove(compiler.folder(), ["app/host", *paths]) if each.after]
    assert after == ("app/p/aaa.so",)
    assert run(compiler.top, "app/host", "/app/p/ddd.so") != ["loads"]


def test_symbols_that_no_relocation_wants_are_not_missed(compiler: Compiler) -> None:
    idle = '__asm__(".section .idle,\\"\\",@progbits; .globl idle; .quad idle; .text");'
    compiler.compile("lib/libfoo.so", idle + "int foo(void){return 1;}")
    loading = agree(compiler, "lib/libfoo.so")
    assert "idle" in {each.name for each in loading.start.elf.symbols if each.required}
    assert not unresolved(loading)


def test_libc_is_out_of_sight_for_what_does_not_need_it(compiler: Compiler) -> None:
    source = "int puts(const char*);int foo(void){return puts(0);}"
    compiler.compile("lib/libfoo.so", source, "-nostdlib")
    assert [each.symbol for each in unresolved(agree(compiler, "lib/libfoo.so"))] == ["puts"]


def test_links_and_second_names_of_libraries_agree(compiler: Compiler) -> None:
    compiler.compile("opt/libfoo.so.1.2", "int foo(void){return 1;}", "-Wl,-soname,libfoo.so.1")
    (compiler.top / "usr/lib").mkdir(parents=True)
    (compiler.top / "usr/lib/libfoo.so.1").symlink_to("/opt/libfoo.so.1.2")
    (compiler.top / "usr/lib/libother.so").symlink_to("libfoo.so.1")
    (compiler.top / "lib/libc.musl-x86_64.so.1").symlink_to("ld-musl-x86_64.so.1")
    compiler.compile("app/a.so", "", "-nostdlib", "-Wl,-soname,libother.so", "-Wl,--no-as-needed")
    compiler.compile("app/m.so", "", "-nostdlib", "-Wl,-soname,libm.so.6")
    compiler.compile("app/l.so", "", "-nostdlib", "-Wl,-soname,ld-musl-x86_64.so.1")
    program = "int foo(void);int main(){return foo();}"
    compiler.compile(
        "app/hello", program, "-Wl,--no-as-needed", "app/l.so", "app/a.so", "opt/libfoo.so.1.2", "app/m.so"
    )
    loading = agree(compiler, "app/hello")
    assert names(loading) == (LIBC, "usr/lib/libother.so")
