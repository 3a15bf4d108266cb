"""The key that signs: from a file or the environment, with its passphrase. Neither is ever printed."""

import getpass
import os
import sys
from pathlib import Path

from witchery.errors import UsageError
from witchery.signing_keys import MAX_KEY, SigningKey, VerifyingKey
from witchery.store import atomic

_PASSWORDS = ("WITCHERY_KEY_PASSWORD", "COSIGN_PASSWORD")
_VARIABLE = "env://"


def read_signing_key(where: str) -> SigningKey:
    """Reads the private key that `--key` or `--sign-key` names: a file, or `env://NAME` as with cosign.

    Raises:
        StorageError: if the file cannot be read.
        UsageError: if there is no such variable, or no passphrase where one is needed.
        FormatError: if it is no key, or the passphrase is not its own.
    """
    return SigningKey.parse(where, _read(where), lambda: _passphrase(where))


def read_verifying_key(where: str) -> VerifyingKey:
    """Reads the public key that `--signature` names, in the same ways.

    Raises:
        StorageError: if the file cannot be read.
        UsageError: if there is no such variable.
        FormatError: if it is no key.
    """
    return VerifyingKey.parse(where, _read(where))


def read_identity_token(where: str) -> str:
    """Reads the identity token that `--identity-token` names, in the same ways; empty where none is named.

    Raises:
        StorageError: if the file cannot be read.
        UsageError: if there is no such variable, or what is there cannot be a token.
    """
    if not where:
        return ""
    token = _read(where).strip()
    if not token.isascii() or len(token.split()) != 1:
        raise UsageError(f"not an identity token: `{where}`")
    return token.decode()


def _read(where: str) -> bytes:
    if where.startswith(_VARIABLE):
        name = where.removeprefix(_VARIABLE)
        text = os.environ.get(name, "")
        if not text:
            raise UsageError(f"not set, or empty: `${name}`")
        return text.encode("utf-8", "surrogateescape")
    if "://" in where:
        raise UsageError(
            f"keys are read from files and from the environment: `{where}`",
            hint="keys in key management services and in hardware are cosign's to use; sign with it",
        )
    return atomic.read(Path(where), MAX_KEY)


def _passphrase(where: str) -> bytes:
    for name in _PASSWORDS:
        if name in os.environ:
            return os.environ[name].encode("utf-8", "surrogateescape")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"the key is encrypted, and there is nobody to ask for its passphrase: `{where}`",
            hint=f"set `${_PASSWORDS[0]}`; `${_PASSWORDS[1]}` is read as well",
        )
    try:
        return getpass.getpass(f"passphrase of {where}: ", sys.stderr).encode()
    except EOFError:
        raise UsageError(f"no passphrase was given: `{where}`") from None
