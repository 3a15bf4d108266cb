"""Secrets, leftovers and copies are found in what looks real, and not in what only looks like them."""

import base64
import datetime as dt
import json
import random
import string
from collections.abc import Callable
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from support.payloads import make_payload
from witchery.payload.findings import Finding
from witchery.payload.lint import detector as lint
from witchery.payload.options import Acknowledgement, ScanOptions
from witchery.payload.scan import scan

Make = Callable[[], bytes]
PASSWORD = BestAvailableEncryption(b"correct horse")
OPEN = NoEncryption()


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ssh_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@cache
def certificate() -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example")])
    start = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - as the library wants it
    builder = x509.CertificateBuilder(name, name, ec_key().public_key(), 7, start, start.replace(year=2030))
    return builder.sign(ec_key(), hashes.SHA256())


def found(files: dict[str, bytes], root: str = "app") -> list[Finding]:
    return list(lint.inspect(make_payload(files, root=root), ScanOptions()).findings)


def told(files: dict[str, bytes]) -> list[tuple[str, str, str]]:
    return [(each.rule, each.severity.value, each.path) for each in found(files)]


def public() -> bytes:
    return rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def pem(form: PrivateFormat = PrivateFormat.PKCS8, *, encrypted: bool = False) -> bytes:
    return rsa_key().private_bytes(Encoding.PEM, form, PASSWORD if encrypted else OPEN)


def openssh() -> bytes:
    return ssh_key().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, OPEN)


def encrypted_openssh() -> bytes:
    """As far as it tells that it is encrypted; the library wants another library for a whole one."""
    body = base64.encodebytes(b"openssh-key-v1\0\0\0\0\x0aaes256-ctr\0\0\0\6bcrypt" + bytes(range(200)))
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + body + b"-----END OPENSSH PRIVATE KEY-----\n"


def in_source() -> bytes:
    lines = pem(PrivateFormat.TraditionalOpenSSL).decode().splitlines()
    return ("const key = " + " +\n  ".join(f'"{line}\\n"' for line in lines) + ";\n").encode()


def service_account() -> bytes:
    return json.dumps({"type": "service_account", "private_key": pem().decode()}, indent=2).encode()


def putty(encryption: str) -> bytes:
    body = base64.b64encode(bytes(36)).decode()
    return (
        f"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: {encryption}\r\nComment: me\r\n"
        f"Public-Lines: 1\r\n{body}\r\nPrivate-Lines: 1\r\n{body}\r\nPrivate-MAC: {'0a' * 32}\r\n"
    ).encode()


def openpgp(first: int) -> bytes:
    body = base64.encodebytes(bytes([first, 0x58]) + bytes(range(88))).decode()
    return (
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nComment: x\n\n{body}=Ab12\n"
        "-----END PGP PRIVATE KEY BLOCK-----\n"
    ).encode()


KEYS: dict[str, tuple[str, Make, str]] = {
    "PKCS#8": ("conf/server.key", pem, "a private key:"),
    "PKCS#1": ("server.pem", lambda: pem(PrivateFormat.TraditionalOpenSSL), "an RSA private key:"),
    "EC": (
        "ec.pem",
        lambda: ec_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, OPEN),
        "an EC private key:",
    ),
    "after a certificate": (
        "both.pem",
        lambda: certificate().public_bytes(Encoding.PEM) + pem(),
        "a private key in line ",
    ),
    "Windows line ends": ("a.pem", lambda: pem().replace(b"\n", b"\r\n"), "a private key:"),
    "OpenSSH": ("deploy", openssh, "an OpenSSH private key:"),
    "service account": ("google.json", service_account, "a private key in line 3:"),
    "source code": ("index.js", in_source, "an RSA private key:"),
    "YAML": (
        "secret.yaml",
        lambda: b"tls:\n  key: |\n" + b"".join(b"    " + line for line in pem().splitlines(keepends=True)),
        "a private key in line 3:",
    ),
    "PuTTY": ("me.ppk", lambda: putty("none"), "a PuTTY private key:"),
    "OpenPGP": ("release.asc", lambda: openpgp(0x95), "an OpenPGP private key:"),
    "age": (
        "key.txt",
        lambda: (
            b"# created\nAGE-SECRET-KEY-1" + b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"
        ),
        "an age private key in line 2:",
    ),
    "DER": (
        "server.der",
        lambda: rsa_key().private_bytes(Encoding.DER, PrivateFormat.PKCS8, OPEN),
        "a private key in DER:",
    ),
    "DER of RSA": (
        "server.key",
        lambda: rsa_key().private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, OPEN),
        "a private key in DER:",
    ),
    "DER of Ed25519": (
        "ed.pk8",
        lambda: ssh_key().private_bytes(Encoding.DER, PrivateFormat.PKCS8, OPEN),
        "a private key in DER:",
    ),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_private_key_is_an_error_wherever_it_is(kind: str) -> None:
    path, make, message = KEYS[kind]
    (finding,) = found({path: make()})
    assert (finding.rule, finding.severity.value, finding.path) == ("private-key", "error", f"app/{path}")
    assert message in finding.message
    assert "scan.acknowledge" in finding.hints[1]


