"""Whether an application loads in its image: what is told, and what is read for it."""

from collections.abc import Iterator, Mapping, Sequence

from support.elf_files import ElfFile
from support.elf_roots import LIBC, library, program
from support.packages import make_part
from support.payloads import make_payload
from witchery.apk.index import Index
from witchery.arch import Arch
from witchery.build import linking
from witchery.build.image_root import ImageRoot
from witchery.build.proving import Proven, link_image, prove_root
from witchery.compose.assembly import Assembly
from witchery.compose.composition import compose
from witchery.compose.part import Generated, Part
from witchery.compose.tree import merge
from witchery.elf.file import Elf, read
from witchery.loader.proof import Verdict
from witchery.payload.findings import Finding, Severity
from witchery.rootfs.accounts import Accounts
from witchery.rootfs.content import BytesContent, Content
from witchery.rootfs.entry import file
from witchery.value import replace

X86_64 = Arch.parse("x86_64")
ACCOUNTS = Accounts(passwd="root:x:0:0::/:/bin/sh\n", group="root:x:0:\n")


class Watched:
    """A content that counts how often it was read, and how far at most."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.size = content.size
        self.reads = 0
        self.most = 0

    def chunks(self) -> Iterator[bytes]:
        self.reads += 1
        done = 0
        for chunk in self.content.chunks():
            for start in range(0, len(chunk), 4096):
                piece = chunk[start : start + 4096]
                done += len(piece)
                self.most = max(self.most, done)
                yield piece


def part(name: str, files: Mapping[str, ElfFile | bytes], **more: object) -> tuple[Part, Watched]:
    """A package, and the eye on its data."""
    built = {path: each.build().data if isinstance(each, ElfFile) else each for path, each in files.items()}
    made = make_part(name, files=built, **more)  # type: ignore[arg-type]
    watched = Watched(made.data)
    return replace(made, data=watched), watched


def musl(*symbols: str) -> Part:
    return part("musl", {LIBC: library(has=("malloc", *symbols))}, provides=("so:libc.musl-x86_64.so.1=1",))[
        0
    ]


def application(files: Mapping[str, ElfFile | bytes], **more: object) -> tuple[Part, dict[str, Elf]]:
    made = part("payload-hello", files, **more)[0]
    elves = {path: read(each.build().data) for path, each in files.items() if isinstance(each, ElfFile)}
    return replace(made, own=True), elves


def assembled(*parts: Part, generated: Sequence[Generated] = ()) -> Assembly:
    made = compose(merge(parts), world=(), arch="x86_64", accounts=ACCOUNTS, generated=generated)
    return made.assembly


def proven(
    files: Mapping[str, ElfFile | bytes],
    *parts: Part,
    index: str = "",
    generated: Sequence[Generated] = (),
    **more: object,
) -> Proven:
    own, elves = application(files, **more)
    indexes = (Index.parse(index),) if index else ()
    return link_image(assembled(*parts, own, generated=generated), elves, X86_64, indexes)


def only(result: Proven) -> Finding:
    (found,) = result.findings
    return found


def test_an_application_that_has_all_it_needs_gives_no_finding_and_reads_each_package_once() -> None:
    filler = b"".join(number.to_bytes(4, "big") * 3 for number in range(400_000))
    foo, watched = part(
        "foo",
        {
            "usr/lib/libbar.so.1.2": library(has=("bar",)),
            "usr/lib/libfoo.so.1": library("libmid.so.1", has=("foo",), wants=("bar", "mid")),
            "usr/share/filler": filler,
        },
        links={"usr/lib/libbar.so.1": "libbar.so.1.2"},
        provides=("so:libfoo.so.1=1", "so:libbar.so.1=1"),
    )
    mid, _ = part("mid", {"usr/lib/libmid.so.1": library("libbar.so.1", has=("mid",))})
    idle, untouched = part("idle", {"usr/lib/libidle.so.1": library()})
    result = proven({"app/hello": program("libfoo.so.1", wants=("foo",))}, musl(), foo, mid, idle)
    assert not result.findings
    hello = result.proof.of("app/hello")
    assert hello is not None
    assert hello.objects == (
        "app/hello",
        "usr/lib/libfoo.so.1",
        "usr/lib/libmid.so.1",
        "usr/lib/libbar.so.1.2",
    )
    assert watched.reads == 1
    assert watched.most < watched.size / 10
    assert untouched.reads == 0


def test_a_library_that_is_nowhere_is_an_error_with_the_package_that_has_it() -> None:
    index = "C:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\nP:zlib\nV:1.3-r0\nA:x86_64\nS:1\nI:1\np:so:libz.so.1=1.3\n\n"
    found = only(proven({"app/hello": program("libz.so.1")}, musl(), index=index))
    assert found == Finding(
        "unresolved-library",
        Severity.ERROR,
        "app/hello",
        "needs `libz.so.1`, and it is not in the image",
        ("Add the package that provides it: `-p zlib`.",),
    )
    (hint,) = only(proven({"app/hello": program("libown.so")}, musl())).hints
    assert "bring it with the application" in hint


def test_a_library_that_no_run_path_reaches_is_told_with_its_place_and_the_run_path_to_set() -> None:
    found = only(proven({"app/bin/hello": program("libp.so"), "app/lib/libp.so": library()}, musl()))
    assert found.message == "needs `libp.so`, and it is at `app/lib/libp.so`, where nothing looks for it"
    assert "patchelf --set-rpath '$ORIGIN/../lib'" in found.hints[0]
    reached = {"app/bin/hello": program("libp.so", runpath="$ORIGIN/../lib"), "app/lib/libp.so": library()}
    assert not proven(reached, musl()).findings


def test_what_a_library_of_a_package_lacks_names_the_file_it_is_loaded_for() -> None:
    foo, _ = part("foo", {"usr/lib/libfoo.so.1": library("libgone.so.1")})
    found = only(proven({"app/hello": program("libfoo.so.1")}, musl(), foo))
    assert found.path == "usr/lib/libfoo.so.1"
    assert "needs `libgone.so.1` (loaded for `app/hello`)" in found.message


def test_a_file_for_another_machine_in_the_way_is_told() -> None:
    foo, _ = part("foo", {"usr/lib/libfoo.so.1": library(machine=183)})
    found = only(proven({"app/hello": program("libfoo.so.1")}, musl(), foo))
    assert "`usr/lib/libfoo.so.1` is found for it and cannot be loaded: it is for AArch64" in found.message


def test_a_program_without_its_loader_needs_musl() -> None:
    found = only(proven({"app/hello": program("libc.so", wants=("malloc",))}))
    assert found.message == f"needs `/{LIBC}`, and it is not in the image"
    assert found.hints == ("Add the package that provides it: `-p musl`.",)


def test_missing_symbols_are_one_error_with_the_library_that_has_them() -> None:
    foo, _ = part("foo", {"usr/lib/libfoo.so.1": library(has=("one",))}, provides=("so:libfoo.so.1=1",))
    extra, _ = part(
        "extra", {"usr/lib/libx.so.1": library(has=("two", "three"))}, provides=("so:libx.so.1=1",)
    )
    hello = program("libfoo.so.1", wants=("one", "two", "three", "four", "five", "six"))
    found = only(proven({"app/hello": hello}, musl(), foo, extra))
    assert found.rule == "unresolved-symbol"
    assert found.severity is Severity.ERROR
    assert found.message == (
        "wants the 5 symbols `two`, `three`, `four`, `five` and 1 more,"
        " which nothing that is loaded with it has"
    )
    (hint,) = found.hints
    assert hint.startswith(
        "`usr/lib/libx.so.1` of the package `extra` has `three`, `two`, and is not loaded:"
    )
    single = only(proven({"app/hello": program("libfoo.so.1", wants=("gone",))}, musl(), foo))
    assert single.message == "wants the symbol `gone`, which nothing that is loaded with it has"


def test_a_plugin_is_proven_with_the_program_of_a_package_and_only_likely_packages_are_read() -> None:
    python, read_python = part(
        "python3",
        {
            "usr/bin/python3.12": program("libpython3.12.so.1.0"),
            "usr/lib/libpython3.12.so.1.0": library(has=("PyArg_Parse", "PyErr_Clear")),
        },
        modes={"usr/bin/python3.12": 0o755},
        provides=("so:libpython3.12.so.1.0=1",),
    )
    tools, read_tools = part("tools", {"usr/bin/aa": program()}, modes={"usr/bin/aa": 0o755})
    path = "app/lib/python3.12/site-packages/_x.cpython-312.so"
    result = proven({path: library(wants=("PyArg_Parse",))}, musl(), python, tools)
    assert not result.findings
    assert [(each.verdict, each.host) for each in result.proof] == [(Verdict.HOSTED, "usr/bin/python3.12")]
    assert (read_python.reads, read_tools.reads) == (1, 0)
    typo = only(proven({path: library(wants=("PyArg_Parse", "PyTypo"))}, musl(), python, tools))
    assert "wants the symbol `PyTypo`" in typo.message
    assert "`usr/bin/python3.12` has others that it wants" in typo.message


def test_without_its_host_a_plugin_says_so() -> None:
    found = only(proven({"app/addon.node": library(wants=("napi_throw",))}, musl()))
    assert found.path == "app/addon.node"
    assert "It is a plugin of Node: add the program that loads it." in found.hints
    found = only(proven({"app/addon.so": library(wants=("host_function",))}, musl()))
    assert "If it is a plugin: add the program that loads it." in found.hints
    found = only(proven({"app/hello": program(wants=("lost_function",))}, musl()))
    assert "plugin" not in str(found.hints)


def test_links_and_hard_links_of_packages_lead_to_one_file() -> None:
    foo, _ = part(
        "foo",
        {"opt/foo/libfoo.so.1.0": library(has=("foo",))},
        links={"usr/lib/libfoo.so.1": "/opt/foo/libfoo.so.1.0", "opt/current": "foo"},
        hard_links={"opt/foo/libhard.so": "opt/foo/libfoo.so.1.0"},
    )
    hello = program("libfoo.so.1", "libhard.so", wants=("foo",), runpath="/opt/current/x/..:/opt/current")
    result = proven({"app/hello": hello}, musl(), foo)
    assert not result.findings
    assert result.proof.linked[0].objects == ("app/hello", "opt/foo/libfoo.so.1.0")


def test_a_way_through_a_folder_that_is_not_there_leads_nowhere() -> None:
    own, elves = application({"app/lib/libp.so": library()})
    root = ImageRoot(assembled(own), elves)
    assert root.locate("app/lib/../lib/libp.so") == "app/lib/libp.so"
    assert root.locate("app/absent/../lib/libp.so") is None
    assert root.locate("app/lib/libp.so/../libp.so") is None


def test_the_images_own_default_path_holds() -> None:
    foo, _ = part("foo", {"opt/foo/libfoo.so": library()})
    path = Generated(file("etc/ld-musl-x86_64.path", 9), BytesContent(b"/opt/foo\n"), "test")
    files = {"app/hello": program("libfoo.so")}
    assert proven(files, musl(), foo).findings
    assert not proven(files, musl(), foo, generated=(path,)).findings
    brought, _ = part("paths", {"etc/ld-musl-x86_64.path": b"/opt/foo"})
    assert not proven(files, musl(), foo, brought).findings


def test_files_for_glibc_are_one_note_and_not_hundreds_of_symbols() -> None:
    wants = [f"__f{number}_chk" for number in range(300)]
    gnu = program("libc.so.6", wants=wants, needs=(("libc.so.6", ("GLIBC_2.34",)),))
    start = library(interpreter="/lib64/ld-linux-x86-64.so.2")
    found = only(proven({"app/gnu": gnu, "app/started": start}, musl()))
    assert (found.rule, found.severity, found.path) == ("unproven", Severity.NOTE, "")
    assert found.message.endswith("not proven to load: `app/gnu`, `app/started`")


def test_a_whole_image_is_proven_from_its_files() -> None:
    files = {
        LIBC: library(has=("malloc",)).build().data,
        "usr/bin/good": program("libc.so", wants=("malloc",)).build().data,
        "usr/bin/bad": program("libc.so", "libx.so", wants=("gone",)).build().data,
        "opt/libx.so": library().build().data,
        "etc/ld-musl-x86_64.path": b"/lib:/opt",
    }
    proof = prove_root(make_payload(files, root=""))
    assert {each.path: each.verdict.name for each in proof} == {
        LIBC: "LOADS",
        "opt/libx.so": "LOADS",
        "usr/bin/bad": "FAILS",
        "usr/bin/good": "LOADS",
    }
    (found,) = linking.findings(proof)
    assert found.path == "usr/bin/bad"
