"""The documentation tells the truth: generated pages are fresh, links lead somewhere, examples build."""

import importlib.util
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

from support.command import Command
from witchery.cli import COMMANDS
from witchery.config import policy
from witchery.config.load import load

ROOT = Path(__file__).resolve().parents[1]
MADE_WITH = (3, 11)
README = (ROOT / "README.md").read_text()
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/reference/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_fresh(generate: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for path, data in generate.files().items():
        if path.name == "commands.md" and sys.version_info[:2] != MADE_WITH:
            continue  # argparse words its usage lines anew from time to time
        assert path.read_bytes() == data, f"run docs/reference/generate.py: {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target.strip()).exists(), target


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    assert not [name for name in COMMANDS if f"`witchery {name}" not in readme]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_configuration_shown_is_one(page: Path) -> None:
    """Each block of YAML decodes, as a policy if it says it is one; what is cut short stands for itself."""
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
        if "..." not in block:
            data = block.encode()
            if block.startswith("# policy.yaml"):
                assert policy.parse(data, "policy.yaml") != policy.Policy()
            else:
                load("witchery.yaml", {"witchery.yaml": data}.__getitem__)


GREET = """
#include <stdio.h>
const char *zlibVersion(void);
int main(void) { printf("hello, zlib %s\\n", zlibVersion()); }
"""


def test_the_application_on_the_first_screen_is_a_real_one(
    tmp_path: Path, boot_set: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled, built and run again; only sizes and digests may differ with the compiler."""
    shown = re.search(r"-o oci:greet\n(.*?)\n\n\$ witchery run oci:greet\n(.*?)\n", README, re.DOTALL)
    assert shown is not None
    monkeypatch.chdir(tmp_path)
    with tarfile.open(boot_set / "x86_64/zlib-1.3.1-r0.apk", ignore_zeros=True) as files:
        content = files.extractfile("lib/libz.so.1.3.1")
        assert content is not None
        Path("libz.so").write_bytes(content.read())
    Path("greet.c").write_text(GREET)
    Path("dist").mkdir()
    ignore = "-Wl,--unresolved-symbols=ignore-in-shared-libs"
    subprocess.run(["musl-gcc", "-Os", "-s", "greet.c", "libz.so", ignore, "-o", "dist/greet"], check=True)
    witchery = Command(tmp_path, capsys)
    done = witchery("build", "./dist/greet", "-X", boot_set, "-o", "oci:greet", "--arch", "x86_64")
    assert done.status == 0, done.err
    assert _measured(done.err + done.out) == _measured(shown[1] + "\n")
    ran = subprocess.run(
        [sys.executable, "-m", "witchery", "run", "oci:greet"], capture_output=True, text=True, check=True
    )
    assert ran.stdout == shown[2] + "\n"


def _measured(session: str) -> str:
    """A session without what compilers decide."""
    return re.sub(r"sha256:[0-9a-f]+|[0-9.]+ kB", "...", session)


def test_the_session_in_the_readme_is_a_real_one(
    tmp_path: Path, boot_set: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first screen shows, from the same packages, line by line.

    The digest of the top layer, and so the image's, may differ with the version of the compressor.
    """
    readme = (ROOT / "README.md").read_text()
    shown = re.search(r"-o oci:wget\n(.*?)\n\n\$ witchery run", readme, re.DOTALL)
    proven = re.search(r"\$ witchery verify .*?\n(.*?)\n```", readme, re.DOTALL)
    config = re.search(r"\$ cat witchery.yaml\n(.*?)\n\n", readme, re.DOTALL)
    assert shown is not None
    assert config is not None
    assert proven is not None
    text = config[1].replace("https://dl-cdn.alpinelinux.org/alpine/v3.19/main", str(boot_set))
    (tmp_path / "witchery.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    witchery = Command(tmp_path, capsys)
    done = witchery("build", "witchery.yaml", "-o", "oci:wget", "--arch", "x86_64")
    assert done.status == 0, done.err
    assert _without_digests(done.err + done.out) == _without_digests(shown[1])
    done = witchery("verify", "oci:wget", cache=False)
    assert done.status == 0, done.err
    made, written = (done.err + done.out).splitlines(), proven[1].splitlines()
    assert made[:9] == written[:9], "signed layers are the same everywhere"
    made = [line for line in made if not line.startswith("note:")]
    assert _without_digests("\n".join(made)) == _without_digests(proven[1].replace("...\n", ""))


def _without_digests(session: str) -> list[str]:
    return [line.split("sha256:")[0] for line in session.splitlines()]