ENCRYPTED: dict[str, tuple[str, Make]] = {
    "PKCS#8": ("server.key", lambda: pem(encrypted=True)),
    "RFC 1421": ("server.pem", lambda: pem(PrivateFormat.TraditionalOpenSSL, encrypted=True)),
    "OpenSSH": ("id_ed25519", encrypted_openssh),
    "PuTTY": ("me.ppk", lambda: putty("aes256-cbc")),
    "PKCS#12": (
        "store.p12",
        lambda: pkcs12.serialize_key_and_certificates(b"x", ec_key(), certificate(), None, PASSWORD),
    ),
    "Java": ("app.jks", lambda: b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\1" + bytes(50)),
}


@pytest.mark.parametrize("kind", ENCRYPTED)
def test_a_private_key_under_a_password_is_a_warning(kind: str) -> None:
    path, make = ENCRYPTED[kind]
    assert told({path: make()}) == [("private-key", "warning", f"app/{path}")]


@pytest.mark.parametrize(
    "path",
    [
        "lib/python3.12/site-packages/aiohttp/tests/server.key",
        "node_modules/https-proxy/test/fixtures/key.pem",
        "node_modules/@scope/pkg/__tests__/ssl.pem",
    ],
)
def test_a_key_among_the_tests_of_a_package_is_a_warning(path: str) -> None:
    assert told({path: pem()}) == [("private-key", "warning", f"app/{path}")]


def test_a_key_among_one_s_own_tests_is_an_error_still() -> None:
    assert told({"tests/server.key": pem()}) == [("private-key", "error", "app/tests/server.key")]


def test_several_keys_in_one_file_are_told_once_and_by_the_worst() -> None:
    (finding,) = found({"all.pem": pem(encrypted=True) + pem() + pem()})
    assert finding.severity.value == "error"
    assert "and 2 more" in finding.message


NO_KEYS: dict[str, tuple[str, Make]] = {
    "certificate": ("ca.pem", lambda: certificate().public_bytes(Encoding.PEM)),
    "public key": ("packages.rsa.pub", public),
    "a name alone": ("server.key", lambda: b"see the vault\n"),
    "documentation": (
        "README.md",
        lambda: b"-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq...\n-----END RSA PRIVATE KEY-----\n",
    ),
    "the beginning of one": (
        "README.md",
        lambda: b"\n".join([*pem().splitlines()[:3], b"-----END PRIVATE KEY-----"]),
    ),
    "a parser": (
        "pem.py",
        lambda: b'BEGIN = "-----BEGIN PRIVATE KEY-----"\nEND = "-----END PRIVATE KEY-----"\n',
    ),
    "no end": ("x.pem", lambda: pem().partition(b"-----END")[0]),
    "OpenPGP public key in the wrong armour": ("x.asc", lambda: openpgp(0x99)),
    "example of age": ("age.md", lambda: b"AGE-SECRET-KEY-1" + b"Q" * 58),
    "certificate in DER": ("ca.der", lambda: certificate().public_bytes(Encoding.DER)),
    "trust store": ("cacerts", lambda: b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\2" + bytes(50)),
}


@pytest.mark.parametrize("kind", NO_KEYS)
def test_what_is_no_private_key_is_passed_over(kind: str) -> None:
    path, make = NO_KEYS[kind]
    assert told({path: make()}) == []


def made_up(letters: str, size: int, seed: int = 1) -> str:
    """Something that looks random, and is the same each time."""
    return "".join(random.Random(seed).choices(letters, k=size))


LETTERS = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"
TOKENS = {
    "an AWS access key": "AKIA" + made_up(BASE32, 16),
    "a GitHub token": "ghp_" + made_up(LETTERS, 36),
    "a GitLab token": "glpat-" + made_up(LETTERS, 20),
    "a Slack token": "xoxb-" + "172839405162-583920174658-" + made_up(LETTERS, 24),
    "a Slack web hook": "hooks.slack.com/services/T0"
    + made_up(BASE32, 8)
    + "/B0"
    + made_up(BASE32, 8)
    + "/"
    + made_up(LETTERS, 24),
    "a Stripe live key": "sk_" + "live_" + made_up(LETTERS, 24),
    "a Google API key": "AIza" + made_up(LETTERS, 35),
    "an npm token": "npm_" + made_up(LETTERS, 36),
    "a PyPI token": "pypi-AgEIcHlwaS5vcmc" + made_up(LETTERS, 120),
    "a SendGrid key": "SG." + made_up(LETTERS, 22) + "." + made_up(LETTERS, 43),
    "an OpenAI key": "sk-proj-" + made_up(LETTERS, 40) + "T3BlbkFJ" + made_up(LETTERS, 40),
    "an Anthropic key": "sk-ant-api03-" + made_up(LETTERS, 93),
    "a Docker Hub token": "dckr_pat_" + made_up(LETTERS, 27),
    "a DigitalOcean token": "dop_v1_" + made_up("0123456789abcdef", 64),
    "a Hugging Face token": "hf_" + made_up(string.ascii_letters, 34),
}


@pytest.mark.parametrize("what", TOKENS)
@pytest.mark.parametrize("form", ["KEY={}\n", '{{"key": "{}"}}', "curl -H 'X: {}'", "https://{}", "\n\n{}"])
def test_a_token_is_found_and_never_told(what: str, form: str) -> None:
    token = TOKENS[what]
    (finding,) = found({"settings.json": form.format(token).encode()})
    assert (finding.rule, finding.severity.value) == ("token", "warning")
    line = form.index("{}") and form.partition("{}")[0].count("\n") + 1
    assert f"holds {what} in line {line or 1} (`{token[:4]}…`, {len(token)} characters)" == finding.message
    shown = " ".join((str(finding), *finding.hints))
    assert not [token[at : at + 6] for at in range(len(token) - 5) if token[at : at + 6] in shown and at]


def test_several_tokens_of_one_kind_are_told_once_a_file() -> None:
    lines = [f"{name} = 'npm_{made_up(LETTERS, 36, seed)}'" for seed, name in enumerate("abca")]
    (finding,) = found({"x.py": "\n".join(lines).encode()})
    assert finding.message.endswith("and 3 more")


@pytest.mark.parametrize(
    "text",
    [
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        "AKIA" + "X" * 16,
        "export GITHUB_TOKEN=ghp_" + "x" * 36,
        "ghp_" + "1234567890" * 3 + "abcdef",
        "npm_" + made_up(LETTERS, 20),
        "npm_config_" + made_up(LETTERS, 36),
        "sk_" + "test_" + made_up(LETTERS, 24),
        "hf_" + made_up(LETTERS, 60),
        "glpat-" + "-" * 20,
        "xoxb-not-a-real-token",
        "commit " + made_up("0123456789abcdef", 40),
        "data:image/png;base64," + made_up(LETTERS, 20) + "AKIA" + made_up(BASE32, 16),
        "AIza" + made_up(LETTERS, 60),
    ],
)
def test_placeholders_and_chance_are_no_tokens(text: str) -> None:
    assert told({"README.md": text.encode()}) == []


def test_a_token_in_the_documents_of_a_package_is_a_note() -> None:
    path = "node_modules/octokit/docs/auth.md"
    assert told({path: TOKENS["a GitHub token"].encode()}) == [("token", "note", f"app/{path}")]


SECRET_FILES = {
    ".env": b"# settings\nexport DB_PASSWORD=hunter2\n",
    "conf/.env.production": b"KEY=value",
    ".ssh/id_rsa": b"(in some format of the future)",
    ".npmrc": b"registry=https://npm.example.org\n//npm.example.org/:_authToken=hunter2\n",
    ".yarnrc.yml": b"npmAuthToken: hunter2\n",
    ".pypirc": b"[pypi]\nusername = __token__\npassword = hunter2\n",
    ".netrc": b"machine example.org login me password hunter2\n",
    "home/.aws/credentials": b"[default]\naws_secret_access_key = hunter2\n",
    ".docker/config.json": b'{"auths": {"example.org": {"auth": "aHVudGVyMg=="}}}',
    ".git-credentials": b"https://me:hunter2@example.org\n",
    ".kube/config": b"users:\n- name: me\n  user:\n    token: hunter2\n",
    "prod.kubeconfig": b"users:\n- user: {}\n  client-key-data: aHVudGVyMg==\n",
    "terraform.tfstate": b'{"version": 4, "resources": [{"type": "random_password", "result": "hunter2"}]}',
    ".pgpass": b"db.example.org:5432:*:me:hunter2\n",
    ".htpasswd": b"me:$apr1$hunter2\n",
    ".vault-token": b"hunter2",
    "config/master.key": b"0123456789abcdef0123456789abcdef",
}


@pytest.mark.parametrize("path", SECRET_FILES)
def test_a_file_that_keeps_secrets_is_a_warning_that_keeps_them_too(path: str) -> None:
    (finding,) = found({path: SECRET_FILES[path]})
    assert (finding.rule, finding.severity.value, finding.path) == ("secret-file", "warning", f"app/{path}")
    assert "hunter2" not in " ".join((str(finding), *finding.hints))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".env", b"# nothing\nEMPTY=\n"),
        (".env.example", b"DB_PASSWORD=change me\n"),
        (".env.sample.local", b"DB_PASSWORD=change me\n"),
        (".envoy", b"A=b\n"),
        ("id_rsa.pub", b"ssh-rsa AAAA me\n"),
        (".npmrc", b"//npm.example.org/:_authToken=${NPM_TOKEN}\nsave-exact=true\n"),
        (".yarnrc.yml", b'npmAuthToken: "${NPM_TOKEN}"\n'),
        (".pypirc", b"[pypi]\nusername = __token__\npassword =\n"),
        (".docker/config.json", b'{"auths": {"example.org": {}}, "credsStore": "pass"}'),
        ("config.json", b'{"auth": "basic"}'),
        (".git-credentials", b"https://me@example.org\n"),
        (".kube/config", b"users:\n- user:\n    tokenFile: /run/token\n    token: ''\n"),
        ("empty.tfstate", b'{"version": 4, "resources": []}'),
        ("master.key", b"0123456789abcdef0123456789abcdef"),
    ],
)
def test_a_file_without_a_secret_is_passed_over(path: str, content: bytes) -> None:
    assert told({path: content}) == []


