"""Whose file it is, and what holds where it is silent (docs/adr/0002-account-defaults.md)."""

import posixpath
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from witchery.config import tree
from witchery.config.accounts import Accounts, Group, User
from witchery.config.kinds import ListOf, Record, settings
from witchery.config.model import IMAGE, ImageConfig
from witchery.config.payload import NONROOT, NONROOT_ID
from witchery.value import replace

_NO_LOGIN = "/sbin/nologin"

ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/bin:/usr/sbin:/sbin:/bin",
        "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
    }
)
"""Variables that every image has unless its configuration sets them."""


class Dialect(Enum):
    """How a file is read where the two worlds differ: variables, and accounts when it names none."""

    WITCHERY = "witchery"
    APKO = "apko"

    @staticmethod
    def of(path: str, document: tree.Node | None = None) -> "Dialect":
        """Tells by the file's name, and by its keys.

        `apko.yaml` and `*.apko.yaml` (or `.yml`) are apko's, as long as no key stands in them that only
        Witchery knows. Everything else, the command line included, is Witchery's.
        """
        stem, extension = posixpath.splitext(posixpath.basename(path))
        named = extension in {".yaml", ".yml"} and (stem == "apko" or stem.endswith(".apko"))
        own = document is not None and _has_own_keys(IMAGE, document)
        return Dialect.APKO if named and not own else Dialect.WITCHERY


def _has_own_keys(kind: Record, node: tree.Node) -> bool:
    if not isinstance(node, tree.Mapping):
        return False
    table = settings(kind.type)
    for key, entry in node.entries.items():
        if key not in table:
            continue
        if table[key].own:
            return True
        inner, below = table[key].kind, [entry.value]
        if isinstance(inner, ListOf) and isinstance(entry.value, tree.Sequence):
            inner, below = inner.item, list(entry.value.items)
        if isinstance(inner, Record) and any(_has_own_keys(inner, each) for each in below):
            return True
    return False


class Effective(NamedTuple):
    """A configuration with its defaults filled in.

    Attributes:
        config: The configuration.
        notes: What a person should know about the defaults, a sentence each.
    """

    config: ImageConfig
    notes: tuple[str, ...]


def effective(config: ImageConfig, dialect: Dialect) -> Effective:
    """Fills in what holds where a configuration is silent: the accounts and the environment.

    A configuration that names no account runs as `nonroot`; in apko's dialect, as root.
    """
    config = replace(config, environment=MappingProxyType({**ENVIRONMENT, **config.environment}))
    accounts = config.accounts
    if accounts.named:
        if accounts.run_as:
            return Effective(config, ())
        return Effective(
            config, ("the image runs as root: `accounts` names users or groups, but no `run-as`",)
        )
    if dialect is Dialect.APKO:
        note = "the image runs as root, as with apko: the file names no account (see `accounts.run-as`)"
        return Effective(config, (note,))
    nonroot = Accounts(
        run_as=NONROOT,
        users=(User(username=NONROOT, uid=NONROOT_ID, shell=_NO_LOGIN),),
        groups=(Group(groupname=NONROOT, gid=NONROOT_ID),),
    )
    return Effective(replace(config, accounts=nonroot), ())
