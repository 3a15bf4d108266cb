"""What should not be in an image: secrets, leftovers, and what nobody would see there.

* `private-key`: a private key without a password, an error. A warning where it is encrypted, or where it lies
  among the tests of somebody else's package (`site-packages`, `node_modules`).
* `secret-file`, a warning: a file that keeps passwords or tokens for a tool, such as `.env` or `.npmrc`.
* `token`, a warning: a token of a well-known service; a note in the tests of somebody else's package.
* `leftover`, a warning: what version control, compilers, tools, editors or crashes left; a note for
  `__pycache__`.
* `large-duplicate`, a note: files of a MiB or more with the same content.
* `mounted-over`, a warning: files in folders over which runtimes mount (`/proc`, `/dev`, `/tmp`, ...).
* `not-searched`, a note: that there was more text than is searched for secrets.

Texts of up to 1 MiB are searched for secrets, at most 64 MiB of them in all, those with telling names first;
at most 512 MiB of files of the same size are compared. No message holds a secret: a token is told by its
first four characters and its length.
"""

import re
from collections.abc import Iterator

from witchery.digest import Digest, Hashing
from witchery.payload.classify import FileKind
from witchery.payload.findings import Finding, Report, Severity
from witchery.payload.lint import private_keys, secret_files, tokens
from witchery.payload.lint.leftovers import leftovers
from witchery.payload.options import ScanOptions
from witchery.payload.tree import Payload, PayloadFile

MAX_TEXT = 1 << 20
"""The longest text that is searched, in bytes."""
MAX_SEARCHED = 64 << 20
"""How much text is searched in all, in bytes."""
LARGE = 1 << 20
"""How long a file is that is compared with others, in bytes."""
MAX_COMPARED = 512 << 20
"""How much is read in all to compare, in bytes."""

_TEXTS = frozenset((FileKind.TEXT, FileKind.SCRIPT, FileKind.PEM))
_TELLING = re.compile(
    r"\.(?:pem|key|ppk|env|json|ya?ml|toml|ini|cfg|conf|properties|tfvars|sh)$|(?:^|/)id_[a-z0-9_]+$"
)
_OTHERS = re.compile(r"(?:^|/)(?:site-packages|dist-packages|node_modules|vendor|gems)/(?:.+/)?"
    r"(?:tests?|__tests?__|testing|testdata|test_data|spec|fixtures?|examples?|docs?|demo)/")  # fmt: skip
_MOUNTED = frozenset(("proc", "sys", "dev", "run", "tmp"))
_SECRET_HINT = "exclude it, and give it to the container when it runs: as a mount, or in its environment"  # noqa: S105
_KEY_HINT = (
    "where it is meant to be there, acknowledge it: `{rule: private-key, path: ...}` in `scan.acknowledge`"
)


def inspect(payload: Payload, options: ScanOptions) -> Report:
    """A `scan.Detector` for all of this; what is acknowledged, the scan takes out."""
    del options
    findings = (*_secrets(payload), *leftovers(payload), *_duplicates(payload), *_mounted_over(payload))
    return Report(findings=findings)


def _secrets(payload: Payload) -> Iterator[Finding]:
    left = MAX_SEARCHED
    unsearched = 0
    for file in _searchable(payload):
        key = private_keys.in_head(file.name, file.head)
        if key:
            yield _private_key(file, key)
        elif file.kind in _TEXTS or secret_files.named(file.path):
            if file.content.size > left:
                unsearched += 1
                continue
            left -= file.content.size
            yield from _in_text(file, b"".join(file.content.chunks()))
    if unsearched:
        message = (
            f"{unsearched} texts were not searched for secrets: {MAX_SEARCHED >> 20} MiB were before them"
        )
        yield Finding("not-searched", Severity.NOTE, "", message)


def _searchable(payload: Payload) -> list[PayloadFile]:
    """Files that may be searched, those with telling names first."""
    files = [each for each in payload if each.is_file and 0 < each.content.size <= MAX_TEXT]
    return sorted(files, key=lambda each: not _is_telling(each))


def _is_telling(file: PayloadFile) -> bool:
    if file.kind is FileKind.PEM or secret_files.named(file.path):
        return True
    return _TELLING.search(file.path) is not None


def _in_text(file: PayloadFile, data: bytes) -> Iterator[Finding]:
    keys = list(private_keys.in_text(data))
    if keys:
        worst = min(keys, key=lambda each: each.encrypted)
        yield _private_key(file, worst, len(keys))
    elif kept := secret_files.kept(file.path, data):
        yield Finding("secret-file", Severity.WARNING, file.path, f"holds {kept}", (_SECRET_HINT,))
    severity = Severity.NOTE if _OTHERS.search(file.path) else Severity.WARNING
    for token in tokens.in_text(data):
        more = f", and {token.others} more" if token.others else ""
        message = (
            f"holds {token.what} in line {token.line} (`{token.beginning}…`, {token.size} characters){more}"
        )
        hints = (_SECRET_HINT, "if it was ever published, revoke it")
        yield Finding("token", severity, file.path, message, hints)


def _private_key(file: PayloadFile, key: private_keys.PrivateKey, count: int = 1) -> Finding:
    where = f" in line {key.line}" if key.line > 1 else ""
    more = f", and {count - 1} more" if count > 1 else ""
    if key.encrypted:
        message = f"holds {key.what} under a password{where}{more}"
        return Finding("private-key", Severity.WARNING, file.path, message, (_SECRET_HINT,))
    if _OTHERS.search(file.path):
        message = f"holds {key.what}{where}{more}, among the tests of a package"
        return Finding("private-key", Severity.WARNING, file.path, message, ("exclude the tests",))
    message = f"holds {key.what}{where}{more}: whoever has the image has it"
    return Finding("private-key", Severity.ERROR, file.path, message, (_SECRET_HINT, _KEY_HINT))


def _duplicates(payload: Payload) -> Iterator[Finding]:
    alike: dict[tuple[int, bytes], list[PayloadFile]] = {}
    for file in payload:
        if file.is_file and file.content.size >= LARGE:
            alike.setdefault((file.content.size, file.head), []).append(file)
    left = MAX_COMPARED
    for (size, _), files in alike.items():
        if len(files) < 2 or size * len(files) > left:
            continue
        left -= size * len(files)
        same: dict[Digest, list[PayloadFile]] = {}
        for file in files:
            same.setdefault(Hashing(file.content.chunks()).digest(), []).append(file)
        for first, *more in same.values():
            if more:
                others = f" and {len(more) - 1} more" if len(more) > 1 else ""
                message = f"the same {size / (1 << 20):.1f} MiB are in `{more[0].path}`{others}"
                hint = "a symbolic link instead of a copy saves the space"
                yield Finding("large-duplicate", Severity.NOTE, first.path, message, (hint,))


def _mounted_over(payload: Payload) -> Iterator[Finding]:
    inside: dict[str, str] = {}
    for file in payload:
        folder = file.path.partition("/")[0]
        if file.is_file and folder in _MOUNTED:
            inside.setdefault(folder, file.path)
    for folder, path in inside.items():
        message = f"a runtime or its user may mount over `/{folder}`, and what is there is not seen then"
        yield Finding("mounted-over", Severity.WARNING, path, message, ("put it elsewhere",))