def core() -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\4\0\x3e\0\1\0\0\0" + bytes(40)


def object_file() -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\1\0\x3e\0\1\0\0\0" + bytes(40)


@pytest.mark.parametrize(
    ("files", "path", "message"),
    [
        (
            {".git/HEAD": b"ref", ".git/objects/ab/cd": b"x" * 5000},
            ".git",
            "with its history (2 files, 5 KiB)",
        ),
        ({"sub/.svn/entries": b"12"}, "sub/.svn", "version control"),
        ({"node_modules/.cache/babel/x.json": b"{}"}, "node_modules/.cache", "a cache of a tool (1 file"),
        ({".mypy_cache/3.12/a.json": b"{}", ".mypy_cache/.git/x": b""}, ".mypy_cache", "(2 files"),
        ({"core.1234": core()}, "core.1234", "is a core dump"),
        ({"src/a.o": object_file(), "src/b.o": object_file()}, "src/a.o", "compiling, and 1 more beside it"),
        ({"lib/libx.a": b"!<arch>\n"}, "lib/libx.a", "compiling"),
        ({"lib/libx.la": b"# libx.la - a libtool library file\n"}, "lib/libx.la", "compiling"),
        ({"img/.DS_Store": b"\0\0\0\1Bud1"}, "img/.DS_Store", "a file manager"),
        ({"main.py~": b"old"}, "main.py~", "an editor"),
        ({".main.py.swp": b"b0VIM 9.0"}, ".main.py.swp", "an editor"),
        ({"x.patch.rej": b"@@"}, "x.patch.rej", "a merge or patch"),
        ({".coverage": b"SQLite format 3\0"}, ".coverage", "test coverage"),
        ({"vendor/lib/.git": b"gitdir: ../../.git/modules/lib\n"}, "vendor/lib/.git", "a Git repository"),
    ],
)
def test_what_was_left_lying_is_told_once(files: dict[str, bytes], path: str, message: str) -> None:
    (finding,) = found(files)
    assert (finding.rule, finding.severity.value, finding.path) == ("leftover", "warning", f"app/{path}")
    assert message in finding.message
    assert "exclude it" in finding.hints[0]


