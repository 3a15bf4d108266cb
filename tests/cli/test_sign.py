"""`witchery sign` and `build --sign-key` as their user sees them; no passphrase and no key is ever shown."""

import json
import os
import pty
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from support.command import Command, process
from support.shared import needs_shared
from support.signing import openssl, private_pem, public_pem, sealed_key
from witchery.keys import PublicKey

pytestmark = needs_shared

SECRET = "correct horse battery"
BARE = ("--no-provenance", "--evidence", "none", "--sbom", "none")
"""Nothing beside the image but signatures."""


@pytest.fixture
def image(witchery: Command, wget: Path) -> str:
    """The digest of an image in the layout `image`."""
    done = witchery("build", wget, "-o", "oci:image", *BARE)
    assert done.status == 0
    return done.out.strip()


@pytest.fixture(autouse=True)
def _no_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WITCHERY_KEY_PASSWORD", "COSIGN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def write(name: str, pem: bytes) -> str:
    Path(name).write_bytes(pem)
    return name


def test_it_says_what_was_signed_and_prints_the_digest(witchery: Command, image: str) -> None:
    key = write("my.key", private_pem("p256"))
    done = witchery("sign", "oci:image", "--key", key, "-v")
    fingerprint = PublicKey.parse("k", public_pem(private_pem("p256"))).fingerprint
    assert done.status == 0
    assert done.out == f"{image}\n"
    assert done.err.splitlines() == [
        f"signed {image} (linux/amd64): bundle, tag",
        f"by ECDSA P-256, {fingerprint}",
    ]
    again = witchery("sign", "oci:image", "--key", key)
    assert again.err == f"signed by this key already: {image} (linux/amd64)\n"


def test_a_program_is_told_the_same(witchery: Command, image: str) -> None:
    key = write("my.key", private_pem("rsa"))
    found = json.loads(witchery("sign", "oci:image", "--key", key, "--json").out)
    fingerprint = PublicKey.parse("k", public_pem(private_pem("rsa"))).fingerprint
    assert found == {
        "schema": "dev.witchery.sign/1",
        "digest": image,
        "key": {"kind": "RSA 2048", "fingerprint": fingerprint},
        "signed": [
            {"digest": image, "platform": "linux/amd64", "made": ["bundle", "tag"], "present": []},
        ],
    }


def test_a_build_signs_what_sign_would(witchery: Command, wget: Path, image: str) -> None:
    key = write("my.key", private_pem("p256"))
    assert witchery("build", wget, "-o", "oci:built", *BARE, "--sign-key", key).status == 0
    assert witchery("sign", "oci:image", "--key", key).status == 0
    name = f"referrers/{image.replace(':', '-')}.json"
    assert Path("built", name).read_bytes() == Path("image", name).read_bytes()
    done = witchery("sign", "oci:built", "--key", key)
    assert done.err.startswith("signed by this key already")


@pytest.mark.parametrize("variable", ["WITCHERY_KEY_PASSWORD", "COSIGN_PASSWORD"])
@pytest.mark.parametrize("form", ["PKCS #8", "cosign"])
def test_the_passphrase_comes_from_the_environment_and_goes_nowhere(
    variable: str, form: str, witchery: Command, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = private_pem("p256")
    if form == "cosign":
        key = write("my.key", sealed_key(pem, SECRET.encode()))
    else:
        key = write("my.key", openssl("pkcs8", "-topk8", "-passout", f"pass:{SECRET}", stdin=pem))
    monkeypatch.setenv(variable, SECRET)
    done = witchery("sign", "oci:image", "--key", key, "-v")
    assert done.status == 0
    monkeypatch.setenv(variable, "w" + SECRET)
    wrong = witchery("sign", "oci:image", "--key", key, "-v")
    assert wrong.status == 3
    assert wrong.err == "error: my.key: another passphrase, or a damaged key\n"
    written = b"".join(each.read_bytes() for each in Path("image").rglob("*") if each.is_file())
    for said in (done.out.encode(), done.err.encode(), wrong.err.encode(), written):
        assert SECRET.encode() not in said
        assert pem.splitlines()[1][:40] not in said


def test_without_anybody_to_ask_it_says_where_a_passphrase_goes(tmp_path: Path, image: str) -> None:
    pem = openssl("pkcs8", "-topk8", "-passout", f"pass:{SECRET}", stdin=private_pem("p256"))
    key = write("my.key", pem)
    done = process("sign", "oci:image", "--key", key, cwd=tmp_path, stdin="")
    assert done.status == 2
    assert done.err.splitlines() == [
        "error: the key is encrypted, and there is nobody to ask for its passphrase: `my.key`",
        "  hint: set `$WITCHERY_KEY_PASSWORD`; `$COSIGN_PASSWORD` is read as well",
    ]


def on_a_terminal(cwd: Path, answer: bytes, *words: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own, answers its question, and gives all that was seen there."""
    command = [sys.executable, "-m", "witchery", *words]
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        os.execve(sys.executable, command, os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    seen = b""
    while b"passphrase of my.key: " not in seen:
        seen += os.read(terminal, 1024)
    os.write(terminal, answer)
    with suppress(OSError):  # a terminal without a process
        while data := os.read(terminal, 1024):
            seen += data
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen.decode().replace("\r\n", "\n")


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_on_a_terminal_the_passphrase_is_asked_for_and_not_echoed(tmp_path: Path, image: str) -> None:
    pem = openssl("pkcs8", "-topk8", "-passout", f"pass:{SECRET}", stdin=private_pem("p256"))
    write("my.key", pem)
    status, seen = on_a_terminal(tmp_path, f"{SECRET}\n".encode(), "sign", "oci:image", "--key", "my.key")
    assert status == 0, seen
    assert f"signed {image}" in seen
    assert SECRET not in seen
    status, seen = on_a_terminal(tmp_path, b"\x04", "sign", "oci:image", "--key", "my.key")
    assert status == 2
    assert "no passphrase was given: `my.key`" in seen


def test_a_key_may_be_in_the_environment(
    witchery: Command, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNING_KEY", private_pem("ed25519").decode())
    assert witchery("sign", "oci:image", "--key", "env://SIGNING_KEY").status == 0
    missing = witchery("sign", "oci:image", "--key", "env://OTHER_KEY")
    assert (missing.status, missing.err) == (2, "error: not set, or empty: `$OTHER_KEY`\n")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["sign", "oci:image", "--key", "missing.key"], 5, "missing.key"),
        (["sign", "oci:image", "--key", "awskms://1"], 2, "keys are read from files and from the environ"),
        (["sign", "oci:image", "--key", "public.key"], 3, "a public key, and a private one is wanted"),
        (["sign", "oci:nothing", "--key", "my.key"], 5, "no such folder"),
        (["sign", "image.tar", "--key", "my.key"], 2, "nothing can be added to an archive"),
        (["sign", "rootfs:x", "--key", "my.key"], 2, "no image"),
        (["build", "witchery.yaml", "--sign-key", "public.key"], 3, "a public key"),
        (["build", "witchery.yaml", "--builder-id", "me and you"], 2, "expected a URI"),
        (["build", "witchery.yaml", "--builder-id", "x:y", "--no-provenance"], 2, "`--no-provenance`"),
    ],
    ids=lambda value: "-".join(value[-1:]) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused_before_anything_is_done(
    arguments: list[str], status: int, message: str, witchery: Command, image: str
) -> None:
    write("my.key", private_pem("p256"))
    write("public.key", public_pem(private_pem("p256")))
    done = witchery(*arguments)
    assert (done.status, done.out) == (status, "")
    assert message in done.err
    assert not Path("image/referrers").exists()
