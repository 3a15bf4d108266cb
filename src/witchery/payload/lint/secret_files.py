"""Files whose name says that they keep secrets, and which do hold some."""

import re
from typing import NamedTuple


class _Keeper(NamedTuple):
    """A kind of file.

    Attributes:
        what: What it holds.
        endings: How its path ends, in lower case, from a whole name on.
        holds: What its content has where there is a secret in it.
    """

    what: str
    endings: tuple[str, ...]
    holds: str


_ENVIRONMENT = _Keeper(
    "environment variables", (".env",), r"^[ \t]*(?:export[ \t]+)?[A-Z_][A-Z0-9_]*[ \t]*=[ \t]*[^\s#]"
)
_EXAMPLES = re.compile(r"[._-](?:examples?|samples?|template|tmpl|tpl|dist|defaults?|schema|ts)(?:[._-]|$)")
_KUBERNETES = _Keeper(
    "credentials of Kubernetes",
    (".kube/config",),
    r"^[ \t]*(?:-[ \t]*)?(?:token|client-key-data|password):[ \t]*[\"']?(?![\"'$\s])\S",
)
_TERRAFORM = _Keeper("the state of Terraform", (), r'"(?:resources|modules)"\s*:\s*\[\s*\{')
_KEEPERS = (
    _ENVIRONMENT,
    _KUBERNETES,
    _Keeper(
        "an SSH key",
        ("id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"),
        r"\S",
    ),
    _Keeper(
        "credentials of npm",
        (".npmrc",),
        r"^[ \t]*[^#;\s=]{0,200}_(?:authToken|auth|password)[ \t]*=[ \t]*(?![\s$])\S",
    ),
    _Keeper(
        "credentials of Yarn", (".yarnrc.yml",), r"^[ \t]*npmAuth(?:Token|Ident):[ \t]*[\"']?(?![\"'$\s])\S"
    ),
    _Keeper("credentials of a Python package index", (".pypirc",), r"^[ \t]*password[ \t]*[=:][ \t]*\S"),
    _Keeper("passwords", (".netrc", "_netrc"), r"\bpassword\s+\S"),
    _Keeper("credentials of AWS", (".aws/credentials",), r"^[ \t]*aws_secret_access_key[ \t]*=[ \t]*\S"),
    _Keeper(
        "credentials of registries",
        (".docker/config.json", ".dockercfg", ".dockerconfigjson", "containers/auth.json"),
        r'"(?:auth|identitytoken|password)"\s*:\s*"[^"]+"',
    ),
    _Keeper("credentials of Git", (".git-credentials",), r"https?://[^/\s:@]{1,200}:[^/\s@]{1,200}@"),
    _Keeper("a Git remote with a password", (".git/config",), r"https?://[^/\s:@]{1,200}:[^/\s@]{1,200}@"),
    _Keeper("passwords of PostgreSQL", (".pgpass",), r"^[^#:\s][^:\n]*:[^:\n]*:[^:\n]*:[^:\n]*:\S"),
    _Keeper("hashed passwords", (".htpasswd",), r"^[^#:\s][^:\n]*:\S"),
    _Keeper("a token of Vault", (".vault-token",), r"\S"),
    _Keeper("the key of Rails' credentials", ("config/master.key",), r"\A[0-9a-f]{32}\s*\Z"),
)
_BY_NAME = {
    ending.rpartition("/")[2]: [
        (f"/{other}", each)
        for each in _KEEPERS
        for other in each.endings
        if other.rpartition("/")[2] == ending.rpartition("/")[2]
    ]
    for keeper in _KEEPERS
    for ending in keeper.endings
}


def named(path: str) -> bool:
    """Whether a file of this path may keep secrets."""
    return _keeper(path) is not None


def kept(path: str, data: bytes) -> str:
    """What secrets a file keeps, in a few words; empty for none."""
    keeper = _keeper(path)
    if keeper and re.search(keeper.holds.encode(), data, re.IGNORECASE | re.MULTILINE):
        return keeper.what
    return ""


def _keeper(path: str) -> _Keeper | None:
    path = f"/{path.lower()}"
    name = path.rpartition("/")[2]
    for ending, keeper in _BY_NAME.get(name, ()):
        if path.endswith(ending):
            return keeper
    if name.startswith(".env.") and not _EXAMPLES.search(name):
        return _ENVIRONMENT
    if name.endswith((".tfstate", ".tfstate.backup")):
        return _TERRAFORM
    return _KUBERNETES if name.endswith("kubeconfig") else None