def test_compiled_python_is_a_note_for_all_of_it() -> None:
    files = {f"pkg{n}/__pycache__/m.cpython-312.pyc": b"x" * 1024 for n in range(3)}
    (finding,) = found(files)
    assert (finding.rule, finding.severity.value, finding.path) == ("leftover", "note", "app")
    assert finding.message == "3 folders `__pycache__` of compiled Python (3 files, 3 KiB)"


def test_many_leftovers_in_many_folders_are_told_together() -> None:
    files = {f"{n}/.DS_Store": b"x" for n in range(100)} | {f"m{n}/.git/HEAD": b"ref" for n in range(100)}
    messages = {each.message for each in found(files)}
    assert "100 leftovers of a file manager in 100 folders, such as `app/0/.DS_Store`" in messages
    assert any(each.startswith("100 folders `.git`") for each in messages)
    assert len(messages) == 2


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".gitignore", b"*.pyc\n"),
        ("app.o", b"not an object file"),
        ("core", b"#!/bin/sh\n"),
        ("core/index.js", b"x"),
        ("lib/libx.so.1", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\3\0\x3e\0" + bytes(44)),
        ("data/a.a", b"aaaa"),
        ("cache/x", b"x"),
        ("gitignore/.github/workflows/x.yml", b"on: push"),
    ],
)
def test_what_only_sounds_like_a_leftover_is_passed_over(path: str, content: bytes) -> None:
    assert told({path: content}) == []


