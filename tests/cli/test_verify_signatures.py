"""`witchery verify --signature`: who signed an image, beside what it is made of."""

import json
from pathlib import Path

import pytest

from support.command import Command
from support.shared import needs_shared
from support.signing import private_pem, public_pem
from support.sigstore_services import ISSUER, sigstore, token

pytestmark = needs_shared

ME = "me@example.org"


@pytest.fixture
def signed(witchery: Command, wget: Path) -> str:
    """The digest of an image in the layout `image`, signed by `my.key`; `other.pub` is another's."""
    for name, number in (("my", 0), ("other", 1)):
        Path(f"{name}.key").write_bytes(private_pem("p256", number))
        Path(f"{name}.pub").write_bytes(public_pem(private_pem("p256", number)))
    done = witchery("build", wget, "-o", "oci:image", "--sign-key", "my.key")
    assert done.status == 0, done.err
    return done.out.strip()


def test_a_signature_that_is_there_is_named(witchery: Command, signed: str) -> None:
    done = witchery("verify", "oci:image", "--signature", "my.pub")
    assert (done.status, done.out) == (0, f"{signed}\n"), done.err
    assert "signed by `my.pub` (bundle, tag)" in done.err


def test_one_that_is_missing_is_the_answer_no(witchery: Command, signed: str) -> None:
    done = witchery("verify", "oci:image", "--signature", "my.pub", "--signature", "other.pub")
    assert (done.status, done.out) == (1, "")
    assert "none of its signatures counts (not by the key `other.pub`)" in done.err
    found = json.loads(witchery("verify", "oci:image", "--signature", "other.pub", "--json").out)
    assert found["verified"] is False
    (problem,) = found["platforms"][0]["problems"]
    assert (problem["rule"], problem["subject"]) == ("signature", "other.pub")


def test_an_image_that_nobody_signed_says_so(witchery: Command, wget: Path, signed: str) -> None:
    assert witchery("build", wget, "-o", "oci:bare").status == 0
    done = witchery("verify", "oci:bare", "--signature", "my.pub")
    assert done.status == 1
    assert "nobody signed the image, and it has to be signed by: `my.pub`" in done.err
    assert witchery("verify", "oci:bare").status == 0


def test_a_signature_of_the_index_counts_for_each_of_its_platforms(
    witchery: Command, signed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = Path(__file__).resolve().parents[2] / "examples/hello/witchery.yaml"
    bare = ("--sbom", "none", "--no-provenance", "--arch", "amd64,arm64")
    assert witchery("build", example, "-o", "oci:both", *bare).status == 0
    keys = ("-k", example.parents[1] / "repository/keys")
    assert witchery("verify", "oci:both", *keys, "--signature", "my.pub").status == 1
    assert witchery("sign", "oci:both", "--key", "my.key").status == 0
    done = witchery("verify", "oci:both", *keys, "--signature", "my.pub", "--json")
    remarks = [each["remarks"] for each in json.loads(done.out)["platforms"]]
    assert [("signed by `my.pub` (bundle, tag)" in each) for each in remarks] == [True, True]


def test_an_application_needs_a_signature_or_leave(witchery: Command, signed: str, boot_set: Path) -> None:
    """No distribution vouches for it: whoever signed the image does."""
    Path("app").mkdir()
    Path("app/data").write_text("nothing that runs")
    Path("app/run.sh").write_text("#!/bin/sh\necho hello\n")
    Path("app/run.sh").chmod(0o755)
    words = ("-X", boot_set, "--arch", "x86_64", "-o", "oci:mine", "--sign-key", "my.key")
    assert witchery("build", "app", *words).status == 0
    assert "[payload]" in witchery("verify", "oci:mine").err
    assert "[payload]" not in witchery("verify", "oci:mine", "--signature", "my.pub").err
    assert "[payload]" in witchery("verify", "oci:mine", "--signature", "other.pub").err


def test_an_identity_counts_as_a_key_does(
    witchery: Command, signed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOKEN", token(ME))
    with sigstore(tmp_path) as (_, described):
        words = ("--keyless", "--identity-token", "env://TOKEN", "--trust-config", described)
        assert witchery("sign", "oci:image", *words).status == 0
    asked = ("verify", "oci:image", "--trust-config", described, "--issuer", ISSUER)
    done = witchery(*asked, "--identity", ME)
    assert done.status == 0, done.err
    assert f"signed by `{ME} ({ISSUER})` (bundle)" in done.err
    other = witchery(*asked, "--identity", "you@example.org")
    assert other.status == 1
    assert "not by you@example.org" in other.err


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--signature", "my.key"], 3, "a private key, and a public one is wanted"),
        (["--signature", "nothing.pub"], 5, "nothing.pub"),
        (["--identity", ME], 2, "`--identity` and `--issuer` go together"),
        (["--issuer", ISSUER], 2, "`--identity` and `--issuer` go together"),
        (["--trust-config", "x.json"], 2, "`--trust-config` goes with `--identity`"),
    ],
)
def test_half_a_demand_is_refused(
    words: list[str], status: int, message: str, witchery: Command, signed: str
) -> None:
    done = witchery("verify", "oci:image", *words)
    assert (done.status, done.out) == (status, "")
    assert message in done.err
