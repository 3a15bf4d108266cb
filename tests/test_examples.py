"""The examples that come with the project are what their sources say."""

import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from witchery.apk import archive, signature, writer
from witchery.keys import Keyring, PublicKey

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
REPOSITORY = EXAMPLES / "repository"
ARCHES = ("x86_64", "aarch64")


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_examples", REPOSITORY / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("arch", ARCHES)
def test_the_packages_are_made_from_the_sources_in_the_tree(make: ModuleType, arch: str) -> None:
    """Made again, every byte that is signed is the same, but for the signature itself."""
    for info, files in make.packages(arch):
        kept = (REPOSITORY / arch / f"{info.name}-{info.version}.apk").read_bytes()
        signed = archive.read([kept], lambda _: None)
        assert writer.package(info, files) == kept[len(signed.signature_segment) :]


@pytest.mark.parametrize("arch", ARCHES)
def test_everything_is_signed_by_the_key_beside_it(arch: str) -> None:
    keys = Keyring(PublicKey.parse(path.name, path.read_bytes()) for path in REPOSITORY.glob("keys/*.pub"))
    found, covered = signature.split((REPOSITORY / arch / "APKINDEX.tar.gz").read_bytes())
    assert signature.verify(found, covered, keys, allow_untrusted=False).algorithm == "RSA256"
    for path in (REPOSITORY / arch).glob("*.apk"):
        made = archive.read([path.read_bytes()], lambda _: None)
        assert signature.verify(made.signatures, made.control_segment, keys, allow_untrusted=False)


@pytest.mark.skipif(platform.machine() not in ARCHES, reason="the program is for x86_64 and aarch64")
def test_the_program_greets(make: ModuleType, tmp_path: Path) -> None:
    program = tmp_path / "hello"
    program.write_bytes(sys.modules["hello"].executable(platform.machine()))
    program.chmod(0o755)
    done = subprocess.run([program], capture_output=True, check=True, env=dict(os.environ))
    assert done.stdout == sys.modules["hello"].TEXT