def test_the_folders_beside_a_repository_are_not_in_it() -> None:
    files = {".git/HEAD": b"ref", ".git-hooks/.hg/x": b"1", ".git/id_rsa~": b"x"}
    assert sorted(told(files)) == [
        ("leftover", "warning", "app/.git"),
        ("leftover", "warning", "app/.git-hooks/.hg"),
    ]


def test_large_copies_are_a_note_and_files_that_only_begin_alike_are_none() -> None:
    large = bytes(1 << 20)
    files = {
        "lib/libx.so": large + b"1",
        "lib/libx.so.1": large + b"1",
        "lib/libx.so.1.2": large + b"1",
        "lib/other": large + b"2",
        "small": b"1",
        "too": b"1",
    }
    (finding,) = found(files)
    assert (finding.rule, finding.severity.value, finding.path) == (
        "large-duplicate",
        "note",
        "app/lib/libx.so",
    )
    assert finding.message == "the same 1.0 MiB are in `app/lib/libx.so.1` and 1 more"


def test_what_a_runtime_mounts_over_is_a_warning() -> None:
    findings = found({"tmp/x": b"1", "tmp/y": b"1", "proc/z": b"1", "srv/tmp/x": b"1"}, root="")
    assert [(each.rule, each.path) for each in findings] == [
        ("mounted-over", "proc/z"),
        ("mounted-over", "tmp/x"),
    ]


def test_text_beyond_the_limit_is_not_searched_which_is_told_and_telling_names_come_first() -> None:
    token = TOKENS["a GitHub token"].encode()
    text = b"." * ((1 << 20) - 100)
    files = {f"a{n:02}.txt": text + b"." * n for n in range(64)}
    files |= {"z.txt": text + token, ".env": b"T=" + token, "large.txt": b"." * (1 << 20) + token}
    assert sorted(told(files)) == [
        ("not-searched", "note", ""),
        ("secret-file", "warning", "app/.env"),
        ("token", "warning", "app/.env"),
    ]


@pytest.mark.parametrize(
    ("acknowledged", "left"),
    [
        ([], ["private-key", "secret-file", "leftover"]),
        (["secret-file", "leftover"], ["private-key"]),
        (["private-key"], ["private-key", "secret-file", "leftover"]),
        ([("private-key", "*")], ["private-key", "secret-file", "leftover"]),
        (
            [("private-key", "/app/other.pem"), ("leftover", "/srv/*")],
            ["private-key", "secret-file", "leftover"],
        ),
        ([("private-key", "/app/*.pem"), ("leftover", "app/.git")], ["secret-file"]),
    ],
)
def test_findings_are_acknowledged_by_rule_and_errors_by_rule_and_path(
    acknowledged: list[str | tuple[str, str]], left: list[str]
) -> None:
    payload = make_payload({"server.pem": pem(), ".env": b"A=b", ".git/HEAD": b"ref"})
    known = [
        Acknowledgement(each) if isinstance(each, str) else Acknowledgement(*each) for each in acknowledged
    ]
    kept = [each.rule for each in scan(payload, ScanOptions(acknowledged=known)).findings]
    assert sorted(kept) == sorted(left)


@pytest.mark.parametrize(
    "text",
    [
        b"-----BEGIN PRIVATE KEY-----" * 30_000,
        b"sk-" * 300_000 + b"T3BlbkFJ",
        b"\n" * 900_000,
        b"A\n" * 450_000,
        b"xoxb-1-1-1-1" * 80_000,
        b'"auth"' + b" " * 900_000,
    ],
    ids=["armour", "prefixes", "lines", "names", "numbers", "blanks"],
)
@pytest.mark.parametrize("name", [".env", ".npmrc", ".kube/config", "x.txt", ".docker/config.json", ".netrc"])
def test_hostile_text_takes_no_time(name: str, text: bytes) -> None:
    assert told({name: text}) in ([], [("secret-file", "warning", f"app/{name}")])
