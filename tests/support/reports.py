"""Reports made in memory: one with something in every part, a very large one, and one by somebody hostile."""

from random import Random

from witchery.oci.config import Execution
from witchery.report.findings import (
    Audit,
    Change,
    Changes,
    Count,
    Line,
    Remark,
    Verification,
    Vulnerabilities,
    Vulnerability,
)
from witchery.report.model import NOWHERE, WORLD, Absent, Edge, File, Files, Layer, Package, Report, Script
from witchery.value import replace

_NOT = Absent("nobody asked for it")


def report(**changes: object) -> Report:
    """A small report in which every optional part is absent."""
    packages = (
        Package(
            "app",
            "1.0-r0",
            "app",
            "MIT",
            "The program",
            size=300,
            layer=1,
            requested=("app",),
            held=(1,),
            held_count=1,
            held_size=500,
        ),
        Package("libfoo", "2.1-r3", "foo", "Zlib", "A library", size=200, layer=0, held_size=200),
        Package(
            "musl",
            "1.2.5-r0",
            "musl",
            "MIT",
            "The C library",
            size=600,
            layer=0,
            requested=("musl",),
            held_size=600,
        ),
    )
    made = Report(
        name="oci:app",
        kind="image",
        arch="x86_64",
        tool="1.2.3",
        digest="sha256:" + "ab" * 32,
        created="2024-01-26T17:53:06Z",
        transfer=1100,
        execution=Execution(entrypoint=("/usr/bin/app",), cmd=("--serve",), user="65532", env=("A=b",)),
        layers=(
            Layer("sha256:" + "1" * 64, 500, "signed"),
            Layer("sha256:" + "2" * 64, 600, "derived", "owner"),
        ),
        packages=packages,
        edges=(
            Edge(WORLD, 0, "world", ("app",)),
            Edge(WORLD, 2, "world", ("musl",)),
            Edge(0, 1, "depends", ("so:libfoo.so.2",)),
            Edge(0, 2, "depends", ("so:libc.musl-x86_64.so.1",)),
            Edge(1, 2, "depends", ("so:libc.musl-x86_64.so.1",)),
        ),
        files=Files.of(
            [
                File("usr/bin/app", "file", 300, 0o4755, package=0, layer=1),
                File("usr/lib/libfoo.so.2", "file", 200, 0o755, package=1, layer=0),
                File("usr/lib/libfoo.so", "link", 0, 0o777, package=1, layer=0, target="libfoo.so.2"),
                File("lib/ld-musl-x86_64.so.1", "file", 600, 0o755, package=2, layer=0),
                File("etc/passwd", "file", 120, 0o644, layer=1),
                File("var/spool", "file", 10, 0o666, 100, 101, layer=1),
            ]
        ),
        scripts=_NOT,
        audit=_NOT,
        vulnerabilities=_NOT,
        verification=_NOT,
        changes=_NOT,
    )
    return replace(made, **changes)


def whole() -> Report:
    """A report with something in every part."""
    return report(
        notes=("no `etc/apk/world` is in the image, so nothing says which packages were requested",),
        scripts=(
            Script(
                0, "post-install", "emulated", ("user `app` (100:101)",), "", "#!/bin/sh\nadduser -S app\n"
            ),
            Script(
                1, "trigger", "not done", (), "`frob` is no command that is known", "#!/bin/sh\n\tfrob /usr\n"
            ),
            Script(
                2, "post-upgrade", "irrelevant", (), "runs when an older version is replaced", "#!/bin/sh\n"
            ),
        ),
        audit=Audit(
            score=72,
            stock="Alpine 3.19",
            stock_score=57,
            lines=(
                Line("setuid", "high", "programs with the rights of their owner", 2, 20),
                Line("relro", "medium", "tables that stay writable", 1, 8),
                Line("stripped", "note", "symbols are there", 1, 0),
            ),
            counts=(
                Count("setuid and setgid", 1, 0),
                Count("shells", 0, 3),
                Count("bytes of files", 1230, 7_362_219),
            ),
            remarks=(
                Remark("error", "setuid", "runs with the rights of its owner", "/usr/bin/app"),
                Remark("warning", "relro", "the relocations stay writable", "/usr/lib/libfoo.so.2"),
                Remark("ok", "pie", "every program is position-independent"),
            ),
        ),
        vulnerabilities=Vulnerabilities(
            found=(
                Vulnerability(
                    "CVE-2024-0001",
                    1,
                    "libfoo",
                    "2.1-r3",
                    "2.1-r4",
                    "critical",
                    "Reads too far",
                    "secdb",
                    "",
                    True,
                    "0.5",
                ),
                Vulnerability("CVE-2024-0002", 0, "app", "1.0-r0", "", "medium", "Waits forever", "secdb"),
                Vulnerability(
                    "CVE-2024-0003",
                    2,
                    "musl",
                    "1.2.5-r0",
                    "",
                    "unknown",
                    "",
                    "secdb",
                    "not_affected (app.openvex.json)",
                ),
            ),
            checked=3,
            unchecked=((1, "the application"),),
            sources=("secdb v3.22/main",),
            warnings=("the data is 9 days old",),
        ),
        verification=Verification(
            ok=False,
            standings=("signed", "unexplained"),
            signers={"alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub": 2},
            problems=(Remark("error", "layer-unexplained", "no package explains a file", "/usr/bin/app"),),
            remarks=("2 of 3 packages are signed with RSA over SHA-1",),
        ),
        changes=Changes(
            name="oci:old",
            digest="",
            found=(
                Change("package", "changed", "libfoo", "2.1-r2", "2.1-r3", 12),
                Change("package", "gone", "busybox", "1.36-r0", "", -900_000),
                Change("file", "added", "/usr/bin/app", "", "file, 300 bytes, mode 4755, owner 0:0", 300),
                Change("configuration", "changed", "user", "root", "65532"),
                Change("vulnerability", "gone", "CVE-2023-9999 in libfoo", "high", ""),
                Change("library", "broken", "libfoo.so.2", "usr/lib/libfoo.so.2", "gone: foo_open"),
            ),
            shared=1,
            pulled=600,
        ),
    )


def large(packages: int = 400, files: int = 50_000, seed: int = 1) -> Report:
    """A report on an image of very many packages and files; the same for one seed."""
    random = Random(seed)
    words = ("lib", "py3", "perl", "gtk", "font", "qt", "net", "core", "mesa", "llvm", "icu", "doc", "gst")
    names = sorted({f"{random.choice(words)}-{random.choice(words)}{number}" for number in range(packages)})
    requested = {number for number in range(len(names)) if random.random() < 0.05} | {0}
    edges = [Edge(WORLD, number, "world", (names[number],)) for number in sorted(requested)]
    for number in range(1, len(names)):
        sources = sorted({random.randrange(number) for _ in range(random.randint(1, 4))})
        edges += [Edge(each, number, "depends", (f"so:{names[number]}.so.1",)) for each in sources]
    kinds = ["signed"] * 52 + ["derived"] * 6 + ["payload", "top"]
    layers = tuple(
        Layer(f"sha256:{number:064x}", random.randint(2_000, 4_000_000), kind)
        for number, kind in enumerate(kinds)
    )
    listed = []
    sizes = [0] * len(names)
    for number in range(files):
        owner = int(len(names) * random.random() ** 2)
        size = int(random.lognormvariate(8, 2))
        sizes[owner] += size
        folder = random.choice(
            ("usr/lib", "usr/bin", "usr/share/doc", "usr/share/locale/de/LC_MESSAGES", "etc")
        )
        mode = 0o4755 if random.random() < 0.0005 else 0o755 if "bin" in folder else 0o644
        listed.append(
            File(
                f"{folder}/{names[owner]}/{number:05}.dat",
                "file",
                size,
                mode,
                0,
                0,
                owner,
                owner % len(layers),
            )
        )
    found = tuple(
        Package(
            name,
            f"{number % 7}.{number % 13}.{number % 5}-r{number % 4}",
            name.split("-")[0],
            "MIT",
            f"Package number {number}",
            size=sizes[number],
            layer=number % len(layers),
            requested=(name,) if number in requested else (),
            held_size=sizes[number],
        )
        for number, name in enumerate(names)
    )
    return report(
        name="docker://registry.example.org/platform/desktop:24.11",
        layers=layers,
        packages=found,
        edges=tuple(edges),
        files=Files.of(listed),
        transfer=sum(each.size for each in layers),
        scripts=tuple(
            Script(number, "post-install", "emulated", ("user `app`",), "", "#!/bin/sh\ntrue\n")
            for number in range(0, len(names), 3)
        ),
        vulnerabilities=Vulnerabilities(
            found=tuple(
                Vulnerability(
                    f"CVE-2024-{1000 + number}",
                    number % len(names),
                    names[number % len(names)],
                    "1.0-r0",
                    "1.0-r1" if number % 3 else "",
                    ("critical", "high", "medium", "low", "unknown")[number % 5],
                    "Something is read too far",
                    "secdb v3.22/main",
                )
                for number in range(300)
            ),
            checked=len(names),
            sources=("secdb v3.22/main", "secdb v3.22/community"),
        ),
    )


HOSTILE = (
    "</script><script>window.hurt = 1</script>",
    "<img src=x onerror='window.hurt = 2'>",
    '" onmouseover="window.hurt = 3" x=\'',
    "javascript:window.hurt=4",
    "<!-- <script> ]]> &lt;b&gt; &amp;",
    "\u202etxt.exe\u202c \u2066x\u2069 \u200fright",
    "a\u2028b\u2029c\x00d\x1be\ud800f\ufeff",
    "${window.hurt = 5} {{constructor.constructor('window.hurt=6')()}}",
    "L" * 1_000_000,
    "__proto__",
    "constructor",
)
"""Texts that somebody may have put wherever a text can stand."""


def hostile() -> Report:
    """A report in which every text that others write tries to be something else."""
    count = len(HOSTILE)
    packages = tuple(
        Package(text, text, text, text, text, text, 1000 + number, 0, (text,), False, (), 0, 1000, text)
        for number, text in enumerate(HOSTILE)
    )
    edges = [Edge(WORLD, number, "world", (text,)) for number, text in enumerate(HOSTILE)]
    edges += [Edge(number, (number + 1) % count, "depends", (text,)) for number, text in enumerate(HOSTILE)]
    files = [
        File(text, "file", 10 + number, 0o755, package=number, layer=0) for number, text in enumerate(HOSTILE)
    ]
    files += [
        File(f"links/{number}", "link", 0, 0o777, layer=0, target=text) for number, text in enumerate(HOSTILE)
    ]
    return report(
        name=HOSTILE[0],
        arch=HOSTILE[1],
        created=HOSTILE[1],
        notes=HOSTILE,
        execution=Execution(
            user=HOSTILE[0],
            entrypoint=tuple(text.replace("\0", "") for text in HOSTILE),
            env=tuple(f"A={text}".replace("\0", "") for text in HOSTILE),
            labels={text: text for text in HOSTILE},
        ),
        layers=(Layer("sha256:" + "1" * 64, 500, "derived", HOSTILE[0]),),
        packages=packages,
        edges=tuple(edges),
        files=Files.of(files),
        scripts=tuple(
            Script(number, text, "not done", (text,), text, f"#!/bin/sh\n{text}\n\t{text}")
            for number, text in enumerate(HOSTILE)
        ),
        audit=Audit(
            score=0,
            stock=HOSTILE[0],
            stock_score=57,
            lines=tuple(Line(text, "high", text, 1, 1) for text in HOSTILE),
            counts=tuple(Count(text, 1, 1) for text in HOSTILE),
            remarks=tuple(Remark("error", text, text, text) for text in HOSTILE),
        ),
        vulnerabilities=Vulnerabilities(
            found=tuple(
                Vulnerability(text, number, text, text, text, "high", text, text, text if number % 2 else "")
                for number, text in enumerate(HOSTILE)
            ),
            checked=count,
            unchecked=tuple((1, text) for text in HOSTILE),
            sources=HOSTILE,
            warnings=HOSTILE,
        ),
        verification=Verification(
            ok=False,
            standings=("unexplained",),
            signers=dict.fromkeys(HOSTILE, 1),
            problems=tuple(Remark("error", text, text, text) for text in HOSTILE),
            remarks=HOSTILE,
        ),
        changes=Changes(
            name=HOSTILE[0],
            digest="",
            found=tuple(Change("package", "added", text, text, text, NOWHERE) for text in HOSTILE),
        ),
    )
